"""Measures all connections twenty times a second, and notices that the machine slept."""

from __future__ import annotations

import asyncio
import logging

from rejoin.core import events
from rejoin.media.statistics import StreamStatistics
from rejoin.runtime.connections import Connections
from rejoin.runtime.module_input import ModuleInput
from rejoin.runtime.ports import EngineOptions, OnStatistics, Post

_log = logging.getLogger("rejoin.sampling")

SLEPT_MIN_S = 1.0
"""The two clocks are not read at the same instant: a smaller difference does not mean sleep."""
STATISTICS_EVERY_S = 1.0


class Sampling:
    """Runs on the engine's loop; `newest_statistics` may be read on any thread."""

    def __init__(
        self,
        connections: Connections,
        options: EngineOptions,
        post: Post,
        on_statistics: OnStatistics,
        module_input: ModuleInput,
    ) -> None:
        self._connections = connections
        self._every_s = options.policy.sample_every_s
        self._clock = options.clock
        self._awake_clock = options.awake_clock
        self._post = post
        self._on_statistics = on_statistics
        self._input = module_input
        self._newest: StreamStatistics | None = None
        self._statistics_due_at = 0.0

    @property
    def newest_statistics(self) -> StreamStatistics | None:
        """The statistics of the shown connection, at most a second old while it is open."""
        return self._newest

    async def run(self) -> None:
        """Post a Sampled for each connection every `sample_every_s`, and Woke after a sleep.

        While the machine sleeps, boot time continues and awake time stops.
        """
        slept_s = self._clock() - self._awake_clock()
        while True:
            await asyncio.sleep(self._every_s)
            slept_before_s, slept_s = slept_s, self._clock() - self._awake_clock()
            if slept_s - slept_before_s > SLEPT_MIN_S:
                self._post(events.Woke(slept_s - slept_before_s))
            self._sample()
            self._collect_statistics(self._clock())

    def _sample(self) -> None:
        for connection, peer in self._connections.all():
            try:
                sample = peer.sample()
            except Exception:
                _log.exception("connection %s could not be sampled", connection)
                continue
            if sample is not None:
                self._post(events.Sampled(connection, sample))

    def _collect_statistics(self, now: float) -> None:
        if now < self._statistics_due_at:
            return
        self._statistics_due_at = now + STATISTICS_EVERY_S
        shown = self._connections.shown()
        if shown is None:
            return
        connection, peer = shown
        try:
            self._newest = self._input.with_host_load(connection, peer.statistics())
            self._on_statistics(now, self._newest)
        except Exception:
            _log.exception("the statistics of connection %s could not be collected", connection)
