"""Decides when the client of one connection is gone: after a silence, or after its goodbye.

The host alone decides this. aioice's consent checks are not used: they close healthy connections
whose round trip exceeds 500 ms (measured, media.md).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from rejoin import tasks
from rejoin.clock import Clock
from rejoin.emulator.service.settings import EmulatorSettings

_RTCP_BYE = 203


class ClientPresence:
    """Watches one client from `start` to `stop`; `on_gone(graceful)` is called once at most."""

    def __init__(
        self,
        settings: Callable[[], EmulatorSettings],
        clock: Clock,
        on_gone: Callable[[bool], None],
    ) -> None:
        """`settings`: returns the settings as they are now."""
        self._settings = settings
        self._clock = clock
        self._on_gone = on_gone
        self._heard_at = 0.0
        self._silent_since: float | None = None
        self._changed = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._goodbye: asyncio.Task[None] | None = None
        self._stopped = False

    def start(self) -> None:
        """The connection is up."""
        self._heard_at = self._clock()
        self._watching = tasks.spawn(self._watch(), name="emulator-silence")

    def packet_received(self) -> None:
        """An authenticated packet of any kind arrived."""
        self._heard_at = self._clock()

    def packet_authenticated(self, rtcp: bytes | None) -> None:
        """An SRTP or SRTCP packet arrived; `rtcp`: the decrypted compound packet, None for RTP."""
        self._heard_at = self._clock()
        if rtcp is not None and holds_bye(rtcp):
            self.goodbye_received()

    def goodbye_received(self) -> None:
        """The client closed cleanly: BYE, SCTP abort or DTLS close, whichever is seen first."""
        if self._watching is not None and self._goodbye is None and not self._stopped:
            self._goodbye = tasks.spawn(self._report_goodbye(), name="emulator-goodbye")

    def set_silent_since(self, at: float | None) -> None:
        """An injected fault silenced the client at this boot time, or (None) was cleared."""
        self._silent_since = at
        self._changed.set()

    def settings_changed(self) -> None:
        """The settings have other values now."""
        self._changed.set()

    def stop(self) -> None:
        """The connection is being closed: ignore the client."""
        self._stopped = True

    async def close(self) -> None:
        """Stop and leave no task behind."""
        self._stopped = True
        await tasks.cancel(self._watching, self._goodbye)

    async def _report_goodbye(self) -> None:
        await asyncio.sleep(self._settings().notice_graceful_close_s)
        self._on_gone(True)

    async def _watch(self) -> None:
        while True:
            settings = self._settings()
            if self._silent_since is not None:
                due = self._silent_since + settings.notice_silent_client_s
            else:
                timeout_s = max(
                    settings.notice_silent_client_s, settings.notice_silent_client_min_s
                )
                due = self._heard_at + timeout_s
            wait_s = due - self._clock()
            if wait_s <= 0:
                self._on_gone(False)
                return
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()


def holds_bye(compound: bytes) -> bool:
    """Whether a compound RTCP packet contains a BYE (RFC 3550, 6.6)."""
    at = 0
    while at + 4 <= len(compound):
        if compound[at + 1] == _RTCP_BYE:
            return True
        at += 4 + 4 * int.from_bytes(compound[at + 2 : at + 4])
    return False
