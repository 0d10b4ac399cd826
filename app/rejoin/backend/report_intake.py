"""Receives reconnect reports: each is stored once, under the player's tag, and counted.

Words unknown to this version are stored unchanged, and count as "other" in metrics, whose labels
must be few.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from rejoin.backend.metrics import Metrics
from rejoin.backend.owner_tags import OwnerTags
from rejoin.backend.refused import Reason, RefusedError
from rejoin.backend.requests import Caller
from rejoin.backend.store.reports import Added, ReportStore, StoredReport
from rejoin.clock import Clock
from rejoin.signaling.wire import REPORT_KEPT_S, ReportBody

CAUSES: Final = frozenset(
    {
        "silence",
        "returned",
        "dtls_closed",
        "channel_closed",
        "server_disconnected",
        "unreachable",
        "address_gone",
        "rtcp_bye",
        "picture_frozen",
        "player_asked",
    }
)
"""Causes that metrics name. `core/reconnect_report` makes them; a test compares both."""

LEFT: Final = frozenset({"closed_for_now", "ended_by_player", "cancelled", "continued_elsewhere"})
"""Endings by the player: nothing was lost."""

_AGAIN_S: Final = 3600.0


def result_of(outcome: str, ending: str | None) -> str:
    """ "saved", "left" (by the player) or "lost"."""
    if outcome != "ended":
        return "saved"
    return "left" if ending in LEFT else "lost"


class ReportIntake:
    """`POST /v1/reports`, without HTTP. `wall`: Unix time."""

    def __init__(
        self,
        store: ReportStore,
        tags: OwnerTags,
        metrics: Metrics,
        clock: Clock,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._tags = tags
        self._metrics = metrics
        self._clock = clock
        self._wall = wall

    async def take(self, caller: Caller, body: ReportBody) -> None:
        """Store a report; one that is known already is no failure. Raises RefusedError
        (OWNER_BUSY), StoreUnavailableError."""
        report = StoredReport(
            ended_at=self._wall() - min(body.ended_ago_s, REPORT_KEPT_S),
            cause=body.cause,
            verdict=body.verdict,
            outcome=body.outcome,
            ending=body.ending,
            lost_s=body.lost_s,
            noticed_after_s=body.noticed_after_s,
            requested_after_s=body.requested_after_s,
            answered_after_s=body.answered_after_s,
            attempts=body.attempts,
            tries=body.tries,
            failures=tuple(body.failures),
            client_version=body.client_version,
        )
        tag = await self._tags.of(caller.owner_hash)
        within_s = caller.left_s(self._clock())
        added = await self._store.add(tag, body.record_id, report, within_s=within_s)
        if added is Added.TOO_MANY:
            raise RefusedError(Reason.OWNER_BUSY, retry_after_s=_AGAIN_S)
        if added is Added.NEW:
            cause = body.cause if body.cause in CAUSES else "other"
            self._metrics.reported(cause, result_of(body.outcome, body.ending), body.lost_s)
