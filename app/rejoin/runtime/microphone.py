"""The microphone of one player's games: decides its state, and sends voice while `Live`.

The window reports menu, background and keys, the engine's snapshots whether a game is played, and
the shown connection whether it accepts sound. One state is made of these (`microphone_states`), and
the device follows it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from rejoin.core.model import Snapshot
from rejoin.media.audio.microphone import Microphone, VoiceFrame
from rejoin.runtime.microphone_states import (
    Facts,
    Live,
    MicrophoneChoices,
    MicrophoneMode,
    MicrophoneState,
    problem_of,
    state_of,
    wants_device,
)

_log = logging.getLogger("rejoin.microphone")


class VoiceSender(Protocol):
    """The connection's outgoing sound; `rtc.voice_sender.VoiceSender` implements it."""

    def send(self, frame: VoiceFrame) -> None: ...


class PlayerMicrophone:
    """Nothing is opened and no thread runs before the first game is live. The methods for the
    engine's loop stand together below; everything else may be called on any thread."""

    def __init__(
        self,
        choices: MicrophoneChoices,
        *,
        allowed: bool,
        begins_muted: bool = False,
        make: Callable[..., Microphone] = Microphone,
    ) -> None:
        """`allowed`: by the studio's profile. `begins_muted`: muted until the player unmutes it."""
        self._lock = threading.Lock()
        self._facts = Facts(allowed=allowed, choices=choices, muted=begins_muted)
        self._state = state_of(self._facts)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sender: VoiceSender | None = None
        self._device = make(
            device=choices.device, on_frame=self._on_frame, on_change=self._on_device
        )

    @property
    def offered(self) -> bool:
        """Whether offers include our sound: the studio allows it and the player has turned it
        on."""
        facts = self._facts
        return facts.allowed and facts.choices.mode is not MicrophoneMode.OFF

    @property
    def mode(self) -> MicrophoneMode:
        return self._facts.choices.mode

    @property
    def state(self) -> MicrophoneState:
        return self._state

    @property
    def muted(self) -> bool:
        """Whether the player has muted it, whatever else keeps it closed."""
        return self._facts.muted

    @property
    def problem(self) -> str | None:
        """Why a microphone that is turned on is not used, in a sentence; None if it is, or might
        be."""
        return problem_of(self._state)

    @property
    def level_dbfs(self) -> float:
        """The peak of the newest 20 ms, in decibels below the loudest."""
        return self._device.level_dbfs

    # --- from the window ------------------------------------------------------------------------

    def set_muted(self, muted: bool) -> None:
        """The player mutes or unmutes it."""
        self._change(muted=muted)

    def press(self, pressed: bool) -> None:
        """The button of a gamepad: held to talk with push-to-talk, else it mutes and unmutes."""
        with self._lock:
            talks = self._facts.choices.mode is MicrophoneMode.PUSH_TO_TALK
            muted = self._facts.muted
        if talks:
            self.hold(pressed)
        elif pressed:
            self.set_muted(not muted)

    def hold(self, held: bool) -> None:
        """The key of push-to-talk is held, or not any more."""
        if held != self._facts.held:
            self._change(held=held)

    def in_menu(self, open_: bool) -> None:
        """The game's menu is open, or not any more."""
        self._change(in_menu=open_)

    def in_background(self, hidden: bool) -> None:
        """Another window is the active one, or not any more."""
        if hidden != self._facts.in_background:
            self._change(in_background=hidden, **({"held": False} if hidden else {}))

    def use(self, *, in_background: bool, in_menu: bool) -> None:
        """The player has changed these choices."""
        with self._lock:
            choices = replace(self._facts.choices, in_background=in_background, in_menu=in_menu)
        self._change(choices=choices)

    # --- from the engine's loop -------------------------------------------------------------------

    def snapshot_changed(self, snapshot: Snapshot) -> None:
        if self._loop is None and self.offered:
            self._loop = asyncio.get_running_loop()
        if snapshot.stage is not self._facts.stage:
            self._change(stage=snapshot.stage)

    def send_by(self, sender: VoiceSender) -> None:
        """This connection is shown and up, and accepts our sound."""
        self._sender = sender
        self._change(taken=True)

    def not_by(self, sender: VoiceSender) -> None:
        """This connection is not shown any more, or is closed. May be called twice."""
        if self._sender is sender:
            self._sender = None

    def refused(self) -> None:
        """The connection that is shown accepts no sound from us."""
        self._sender = None
        self._change(taken=False)

    def close(self) -> None:
        """For good. Waits a little for the device."""
        self._sender = None
        self._device.stop()

    # --- inside -----------------------------------------------------------------------------------

    def _on_device(self) -> None:
        """On the microphone's thread."""
        self._change()

    def _change(self, **changed: Any) -> None:
        with self._lock:
            self._facts = replace(self._facts, **changed, device=self._device.state)
            before, self._state = self._state, state_of(self._facts)
            state = self._state
            # Under the lock, so that the device gets the states in order; these calls never wait.
            self._device.sends = isinstance(state, Live)
            if wants_device(state):
                self._device.open()
            elif wants_device(before):
                self._device.close()
        if state != before:
            _log.info("microphone: %s", state)

    def _on_frame(self, frame: VoiceFrame) -> None:
        """On the microphone's thread."""
        loop = self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(self._send, frame)
            except RuntimeError:
                return  # the loop is closed

    def _send(self, frame: VoiceFrame) -> None:
        """Frames from before it was closed are not sent any more."""
        if self._sender is not None and isinstance(self._state, Live):
            self._sender.send(frame)


def no_microphone() -> PlayerMicrophone:
    """For a player without one."""
    return PlayerMicrophone(MicrophoneChoices(), allowed=False)
