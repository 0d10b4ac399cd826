"""A sandbox for tests, and what came out of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from rejoin.clock import boot_s
from rejoin.input_events.wishes import VibrationWish
from rejoin.input_module.limits import Limits
from rejoin.input_module.port import (
    Channel,
    ChannelState,
    ModuleOptions,
    ModuleProblem,
    PeerState,
)
from rejoin.input_module.sandbox import Sandbox

PATIENT = Limits(patience_s=60.0, start_s=60.0)
"""For modules that behave: no slow machine makes them look hung."""


@dataclass
class Heard:
    """Writes down what `port.Reports` are called with."""

    sent: list[tuple[int, Channel, bytes | str]] = field(default_factory=list)
    said: list[tuple[object, ...]] = field(default_factory=list)
    problems: list[ModuleProblem] = field(default_factory=list)

    def send(self, instance: int, channel: Channel, data: bytes | str) -> None:
        self.sent.append((instance, channel, data))

    def server_disconnected(self, instance: int, reason: str) -> None:
        self.said.append(("disconnected", instance, reason))

    def application_message(self, instance: int, data: bytes) -> None:
        self.said.append(("message", instance, data))

    def performance(self, instance: int, statistics: Mapping[str, object]) -> None:
        self.said.append(("performance", instance, dict(statistics)))

    def pointer_lock(self, instance: int, wanted: bool) -> None:
        self.said.append(("pointer lock", instance, wanted))

    def full_screen(self, instance: int, wanted: bool) -> None:
        self.said.append(("full screen", instance, wanted))

    def cursor(self, instance: int, keyword: str) -> None:
        self.said.append(("cursor", instance, keyword))

    def vibration(self, instance: int, wish: VibrationWish) -> None:
        self.said.append(("vibration", instance, wish))

    def failed(self, problem: ModuleProblem) -> None:
        self.problems.append(problem)

    def bytes_on(self, channel: Channel) -> list[bytes | str]:
        return [data for _, each, data in self.sent if each is channel]


@contextlib.asynccontextmanager
async def sandbox(
    limits: Limits = PATIENT, *, clock: Callable[[], float] | None = None
) -> AsyncIterator[tuple[Sandbox, Heard]]:
    """A sandbox that has not started, and what it reports; closed at the end."""
    heard = Heard()
    box = Sandbox(heard, limits=limits, clock=clock or boot_s)
    try:
        yield box, heard
    finally:
        await asyncio.wait_for(box.close(), 30)


async def begin(
    box: Sandbox, script: str, *, instance: int = 1, automatic: bool = True, settle: bool = True
) -> None:
    """Prepare a script, and attach its module to a connection whose channels are open."""
    await box.prepare(script)
    connect(box, instance=instance, automatic=automatic)
    if settle:
        await box.settle()


def connect(box: Sandbox, *, instance: int = 1, automatic: bool = True) -> None:
    """Make an instance for a connection that works, and attach it."""
    box.make_instance(instance, ModuleOptions("{}", 8000, 720, automatic))
    for channel in Channel:
        box.channel_state(channel, ChannelState("open"))
    box.peer_state(PeerState("connected", "connected"))
    box.attach()
