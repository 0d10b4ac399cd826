"""Backends with the routes of AWS's two samples, on real ports, with a service in memory."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

from helpers.fake_stream_service import GOOD_TOKEN, FakeStreamService
from helpers.stores import opened
from rejoin.backend.aws_bundle import build_bundle
from rejoin.backend.aws_react import GATEWAY_S, build_react
from rejoin.backend.aws_samples import OfferedApplications
from rejoin.backend.service import StartedStream, StreamId, StreamStatus
from rejoin.backend.serving import serving

STREAM_GROUP = "sg-1AB2C3De4"
APPLICATION = "a-9ZY8X7Wv6"
ARN = f"arn:aws:gameliftstreams:us-west-2:111122223333:streamsession/{STREAM_GROUP}/ABC123def4567"
OFFERED = OfferedApplications(STREAM_GROUP, APPLICATION, {"tour": "a-2"})


@dataclass
class ArnStreamService(FakeStreamService):
    """`FakeStreamService` whose stream session has an ARN of the real format."""

    def _inside(self, stream: StreamId) -> StreamId:
        """The fake's own id of it: the first one has the ARN, later ones a number behind it."""
        assert stream.stream_group == STREAM_GROUP
        assert stream.stream_session.startswith(ARN), stream
        return StreamId("sg-1", stream.stream_session.replace(ARN, "arn:of:the:session"))

    async def start(self, **arguments: Any) -> StartedStream:
        started = await super().start(**arguments)
        arn = started.stream.stream_session.replace("arn:of:the:session", ARN)
        return replace(started, stream=StreamId(STREAM_GROUP, arn))

    async def get_status(self, stream: StreamId, *, budget_s: float) -> StreamStatus:
        return await super().get_status(self._inside(stream), budget_s=budget_s)

    async def create_connection(
        self, stream: StreamId, *, token: str, signal_request: str, budget_s: float
    ) -> str:
        return await super().create_connection(
            self._inside(stream), token=token, signal_request=signal_request, budget_s=budget_s
        )


class Wall:
    """A wall clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@contextlib.asynccontextmanager
async def live_bundle(
    service: FakeStreamService, *, wall: Callable[[], float] | None = None
) -> AsyncIterator[str]:
    """Dialect `aws-bundle`; yields its base URL."""
    async with opened(wall=wall or time.time) as store:
        app = build_bundle(service, store, OFFERED)
        async with serving(app, "127.0.0.1", 0, close_patience_s=1) as port:
            yield f"http://127.0.0.1:{port}"


@contextlib.asynccontextmanager
async def live_react(
    service: FakeStreamService, *, gateway_s: float = GATEWAY_S
) -> AsyncIterator[str]:
    """Dialect `aws-react`; yields its base URL."""
    app = build_react(service, OFFERED, "us-west-2", (GOOD_TOKEN,), gateway_s=gateway_s)
    async with serving(app, "127.0.0.1", 0, close_patience_s=1) as port:
        yield f"http://127.0.0.1:{port}"
