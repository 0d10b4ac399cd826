"""Receives the browser's redirect after a sign-in, on a port of this machine (RFC 8252).

The browser is sent to the port's own first page, which holds no secret and may be seen in the list
of processes. That page redirects it to the provider and sets a cookie, without which no redirect
counts. So another user of this computer can neither answer in the player's place nor read the
request; fetching the first page before the player's browser does only ends the sign-in.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Callable
from types import TracebackType
from typing import Final

from rejoin.language import Message, current, tr
from rejoin.signaling.openid import SignInRefusedError

PATH: Final = "/sign-in"
MAX_REQUEST: Final = 16 * 1024
_READ_WITHIN_S: Final = 10.0
_MOST_AT_ONCE: Final = 8
_HEADERS: Final = (
    "Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n"
    "Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
    "Connection: close\r\n"
)


class LoopbackRedirect:
    """`async with` opens the port; `wait` returns the redirect's query."""

    def __init__(self, request_url: Callable[[str], str], is_ours: Callable[[str], bool]) -> None:
        """`request_url`: makes the provider's URL, with the redirect URI. `is_ours`: whether a
        redirect with this query answers that request."""
        self._request_url = request_url
        self._is_ours = is_ours
        self._cookie = (f"rejoin-{secrets.token_hex(4)}", secrets.token_urlsafe(32))
        self._taken = False
        self._server: asyncio.Server | None = None
        self._query: asyncio.Future[str] | None = None
        self._open = 0
        self.port = 0

    @property
    def redirect_uri(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"

    @property
    def first_page(self) -> str:
        """The address that the browser opens."""
        return f"http://127.0.0.1:{self.port}/"

    async def __aenter__(self) -> LoopbackRedirect:
        self._query = asyncio.get_running_loop().create_future()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=MAX_REQUEST)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        assert self._query is not None
        self._query.cancel()
        self._server.close()
        await self._server.wait_closed()

    async def wait(self) -> str:
        """The query of the redirect. Raises SignInRefusedError when another program took the first
        page."""
        assert self._query is not None
        return await asyncio.shield(self._query)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= _MOST_AT_ONCE:
                async with asyncio.timeout(_READ_WITHIN_S):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(self._answer(head.decode("ascii", "replace")).encode())
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._open -= 1
            writer.close()

    def _answer(self, head: str) -> str:
        first, *lines = head.split("\r\n")
        method, _, rest = first.partition(" ")
        target = rest.partition(" ")[0]
        headers = [
            (name.strip().lower(), value.strip())
            for name, _, value in (line.partition(":") for line in lines)
        ]
        hosts = [value for name, value in headers if name == "host"]
        cookies = "; ".join(value for name, value in headers if name == "cookie")
        path, _, query = target.partition("?")
        # Check Host: a page on the internet may have a name that resolves to this machine.
        if hosts != [f"127.0.0.1:{self.port}"] or method != "GET":
            return _page("400 Bad Request", tr("This is not a page for you."))
        if path == "/" and not query:
            return self._first(cookies)
        if path == PATH:
            return self._redirected(query, cookies)
        return _page("404 Not Found", tr("There is nothing here."))

    def _first(self, cookies: str) -> str:
        if self._taken and not self._has_cookie(cookies):
            self._end(
                SignInRefusedError(
                    Message(
                        "Another program of this computer opened the sign-in before your browser "
                        "did, or two browsers did. Nobody is signed in; try again."
                    )
                )
            )
            return _page("409 Conflict", tr("This sign-in is open elsewhere. Start it again."))
        self._taken = True
        name, value = self._cookie
        return (
            f"HTTP/1.1 302 Found\r\nLocation: {self._request_url(self.redirect_uri)}\r\n"
            f"Set-Cookie: {name}={value}; Path=/; HttpOnly; SameSite=Lax\r\n"
            f"{_HEADERS}Content-Length: 0\r\n\r\n"
        )

    def _redirected(self, query: str, cookies: str) -> str:
        # A foreign redirect changes nothing: the player's own may still come.
        if not self._has_cookie(cookies) or not self._is_ours(query):
            return _page("400 Bad Request", tr("This belongs to another sign-in."))
        if self._query is not None and not self._query.done():
            self._query.set_result(query)
        return _page("200 OK", tr("You can close this page and go back to Rejoin."))

    def _has_cookie(self, cookies: str) -> bool:
        name, value = self._cookie
        given = dict(pair.strip().partition("=")[::2] for pair in cookies.split(";"))
        return hmac.compare_digest(given.get(name, "").encode(), value.encode())

    def _end(self, error: SignInRefusedError) -> None:
        if self._query is not None and not self._query.done():
            self._query.set_exception(error)


def _page(status: str, sentence: str) -> str:
    language = current()
    direction = "rtl" if language.right_to_left else "ltr"
    body = (
        f'<!doctype html><html lang="{language.tag}" dir="{direction}"><meta charset="utf-8">'
        "<title>Rejoin</title>"
        "<style>body{font:1.1rem sans-serif;margin:4rem auto;max-width:30rem}</style>"
        f"<h1>Rejoin</h1><p>{sentence}</p></html>"
    )
    return f"HTTP/1.1 {status}\r\n{_HEADERS}Content-Length: {len(body.encode())}\r\n\r\n{body}"
