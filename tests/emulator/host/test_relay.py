"""The relay does to every packet what the link decides."""

from __future__ import annotations

import asyncio

import pytest

from helpers.leaves_nothing import leaves_nothing
from helpers.udp_endpoint import udp_endpoint
from helpers.waiting import eventually
from rejoin import assets
from rejoin.emulator.host.relay import Relay
from rejoin.injector.delay_queue import EARLY_S, FLUSH_PACKETS
from rejoin.injector.seeds import chance_of
from rejoin.netem.link import Cut, Direction, Fate, Lane, Link, NetworkProfile, ProfileStage
from rejoin.netem.network_profile import parse_profile


@leaves_nothing
async def test_silence_drops_both_directions_of_existing_flows() -> None:
    relay = Relay()
    async with udp_endpoint() as host, udp_endpoint() as old, udp_endpoint() as new:
        port = await relay.open_port(host.address)
        old.transport.sendto(b"hello", port.address)
        _, flow = await host.receive()
        relay.silence_existing()
        old.transport.sendto(b"lost up", port.address)
        host.transport.sendto(b"lost down", flow)
        new.transport.sendto(b"new", port.address)
        assert (await host.receive())[0] == b"new"
        assert old.got.empty()
        assert relay.counters.dropped == 2

        relay.all_silent = True
        new.transport.sendto(b"lost too", port.address)
        await eventually(lambda: relay.counters.dropped >= 3)
        relay.end_silence()
        old.transport.sendto(b"again", port.address)
        assert (await host.receive())[0] == b"again"
        await relay.close()


@leaves_nothing
async def test_many_packets_at_once_come_through_in_order() -> None:
    relay = Relay()
    async with udp_endpoint() as host, udp_endpoint() as client:
        port = await relay.open_port(host.address)
        for number in range(60):
            client.transport.sendto(b"%d" % number, port.address)
        got = [int((await host.receive())[0]) for _ in range(60)]
        assert got == list(range(60))
        await relay.close()


UP, DOWN = Direction.UP, Direction.DOWN


ROUGH = Lane(0.030, 0.010, loss=0.1, burst_enter=0.05, burst_leave=0.4, bandwidth_bps=2_000_000)


def a_profile(up: Lane, down: Lane | None = None) -> NetworkProfile:
    return NetworkProfile("test", stages=(ProfileStage(0.0, up, down or up),))


def a_link(relay: Relay, profile: NetworkProfile, seed: int = 1) -> Link:
    return Link(profile, relay.now(), chance_of(seed))


class Record:
    """What the relay reports that it decided."""

    def __init__(self, relay: Relay) -> None:
        self.fates: list[tuple[Direction, int, float, Fate]] = []
        relay.on_fate = lambda *fate: self.fates.append(fate)

    def arrived(self, direction: Direction) -> list[int]:
        """The numbers of the packets that must arrive, in sending order."""
        mine = [fate for each, _, _, fate in self.fates if each is direction]
        return [number for number, fate in enumerate(mine) if fate.dropped is None]


def numbers(got: asyncio.Queue[tuple[bytes, tuple[str, int]]]) -> list[int]:
    return [int(got.get_nowait()[0][:8]) for _ in range(got.qsize())]


@leaves_nothing
async def test_every_packet_on_the_wire_has_the_fate_that_the_link_decided() -> None:
    """Both directions at once; a second link with the same seed decides the same."""

    relay = Relay()
    async with udp_endpoint() as host, udp_endpoint() as client:
        port = await relay.open_port(host.address)
        client.transport.sendto(b"hello", port.address)
        _, flow = await host.receive()
        profile = a_profile(ROUGH, Lane(0.010, loss=0.3))
        began_at = relay.now()
        link = Link(profile, began_at, chance_of(5))
        record = Record(relay)
        relay.set_link(link)
        for number in range(600):
            size = 8 + number % 1200
            client.transport.sendto(b"%08d" % number + bytes(size - 8), port.address)
            host.transport.sendto(b"%08d" % number, flow)
            if number % 8 == 0:
                await asyncio.sleep(0.002)
        await eventually(lambda: len(record.fates) == 1200 and not relay.waiting)
        expected = record.arrived(UP), record.arrived(DOWN)
        await eventually(lambda: host.got.qsize() >= len(expected[0]))
        await eventually(lambda: client.got.qsize() >= len(expected[1]))
        assert numbers(host.got) == expected[0]
        assert numbers(client.got) == expected[1]
        again = Link(profile, began_at, chance_of(5))
        for direction, size, now, fate in record.fates:
            assert again.decide(direction, size, now) == fate
        dropped = sum(fate.dropped is not None for *_, fate in record.fates)
        assert 100 < dropped < 900
        assert relay.counters.dropped == dropped
        assert relay.lateness_s is not None
        assert relay.lateness_s > -2 * EARLY_S
        await relay.close()


@leaves_nothing
async def test_timers_are_set_too_early_by_half_of_their_lateness() -> None:
    relay = Relay()
    async with udp_endpoint() as host, udp_endpoint() as client:
        port = await relay.open_port(host.address)
        relay.set_link(a_link(relay, a_profile(Lane(2.0))))
        client.transport.sendto(b"hello", port.address)
        await eventually(lambda: relay.waiting > 0)
        assert relay._queue._timer is not None
        due_at, timer = relay._queue._timer
        assert due_at == pytest.approx(relay._queue._delayed[0].due_at - EARLY_S)
        assert timer.when() == pytest.approx(due_at, abs=1.0)
        assert await host.receive()
        await relay.close()


@leaves_nothing
async def test_delayed_packets_arrive_in_order_and_not_too_early() -> None:
    relay = Relay()
    async with udp_endpoint() as host, udp_endpoint() as client:
        port = await relay.open_port(host.address)
        record = Record(relay)
        relay.set_link(a_link(relay, a_profile(Lane(0.030, 0.020))))
        began_at = relay.now()
        for number in range(200):
            client.transport.sendto(b"%08d" % number, port.address)
            if number % 20 == 0:
                await asyncio.sleep(0.001)
        got = [int((await host.receive())[0]) for _ in range(200)]
        took_s = relay.now() - began_at
        assert got == list(range(200))
        last = max(now + fate.delay_s for _, _, now, fate in record.fates)
        assert took_s >= last - began_at - 0.001
        assert relay.counters.delayed == 200
        await relay.close()


@leaves_nothing
async def test_packets_overtake_each_other_if_the_lane_reorders() -> None:
    relay = Relay()
    async with udp_endpoint() as host, udp_endpoint() as client:
        port = await relay.open_port(host.address)
        relay.set_link(a_link(relay, a_profile(Lane(0.050, 0.050, reorder=True))))
        for number in range(50):
            client.transport.sendto(b"%08d" % number, port.address)
        got = [int((await host.receive())[0]) for _ in range(50)]
        assert sorted(got) == list(range(50))
        assert got != sorted(got)
        await relay.close()


@leaves_nothing
async def test_copies_arrive_one_after_the_other() -> None:
    relay = Relay()
    async with udp_endpoint() as host, udp_endpoint() as client:
        port = await relay.open_port(host.address)
        relay.set_link(a_link(relay, a_profile(Lane(copies=2))))
        for number in range(3):
            client.transport.sendto(b"%08d" % number, port.address)
        got = [int((await host.receive())[0]) for _ in range(9)]
        assert got == [0, 0, 0, 1, 1, 1, 2, 2, 2]
        await relay.close()


@leaves_nothing
async def test_a_link_applies_to_existing_flows_or_to_all() -> None:
    relay = Relay()
    dead = NetworkProfile("dead", cut=Cut())
    async with udp_endpoint() as host, udp_endpoint() as old, udp_endpoint() as new:
        port = await relay.open_port(host.address)
        old.transport.sendto(b"hello", port.address)
        await host.receive()
        relay.set_link(a_link(relay, dead), existing=True)
        old.transport.sendto(b"lost", port.address)
        new.transport.sendto(b"new", port.address)
        assert (await host.receive())[0] == b"new"
        await eventually(lambda: relay.counters.dropped == 1)
        relay.set_link(a_link(relay, dead))
        for client in (old, new):
            client.transport.sendto(b"lost", port.address)
        await eventually(lambda: relay.counters.dropped == 3)
        relay.remove_link()
        for client in (old, new):
            client.transport.sendto(b"again", port.address)
            assert (await host.receive())[0] == b"again"
        await relay.close()


@leaves_nothing
async def test_the_base_link_decides_where_no_link_does() -> None:
    relay = Relay()
    async with udp_endpoint() as host, udp_endpoint() as client:
        port = await relay.open_port(host.address)
        relay.set_base_link(a_link(relay, NetworkProfile("dead", cut=Cut())))
        client.transport.sendto(b"lost", port.address)
        await eventually(lambda: relay.counters.dropped == 1)
        relay.set_link(a_link(relay, NetworkProfile("clean")))
        client.transport.sendto(b"hello", port.address)
        assert (await host.receive())[0] == b"hello"
        relay.remove_link()
        client.transport.sendto(b"lost", port.address)
        await eventually(lambda: relay.counters.dropped == 2)
        relay.set_base_link(None)
        client.transport.sendto(b"again", port.address)
        assert (await host.receive())[0] == b"again"
        await relay.close()


@leaves_nothing
async def test_a_removed_link_releases_everything_in_order() -> None:
    """More than one turn can send; what is sent after the removal arrives last."""

    relay = Relay()
    count = 3 * FLUSH_PACKETS
    async with udp_endpoint() as host, udp_endpoint() as client:
        port = await relay.open_port(host.address)
        client.transport.sendto(b"hello", port.address)
        await host.receive()
        relay.set_link(a_link(relay, a_profile(Lane(30.0, 10.0))))
        for number in range(count):
            client.transport.sendto(b"%08d" % number, port.address)
            if number % 50 == 0:
                await asyncio.sleep(0)
        await eventually(lambda: relay.waiting == count)
        relay.remove_link()
        client.transport.sendto(b"%08d" % count, port.address)
        got = [int((await host.receive())[0]) for _ in range(count + 1)]
        assert got == list(range(count + 1))
        assert relay.waiting == 0
        assert relay.lateness_s is None  # packets released early are not counted
        await relay.close()


@leaves_nothing
async def test_closing_the_relay_does_not_wait_for_delayed_packets() -> None:
    relay = Relay()
    async with udp_endpoint() as host, udp_endpoint() as client:
        port = await relay.open_port(host.address)
        relay.set_link(a_link(relay, a_profile(Lane(60.0))))
        client.transport.sendto(b"late", port.address)
        await eventually(lambda: relay.waiting == 1)
        began_at = relay.now()
        await relay.close()
        assert relay.now() - began_at < 20
        assert relay.waiting == 0
        assert host.got.empty()


@leaves_nothing
async def test_a_silence_drops_delayed_packets_too() -> None:
    relay = Relay()
    async with udp_endpoint() as host, udp_endpoint() as client:
        port = await relay.open_port(host.address)
        relay.set_link(a_link(relay, a_profile(Lane(0.4))))
        client.transport.sendto(b"under way", port.address)
        await eventually(lambda: relay.waiting == 1)
        relay.silence_existing()
        await eventually(lambda: relay.waiting == 0)
        assert host.got.empty()
        assert relay.counters.dropped == 1
        await relay.close()


@leaves_nothing
async def test_three_thousand_packets_per_second_do_not_pile_up() -> None:
    """Half a second of them through a profile that ships; those not dropped arrive."""

    relay = Relay()
    async with udp_endpoint() as host, udp_endpoint() as client:
        port = await relay.open_port(host.address)
        profile = parse_profile("home_wifi", assets.text("profiles/home_wifi.toml"))
        record = Record(relay)
        relay.set_link(a_link(relay, profile))
        for number in range(1500):
            client.transport.sendto(b"%08d" % number + bytes(1192), port.address)
            if number % 6 == 5:
                await asyncio.sleep(0.002)
        await eventually(lambda: len(record.fates) == 1500 and not relay.waiting)
        expected = record.arrived(UP)
        await eventually(lambda: host.got.qsize() >= len(expected))
        assert numbers(host.got) == expected
        await relay.close()
