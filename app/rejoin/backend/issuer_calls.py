"""HTTP calls to an identity provider: JSON, bounded in time and size, never redirected."""

from __future__ import annotations

import contextlib
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPResponse
from typing import IO, Any, Final
from urllib.parse import urlencode, urlsplit

from rejoin.backend.sign_in import SignInUnavailableError
from rejoin.clock import boot_s
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


class _Noted(urllib.request.AbstractHTTPHandler):
    """Adds each connection to a list, so that a call can be ended from outside."""

    def __init__(self, connections: list[HTTPConnection]) -> None:
        super().__init__()
        self._connections = connections

    def do_open(self, http_class: Any, req: urllib.request.Request, **args: Any) -> HTTPResponse:
        def connection(*where: Any, **how: Any) -> HTTPConnection:
            made: HTTPConnection = http_class(*where, **how)
            self._connections.append(made)
            return made

        return super().do_open(connection, req, **args)


class _Http(_Noted, urllib.request.HTTPHandler):
    pass


class _Https(_Noted, urllib.request.HTTPSHandler):
    pass


async def fetch_json(
    url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> Any:
    """The JSON at an address; with `form` it is posted. Raises SignInUnavailableError.

    A time-out of a socket is one of each read: what comes byte by byte is ended by the deadline of
    the whole call, so that no thread is left behind.
    """
    until_at = boot_s() + 2 * CALL_S
    connections: list[HTTPConnection] = []

    def call() -> Any:
        data = None if form is None else urlencode(form).encode()
        request = urllib.request.Request(
            url, data, {"Accept": "application/json", **(headers or {})}
        )
        handlers = (_NoRedirect, _Http(connections), _Https(connections))
        opener = urllib.request.build_opener(*handlers)
        try:
            with opener.open(request, timeout=CALL_S) as answer:
                content = bytearray()
                while part := answer.read1(MAX_BYTES):
                    content += part
                    if len(content) > MAX_BYTES or boot_s() > until_at:
                        raise ValueError
        except urllib.error.HTTPError as error:
            error.close()
            raise
        return json.loads(content)

    try:
        return await run_in_daemon_thread(call, name="issuer", within_s=2 * CALL_S)
    except (OSError, ValueError, HTTPException, TimeoutError, RecursionError) as error:
        raise SignInUnavailableError(
            "The identity provider does not answer, or not as it should."
        ) from error
    finally:
        for each in connections:
            if each.sock is not None:
                with contextlib.suppress(OSError):
                    each.sock.shutdown(socket.SHUT_RDWR)


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
