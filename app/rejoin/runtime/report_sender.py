"""Sends reconnect reports to the studio's backend without delaying a reconnect.

A report is written to the disk when its episode is over. It is sent at a random time within ten
minutes after the game is back, over a connection of its own, so that after a large failure the
reports of many players do not arrive at once. While the game is not live nothing is sent, and a
call in flight is cancelled when an episode begins.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from rejoin.core.model import HealthLevel, Snapshot, Stage
from rejoin.core.reconnect_report import ReconnectReport
from rejoin.core.retry import Draw, Failure, FailureKind
from rejoin.daemon_thread import run_in_daemon_thread
from rejoin.errors import BadInputError
from rejoin.runtime.report_queue import ReportQueue
from rejoin.signaling.exchange import CallFailedError
from rejoin.signaling.wire import ReportBody
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.report_sender")

WITHIN_S: Final = 600.0
_BUDGET_S: Final = 10.0
_DISK_S: Final = 5.0
_CLOSE_S: Final = 1.0

_CALM: Final = (HealthLevel.HEALTHY, HealthLevel.DEGRADED)
"""Degraded too: a player on a bad network has the most to report."""
_DROPPED: Final = frozenset({FailureKind.NOT_FOUND, FailureKind.INVALID, FailureKind.FORBIDDEN})
"""After these the same report will never be taken."""
_NO_SUCH_CALL: Final = (404, 405)
"""Answers of a backend of contract 1.0, or of the gateway in front of one."""


def _never_taken(failure: Failure) -> bool:
    return failure.kind in _DROPPED or failure.http_status in _NO_SUCH_CALL


class ReportPort(Protocol):
    """Where reports go; `signaling.client.BackendClient` implements it."""

    async def report(self, body: ReportBody, *, budget_s: float) -> None: ...
    async def aclose(self) -> None: ...


class ReportSender:
    """The reports of one player's client. Use it on the engine's loop."""

    def __init__(
        self,
        queue: ReportQueue,
        open_client: Callable[[], ReportPort],
        *,
        draw: Draw = random.random,
        within_s: float = WITHIN_S,
    ) -> None:
        """`open_client`: a client of its own for each delivery, made on a thread of its own; may
        raise BadInputError. `draw`: in [0, 1)."""
        self._queue = queue
        self._open_client = open_client
        self._draw = draw
        self._within_s = within_s
        self._calm = asyncio.Event()
        self._delivery: asyncio.Task[None] | None = None
        self._writes: set[asyncio.Task[None]] = set()

    def episode_ended(self, report: ReconnectReport) -> None:
        """Keep this report until it is delivered."""
        task = spawn(self._write(report), name="report")
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    def snapshot_changed(self, snapshot: Snapshot) -> None:
        """The game is back, or it is not: a delivery begins or ends."""
        playing = snapshot.stage is Stage.LIVE
        if playing and snapshot.health in _CALM:
            self._calm.set()
        else:
            self._calm.clear()
        if playing and self._delivery is None:
            self._delivery = spawn(self._deliver(), name="reports")
        elif not playing and self._delivery is not None:
            self._delivery.cancel()
            self._delivery = None

    async def close(self) -> None:
        """Stop; undelivered reports wait on the disk for the next game."""
        await cancel(self._delivery)
        if self._writes:
            await asyncio.wait(self._writes, timeout=_CLOSE_S)

    async def _write(self, report: ReconnectReport) -> None:
        try:
            await run_in_daemon_thread(
                lambda: self._queue.add(report), name="report", within_s=_DISK_S
            )
        except OSError as error:  # TimeoutError is one
            _log.info("a report was not kept: %s", type(error).__name__)

    async def _deliver(self) -> None:
        """Until nothing waits any more."""
        done = False
        while not done:
            await asyncio.sleep(self._draw() * self._within_s)
            if self._writes:
                await asyncio.wait(self._writes)
            await self._calm.wait()
            try:
                done = await self._send_all()
            except OSError as error:
                _log.info("reports could not be read: %s", type(error).__name__)
                return

    async def _send_all(self) -> bool:
        """Send the waiting reports; False if some have to wait longer. Raises OSError."""
        bodies = await run_in_daemon_thread(self._queue.waiting, name="report", within_s=_DISK_S)
        if not bodies:
            return True
        try:  # on a thread: loading certificates takes too long for the stream's loop
            client = await run_in_daemon_thread(self._open_client, name="report", within_s=_DISK_S)
        except BadInputError:  # a file with certificates is gone
            return False
        try:
            for body in bodies:
                try:
                    await client.report(body, budget_s=_BUDGET_S)
                except CallFailedError as error:
                    if not _never_taken(error.failure):
                        return False
                await run_in_daemon_thread(
                    partial(self._queue.remove, body.record_id), name="report", within_s=_DISK_S
                )
        finally:
            await client.aclose()
        return True
