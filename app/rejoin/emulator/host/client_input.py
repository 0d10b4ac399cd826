"""One client's input: controls and gamepad messages from its data channel into the game."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from aiortc import RTCDataChannel

from rejoin.clock import Clock
from rejoin.emulator.host.game import Game
from rejoin.emulator.host.gamepads import with_gamepads
from rejoin.input_protocol import controls

GREET_EVERY_S: Final = 0.1
GREET_TIMES: Final = 20


class ClientInput:
    """Applies the newest messages to the game, and releases all keys when messages stop."""

    def __init__(
        self,
        game: Game,
        clock: Clock,
        on_input: Callable[[], None],
        on_limits: Callable[[controls.Limits], None] = lambda _: None,
    ) -> None:
        """`on_input`: called for every message that was applied; `on_limits`: for what the client
        lets the host send, each time that it differs from before."""
        self._game = game
        self._clock = clock
        self._on_input = on_input
        self._on_limits = on_limits
        self._limits = controls.Limits()
        self._sequence: int | None = None
        self._totals: controls.Controls | None = None
        self._pads: dict[int, controls.GamepadMessage] = {}
        self._release_timer: asyncio.TimerHandle | None = None
        self._greeting: asyncio.TimerHandle | None = None
        self.messages = 0
        """How many messages were applied."""

    def greet(self, channel: RTCDataChannel, times: int = GREET_TIMES) -> None:
        """Repeat HELLO until the client sends something: this channel does not retransmit. Our
        script does not wait for it; clients from before the input module did."""
        self._greeting = None
        if self.messages or not times or channel.readyState != "open":
            return
        with contextlib.suppress(ValueError):  # longer than this client accepts
            channel.send(controls.encode(controls.Hello(controls.VERSION)))
        loop = asyncio.get_running_loop()
        self._greeting = loop.call_later(GREET_EVERY_S, self.greet, channel, times - 1)

    def on_message(self, message: str | bytes) -> None:
        """One message of the input channel. Anything malformed, foreign or old is ignored."""
        if not isinstance(message, bytes):
            return
        try:
            decoded = controls.decode(message)
        except controls.ControlsFormatError:
            return
        if self._begins_anew(decoded):
            self._sequence, self._totals, self._pads = None, None, {}
        match decoded:
            case controls.ControlsMessage(sequence, held) if _is_new(sequence, self._sequence):
                before = self._totals
                self._sequence, self._totals = sequence, held
            case controls.GamepadMessage(sequence, pad) if _is_new(sequence, self._newest(pad)):
                before = held = self._totals or controls.Controls()
                self._pads[pad] = decoded
            case controls.Limits() if decoded != self._limits:
                self._limits = decoded
                self._on_limits(decoded)
                return
            case _:
                return
        self.messages += 1
        self._apply(held, before)
        if self._release_timer is not None:
            self._release_timer.cancel()
        loop = asyncio.get_running_loop()
        self._release_timer = loop.call_later(controls.RELEASE_AFTER_S, self._release)
        self._on_input()

    def _begins_anew(self, message: controls.Message) -> bool:
        """Whether the client's script was started again: its numbers are lower, after a silence in
        which everything was released. No older message can be on its way then."""
        if self._release_timer is not None:
            return False
        match message:
            case controls.ControlsMessage(sequence):
                return not _is_new(sequence, self._sequence)
            case controls.GamepadMessage(sequence, pad):
                return not _is_new(sequence, self._newest(pad))
            case _:
                return False

    def _newest(self, pad: int) -> int | None:
        return self._pads[pad].sequence if pad in self._pads else None

    def _apply(self, held: controls.Controls, before: controls.Controls | None) -> None:
        travel = (0, 0)
        # The first message only gives the starting values of the totals.
        if before is not None:
            travel = (
                controls.travel(held.pointer_x_total, before.pointer_x_total),
                controls.travel(held.pointer_y_total, before.pointer_y_total),
            )
        held = with_gamepads(held, (each.gamepad for each in self._pads.values()))
        if held != self._game.held or travel != (0, 0):
            self._game.hold(held, self._clock(), travel=travel)

    def _release(self) -> None:
        self._release_timer = None
        if self._totals is not None:
            self._totals = self._totals.released()
        for pad, known in self._pads.items():
            self._pads[pad] = controls.GamepadMessage(known.sequence, pad, controls.Gamepad())
        if self._game.held.held:
            self._game.release(self._clock())

    def close(self) -> None:
        """Release every key and button that this client still holds down."""
        if self._greeting is not None:
            self._greeting.cancel()
        if self._release_timer is not None:
            self._release_timer.cancel()
            self._release()


def _is_new(sequence: int, newest: int | None) -> bool:
    """Whether to apply a message; one with the newest number again (a repeat) is applied too."""
    return newest is None or sequence == newest or controls.is_newer(sequence, newest)
