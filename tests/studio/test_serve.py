"""A studio on real ports: tokens, ports, https, and what makes it fail to start."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from rejoin.emulator.service.control import EmulatorControl
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.errors import BadInputError, PortInUseError
from rejoin.studio.address import Studio
from rejoin.studio.serve import Ports, Tokens, studio

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

TOKEN = "a-token-of-a-player"
QUICK = EmulatorSettings(relay_ports=(0, 0))


def serving(
    script: Callable[[Studio], Awaitable[None]],
    ports: Ports | None = None,
    token: str | None = TOKEN,
) -> None:
    async def main() -> None:
        async with studio(QUICK, ports, tokens=Tokens(player=token)) as there:
            await script(there)

    asyncio.run(main())


async def status_of(url: str, token: str) -> int:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})

    def ask() -> int:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    return await asyncio.to_thread(ask)


def test_requests_need_the_token() -> None:
    async def script(there: Studio) -> None:
        known = f"{there.backend_url}/v1/sessions/{'s' * 32}"
        assert await status_of(known, TOKEN) == 404
        assert await status_of(known, "somebody-elses-token") == 401
        assert await status_of(f"{there.control_url}/state", there.control_token) == 200
        assert await status_of(f"{there.control_url}/state", TOKEN) == 401

    serving(script)


def test_tokens_are_new_for_each_run_and_not_shown() -> None:
    seen: list[Studio] = []

    async def script(there: Studio) -> None:
        seen.append(there)

    serving(script, token=None)
    serving(script, token=None)
    first, second = seen
    assert first.player_token != second.player_token
    assert first.control_token != second.control_token
    for there in seen:
        assert there.player_token not in repr(there)
        assert there.control_token not in repr(there)


@pytest.mark.parametrize("which", ["backend", "api", "control"])
def test_a_taken_port_is_an_error(which: str) -> None:
    """And nothing else happens: a line in the log would fail this test."""

    async def script(there: Studio) -> None:
        raise AssertionError(f"it started: {there}")

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortInUseError, match=str(port)):
            serving(script, Ports(**{which: port}))


def test_an_unusable_token_is_refused() -> None:
    async def script(there: Studio) -> None:
        raise AssertionError(f"it started: {there}")

    with pytest.raises(BadInputError, match="tokens"):
        serving(script, token="short")


def test_the_backend_goes_down_and_then_listens_on_its_port_again() -> None:
    async def script(there: Studio) -> None:
        known = f"{there.backend_url}/v1/sessions/{'s' * 32}"
        assert await status_of(known, TOKEN) == 404
        async with EmulatorControl(there.control_url, there.control_token) as control:
            await control.backend_down(4.0)
        with pytest.raises(urllib.error.URLError):
            await status_of(known, TOKEN)
        for _ in range(600):
            try:
                assert await status_of(known, TOKEN) == 404
                break
            except urllib.error.URLError:
                await asyncio.sleep(0.05)
        else:
            pytest.fail("it never came back")

    serving(script)


async def test_a_backend_without_hosts() -> None:
    offer = Path(__file__).parents[1] / "data" / "signal-request-websdk-1.2.0-chromium-156.json"
    settings = EmulatorSettings(
        notice_graceful_close_s=0.0, application_ids=("a-first", "a-second")
    )
    async with contextlib.AsyncExitStack() as stack:
        there = await stack.enter_async_context(studio(settings, no_host=True))
        http = httpx.AsyncClient(
            base_url=there.backend_url,
            headers={"Authorization": f"Bearer {there.player_token}"},
            timeout=30,
            trust_env=False,
        )
        await stack.enter_async_context(http)
        control = EmulatorControl(there.control_url, there.control_token)
        await stack.enter_async_context(control)
        await control.change_settings(connection_timeout_s=24)
        started = await http.post(
            "/v1/sessions",
            headers={"Idempotency-Key": "k" * 32},
            json={"signal_request": offer.read_text(), "attempt": 1, "application": "a-second"},
        )
        sessions = (await control.state())["sessions"]
        assert [session["application"] for session in sessions] == ["a-second"]
        assert [session["connection_timeout_s"] for session in sessions] == [24]
        view = f"/v1/sessions/{started.json()['session_id']}"

        async def next_status(known: str) -> str:
            for _ in range(10):
                seen = (await http.get(view, params={"known": known})).json()["status"]
                if seen != known:
                    return str(seen)
            return known

        seen = ["ACTIVATING"]
        while seen[-1] != "CONNECTED":
            seen.append(await next_status(seen[-1]))
        assert set(seen) <= {"ACTIVATING", "ACTIVE", "CONNECTED"}
        await control.inject(Fault(FaultKind.GRACEFUL_CLOSE), session="*")
        assert await next_status("CONNECTED") == "PENDING_CLIENT_RECONNECTION"


async def test_a_backend_on_https_has_a_ca_of_its_own_and_one_on_http_has_none() -> None:
    async with studio(QUICK, https=True) as there:
        assert there.backend_url.startswith("https://127.0.0.1:")
        assert there.ca_pem is not None
        assert "BEGIN CERTIFICATE" in there.ca_pem
        assert "PRIVATE" not in there.to_json()
        assert Studio.from_json(there.to_json()) == there
    async with studio(QUICK) as there:
        assert there.ca_pem is None
