"""Tells the input module what its data channels have buffered, as seldom as that is news.

Of what it sends the module itself takes up to `SOON_GONE_BYTES` for gone when it runs next, as
mostly it is. So it hears of a channel that has opened or closed, is stuck, or had to take more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from rejoin.input_module.port import Channel, ChannelState
from rejoin.runtime.ports import PeerPort

STATES_EVERY_S: Final = 0.020
"""How often the module hears of what its channels have buffered, at most."""
CHECK_EVERY_S: Final = 0.250
"""How often the channels are checked while little is sent."""
SOON_GONE_BYTES: Final = 4096
"""SOON_GONE in resources/web/browser/rtc.js. What is sent is counted here until the next report,
and there for one step of the module: so no report is left out that the module waits for."""
_MOST_BYTES: Final = 4
"""Of a character in UTF-8."""


class ChannelReports:
    """Of one connection after the other. On the engine's loop."""

    def __init__(
        self,
        peer: Callable[[], PeerPort | None],
        report: Callable[[Channel, ChannelState], None],
    ) -> None:
        """`peer`: of the connection whose instance is there, if one is."""
        self._peer = peer
        self._report = report
        self._timer: asyncio.TimerHandle | None = None
        self._is_soon = False
        """Whether the next check is within `STATES_EVERY_S`."""
        self._reported: dict[Channel, ChannelState] = {}
        self._unreported_bytes = dict.fromkeys(Channel, 0)

    def sent(self, channel: Channel, data: bytes | str) -> None:
        """The module has sent this."""
        size = len(data) * (_MOST_BYTES if isinstance(data, str) else 1)
        self._unreported_bytes[channel] += size
        if self._unreported_bytes[channel] > SOON_GONE_BYTES:
            if not self._is_soon:
                self._check_in(STATES_EVERY_S)
        elif self._timer is None:
            self._check_in(CHECK_EVERY_S)

    def check(self, *, anew: bool = False) -> None:
        """Report what the module does not know; `anew`: it knows nothing."""
        self.stop()
        peer = self._peer()
        if peer is None:
            return
        for channel in Channel:
            found = peer.channel_state(channel.value)
            state = ChannelState(found.ready_state, found.buffered_bytes)
            waits = self._unreported_bytes[channel] > SOON_GONE_BYTES
            if anew or waits or state != self._reported.get(channel):
                self._reported[channel] = state
                self._unreported_bytes[channel] = 0
                self._report(channel, state)
        if any(state.buffered_bytes for state in self._reported.values()):
            self._check_in(STATES_EVERY_S)  # until it is gone

    def stop(self) -> None:
        """Check no more until something is sent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._is_soon = None, False

    def _check_in(self, delay_s: float) -> None:
        self.stop()
        self._is_soon = delay_s <= STATES_EVERY_S
        self._timer = asyncio.get_running_loop().call_later(delay_s, self.check)
