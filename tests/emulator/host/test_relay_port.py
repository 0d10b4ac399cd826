"""One port of the relay: flows, port range, limits, and no socket left behind."""

from __future__ import annotations

import contextlib
import socket

import pytest

from helpers.leaves_nothing import leaves_nothing
from helpers.udp_endpoint import udp_endpoint
from helpers.waiting import eventually
from rejoin.emulator.host.relay import Relay
from rejoin.emulator.host.relay_port import MAX_FLOWS
from rejoin.injector.seeds import chance_of
from rejoin.netem.link import Lane, Link, NetworkProfile, ProfileStage


@leaves_nothing
async def test_each_client_has_its_own_flow_to_the_host_and_back() -> None:
    relay = Relay()
    async with udp_endpoint() as host, udp_endpoint() as one, udp_endpoint() as two:
        port = await relay.open_port(host.address)
        for client, words in ((one, b"one"), (two, b"two")):
            client.transport.sendto(words, port.address)
            data, flow = await host.receive()
            assert data == words
            host.transport.sendto(b"to " + data, flow)
            back, source = await client.receive()
            assert back == b"to " + words
            assert source == port.address
        assert port.flows == 2
        assert (relay.counters.up, relay.counters.down) == (2, 2)
        assert (relay.counters.up_bytes, relay.counters.down_bytes) == (6, 12)
        assert relay.granted_bytes is not None
        assert relay.granted_bytes > 0
        await relay.close()


@leaves_nothing
async def test_ports_come_from_the_range_while_it_lasts() -> None:
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.bind(("127.0.0.1", 0))
        taken = probe.getsockname()[1]
        relay = Relay((taken, taken))
        port = await relay.open_port(("127.0.0.1", 9))
        assert port.address[1] not in (0, taken)
        await relay.close()
    relay = Relay((taken, taken))
    port = await relay.open_port(("127.0.0.1", 9))
    assert port.address == ("127.0.0.1", taken)
    await relay.close()


@leaves_nothing
async def test_the_number_of_flows_is_limited() -> None:
    relay = Relay()
    async with udp_endpoint() as host:
        port = await relay.open_port(host.address)
        with contextlib.ExitStack() as stack:
            for _ in range(MAX_FLOWS + 3):
                stranger = stack.enter_context(
                    contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                )
                stranger.sendto(b"hello", port.address)
            await eventually(lambda: relay.counters.dropped >= 3)
        assert port.flows == MAX_FLOWS
        await relay.close()
        assert port.flows == 0


@pytest.mark.parametrize("flows", [0, 1, 5])
@leaves_nothing
async def test_closing_leaves_no_socket(flows: int) -> None:
    relay = Relay()
    async with udp_endpoint() as host:
        port = await relay.open_port(host.address)
        with contextlib.ExitStack() as stack:
            for _ in range(flows):
                client = stack.enter_context(
                    contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                )
                client.sendto(b"hello", port.address)
            await eventually(lambda: port.flows >= flows)
            await relay.close_port(port)
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
            probe.bind(port.address)  # free again
        await relay.close_port(port)  # twice is fine
        await relay.close()


def a_profile(up: Lane, down: Lane | None = None) -> NetworkProfile:
    return NetworkProfile("test", stages=(ProfileStage(0.0, up, down or up),))


def a_link(relay: Relay, profile: NetworkProfile, seed: int = 1) -> Link:
    return Link(profile, relay.now(), chance_of(seed))


@leaves_nothing
async def test_a_closing_port_delivers_delayed_packets_first() -> None:
    relay = Relay()
    async with udp_endpoint() as host, udp_endpoint() as client:
        port = await relay.open_port(host.address)
        client.transport.sendto(b"hello", port.address)
        _, flow = await host.receive()
        relay.set_link(a_link(relay, a_profile(Lane(0.150))))
        host.transport.sendto(b"goodbye", flow)
        await eventually(lambda: relay.counters.delayed == 1)
        await relay.close_port(port)
        assert (await client.receive())[0] == b"goodbye"
        await relay.close()


@leaves_nothing
async def test_after_a_rebind_the_host_sees_another_port_and_the_old_one_is_dead() -> None:
    relay = Relay()
    async with udp_endpoint() as host, udp_endpoint() as client:
        port = await relay.open_port(host.address)
        client.transport.sendto(b"one", port.address)
        _, before = await host.receive()
        await relay.rebind()
        host.transport.sendto(b"to the old port", before)
        client.transport.sendto(b"two", port.address)
        data, after = await host.receive()
        assert data == b"two"
        assert after != before
        host.transport.sendto(b"to the new port", after)
        assert (await client.receive())[0] == b"to the new port"
        assert port.flows == 1
        await relay.close()
