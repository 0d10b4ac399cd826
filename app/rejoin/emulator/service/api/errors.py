"""Errors of the API: those before an operation is reached, and the HTTP form of all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.responses import Response


class HttpError(Exception):
    """An error that is not one of an operation's: signature, path, body size, throttling."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})


def error_response(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The error as rest-json: the message in the body, the type in a header."""
    return Response(
        json.dumps({"Message": message}),
        status_code=status,
        media_type="application/json",
        headers={**(headers or {}), "x-amzn-ErrorType": code},
    )
