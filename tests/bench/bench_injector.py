"""The injector on a client's socket: its error against the model's delays, and CPU per datagram"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

from aioice.ice import Connection, StunProtocol

from bench.measure import Measurement, percentile
from rejoin.injector.faults import PathFault
from rejoin.injector.injector import Injector
from rejoin.injector.seeds import network_profiles
from rejoin.interpreter import loop_factory
from rejoin.rtc.socket_filter import put_between

PACKETS_PER_S = 3000
PACKET = bytes(1200)
WITHOUT, IDLE = "without an injector", "injector, no fault"


def run(quick: bool) -> Iterator[Measurement]:
    for_s = 0.5 if quick else 5.0
    for name in (WITHOUT, IDLE, "home_wifi", "geo_sat", "bufferbloat"):
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            yield from runner.run(_measure(name, for_s))


async def _measure(name: str, for_s: float) -> list[Measurement]:
    loop = asyncio.get_running_loop()
    injector = Injector()
    got = 0

    def received(data: bytes, address: Any) -> None:
        nonlocal got
        got += 1

    _, protocol = await loop.create_datagram_endpoint(
        lambda: StunProtocol(Connection(ice_controlling=True)), local_addr=("127.0.0.1", 0)
    )
    setattr(protocol, "datagram_received", received)  # noqa: B010  (as our hooks do)
    if name != WITHOUT:
        put_between(protocol, injector.hooks.filter_sockets)
    if name not in (WITHOUT, IDLE):
        injector.start(PathFault(profile=network_profiles()[name]))
    address = protocol.transport.get_extra_info("sockname")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as host:
        busy_s, sent = await _send(lambda: host.sendto(PACKET, address), for_s)
    late_ms = [1000 * late_s for late_s in injector.paths.lateness]
    await injector.close()
    await protocol.close()
    conditions = f"{PACKETS_PER_S} datagrams/s of {len(PACKET)} bytes to one socket, {for_s:g} s"
    found = []
    if late_ms:
        for share in (50, 95):
            title = f"{name}: later than the model, p{share}"
            found.append(Measurement(title, percentile(late_ms, share), "ms", conditions))
    title = f"{name}: CPU, including the sender"
    return [*found, Measurement(title, busy_s / sent * 1e6, "µs each", conditions)]


async def _send(send: Callable[[], object], for_s: float) -> tuple[float, int]:
    """CPU seconds of this process, and datagrams."""
    busy_s, began_at, sent = time.process_time(), time.perf_counter(), 0
    while (elapsed_s := time.perf_counter() - began_at) < for_s:
        for _ in range(int(elapsed_s * PACKETS_PER_S) - sent):
            send()
            sent += 1
        await asyncio.sleep(0.002)
    return time.process_time() - busy_s, max(1, sent)
