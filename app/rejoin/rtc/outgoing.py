"""Decides which packets may leave a connection: everything, checks only, or nothing."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from aioice import stun
from aioice.ice import StunProtocol

from rejoin.rtc.aiortc_seam import Address, replace_send_data, replace_send_stun


class Outgoing(enum.Enum):
    """What a connection sends.

    `CHECKS_ONLY`: muted: our connectivity checks, but no media reports, data or STUN responses.
    `GOODBYE`: the packets of the goodbye are sent, and recorded so that they can be repeated.
    `SILENT`: nothing, for good.
    """

    SENDING = "sending"
    CHECKS_ONLY = "checks only"
    GOODBYE = "goodbye"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Datagram:
    """A datagram that was sent, with its socket and destination."""

    protocol: StunProtocol
    data: bytes
    address: Address

    def send_again(self) -> None:
        """Send the same bytes once more; does nothing when the socket is closed."""
        if not self.protocol.transport.is_closing():
            self.protocol.transport.sendto(self.data, self.address)


class OutgoingGate:
    """Stands between aioice and its sockets and lets through what the state allows.

    Our own connectivity checks do not pass through it: `checks` reads `may_check`.
    """

    def __init__(self) -> None:
        self._state = Outgoing.SENDING
        self._recorded: list[Datagram] = []

    @property
    def state(self) -> Outgoing:
        return self._state

    @property
    def may_send(self) -> bool:
        """Whether data and media reports may be sent."""
        return self._state is Outgoing.SENDING

    @property
    def may_check(self) -> bool:
        """Whether connectivity checks may be sent."""
        return self._state is not Outgoing.SILENT

    def mute(self) -> None:
        """Send checks only, until `unmute`. No effect once the goodbye began."""
        if self._state is Outgoing.SENDING:
            self._state = Outgoing.CHECKS_ONLY

    def unmute(self) -> None:
        if self._state is Outgoing.CHECKS_ONLY:
            self._state = Outgoing.SENDING

    def begin_goodbye(self) -> None:
        """Send everything from now on, even if muted, and record it."""
        self._state = Outgoing.GOODBYE

    def silence(self) -> list[Datagram]:
        """Send nothing from now on; returns what was recorded since `begin_goodbye`."""
        self._state = Outgoing.SILENT
        recorded, self._recorded = self._recorded, []
        return recorded

    def watch(self, protocol: StunProtocol) -> None:
        """Let this socket's packets pass through the gate."""

        async def send_data_if_allowed(data: bytes, address: Address) -> None:
            if self._state is Outgoing.GOODBYE:
                self._recorded.append(Datagram(protocol, data, address))
            elif self._state is not Outgoing.SENDING:
                return
            await send_data(data, address)

        def send_stun_if_allowed(message: stun.Message, address: Address) -> None:
            if self._state is Outgoing.SENDING:
                send_stun(message, address)

        send_data = replace_send_data(protocol, send_data_if_allowed)
        send_stun = replace_send_stun(protocol, send_stun_if_allowed)
