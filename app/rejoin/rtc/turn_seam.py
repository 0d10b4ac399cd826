"""The seam's third part: aioice's TURN client, and how a relayed socket joins a connection.

aioice would allocate while it gathers, wait five seconds for it, and close it only after the server
answered. Here an allocation is made when we want it and given up at once. The same rules as in
`aiortc_seam`; tests/rtc/test_library_contract.py checks every name that is used here.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from typing import Any, Final, cast

from aioice import Candidate, stun
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import CandidatePair, Connection, StunProtocol
from aioice.turn import TurnClientProtocol, TurnClientTcpProtocol, TurnClientUdpProtocol

from rejoin.rtc.aiortc_seam import Address, override
from rejoin.rtc.ice_servers import TurnServer
from rejoin.tasks import spawn

LIFETIME_S: Final = 600
"""The lifetime that we request; a server may grant less."""

CHANNEL_EVERY_S: Final = 120.0
"""How often a channel is bound again. That renews the permission too, which ends after 300 s
(RFC 8656, 9); aioice would do it after 500 s."""

TCP_CLOSE_WITHIN_S: Final = 0.3
MAX_WAITING: Final = 64
"""Datagrams that wait for a channel; more are dropped, as a network would."""

_NEVER: Final = 10**9


class RelayTransport:
    """A TURN allocation, as the transport of one of aioice's sockets.

    `local_address`: the address of this machine from which the server is reached.
    """

    def __init__(self, client: TurnClientProtocol) -> None:
        self.local_address: str = client.transport.get_extra_info("sockname")[0]
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._sending: set[asyncio.Task[None]] = set()
        self._bound_at: dict[int, float] = {}

    @property
    def server_address(self) -> Address:
        return self._client.server

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """`sockname`: the relayed address. `socket`: the UDP socket, whose datagrams are timed."""
        if name == "sockname":
            return self._client.relayed_address
        if name == "socket" and isinstance(self._client, TurnClientUdpProtocol):
            return self._client.transport.get_extra_info("socket", default)
        return default

    def is_closing(self) -> bool:
        return self._client.transport.is_closing()

    def sendto(self, data: bytes, address: Address) -> None:
        """Send to a peer; the first datagrams wait until its channel is bound."""
        client = self._client
        if self.is_closing():
            return
        channel = client.peer_to_channel.get(address)
        if channel is not None:
            client._send(struct.pack("!HH", channel, len(data)) + data)
        elif len(self._sending) < MAX_WAITING:
            task = spawn(self._bind_and_send(data, address), name="turn-send")
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _bind_and_send(self, data: bytes, address: Address) -> None:
        try:
            await self._client.send_data(data, address)
        except (OSError, stun.TransactionError):
            return  # the server forbids this peer, or does not answer: the check goes unanswered

    async def refresh(self) -> None:
        """Have the server confirm the allocation and its permissions.

        Raises stun.TransactionFailed when the server refuses, stun.TransactionTimeout.
        """
        request = stun.Message(stun.Method.REFRESH, stun.Class.REQUEST)
        request.attributes["LIFETIME"] = LIFETIME_S
        await self._client.request_with_retry(request)
        for address, channel in list(self._client.peer_to_channel.items()):
            now = self._loop.time()
            # one that aioice bound since the last refresh is bound again now
            if now - self._bound_at.get(channel, float("-inf")) >= CHANNEL_EVERY_S:
                await self._client.channel_bind(channel, address)
                self._bound_at[channel] = now

    def close(self) -> None:
        """Tell the server to end the allocation, and close; its answer is not awaited."""
        client = self._client
        for task in self._sending:
            task.cancel()
        if self.is_closing():
            return
        if client.integrity_key:
            request = stun.Message(stun.Method.REFRESH, stun.Class.REQUEST)
            request.attributes["LIFETIME"] = 0
            request.attributes["USERNAME"] = client.username
            request.attributes["NONCE"] = client.nonce
            request.attributes["REALM"] = client.realm
            request.add_message_integrity(client.integrity_key)
            client._send(bytes(request))
        client.transport.close()
        if isinstance(client, TurnClientTcpProtocol):
            self._loop.call_later(TCP_CLOSE_WITHIN_S, client.transport.abort)

    def abort(self) -> None:
        self.close()


def relay_of(protocol: StunProtocol) -> RelayTransport | None:
    """The allocation of a relayed socket; None for any other socket."""
    transport: object = getattr(protocol, "transport", None)
    return transport if isinstance(transport, RelayTransport) else None


async def allocate(
    connection: Connection, server: TurnServer, address: Address, context: ssl.SSLContext | None
) -> StunProtocol:
    """A relayed socket for this connection, which does not know of it yet (`add_socket`).

    `address`: of `server`; `context`: for TLS. Raises OSError, stun.TransactionError.
    """
    client = await _open(server, address, context)
    try:
        relayed = await client.connect()
        if client.refresh_task is not None:
            client.refresh_task.cancel()  # `RelayTransport.refresh` is called more often
            client.refresh_task = None
    except BaseException:
        client.transport.abort()
        raise
    protocol = StunProtocol(connection)
    protocol.local_candidate = Candidate(
        foundation=candidate_foundation("relay", "udp", relayed[0]),
        component=1,
        transport="udp",
        priority=candidate_priority(1, "relay"),
        host=relayed[0],
        port=relayed[1],
        type="relay",
    )
    client.receiver = protocol
    protocol.connection_made(cast(asyncio.BaseTransport, RelayTransport(client)))
    return protocol


async def _open(
    server: TurnServer, address: Address, context: ssl.SSLContext | None
) -> TurnClientProtocol:
    """Connect with a socket of our own: uvloop queues a look-up even for a literal address."""
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    kind = socket.SOCK_STREAM if server.transport == "tcp" else socket.SOCK_DGRAM
    make = TurnClientTcpProtocol if server.transport == "tcp" else TurnClientUdpProtocol
    client: TurnClientProtocol = make(
        address,
        username=server.username,
        password=server.credential,
        lifetime=LIFETIME_S,
        channel_refresh_time=_NEVER,
    )
    _drop_what_cannot_be_read(client)
    sock = socket.socket(family, kind)
    try:
        sock.setblocking(False)
        await loop.sock_connect(sock, address)
        if server.transport == "tcp":
            await loop.create_connection(
                lambda: cast(asyncio.Protocol, client),
                sock=sock,
                ssl=context,
                server_hostname=server.host if context is not None else None,
            )
        else:
            await loop.create_datagram_endpoint(
                lambda: cast(asyncio.DatagramProtocol, client), sock=sock
            )
    except BaseException:
        sock.close()
        raise
    return client


def _drop_what_cannot_be_read(client: TurnClientProtocol) -> None:
    """aioice raises at a STUN attribute of unexpected length, and the event loop then closes the
    socket: any forged datagram would end the allocation."""

    def datagram_received(data: bytes, address: Address) -> None:
        with contextlib.suppress(Exception):
            original(data, address)

    original = override(client, "datagram_received", datagram_received)


def add_socket(connection: Connection, protocol: StunProtocol) -> None:
    """Let ICE use this socket too, also when its checks have begun."""
    connection._protocols.append(protocol)
    if not connection._early_checks_done or connection._check_list_done:
        return  # `connect` will pair it, or a pair was chosen
    for remote in connection._remote_candidates:
        connection._pair_remote_candidate(remote)
    connection.sort_check_list()
    for pair in list(connection._check_list):
        if pair.protocol is protocol and pair.state is CandidatePair.State.FROZEN:
            connection.check_start_task(pair)
