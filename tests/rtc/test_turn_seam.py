"""aioice's TURN client as we use it, against coturn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aioice import Connection, stun
from aioice.ice import StunProtocol

from helpers.turn_server import coturn, needs_coturn, server, until
from helpers.udp_endpoint import udp_endpoint
from rejoin.rtc import turn_seam
from rejoin.rtc.aiortc_seam import override
from rejoin.rtc.turn_seam import RelayTransport, add_socket, allocate, relay_of


@asynccontextmanager
async def relayed(folder: Path) -> AsyncIterator[tuple[StunProtocol, RelayTransport]]:
    connection = Connection(ice_controlling=True)
    with coturn(folder) as turn:
        address = ("127.0.0.1", turn.port)
        protocol = await allocate(connection, server(turn.port), address, None)
        transport = relay_of(protocol)
        assert transport is not None
        yield protocol, transport
        transport.close()
        await protocol.close()
        await connection.close()


@needs_coturn
async def test_data_go_both_ways_once_the_channel_is_bound(tmp_path: Path) -> None:
    async with relayed(tmp_path) as (protocol, transport), udp_endpoint() as peer:
        assert transport.get_extra_info("sockname") == (
            protocol.local_candidate.host,
            protocol.local_candidate.port,
        )
        assert transport.get_extra_info("socket") is not None
        assert transport.get_extra_info("peername", "none") == "none"
        came: list[bytes] = []
        override(protocol, "datagram_received", lambda data, address: came.append(bytes(data)))
        for number in range(3):
            transport.sendto(b"%d" % number, peer.address)
        got = [await peer.receive() for _ in range(3)]
        assert sorted(data for data, _ in got) == [b"0", b"1", b"2"]
        assert {address for _, address in got} == {transport.get_extra_info("sockname")}
        transport.sendto(b"at once", peer.address)
        assert (await peer.receive())[0] == b"at once"
        peer.transport.sendto(b"back", got[0][1])
        await until(lambda: came == [b"back"])


@needs_coturn
async def test_a_refresh_binds_the_channels_again_before_their_permission_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert turn_seam.CHANNEL_EVERY_S < 300 / 2, "permissions last 300 s"
    async with relayed(tmp_path) as (_, transport), udp_endpoint() as peer:
        transport.sendto(b"first", peer.address)
        await peer.receive()
        bound: list[tuple[int, tuple[str, int]]] = []
        bind = transport._client.channel_bind

        async def recorded(channel: int, address: tuple[str, int]) -> None:
            bound.append((channel, address))
            await bind(channel, address)

        monkeypatch.setattr(transport._client, "channel_bind", recorded)
        await transport.refresh()
        await transport.refresh()
        assert bound == [(0x4000, peer.address)], "aioice bound it; then it is fresh"
        monkeypatch.setattr(turn_seam, "CHANNEL_EVERY_S", 0.0)
        await transport.refresh()
        assert len(bound) == 2


@needs_coturn
async def test_a_closed_allocation_is_given_up_at_once(tmp_path: Path) -> None:
    async with relayed(tmp_path) as (_, transport), udp_endpoint() as peer:
        transport.sendto(b"first", peer.address)
        _, relay = await peer.receive()
        sent: list[bytes] = []
        send = transport._client._send
        transport._client._send = lambda data: (sent.append(data), send(data))[1]  # type: ignore[func-returns-value,method-assign]
        transport.close()
        transport.abort()
        assert transport.is_closing()
        transport.sendto(b"dropped", peer.address)
        (last,) = [stun.parse_message(data) for data in sent]
        assert last.message_method is stun.Method.REFRESH
        assert last.attributes["LIFETIME"] == 0
        assert relay[0] == "127.0.0.1"
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(peer.got.get(), 0)


@needs_coturn
async def test_a_server_that_refuses_a_peer_costs_only_that_peer(tmp_path: Path) -> None:
    async with relayed(tmp_path) as (_, transport), udp_endpoint() as peer:
        for _ in range(turn_seam.MAX_WAITING + 5):
            transport.sendto(b"refused", ("224.0.0.1", 5000))
        assert len(transport._sending) == turn_seam.MAX_WAITING
        await until(lambda: not transport._sending)
        transport.sendto(b"taken", peer.address)
        assert (await peer.receive())[0] == b"taken"


@needs_coturn
async def test_a_socket_that_comes_while_ice_checks_is_paired_and_checked(tmp_path: Path) -> None:
    async with relayed(tmp_path) as (protocol, _):
        connection = protocol.receiver
        add_socket(connection, protocol)
        assert connection._check_list == [], "`connect` will pair it"
        assert connection._protocols == [protocol]


@needs_coturn
async def test_a_datagram_that_aioice_cannot_read_does_not_end_the_allocation(
    tmp_path: Path,
) -> None:
    """Anybody who guesses the ports can forge one of the server's address."""
    async with relayed(tmp_path) as (_, transport), udp_endpoint() as peer:
        message = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE)
        message.attributes["LIFETIME"] = 5
        odd = bytearray(bytes(message))
        odd[23] = 3  # the attribute's length
        for data in (b"", b"\x00", bytes(odd), b"\x40\x00\xff\xff"):
            transport._client.datagram_received(data, transport.server_address)
        transport.sendto(b"goes on", peer.address)
        assert (await peer.receive())[0] == b"goes on"
