"""The redirect counts from the browser that began, and from nobody else of this computer."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from rejoin.runtime.loopback_redirect import MAX_REQUEST, LoopbackRedirect
from rejoin.signaling.openid import SignInRefusedError

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def redirect() -> LoopbackRedirect:
    return LoopbackRedirect(
        lambda uri: f"https://id.example/auth?redirect_uri={uri}", lambda query: "ours" in query
    )


async def raw(port: int, text: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(text.encode())
        await writer.drain()
        return (await reader.read()).decode()
    finally:
        writer.close()
        await writer.wait_closed()


async def get(it: LoopbackRedirect, target: str, cookie: str = "", host: str | None = None) -> str:
    lines = [f"GET {target} HTTP/1.1", f"Host: {host or f'127.0.0.1:{it.port}'}"]
    if cookie:
        lines.append(f"Cookie: a=b; {cookie}")
    return await raw(it.port, "\r\n".join(lines) + "\r\n\r\n")


def cookie_of(answer: str) -> str:
    (line,) = [line for line in answer.split("\r\n") if line.startswith("Set-Cookie: ")]
    assert line.endswith("; Path=/; HttpOnly; SameSite=Lax")
    return line.removeprefix("Set-Cookie: ").partition(";")[0]


async def test_the_browser_that_began_brings_the_answer() -> None:
    async with redirect() as it:
        assert it.first_page == f"http://127.0.0.1:{it.port}/"
        first = await get(it, "/")
        assert first.startswith("HTTP/1.1 302 Found\r\n")
        assert f"Location: https://id.example/auth?redirect_uri={it.redirect_uri}\r\n" in first
        cookie = cookie_of(first)
        assert (await get(it, "/", cookie)).startswith("HTTP/1.1 302"), "it may load it again"
        last = await get(it, "/sign-in?ours&code=CANARY", cookie)
        assert last.startswith("HTTP/1.1 200 OK\r\n")
        assert "CANARY" not in last
        assert "no-store" in last
        assert "no-referrer" in last
        assert await it.wait() == "ours&code=CANARY"
        await get(it, "/sign-in?ours&again", cookie)
        assert await it.wait() == "ours&code=CANARY"


async def test_a_redirect_without_the_cookie_or_of_another_request_changes_nothing() -> None:
    async with redirect() as it:
        cookie = cookie_of(await get(it, "/"))
        assert (await get(it, "/sign-in?ours")).startswith("HTTP/1.1 400")
        assert (await get(it, "/sign-in?ours", f"{cookie}x")).startswith("HTTP/1.1 400")
        assert (await get(it, "/sign-in?another", cookie)).startswith("HTTP/1.1 400")
        assert (await get(it, "/favicon.ico", cookie)).startswith("HTTP/1.1 404")
        await get(it, "/sign-in?ours", cookie)
        assert await it.wait() == "ours"


async def test_another_program_that_takes_the_first_page_ends_the_sign_in() -> None:
    async with redirect() as it:
        await get(it, "/")
        answer = await get(it, "/")
        assert answer.startswith("HTTP/1.1 409")
        assert "Location" not in answer
        with pytest.raises(SignInRefusedError, match="Another program"):
            await it.wait()


@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1"])
async def test_a_name_that_leads_here_is_not_ours(host: str) -> None:
    async with redirect() as it:
        assert (await get(it, "/", host=host)).startswith("HTTP/1.1 400")
        assert (await get(it, "/")).startswith("HTTP/1.1 302")


@pytest.mark.parametrize(
    "text", ["POST / HTTP/1.1\r\n\r\n", "\r\n\r\n", "GET\r\n\r\n", "\xff\r\n\r\n"]
)
async def test_nonsense_is_refused(text: str) -> None:
    async with redirect() as it:
        assert (await raw(it.port, text)).startswith("HTTP/1.1 400")


async def test_a_request_is_bounded() -> None:
    async with redirect() as it:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        writer.write(b"GET / HTTP/1.1\r\nX: " + b"x" * (2 * MAX_REQUEST))
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
        assert (await get(it, "/")).startswith("HTTP/1.1 302")


async def test_only_this_machine_is_listened_to() -> None:
    async with redirect() as it:
        assert it._server is not None
        assert [each.getsockname()[0] for each in it._server.sockets] == ["127.0.0.1"]
