"""From a card of the home window to signed in, into a game, through a drop, and signed out again:
on a real X display, with a certified identity provider, Chromium and gnome-keyring."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers import browser_that_signs_in
from helpers.chromium import CHROMIUM
from helpers.headless_scene import small
from helpers.identity_provider import AUDIENCE, IdentityProvider, identity_provider
from rejoin.backend import openid_tokens
from rejoin.backend.configuration import BackendSettings
from rejoin.backend.openid_tokens import OpenIdSettings
from rejoin.emulator.service.control import EmulatorControl
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.studio import serve

pytestmark = [
    pytest.mark.live,
    pytest.mark.x11,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
    pytest.mark.skipif(
        shutil.which("gnome-keyring-daemon") is None or shutil.which("dbus-run-session") is None,
        reason="there is no gnome-keyring or no D-Bus",
    ),
    pytest.mark.timeout(900),
]

CLIENT = "rejoin-of-the-test"
TESTS = Path(__file__).parents[1]
SESSION = """
set -eu
printf canary-password | gnome-keyring-daemon --foreground --unlock --components=secrets >&2 &
daemon=$!
trap 'kill $daemon; wait $daemon || true' EXIT
until busctl --user status org.freedesktop.secrets >/dev/null 2>&1; do sleep 0.1; done
"$PYTHON" -m helpers.home_signs_in "$BACKEND" "$PICTURES"
"""


@pytest.fixture(scope="module", name="provider")
def _provider() -> Iterator[IdentityProvider]:
    with identity_provider() as running:
        yield running


async def test_a_player_signs_in_on_a_card_plays_and_signs_out(
    provider: IdentityProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openid_tokens, "LEEWAY_S", 0.0)
    of_backend = serve._backend_settings

    def with_openid(*arguments: Any) -> BackendSettings:
        openid = OpenIdSettings(provider.issuer, AUDIENCE, CLIENT, "openid offline_access play")
        return dataclasses.replace(of_backend(*arguments), tokens=(), openid=openid)

    monkeypatch.setattr(serve, "_backend_settings", with_openid)
    environment = {name: value for name, value in os.environ.items() if "KEYRING" not in name}
    environment |= {
        "BROWSER": f"{sys.executable} {browser_that_signs_in.__file__} %s",
        "HOME": str(tmp_path),
        "PICTURES": os.environ.get("REJOIN_TEST_PICTURES", str(tmp_path)),
        "PYTHON": sys.executable,
        "PYTHONPATH": str(TESTS),
        **{
            f"XDG_{name}": str(tmp_path)
            for name in ("CONFIG_HOME", "DATA_HOME", "RUNTIME_DIR", "STATE_HOME")
        },
    }
    async with serve.studio(small(0.0)) as there:
        environment["BACKEND"] = there.backend_url
        process = await asyncio.create_subprocess_exec(
            *("dbus-run-session", "--", "sh", "-c", SESSION),
            env=environment,
            cwd=TESTS,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdin is not None
        said: list[tuple[str, str]] = []
        while line := await process.stdout.readline():
            mark, _, words = line.decode().strip().partition(" ")
            if mark != "HOME":  # the browser says something, too
                continue
            said.append((words.split()[0], words.partition(" ")[2]))
            if said[-1][0] == "REFRESHED":
                async with EmulatorControl(there.control_url, there.control_token) as control:
                    await control.inject(Fault(FaultKind.SILENCE))
                process.stdin.write(b"\n")
                await process.stdin.drain()
        _, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert [word for word, _ in said] == [
        *("LIVE", "REFRESHED", "BACK", "OUT", "KEPT"),
        *("CODE", "LIVE", "OUT", "GONE"),
    ]
    assert said[0][1] == "keyring.backends.SecretService"
    assert [rest for word, rest in said if word == "OUT"] == ["You are signed out."] * 2
    assert said[4][1] == "None"
    assert "canary" not in err.decode()
