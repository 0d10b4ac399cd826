"""When probes run: in rounds beside an episode, from a second after the drop until its end.

No call of a reconnect waits for them, and a reconnect that takes less than a second has none. Their
number is bounded, too.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from rejoin.core import events
from rejoin.core.model import Stage
from rejoin.core.verdict import Findings
from rejoin.daemon_thread import run_in_daemon_thread
from rejoin.runtime.ports import MakeProbes, Post, ProbesPort
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.probe_rounds")

FIRST_AFTER_S: Final = 1.0
"""From the beginning of an episode, or a change of the network in it, to the first round."""
LONGEST_PAUSE_S: Final = 15.0
MAKE_WITHIN_S: Final = 5.0
MAX_ROUNDS: Final = 40
"""The most rounds of one episode; with their pauses they take nine minutes."""

_PROBED: Final = (Stage.LOST, Stage.RECONNECTING)


class ProbeRounds:
    """Use it on the engine's loop."""

    def __init__(self, make: MakeProbes | None, post: Post) -> None:
        """`make`: makes the probes when they are first used, on a thread, as that may block. None:
        there are none."""
        self._make = make
        self._probes: ProbesPort | None = None
        self._post = post
        self._rounds_left = MAX_ROUNDS
        self._task: asyncio.Task[None] | None = None

    def follow(self, stage: Stage, *, network_changed: bool = False) -> None:
        """Begin with an episode, and stop with it. A change of the network starts it over."""
        if stage not in _PROBED:
            self._stop()
            self._rounds_left = MAX_ROUNDS
        elif self._make is not None and (self._task is None or network_changed):
            self._stop()
            self._task = spawn(self._run(self._make), name="probes")

    async def close(self) -> None:
        """Stop, and close the probes."""
        task, self._task = self._task, None
        await cancel(task)
        if self._probes is not None:
            await self._probes.aclose()

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self, make: MakeProbes) -> None:
        pause_s = FIRST_AFTER_S
        while self._rounds_left > 0:
            self._rounds_left -= 1
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            try:
                if self._probes is None:
                    self._probes = await run_in_daemon_thread(
                        make, name="make the probes", within_s=MAKE_WITHIN_S
                    )
                findings = await self._probes.findings()
            except Exception:
                _log.exception("the probes failed")
                findings = Findings()
            self._post(events.ProbesFinished(findings))
        await asyncio.sleep(LONGEST_PAUSE_S)
        self._post(events.ProbesFinished(Findings()))  # these findings are out of date by now
