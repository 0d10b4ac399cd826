"""Base of a streaming service around another one: every call goes through one method."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from rejoin.backend.budgets import CREATE, GET, LIST, START, TERMINATE
from rejoin.backend.service import (
    ListedPage,
    StartedStream,
    StreamId,
    StreamService,
    StreamStatus,
)

_Result = TypeVar("_Result")


class WrappedService:
    """`StreamService` on top of another one."""

    def __init__(self, service: StreamService) -> None:
        self._service = service

    async def start(
        self,
        *,
        token: str,
        signal_request: str,
        application: str | None,
        user_id: str | None,
        budget_s: float,
    ) -> StartedStream:
        def call(left_s: float) -> Awaitable[StartedStream]:
            return self._service.start(
                token=token,
                signal_request=signal_request,
                application=application,
                user_id=user_id,
                budget_s=left_s,
            )

        return await self._call(START, call, budget_s)

    async def list_page(self, *, status: str, page: str | None, budget_s: float) -> ListedPage:
        def call(left_s: float) -> Awaitable[ListedPage]:
            return self._service.list_page(status=status, page=page, budget_s=left_s)

        return await self._call(LIST, call, budget_s)

    async def get_status(self, stream: StreamId, *, budget_s: float) -> StreamStatus:
        def call(left_s: float) -> Awaitable[StreamStatus]:
            return self._service.get_status(stream, budget_s=left_s)

        return await self._call(GET, call, budget_s)

    async def create_connection(
        self, stream: StreamId, *, token: str, signal_request: str, budget_s: float
    ) -> str:
        def call(left_s: float) -> Awaitable[str]:
            return self._service.create_connection(
                stream, token=token, signal_request=signal_request, budget_s=left_s
            )

        return await self._call(CREATE, call, budget_s)

    async def terminate(self, stream: StreamId, *, budget_s: float) -> None:
        def call(left_s: float) -> Awaitable[None]:
            return self._service.terminate(stream, budget_s=left_s)

        await self._call(TERMINATE, call, budget_s)

    async def _call(
        self, operation: str, call: Callable[[float], Awaitable[_Result]], budget_s: float
    ) -> _Result:
        """Make the other service's call, with what is left of `budget_s` then."""
        raise NotImplementedError
