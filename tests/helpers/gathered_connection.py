"""A client connection whose ICE is gathered and nominated, without a host: tests are the host."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from aioice import Candidate, ice, stun
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection

from rejoin import tasks
from rejoin.core.model import Policy
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.transport import Transport

PASSWORD = "abcdefghijklmnopqrstuv"
LOOPBACK = NetworkRules(loopback_only=True)
HOST = ("127.0.0.1", 40_000)


class GatheredConnection:
    """A gathered connection with a nominated pair; `sent` is the STUN that left its socket."""

    def __init__(self, rules: NetworkRules) -> None:
        self.now = 100.0
        self.unreachable: list[str] = []
        self.first_packets = 0
        self.pc = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self.pc.createDataChannel("x")
        assert self.pc.sctp is not None
        self.dtls = self.pc.sctp.transport
        self.connection: Any = self.dtls.transport._connection
        self.transport = Transport(
            self.dtls,
            rules=rules,
            clock=lambda: self.now,
            policy=Policy(),
            name="gathered",
            on_first_packet=self._count_first_packet,
            on_unreachable=self.unreachable.append,
        )
        self.sent: list[stun.Message] = []

    def _count_first_packet(self) -> None:
        self.first_packets += 1

    async def ready(self) -> None:
        await self.pc.setLocalDescription()
        self.protocol = self.connection._protocols[0]
        self.connection.remote_username = "host"
        self.connection.remote_password = PASSWORD
        candidate = Candidate("1", 1, "udp", 1, *HOST, "host")
        candidate._network_host = HOST[0]
        self.connection._nominated[1] = ice.CandidatePair(self.protocol, candidate)
        socket = self.protocol.transport
        self.protocol.transport = SimpleNamespace(
            sendto=lambda data, _: self.sent.append(stun.parse_message(data)),
            is_closing=lambda: False,
            close=socket.close,
        )

    def answer(
        self,
        request: stun.Message,
        *,
        password: str = PASSWORD,
        address: tuple[str, int] = HOST,
        kind: stun.Class = stun.Class.RESPONSE,
    ) -> None:
        response = stun.Message(stun.Method.BINDING, kind, request.transaction_id)
        response.attributes["XOR-MAPPED-ADDRESS"] = ("127.0.0.1", 5000)
        response.add_message_integrity(password.encode())
        self.protocol.datagram_received(bytes(response), address)

    def check(self, address: tuple[str, int]) -> None:
        """The host's check, authenticated, arrives from this address."""
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{self.connection.local_username}:host"
        request.attributes["PRIORITY"] = 1
        request.attributes["ICE-CONTROLLED"] = 1
        request.add_message_integrity(self.connection.local_password.encode())
        self.protocol.datagram_received(bytes(request), address)


@asynccontextmanager
async def gathered_connection(
    rules: NetworkRules = LOOPBACK,
) -> AsyncIterator[GatheredConnection]:
    """A gathered connection; closed at the end, when no task of ours may be left."""
    gathered = GatheredConnection(rules)
    await gathered.ready()
    yield gathered
    await gathered.pc.close()
    await gathered.transport.close()
    assert tasks.alive() == frozenset()
