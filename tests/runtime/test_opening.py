"""Opening a game of the home: its sign-in, its claims, and that nothing is held without need."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import LogRecords
from helpers.command_line import KEY, URL, saved_ticket
from helpers.keyrings import MemoryKeyring
from rejoin.core.ticket import BackendAddress
from rejoin.errors import BadInputError, RejoinError
from rejoin.runtime import game_sign_in, opening, sign_in, tokens
from rejoin.runtime.games import game_key
from rejoin.runtime.instance import Instance, is_taken
from rejoin.runtime.launch import GameToPlay
from rejoin.runtime.opening import (
    OpenElsewhere,
    Ready,
    RelayUnusable,
    SignInNeeded,
    Wanted,
    checked_token,
    open_after_browser,
    open_after_device,
    open_game,
    release,
)
from rejoin.runtime.player_settings import PlayerSettings
from rejoin.runtime.saved_sign_in import BEARER, SIGN_IN
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.openid import OpenIdMethod, Tokens

ADDRESS = BackendAddress(URL, "ours", "loopback")
METHOD = OpenIdMethod("https://id.example", "rejoin", "openid")


@pytest.fixture(name="keyring", autouse=True)
def _keyring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MemoryKeyring:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    keyring = MemoryKeyring()
    monkeypatch.setattr("keyring.get_keyring", lambda: keyring)
    return keyring


def says(monkeypatch: pytest.MonkeyPatch, method: OpenIdMethod | None) -> None:
    async def method_of(profile: StudioProfile) -> OpenIdMethod | None:
        return method

    monkeypatch.setattr(game_sign_in, "method_of", method_of)


def test_a_given_token_opens_the_game_and_holds_it() -> None:
    found = asyncio.run(
        open_game(Wanted(ADDRESS, token="CANARY", settings=PlayerSettings(allow_444=True)))
    )
    assert isinstance(found, Ready)
    assert (found.game.profile.token, found.game.profile.allow_444) == ("CANARY", True)
    assert is_taken(game_key(ADDRESS))
    release(found.game)
    assert not is_taken(game_key(ADDRESS))
    assert "CANARY" not in repr(Wanted(ADDRESS, token="CANARY"))


def test_a_saved_token_is_used_and_deleted_once_it_was_refused(
    keyring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, None)
    keyring.saved[tokens.SERVICE, "http://127.0.0.1:9"] = "CANARY-saved"
    found = asyncio.run(open_game(Wanted(ADDRESS)))
    assert isinstance(found, Ready)
    assert found.game.profile.token == "CANARY-saved"
    release(found.game)
    refused = asyncio.run(open_game(Wanted(ADDRESS, forget=True)))
    assert isinstance(refused, SignInNeeded)
    assert keyring.saved == {}


@pytest.mark.parametrize("method", [None, METHOD])
def test_without_a_sign_in_it_is_said_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, method: OpenIdMethod | None
) -> None:
    says(monkeypatch, method)
    found = asyncio.run(open_game(Wanted(ADDRESS)))
    assert isinstance(found, SignInNeeded)
    assert found.method == method
    assert not is_taken(game_key(ADDRESS))


def test_a_dialect_without_sign_in_needs_none() -> None:
    address = BackendAddress(URL, "aws-bundle", "loopback", "sg-1")
    found = asyncio.run(open_game(Wanted(address)))
    assert isinstance(found, Ready)
    release(found.game)


def test_a_ticket_is_claimed_with_its_game() -> None:
    ticket = saved_ticket(dialect="aws-bundle")
    with pytest.raises(BadInputError, match="session id is not in this computer's keyring"):
        asyncio.run(open_game(Wanted(ticket.backend, ticket)))
    assert not is_taken(KEY), "a failure gives the session back"
    ours = saved_ticket(dialect="aws-react")
    found = asyncio.run(open_game(Wanted(ours.backend, ours, token="t" * 20)))
    assert isinstance(found, Ready)
    assert found.game.ticket == ours
    assert is_taken(KEY)
    release(found.game)
    assert not is_taken(KEY)


async def test_a_game_that_is_open_elsewhere_comes_to_the_front() -> None:
    other = Instance.claim(game_key(ADDRESS))
    assert other is not None
    heard: list[object] = []
    await other.serve(heard.append)
    assert await open_game(Wanted(ADDRESS, token="t" * 20)) == OpenElsewhere()
    assert len(heard) == 1
    await other.close()


def test_one_that_does_not_respond_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "activate", lambda key: False)
    other = Instance.claim(game_key(ADDRESS))
    assert other is not None
    with pytest.raises(RejoinError, match="does not respond"):
        asyncio.run(open_game(Wanted(ADDRESS, token="t" * 20)))
    other.release()


async def test_who_gives_up_waiting_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    go, done = threading.Event(), threading.Event()
    claimed = opening._claimed

    def slow(*given: object) -> object:
        assert go.wait(60.0)
        try:
            return claimed(*given)  # type: ignore[arg-type]
        finally:
            done.set()

    monkeypatch.setattr(opening, "_claimed", slow)
    task = asyncio.ensure_future(open_game(Wanted(ADDRESS, token="t" * 20)))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    assert await asyncio.to_thread(done.wait, 60.0)
    for _ in range(6000):
        if not is_taken(game_key(ADDRESS)):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the claim was kept")


async def test_after_a_sign_in_the_game_is_open_and_the_keyring_has_it(
    keyring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[object] = []

    async def ways(method: OpenIdMethod, http: object, show: object) -> Tokens:
        shown.append(show)
        return Tokens("CANARY-new", 300.0, "CANARY-refresh")

    monkeypatch.setattr(sign_in, "sign_in_with_browser", ways)
    monkeypatch.setattr(sign_in, "sign_in_with_device", ways)
    needed = SignInNeeded(StudioProfile.from_address(ADDRESS, None), METHOD)
    for opened in (open_after_browser, open_after_device):
        found = await opened(Wanted(ADDRESS), needed, shown.append)
        assert isinstance(found, Ready)
        assert found.game.profile.token == "CANARY-new"
        assert found.game.signed_in is not None
        release(found.game)
    assert len(shown) == 2
    origin = "http://127.0.0.1:9"
    assert {(tokens.SERVICE, origin + SIGN_IN), (tokens.SERVICE, origin + BEARER)} <= set(
        keyring.saved
    )
    with pytest.raises(BadInputError, match="does not say where"):
        await open_after_browser(Wanted(ADDRESS), SignInNeeded(needed.profile, None), shown.append)


def test_a_game_that_was_not_started_gives_its_claims_back() -> None:
    opening.drop(OpenElsewhere())
    held = Instance.claim("0" * 16)
    opening.drop(Ready(GameToPlay(StudioProfile.from_address(ADDRESS, None), open_here=held)))
    assert not is_taken("0" * 16)


@pytest.mark.parametrize("text", ["", "  ", "two words", "é", "a\nb", "x" * 9000])
def test_what_is_no_token_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(BadInputError):
        checked_token(text)
    assert checked_token(" abc\n") == "abc"


# --- the settings ---------------------------------------------------------------------------------


def test_a_relay_of_the_settings_that_cannot_be_used_is_said_and_the_game_opens_without(
    tmp_path: Path,
) -> None:
    settings = PlayerSettings(turn_file=str(tmp_path / "none.json"))
    wanted = Wanted(ADDRESS, token="CANARY", settings=settings)
    found = asyncio.run(open_game(wanted))
    assert isinstance(found, RelayUnusable)
    assert found.why == "The file with the ICE servers none.json cannot be read."
    assert not is_taken(game_key(ADDRESS))
    found = asyncio.run(open_game(replace(wanted, without_relay=True)))
    assert isinstance(found, Ready)
    assert found.game.profile.ice_servers_file is None
    release(found.game)


@pytest.mark.parametrize("own", [None, "gone.json"])
def test_the_way_back_is_never_lost_for_a_relay(
    tmp_path: Path, own: str | None, expected_logs: LogRecords
) -> None:
    ticket = saved_ticket(ice_servers_file=None if own is None else str(tmp_path / own))
    settings = PlayerSettings(turn_file=str(tmp_path / "none.json"))
    found = asyncio.run(open_game(Wanted(ticket.backend, ticket, "CANARY", settings)))
    assert isinstance(found, Ready)
    assert found.game.profile.ice_servers_file is None
    assert "goes on without a relay" in " ".join(expected_logs.lines)
    release(found.game)
