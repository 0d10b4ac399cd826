"""Keeps the state on which the notes over a running game depend, and shows the notes (`notes`)."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPointF

from rejoin.clock import Clock
from rejoin.core.model import Snapshot, Stage
from rejoin.gui import hand, texts
from rejoin.gui.announcer import Announcer
from rejoin.gui.bridge import Bridge
from rejoin.gui.control_options import ControlOptions
from rejoin.gui.layers import Layers
from rejoin.gui.limits import Limits
from rejoin.gui.mouse_capture import MouseCapture, Refused
from rejoin.gui.notes import Memory, Notes, Problem, WindowState, is_just_back, notes
from rejoin.media.audio.volume import SoundChoice


class NoteKeeper:
    """One game after another; `forget` begins a new one."""

    def __init__(
        self,
        layers: Layers,
        bridge: Bridge,
        announcer: Announcer,
        clock: Clock,
        *,
        can_drop: bool,
        idle_limit_s: float,
        controls: ControlOptions = ControlOptions(),  # noqa: B008 frozen
    ) -> None:
        self._layers = layers
        self._bridge = bridge
        self._announcer = announcer
        self._clock = clock
        self._can_drop = can_drop
        self._idle_limit_s = idle_limit_s
        self._controls = controls
        self._memory = Memory()
        self._live_at: float | None = None
        """When the first picture of this game was shown."""

    def use(self, controls: ControlOptions) -> None:
        """Hints name these keys from now on, in this game or in another one."""
        self._controls = controls

    # --- what happened --------------------------------------------------------------------------

    def forget(self) -> None:
        """Another game begins."""
        self._memory, self._live_at = Memory(), None

    def follow(self, before: Stage, snapshot: Snapshot) -> None:
        """There is a new snapshot."""
        if snapshot.stage is not Stage.LIVE:
            return
        if self._live_at is None:
            self._live_at = self._clock()
        if before is Stage.STARTING:
            self._memory = replace(self._memory, started_at=self._clock())

    def captured(self) -> None:
        """The mouse was captured."""
        self._memory = self._memory.captured()

    def freed(self) -> None:
        """The mouse was captured and is not any more."""
        self._memory = replace(self._memory, menu_reached_at=self._clock())

    def note_refusal(self, mouse: MouseCapture) -> None:
        """Show for a while that the mouse could not be captured, or was lost again."""
        if isinstance(mouse.state, Refused):
            self._memory = replace(self._memory, mouse_refused_at=self._clock())

    def mouse_moved(self, *, near_menu: bool = False) -> bool:
        """The mouse moved while it was not captured; whether that changes what is shown.
        `near_menu`: to where the tab of the menu is."""
        now = self._clock()
        self._memory = replace(self._memory, mouse_moved_at=now)
        if near_menu:
            self._memory = replace(self._memory, menu_reached_at=now)
        return self._layers.sound.isHidden() or (near_menu and self._layers.menu_tab.isHidden())

    def finger_down(self, at: QPointF) -> None:
        """A finger of a trackpad came down here in the picture."""
        if self._layers.menu_tab.is_near(at.toPoint()):
            self._memory = replace(self._memory, menu_touched_at=self._clock())

    def note_picture(self, text: str) -> None:
        """Show for a while where a picture was saved, or why not."""
        self._memory = replace(self._memory, picture=Problem(text, self._clock()))
        self._announcer.say(text)

    def note_pad(self, text: str) -> None:
        """Show for a while what a gamepad is now."""
        self.note_picture(text)

    def change_sound(self, choice: SoundChoice) -> None:
        """A key changes the volume: show it and announce it."""
        self._layers.sound.set_choice(choice)
        self._bridge.set_sound(choice)
        self._memory = replace(self._memory, volume_changed_at=self._clock())
        self._announcer.say(texts.sound_text(choice))

    def choose_sound(self, choice: SoundChoice) -> None:
        """Changed with the mouse: the control shows it, so only on and off are announced."""
        if choice.silent != self._bridge.sound().silent:
            self._announcer.say(texts.sound_text(choice))
        self._bridge.set_sound(choice)

    # --- what is shown --------------------------------------------------------------------------

    def show(
        self,
        snapshot: Snapshot,
        mouse: MouseCapture,
        *,
        takes_input: bool,
        keyboard_captured: bool = False,
    ) -> Notes:
        """Show the notes of now."""
        now, bridge = self._clock(), self._bridge
        if snapshot.stage is Stage.LIVE:
            limits = Limits(
                self._live_at, bridge.input_at, snapshot.length_ends_at, self._idle_limit_s
            )
            memory = self._memory.with_problem(bridge.problem(), now)
            self._memory = memory.with_limits(limits, now)
            if snapshot.back_at is not None and not is_just_back(snapshot, now):
                mouse.forget_drop()
        state = WindowState(
            mouse=mouse.state,
            takes_input=takes_input,
            may_capture=self._controls.mouse.capture,
            sound=bridge.sound(),
            can_drop=self._can_drop,
            volume_control_held=self._layers.sound.held,
            menu_tab_held=self._layers.menu_tab.hovered,
            keyboard_captured=keyboard_captured,
            shortcuts=self._controls.shortcuts,
            pad=hand.pad(),
        )
        shown = notes(snapshot, now, self._memory, state)
        self._layers.show_notes(shown, now)
        return shown
