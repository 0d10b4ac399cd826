"""Keyboard, buttons, pointer and wheel -> input events, while the game takes input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QWheelEvent

from rejoin.clock import Clock
from rejoin.gamepads.choices import PadChoices
from rejoin.gamepads.in_hand import PadNews
from rejoin.gui.control_options import MouseOptions
from rejoin.gui.key_events import LOCK_KEYS, LOCKS, code_of, identity_of, key_of, modifiers_after
from rejoin.input_events.events import (
    Button,
    InputEvent,
    KeyEvent,
    Modifiers,
    PadState,
    PointerButton,
    PointerMove,
    ReleaseAll,
    View,
    Wheel,
)
from rejoin.input_events.held import Held
from rejoin.input_events.keys import BY_CODE

BUTTONS: dict[Qt.MouseButton, Button] = {
    Qt.MouseButton.LeftButton: Button.LEFT,
    Qt.MouseButton.MiddleButton: Button.MIDDLE,
    Qt.MouseButton.RightButton: Button.RIGHT,
    Qt.MouseButton.BackButton: Button.BACK,
    Qt.MouseButton.ForwardButton: Button.FORWARD,
}


@dataclass(slots=True)
class PointerTravel:
    """How far the pointer moved since last time, not counting the moves that we made ourselves.

    Positions are global, in Qt's pixels. Travel is in whole device pixels; fractions are carried
    over.
    """

    _last: tuple[float, float] | None = None
    _warp: tuple[float, float] | None = None
    _rest_x: float = 0.0
    _rest_y: float = 0.0

    def begin(self, x: float, y: float) -> None:
        """The pointer is here; it has not moved yet."""
        self._last, self._warp = (x, y), None
        self._rest_x = self._rest_y = 0.0

    def warped(self, x: float, y: float) -> None:
        """We moved the pointer here; positions from before that may still arrive."""
        self._warp = (x, y)

    def moved(self, x: float, y: float, scale: float = 1.0) -> tuple[int, int]:
        """The pointer is here now; returns its travel rightwards and downwards, times `scale`."""
        if self._last is None:
            self.begin(x, y)
            return 0, 0
        from_x, from_y = self._last
        if self._warp is not None:
            warp_x, warp_y = self._warp
            # Nearer to where we put it than to where it was: the warp has taken effect.
            if (x - warp_x) ** 2 + (y - warp_y) ** 2 < (x - from_x) ** 2 + (y - from_y) ** 2:
                from_x, from_y = warp_x, warp_y
                self._warp = None
        self._last = (x, y)
        return self.travelled((x - from_x) * scale, (y - from_y) * scale)

    def travelled(self, dx_px: float, dy_px: float) -> tuple[int, int]:
        """The pointer went so far; returns how much of that is whole pixels."""
        self._rest_x += dx_px
        self._rest_y += dy_px
        dx, dy = int(self._rest_x), int(self._rest_y)
        self._rest_x -= dx
        self._rest_y -= dy
        return dx, dy


class PlayerPads(Protocol):
    """The gamepads, which have a thread of their own. `gamepads.reader.Gamepads` implements it.

    `connect`: where states go. `open`, `close`: whether the game takes input. `focus`: whether the
    window is active. `released`: the game has been sent that nothing is held. `listen`: where
    presses go that are for Rejoin's own cards, what a pad does as a mouse, and which one is in
    the player's hand; None: nowhere.
    `choose`: the player has chosen otherwise, which counts at once. `stop`: for good.
    """

    def connect(self, send: Callable[[PadState], None]) -> None: ...
    def open(self) -> None: ...
    def close(self) -> None: ...
    def focus(self, active: bool) -> None: ...
    def released(self) -> None: ...
    def listen(self, heard: Callable[[PadNews], None] | None) -> None: ...
    def choose(self, choices: PadChoices) -> None: ...
    def stop(self) -> None: ...


class NoPads:
    """There are no gamepads."""

    def connect(self, send: Callable[[PadState], None]) -> None: ...
    def open(self) -> None: ...
    def close(self) -> None: ...
    def focus(self, active: bool) -> None: ...
    def released(self) -> None: ...
    def listen(self, heard: Callable[[PadNews], None] | None) -> None: ...
    def choose(self, choices: PadChoices) -> None: ...
    def stop(self) -> None: ...


class PlayerInput:
    """Posts the player's input. `send` gets each event, but none while closed, except a `View`:
    that is a state, which a later connection needs as well.

    The window opens and closes it. Closing releases everything; input while closed is dropped,
    never queued. A key is released by the code it was pressed with, so that a change of layout or
    Shift in between leaves no key stuck.
    """

    def __init__(
        self,
        send: Callable[[InputEvent], None],
        clock: Clock,
        pads: PlayerPads = NoPads(),  # noqa: B008
        mouse: MouseOptions = MouseOptions(),  # noqa: B008 frozen
    ) -> None:
        """`pads`: they are opened and closed with the rest."""
        self._send = send
        self.clock = clock
        self._pads = pads
        self._mouse = mouse
        self._pads.connect(send)
        self._open = False
        self._held = Held()
        self._pressed: dict[int, str] = {}
        """Code of each key that is down, by its identity."""
        self._locks = self._locked_before = Modifiers.NONE
        self._view: View | None = None

    def use(self, pads: PlayerPads, mouse: MouseOptions) -> None:
        """Use another game's `send` and gamepads, while closed; the old gamepads are no longer
        used."""
        self._pads, self._mouse = pads, mouse
        pads.connect(self._send)

    @property
    def is_open(self) -> bool:
        return self._open

    @property
    def held(self) -> Held:
        """The keys and buttons that the game counts as held."""
        return self._held

    def open(self) -> None:
        if not self._open:
            self._open = True
            if self._view is not None:
                self._send(self._view)
            self._pads.open()

    def close(self) -> None:
        self.release_all()
        self._open = False
        self._pads.close()

    def release_all(self) -> None:
        """Release everything, if anything is held."""
        held = self._held.anything
        self._pressed.clear()
        if held:
            self._post(ReleaseAll(self.clock()))
            self._pads.released()

    def use_mouse(self, mouse: MouseOptions) -> None:
        """The mouse behaves so from now on; what is held by the old way is released."""
        if mouse != self._mouse:
            self.release_all()
            self._mouse = mouse

    def show_view(self, view: View, *, again: bool = False) -> None:
        """Where the picture is now; posted when it has changed, or `again`."""
        if view != self._view or again:
            self._view = view
            self._send(view)
            self._pads.focus(view.focused)

    def key(self, event: QKeyEvent, *, pressed: bool, repeated: bool = False) -> None:
        """A key of the keyboard. A repeat of a key that was not pressed since the input opened is
        not sent: it would press the key."""
        if not self._open:
            return
        identity = identity_of(event)
        if pressed and not repeated:
            code = code_of(event)
            if code is None or code in self._held.codes:
                return
            self._pressed[identity] = code
        found = self._pressed.get(identity)
        if found is None:
            return
        if not pressed:
            del self._pressed[identity]
        codes = self._held.codes | {found} if pressed else self._held.codes - {found}
        modifiers = modifiers_after(event, codes, pressed=pressed)
        self._note_locks(found, modifiers & LOCKS, pressed=pressed)
        self._post(
            KeyEvent(
                found,
                key_of(event, modifiers),
                pressed,
                BY_CODE[found].location,
                modifiers,
                repeated,
                self.clock(),
            )
        )

    def _note_locks(self, code: str, locks: Modifiers, *, pressed: bool) -> None:
        """`locks` are those before the event. A lock is set when its key goes down, and ends when
        that goes up for the second time."""
        own = LOCK_KEYS.get(code, Modifiers.NONE)
        if pressed:
            self._locked_before = locks & own
            self._locks = locks | own
        else:
            self._locks = locks & ~(own & self._locked_before)

    def button(
        self,
        button: Qt.MouseButton,
        pressed: bool,
        at: QPointF,
        *,
        clicks: int = 1,
        modifiers: Modifiers = Modifiers.NONE,
    ) -> None:
        """A button of the mouse, at a place in the picture; one that changes nothing is dropped."""
        known = BUTTONS.get(button)
        if not self._open or known is None:
            return
        ours = self._mouse.button(known)
        if bool(self._held.buttons & ours.bit) == pressed:
            return
        buttons = self._held.buttons ^ ours.bit
        place = (at.x(), at.y())
        modifiers |= self._locks
        self._post(PointerButton(ours, pressed, *place, buttons, clicks, modifiers, self.clock()))

    def move(
        self, dx: float, dy: float, at: QPointF, modifiers: Modifiers = Modifiers.NONE
    ) -> None:
        """The pointer travelled so far, in device pixels, and is at a place in the picture now."""
        if self._open and (dx or dy or (at.x(), at.y()) != (self._held.x, self._held.y)):
            held, now = self._held, self.clock()
            self._post(
                PointerMove(dx, dy, at.x(), at.y(), held.buttons, modifiers | self._locks, now)
            )

    def wheel(
        self, turn: tuple[int, int], at: QPointF, modifiers: Modifiers = Modifiers.NONE
    ) -> None:
        """Eighths of a degree, positive right and away from the player."""
        if self._open and any(turn):
            held, now = self._held, self.clock()
            turn = self._mouse.turn(turn)
            self._post(Wheel(*turn, at.x(), at.y(), held.buttons, modifiers | self._locks, now))

    def _post(self, event: InputEvent) -> None:
        self._held = self._held.after(event)
        if self._open:
            self._send(event)


_TRANSPOSING = ("xcb", "wayland", "windows")
"""Qt's platforms that swap the axes of the wheel while Alt is held."""


def wheel_turn(event: QWheelEvent, platform: str | None = None) -> tuple[int, int]:
    """How far the wheel turned to the right and away from the player, in eighths of a degree.

    With Alt held some platforms report one axis as the other. Qt counts left as positive.
    `platform`: Qt's name; None: this one.
    """
    x, y = event.angleDelta().toTuple()
    transposes = (platform or QGuiApplication.platformName()).startswith(_TRANSPOSING)
    if event.modifiers() & Qt.KeyboardModifier.AltModifier and (transposes or not y):
        x, y = y, x
    return -x, y
