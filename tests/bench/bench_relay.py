"""The relay on real sockets: its error against the model's delays, and CPU per packet"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator

from bench.measure import Measurement, percentile
from rejoin import assets
from rejoin.emulator.host.relay import Relay
from rejoin.injector.seeds import chance_of
from rejoin.netem.link import Link
from rejoin.netem.network_profile import parse_profile

PACKETS_PER_S = 3000
PACKET = bytes(1200)


def run(quick: bool) -> Iterator[Measurement]:
    for name in ("home_wifi", "geo_sat", "bufferbloat"):
        yield from asyncio.run(_measure(name, 0.5 if quick else 5.0))


async def _measure(name: str, for_s: float) -> list[Measurement]:
    loop = asyncio.get_running_loop()
    relay = Relay()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as host,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        for endpoint in (host, client):
            endpoint.bind(("127.0.0.1", 0))
            endpoint.setblocking(False)
        port = await relay.open_port(host.getsockname())
        profile = parse_profile(name, assets.text(f"profiles/{name}.toml"))
        relay.set_link(Link(profile, relay.now(), chance_of(1)))
        busy_s, began_at, sent = time.process_time(), loop.time(), 0
        while (elapsed_s := loop.time() - began_at) < for_s:
            for _ in range(int(elapsed_s * PACKETS_PER_S) - sent):
                client.sendto(PACKET, port.address)
                sent += 1
            await asyncio.sleep(0.002)
        cost_us = (time.process_time() - busy_s) / sent * 1e6
        late_ms = [1000 * late_s for late_s in relay.lateness]
        await relay.close()
    conditions = f"{PACKETS_PER_S} packets/s of {len(PACKET)} bytes, {for_s:g} s"
    return [
        Measurement(
            f"{name}: later than the model, p50", percentile(late_ms, 50), "ms", conditions
        ),
        Measurement(
            f"{name}: later than the model, p95", percentile(late_ms, 95), "ms", conditions
        ),
        Measurement(f"{name}: CPU, including the sender", cost_us, "µs each", conditions),
    ]
