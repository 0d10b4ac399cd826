"""A service with many stream sessions, whose lists a test can let lag behind."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from helpers.fake_stream_service import FakeStreamService
from helpers.stores import running_session
from rejoin.backend.service import ListedPage, ListedStream, StreamId, StreamStatus
from rejoin.backend.store.sessions import SessionStore

OWNER = "player"
TIMEOUT_S = 120.0


@dataclass
class ManyStreams(FakeStreamService):
    """`statuses`: of each stream session, as a status call sees it. `shown`: as lists show it,
    where that differs."""

    statuses: dict[str, str] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)

    async def get_status(self, stream: StreamId, *, budget_s: float) -> StreamStatus:
        self._begin("get_status", stream.stream_session)
        status = self.statuses[stream.stream_session]
        reason = "applicationExit" if status == "TERMINATED" else None
        return StreamStatus(status, reason, connection_timeout_s=TIMEOUT_S)

    async def list_page(self, *, status: str, page: str | None, budget_s: float) -> ListedPage:
        await asyncio.sleep(0)  # a call gives way to others
        now = self.statuses | self.shown
        streams = [ListedStream(StreamId("sg-1", arn), now[arn], "") for arn in now]
        self.listed = {each.stream: each for each in streams}
        return await super().list_page(status=status, page=page, budget_s=budget_s)

    def polls_of(self, stream: str) -> int:
        return self.calls.count(("get_status", stream))


async def add_session(
    store: SessionStore, service: ManyStreams, name: str, status: str = "CONNECTED"
) -> str:
    """A session that has started, with attempt 1; its stream session is `arn:NAME`. Its id."""
    row = await running_session(store, name, owner_hash=OWNER)
    service.statuses[f"arn:{name}"] = status
    return row.id
