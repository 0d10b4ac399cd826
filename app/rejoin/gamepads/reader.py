"""The thread that reads the player's gamepads, and what the window and the module say to it."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, Protocol, assert_never

from rejoin.clock import boot_s
from rejoin.gamepads.changes import AxisMoved, Change, Plugged, Unplugged, Vibration
from rejoin.gamepads.choices import PadChoices
from rejoin.gamepads.gate import PadGate, Send
from rejoin.gamepads.in_hand import InHand, NoPad, PadNews
from rejoin.gamepads.navigation import Navigation
from rejoin.gamepads.pad_mouse import PadIsMouse, PadMouse
from rejoin.gamepads.pads import Pads
from rejoin.gamepads.sdl_library import GamepadsUnavailableError
from rejoin.gamepads.talk_button import TalkButton
from rejoin.input_events.events import PadState
from rejoin.input_events.held import at_rest
from rejoin.input_events.wishes import AnyWish, VibrationWish

if TYPE_CHECKING:
    from rejoin.gamepads.device_watch import DeviceWatch

_log = logging.getLogger("rejoin.gamepads")

READ_EVERY_S: Final = 0.008
"""While a pad is there and the game takes its input, unless the devices can be waited for
(`device_watch`). A module reads pads every 16 ms, and by then if there is news of them."""
CARDS_EVERY_S: Final = 0.016
"""While a pad is there and its presses are for Rejoin's own cards."""
IDLE_EVERY_S: Final = 0.050
"""While a pad is there and nothing of it passes."""
SEARCH_EVERY_S: Final = 0.250
"""While there is no pad."""
END_WITHIN_S: Final = 1.0
MAX_VIBRATIONS: Final = 16
"""Wishes of a module that wait; older ones are dropped."""


_COME_AND_GO: Final = (Plugged, Unplugged)

Heard = Callable[[PadNews], None]


class PadSource(Protocol):
    """The devices. `sdl_source.SdlSource` implements it; used on one thread, made there."""

    def poll(self) -> list[Change]: ...
    def vibrate(self, instance: int, vibration: Vibration) -> None: ...
    def close(self) -> None: ...


class Gamepads:
    """Implements `gui.input.PlayerPads`. Nothing is loaded and no thread runs before `open` or
    `listen`."""

    def __init__(
        self,
        choices: PadChoices,
        mappings: Path | None = None,
        *,
        make_source: Callable[[Path | None], PadSource] | None = None,
        make_watch: Callable[[], DeviceWatch | None] | None = None,
        on_talk: Callable[[bool], None] = lambda held: None,
    ) -> None:
        """`mappings`: the player's gamecontrollerdb.txt. `on_talk`: called, on the thread of the
        gamepads, when the microphone's button is held and let go (`talk_button`). `make_source`:
        None: SDL's; it may raise GamepadsUnavailableError, and then there are no gamepads.
        `make_watch`: what waits for the devices; None: the kernel's, where there is one."""
        self.choices = choices
        self.mappings = mappings
        self._make_source = make_source or _sdl_source
        self._make_watch = make_watch or _device_watch
        self._on_talk = on_talk
        self._talks = False
        self._gate = PadGate(background=choices.background)
        self._heard: Heard | None = None
        """Where presses on cards go."""
        self._thread: threading.Thread | None = None
        self._ends = threading.Event()
        """Of the thread that runs now."""
        self._wanted = self._stopped = False
        self._mouse = PadMouse(choices.mouse)
        self._unread: dict[int, PadState] = {}
        """Of pads that play, states whose sticks alone have moved: nothing of them counts for cards
        and pointer before the pads play no more."""
        self._buttons: dict[int, tuple[float, ...]] = {}
        """Of the last state of each pad that was read for cards and pointer."""
        self._mice: set[int] = set()
        """Pads whose last state was not for the game, as they were a mouse."""
        self._wakes: SimpleQueue[None] = SimpleQueue()
        """Ends a pause that is long; an Event would cost the thread a fifth more CPU."""
        self._watch: DeviceWatch | None = None
        self._shakes_until = 0.0
        """When the last vibration is over, which SDL ends when it is asked."""
        self._vibrations: deque[VibrationWish | None] = deque(maxlen=MAX_VIBRATIONS)
        """None: every motor stands still."""
        self.problem: str | None = None
        """Why there are no gamepads, in a sentence."""

    @property
    def reading(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None

    # --- on the GUI thread ------------------------------------------------------------------------

    def connect(self, send: Send) -> None:
        """Where states go, from the thread of the gamepads."""
        self._gate.connect(send)

    def open(self) -> None:
        """The game takes input."""
        self._gate.change(is_open=True)
        self._begin()

    def listen(self, heard: Heard | None) -> None:
        """Where presses go that are for Rejoin's own cards, and what a pad does as a mouse; called
        on the thread of the gamepads. None: nowhere."""
        self._heard = heard
        if heard is not None:
            self._begin()

    def choose(self, choices: PadChoices) -> None:
        """The player has chosen otherwise, which counts at once."""
        self.choices = choices
        self._gate.change(background=choices.background)
        if not choices.enabled:
            self._end()
        elif self._wanted:
            self._begin()
        if not choices.rumble:
            self._still()
        self._wake()

    def _begin(self) -> None:
        self._wanted = True
        if self._thread is None and self.choices.enabled and not self._stopped:
            self._ends = threading.Event()
            run = partial(self._run, self._ends)
            self._thread = threading.Thread(target=run, name="gamepads", daemon=True)
            self._thread.start()
        self._wake()

    def _end(self) -> None:
        """A driver that hangs is abandoned."""
        self._ends.set()
        self._wake()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(END_WITHIN_S)

    def close(self) -> None:
        """The game takes no input: every pad is at rest for it, and still in the hand."""
        self._gate.change(is_open=False)
        self._still()

    def focus(self, active: bool) -> None:
        """Whether the window is active."""
        self._gate.change(active=active)
        if not self._gate.passing:
            self._still()

    def released(self) -> None:
        """The game was told that nothing is held."""
        self._gate.released()

    def stop(self) -> None:
        """End the thread, for good."""
        self._stopped = True
        self._end()

    # --- on any thread ----------------------------------------------------------------------------

    def on_wish(self, wish: AnyWish) -> None:
        """What the input module wants; vibration alone is meant here."""
        if isinstance(wish, VibrationWish) and self.choices.rumble and self._gate.passing:
            self._vibrations.append(wish)
            self._wake()

    def _wake(self) -> None:
        """End the pause of the thread."""
        self._wakes.put(None)
        watch = self._watch
        if watch is not None:
            watch.wake()

    def _still(self) -> None:
        if self._thread is not None:
            self._vibrations.append(None)
            self._wake()

    # --- on its own thread ------------------------------------------------------------------------

    def _run(self, ends: threading.Event) -> None:
        try:
            source = self._make_source(self.mappings)
        except GamepadsUnavailableError as error:
            self.problem = str(error)
            _log.warning("%s", error)
            return
        watch = self._watch = self._make_watch()
        try:
            self._read(source, ends, watch)
        except Exception:
            _log.exception("gamepads are no longer read")
            self.problem = "Gamepads are no longer read. This is a bug in Rejoin."
            self._gate.unplug_all()
            self._say([*self._mouse.enable(False), NoPad()])
        finally:
            self._talk(False)  # whatever is held is not read any more
            source.close()
            if watch is not None:
                watch.close()

    def _read(self, source: PadSource, ends: threading.Event, watch: DeviceWatch | None) -> None:
        pads, navigation = Pads(self.choices), Navigation(self.choices)
        button, in_hand, watched = TalkButton(), InHand(), False
        self._mouse = PadMouse(self.choices.mouse)
        self._unread, self._buttons, self._mice = {}, {}, set()
        while not ends.is_set():
            if pads.choices is not self.choices:
                self._follow_choices(pads, navigation)
            self._catch_up(navigation)
            for change in source.poll():
                if not isinstance(change, AxisMoved):
                    self._talk(button.apply(change))
                    self._say(in_hand.apply(change, boot_s()))
                for state in pads.apply(change, boot_s()):
                    self._put(state, navigation)
                if watch is not None and isinstance(change, _COME_AND_GO):
                    watched = _are_watched(watch, change, len(pads))
            for state in pads.moved(boot_s()):
                self._put(state, navigation)
            timed = navigation.waits or self._mouse.enabled or not self._gate.passing
            if timed:
                self._tick(navigation)
            if self._vibrations:
                self._vibrate(source, pads)
            if watch is not None and watched and not timed:
                watch.wait(often=boot_s() < self._shakes_until)
                self._forget_wakes()
            else:
                self._pause(self._pause_s(pads))
        if not self._stopped:  # they are switched off, and the game goes on without them
            self._unplug_all(pads, navigation)
            self._say([NoPad()])

    def _follow_choices(self, pads: Pads, navigation: Navigation) -> None:
        navigation.choices = self.choices
        self._say(self._mouse.enable(self.choices.mouse))
        for state in pads.choose(self.choices, boot_s()):
            self._put(state, navigation)

    def _unplug_all(self, pads: Pads, navigation: Navigation) -> None:
        for instance in pads.instances():
            for state in pads.apply(Unplugged(instance), boot_s()):
                self._put(state, navigation)

    def _put(self, state: PadState, navigation: Navigation) -> None:
        plays = self._gate.passing
        same_buttons = state.connected and state.buttons is self._buttons.get(state.index)
        if plays and same_buttons and not self._mouse.enabled:
            self._unread[state.index] = state
            self._gate.put(state)
            return
        self._unread.pop(state.index, None)
        self._buttons[state.index] = state.buttons
        presses = navigation.put(state, boot_s(), plays=plays)
        acts = self._mouse.put(state, plays=plays)
        if self._mouse.is_mouse(state.index):
            self._mice.add(state.index)
            self._gate.put(at_rest(state))
        else:
            self._gate.put(state, anew=state.index in self._mice)
            self._mice.discard(state.index)
        self._say([*presses, *acts])

    def _catch_up(self, navigation: Navigation) -> None:
        """Where the sticks are of pads that play no more."""
        if not self._unread or (self._gate.passing and not self._mouse.enabled):
            return
        for state in self._unread.values():
            navigation.put(state, boot_s(), plays=True)
            self._mouse.put(state, plays=True)
        self._unread.clear()

    def _tick(self, navigation: Navigation) -> None:
        now, plays = boot_s(), self._gate.passing
        acts = self._mouse.tick(now, plays=plays)
        for act in acts:
            if isinstance(act, PadIsMouse) and act.on:
                self._mice.add(act.pad.index)
                self._gate.put(at_rest(act.pad))
        self._say([*navigation.tick(now, plays=plays), *acts])

    def _say(self, what: Sequence[PadNews]) -> None:
        heard = self._heard
        if heard is not None:
            for each in what:
                heard(each)

    def _talk(self, held: bool | None) -> None:
        """Pads that do not pass begin nothing; what they have begun ends when they let go."""
        if held is not None and held != self._talks and (not held or self._gate.passing):
            self._talks = held
            self._on_talk(held)

    def _pause(self, pause_s: float) -> None:
        """A short one is slept through, which takes two thirds of the CPU of a pause that ends
        early."""
        if pause_s > READ_EVERY_S:
            with contextlib.suppress(Empty):
                self._wakes.get(timeout=pause_s)
            return
        time.sleep(pause_s)
        self._forget_wakes()

    def _forget_wakes(self) -> None:
        while not self._wakes.empty():
            with contextlib.suppress(Empty):  # a thread that was abandoned may have taken one
                self._wakes.get_nowait()

    def _pause_s(self, pads: Pads) -> float:
        if not pads:
            return SEARCH_EVERY_S
        if self._gate.passing:
            return READ_EVERY_S
        return CARDS_EVERY_S if self._heard is not None else IDLE_EVERY_S

    def _vibrate(self, source: PadSource, pads: Pads) -> None:
        while self._vibrations:
            wish = self._vibrations.popleft()
            if wish is not None:
                instance = pads.instance_of(wish.index)
                if instance is not None and self._gate.passing:
                    vibration = Vibration(wish.strong, wish.weak, wish.duration_s)
                    source.vibrate(instance, vibration)
                    self._shakes_until = max(self._shakes_until, boot_s() + wish.duration_s)
                continue
            for instance in pads.instances():
                source.vibrate(instance, Vibration(0.0, 0.0, 0.0))


def _are_watched(watch: DeviceWatch, change: Plugged | Unplugged, count: int) -> bool:
    """Watch a device that has come. Whether all pads are watched, of which there are `count`."""
    match change:
        case Plugged():
            watch.add(change.instance, change.device)
        case Unplugged(instance):
            watch.remove(instance)
        case _:
            assert_never(change)
    return count > 0 and watch.covers(count)


def _device_watch() -> DeviceWatch | None:
    """What waits for devices on this system, if anything does."""
    if sys.platform != "linux":
        return None
    from rejoin.gamepads.device_watch import DeviceWatch

    try:
        return DeviceWatch()
    except OSError as error:  # no descriptor is left
        _log.info("gamepads are asked all the time: %s", error.strerror)
        return None


def _sdl_source(mappings: Path | None) -> PadSource:
    from rejoin.gamepads.sdl_source import SdlSource  # nothing of SDL before there is input

    return SdlSource(mappings)
