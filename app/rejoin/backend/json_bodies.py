"""JSON bodies of our own dialect: UTF-8 (RFC 8259 8.1), and each name of an object once.

Of two values nobody knows which one is meant; what checked the request on its way may have read the
other one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from rejoin.backend.refused import Reason, RefusedError


class JsonRoute(APIRoute):
    """A route whose body is read so."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            return await handle(_JsonRequest(request.scope, request.receive))

        return handled


class _JsonRequest(Request):
    async def json(self) -> Any:
        body = await self.body()
        return json.loads(body.decode("utf-8"), object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RefusedError(Reason.FIELDS_INVALID, "The body has a name twice in one object.")
    return found
