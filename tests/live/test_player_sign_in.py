"""A player signs in at a certified identity provider, in Chromium, and plays with it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers import browser_that_signs_in
from helpers.chromium import CHROMIUM
from helpers.fake_stream_service import FakeStreamService
from helpers.headless_scene import playing, small
from helpers.identity_provider import AUDIENCE, IdentityProvider, identity_provider
from helpers.keyrings import MemoryKeyring
from helpers.stores import opened
from rejoin.backend import openid_tokens
from rejoin.backend.configuration import BackendSettings
from rejoin.backend.dialects import build_backend
from rejoin.backend.openid_tokens import OpenIdSettings
from rejoin.backend.serving import serving
from rejoin.emulator.service.faults import FaultKind
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.saved_sign_in import fetch_sign_in
from rejoin.runtime.sign_in import keep_sign_in, sign_in_with_browser, sign_in_with_device
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.runtime.token_sources import SignInSource
from rejoin.runtime.tokens import TokenStore
from rejoin.signaling.exchange import HttpSettings
from rejoin.signaling.openid import DeviceAnswer, OpenIdMethod, SignInEndedError, claims_of
from rejoin.signaling.openid_client import OpenIdClient
from rejoin.studio import serve

pytestmark = [
    pytest.mark.live,
    pytest.mark.usefixtures("nothing_left_behind"),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
]

CLIENT = "rejoin-of-the-test"
TESTS = Path(__file__).parents[1]
BROWSER = f"{sys.executable} {browser_that_signs_in.__file__} %s"
HTTP = HttpSettings()


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as running:
        yield running


@pytest.fixture(autouse=True)
def _browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", BROWSER)
    monkeypatch.setenv("PYTHONPATH", str(TESTS))


def method_of(provider: IdentityProvider, **changes: Any) -> OpenIdMethod:
    settings = {"scopes": "openid offline_access play", "audience": AUDIENCE, **changes}
    return OpenIdMethod(provider.issuer, CLIENT, **settings)


async def test_a_player_signs_in_in_the_browser_and_the_sign_in_is_refreshed_and_revoked(
    provider: IdentityProvider,
) -> None:
    pages: list[str] = []
    tokens = await sign_in_with_browser(method_of(provider), HTTP, pages.append)
    claims = claims_of(tokens.bearer)
    assert claims["sub"] == browser_that_signs_in.PLAYER
    assert claims["aud"] == AUDIENCE
    assert tokens.lasts_s == 600
    assert tokens.refresh is not None
    assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+/", pages[0]), "what the process list shows"

    client = OpenIdClient(method_of(provider), HTTP)
    try:
        newer = await client.refresh(tokens.refresh)
        assert claims_of(newer.bearer)["sub"] == browser_that_signs_in.PLAYER
        assert newer.bearer != tokens.bearer
        assert newer.refresh is not None
        assert await client.revoke(newer.refresh)
        with pytest.raises(SignInEndedError):
            await client.refresh(newer.refresh)
    finally:
        await client.aclose()


async def test_a_player_signs_in_on_another_device(
    provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    phones: list[subprocess.Popen[bytes]] = []

    def phone(device: DeviceAnswer) -> None:
        monkeypatch.setenv("REJOIN_TEST_USER_CODE", device.user_code)
        assert device.verification_uri_complete is not None
        program = browser_that_signs_in.__file__
        phones.append(
            subprocess.Popen(
                [sys.executable, program, device.verification_uri_complete],
                stdout=subprocess.DEVNULL,
            )
        )

    try:
        tokens = await sign_in_with_device(method_of(provider), HTTP, phone)
    finally:
        for each in phones:
            await asyncio.to_thread(each.wait, 60)
    assert claims_of(tokens.bearer)["sub"] == browser_that_signs_in.PLAYER
    assert tokens.refresh is not None


async def test_an_id_token_is_sent_where_the_backend_wants_it(provider: IdentityProvider) -> None:
    method = method_of(provider, scopes="openid offline_access", audience=None, uses_id_token=True)
    tokens = await sign_in_with_browser(method, HTTP, lambda page: None)
    claims = claims_of(tokens.bearer)
    assert (claims["aud"], claims["iss"]) == (CLIENT, provider.issuer)
    assert tokens.lasts_s is not None
    assert 290 < tokens.lasts_s <= 300


async def test_a_game_outlives_its_tokens_and_comes_back_with_a_new_one(
    provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openid_tokens, "LEEWAY_S", 0.0)
    of_backend = serve._backend_settings

    def with_openid(*arguments: Any) -> BackendSettings:
        openid = OpenIdSettings(provider.issuer, AUDIENCE)
        return dataclasses.replace(of_backend(*arguments), tokens=(), openid=openid)

    monkeypatch.setattr(serve, "_backend_settings", with_openid)
    method = method_of(provider, audience=f"{AUDIENCE}/brief")
    keyring = MemoryKeyring()
    store = TokenStore(keyring)
    async with serve.studio(small(0.0)) as there:
        url = there.backend_url
        tokens = await sign_in_with_browser(method, HTTP, lambda page: None)
        saved, is_saved = await keep_sign_in(store, url, method, tokens)
        assert is_saved
        profile = StudioProfile(url, tokens.bearer, NetworkRules(loopback_only=True))
        source = SignInSource(saved, url, HTTP, store=store)
        async with playing(profile, there, token_source=source) as it:
            await it.live()
            # The token's lifetime is not known to the player, so that the backend has to refuse it.
            left_s = claims_of(tokens.bearer)["exp"] - time.time()
            await asyncio.sleep(max(0.0, left_s) + 0.1)
            await it.fault(FaultKind.SILENCE)
            await it.live(episode=1)
        assert "RefreshSignIn" in [record.name for record in it.records]
    kept = await fetch_sign_in(store, url)
    assert kept is not None
    assert kept.refresh != tokens.refresh, "the provider has replaced it"
    client = OpenIdClient(method, HTTP)
    try:
        assert kept.refresh is not None
        assert (await client.refresh(kept.refresh)).bearer
    finally:
        await client.aclose()


SESSION = """
set -eu
printf canary-password | gnome-keyring-daemon --foreground --unlock --components=secrets &
daemon=$!
trap 'kill $daemon; wait $daemon || true' EXIT
until gdbus_ready; do sleep 0.1; done
"$PYTHON" -m rejoin -v sign-in "$BACKEND"
echo KEYRING
"$PYTHON" "$READER" "$BACKEND"
echo SIGN-OUT
"$PYTHON" -m rejoin sign-out "$BACKEND"
"$PYTHON" "$READER" "$BACKEND"
"""
READER = """
import sys
import keyring
from rejoin.runtime.saved_sign_in import BEARER, SIGN_IN
from rejoin.runtime.tokens import SERVICE, origin_of
print(type(keyring.get_keyring()).__module__)
for what in (SIGN_IN, BEARER):
    print(keyring.get_password(SERVICE, origin_of(sys.argv[1]) + what))
"""


@pytest.mark.skipif(
    shutil.which("gnome-keyring-daemon") is None or shutil.which("dbus-run-session") is None,
    reason="there is no gnome-keyring or no D-Bus",
)
async def test_the_verbs_keep_a_sign_in_in_gnome_keyring_until_it_is_signed_out(
    provider: IdentityProvider, tmp_path: Path
) -> None:
    openid = OpenIdSettings(provider.issuer, AUDIENCE, CLIENT, "openid offline_access play")
    settings = BackendSettings("us-west-2", "sg-1", "a-1", (), openid=openid)
    reader = tmp_path / "reader.py"
    reader.write_text(READER)
    environment = {name: value for name, value in os.environ.items() if "KEYRING" not in name}
    environment |= {
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "PYTHON": sys.executable,
        "READER": str(reader),
        "REJOIN_TEST_QUIET": "1",  # its output would come at any time
    }
    ready = "busctl --user status org.freedesktop.secrets >/dev/null 2>&1"
    async with (
        opened() as store,
        serving(
            build_backend(FakeStreamService(), store, settings), "127.0.0.1", 0, close_patience_s=1
        ) as port,
    ):
        environment["BACKEND"] = f"http://127.0.0.1:{port}"
        process = await asyncio.create_subprocess_exec(
            "dbus-run-session",
            "--",
            "sh",
            "-c",
            SESSION.replace("gdbus_ready", ready),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    signed_in, _, rest = out.decode().partition("KEYRING\n")
    kept, _, after = rest.partition("SIGN-OUT\n")
    assert f"You are signed in for http://127.0.0.1:{port}." in signed_in
    module, record, bearer, *_ = kept.splitlines()
    assert module == "keyring.backends.SecretService"
    assert json.loads(record)["issuer"] == provider.issuer
    assert claims_of(bearer)["sub"] == browser_that_signs_in.PLAYER
    assert after.splitlines()[0] == f"You are signed out of http://127.0.0.1:{port}."
    assert after.splitlines()[2:] == ["None", "None"]
    refresh = json.loads(record)["refresh"]
    assert refresh not in err.decode() + signed_in + after
    client = OpenIdClient(method_of(provider), HTTP)
    try:
        with pytest.raises(SignInEndedError):
            await client.refresh(refresh)
    finally:
        await client.aclose()
