"""The microphone in one window: the sign over the picture, and what its keys do."""

from __future__ import annotations

from typing import Final

from rejoin.clock import Clock
from rejoin.core.model import Stage
from rejoin.gui import hand, microphone_texts, pad_texts
from rejoin.gui.announcer import Announcer
from rejoin.gui.bridge import Bridge
from rejoin.gui.pill import Pill
from rejoin.gui.shortcuts import Condition, ShortcutAction, Shortcuts
from rejoin.language import tr
from rejoin.runtime.microphone_states import (
    Live,
    MicrophoneMode,
    MicrophoneState,
    Muted,
    Off,
    Waiting,
)

MUTED_NOTE_FOR_S: Final = 4.0


class MicrophoneSign:
    """Follows the microphone of the game that the bridge leads to."""

    def __init__(
        self, bridge: Bridge, pill: Pill, announcer: Announcer, shortcuts: Shortcuts, clock: Clock
    ) -> None:
        self._bridge = bridge
        self._pill = pill
        self._announcer = announcer
        self._shortcuts = shortcuts
        self._clock = clock
        self._state: MicrophoneState = Off()
        self._changed_at = float("-inf")

    def use(self, shortcuts: Shortcuts) -> None:
        """The keys from now on."""
        self._shortcuts = shortcuts

    def conditions(self, stage: Stage) -> frozenset[Condition]:
        """Which conditions of its shortcuts are true now."""
        microphone = self._bridge.microphone
        if stage is not Stage.LIVE or not microphone.offered:
            return frozenset()
        talks = microphone.mode is MicrophoneMode.PUSH_TO_TALK
        more = {Condition.PUSH_TO_TALK} if talks else set[Condition]()
        return frozenset({Condition.MICROPHONE, *more})

    def toggle(self) -> None:
        """Mute or unmute."""
        microphone = self._bridge.microphone
        microphone.set_muted(not microphone.muted)
        self.show()

    def hold(self, held: bool) -> None:
        """The key of push-to-talk."""
        self._bridge.microphone.hold(held)
        self.show()

    def update(self, *, active: bool) -> None:
        """Say what the window is, and show what the microphone is."""
        self._bridge.microphone.in_background(not active)
        self.show()

    def show(self) -> None:
        """The sign is there exactly as long as the device is open."""
        state, now = self._bridge.microphone.state, self._clock()
        if state != self._state:
            before, self._state = self._state, state
            self._changed_at = now
            self._say(before, state)
        text, second = microphone_texts.sign(state, self._label(ShortcutAction.TALK)), ""
        if not text and now - self._changed_at < MUTED_NOTE_FOR_S:
            mute = self._label(ShortcutAction.TOGGLE_MICROPHONE)
            text, second = microphone_texts.muted_note(state, mute)
        self._pill.set_text(text, second)

    def _label(self, action: ShortcutAction) -> str:
        """What does it: the keys, or the one button of the pad that the player's hand holds."""
        pad = hand.pad()
        return self._shortcuts.label(action) if pad is None else pad_texts.microphone(pad)

    def _say(self, before: MicrophoneState, state: MicrophoneState) -> None:
        """For screen readers; not each time that a key is held to talk."""
        if isinstance(state, Live) and not isinstance(before, Waiting | Live):
            self._announcer.say(tr(microphone_texts.ON))
        elif isinstance(state, Muted):
            self._announcer.say(tr(microphone_texts.MUTED))
