"""A ClientToken makes a call happen once: repeats of the call get the answer of the first."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from rejoin.emulator.service.refusals import CallRefusedError, ErrorType
from rejoin.tasks import cancel, spawn

_T = TypeVar("_T")


@dataclass(slots=True)
class _Call:
    body_sha256: bytes
    task: asyncio.Task[Any]
    forget_at: float


class IdempotentCalls:
    """The calls in flight, and those whose answer is stored under their ClientToken."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, str], _Call] = {}

    async def once(
        self,
        operation: str,
        token: str | None,
        body: Mapping[str, object],
        run: Callable[[], Coroutine[Any, Any, _T]],
        *,
        forget_at: float,
    ) -> _T:
        """The result of `run()`, or of the call before it with the same operation and token.

        A call goes on even if its caller stops waiting. A call that failed is forgotten, so that
        it can be tried again; others are forgotten at `forget_at`. Raises `CallRefusedError`, also
        when the token was used with another body.
        """
        body_sha256 = hashlib.sha256(
            json.dumps(body, sort_keys=True, default=str).encode()
        ).digest()
        key = (operation, token if token is not None else secrets.token_hex(16))
        call = self._calls.get(key)
        if call is None:
            task = spawn(_result(run()), name=f"call:{operation}")
            call = _Call(body_sha256, task, forget_at)
            self._calls[key] = call

            def forget_failed(ended: asyncio.Task[Any]) -> None:
                failed = ended.cancelled() or isinstance(ended.result(), CallRefusedError)
                if failed or token is None:
                    self._calls.pop(key, None)

            task.add_done_callback(forget_failed)
        elif call.body_sha256 != body_sha256:
            raise CallRefusedError(
                ErrorType.CONFLICT, "This ClientToken was used with other parameters."
            )
        result = await asyncio.shield(call.task)
        if isinstance(result, CallRefusedError):
            raise result
        return cast("_T", result)

    def forget_old(self, now: float) -> None:
        """Forget the finished calls whose time is over."""
        for key in [key for key, call in self._calls.items() if call.forget_at <= now]:
            if self._calls[key].task.done():
                del self._calls[key]

    async def aclose(self) -> None:
        """Cancel the calls in flight and forget all."""
        await cancel(*(call.task for call in self._calls.values()))
        self._calls.clear()


async def _result(running: Coroutine[Any, Any, _T]) -> _T | CallRefusedError:
    """A refusal as a value: it is an answer, not a failed task."""
    try:
        return await running
    except CallRefusedError as refusal:
        return refusal
