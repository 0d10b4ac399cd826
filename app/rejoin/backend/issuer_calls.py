"""HTTP calls to an identity provider: JSON, bounded in time and size, never redirected."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, Final
from urllib.parse import urlencode, urlsplit

from rejoin.backend.sign_in import SignInUnavailableError
from rejoin.daemon_thread import run_in_daemon_thread
from rejoin.hosts import is_this_machine

CALL_S: Final = 3.0
MAX_BYTES: Final = 256 * 1024

FetchJson = Callable[..., Awaitable[Any]]
"""`fetch_json`, or a test's."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        return None


async def fetch_json(
    url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> Any:
    """The JSON at an address; with `form` it is posted. Raises SignInUnavailableError."""

    def call() -> Any:
        data = None if form is None else urlencode(form).encode()
        request = urllib.request.Request(
            url, data, {"Accept": "application/json", **(headers or {})}
        )
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=CALL_S) as answer:
                content = answer.read(MAX_BYTES + 1)
        except urllib.error.HTTPError as error:
            error.close()
            raise
        if len(content) > MAX_BYTES:
            raise ValueError
        return json.loads(content)

    try:
        return await run_in_daemon_thread(call, name="issuer", within_s=2 * CALL_S)
    except (OSError, ValueError, HTTPException, TimeoutError, RecursionError) as error:
        raise SignInUnavailableError(
            "The identity provider does not answer, or not as it should."
        ) from error


def is_trusted_url(url: object) -> bool:
    """https, or http on this machine, and no user: what needs a password is not public."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return (
        bool(host)
        and parts.username is None
        and (parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(host)))
    )
