"""The token of a game: given, of the saved sign-in, or of a new one that the player agrees to."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from helpers.command_line import LINK, URL, FakePlayer, Rejoin, saved_ticket
from helpers.keyrings import MemoryKeyring
from rejoin.cli import bearer
from rejoin.core.retry import Failure, FailureKind
from rejoin.gui import confirmation, displays
from rejoin.runtime import sign_in, token_sources, tokens
from rejoin.runtime.saved_sign_in import BEARER, SIGN_IN
from rejoin.runtime.token_sources import ClientSource, CommandSource, SignInSource
from rejoin.signaling import openid_client
from rejoin.signaling.exchange import CallFailedError
from rejoin.signaling.openid import OpenIdMethod, SignInEndedError, Tokens

METHOD = OpenIdMethod("https://id.example", "rejoin", "openid")
NEW = Tokens("CANARY-new", 300.0, "CANARY-r")


@pytest.fixture(name="keyring")
def _keyring(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    keyring = MemoryKeyring()
    monkeypatch.setattr("keyring.get_keyring", lambda: keyring)
    return keyring


class Browser:
    """What the backend says, and whether the browser was opened."""

    def __init__(self) -> None:
        self.said: OpenIdMethod | Exception | None = METHOD
        self.opened: list[OpenIdMethod] = []

    async def ask(self, backend_url: str, http: object) -> OpenIdMethod | None:
        if isinstance(self.said, Exception):
            raise self.said
        return self.said

    async def sign_in(self, method: OpenIdMethod, http: object, on_page: object) -> Tokens:
        self.opened.append(method)
        return NEW


@pytest.fixture(name="browser")
def _browser(monkeypatch: pytest.MonkeyPatch) -> Browser:
    browser = Browser()
    monkeypatch.setattr(openid_client, "ask_how_to_sign_in", browser.ask)
    monkeypatch.setattr(sign_in, "sign_in_with_browser", browser.sign_in)
    return browser


def agrees(monkeypatch: pytest.MonkeyPatch, answer: bool | None) -> list[str]:
    """A screen on which the player answers; None: there is no screen. The questions."""
    asked: list[str] = []

    def confirmed(question: str) -> bool:
        asked.append(question)
        return bool(answer)

    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    monkeypatch.setattr(displays, "can_be_seen", lambda: answer is not None)
    monkeypatch.setattr(confirmation, "confirmed", confirmed)
    return asked


def keep(
    keyring: MemoryKeyring, origin: str = "http://127.0.0.1:9", lasts_s: float = 300.0
) -> None:
    record = {
        "version": 1,
        "issuer": METHOD.issuer,
        "client_id": "rejoin",
        "scopes": "openid",
        "refresh": "CANARY-r",
        "until_unix_s": time.time() + lasts_s,
    }
    keyring.saved[tokens.SERVICE, origin + SIGN_IN] = json.dumps(record)
    keyring.saved[tokens.SERVICE, origin + BEARER] = "CANARY-kept"


def test_a_player_without_a_token_is_asked_once_and_signed_in(
    rejoin: Rejoin,
    fake_player: type[FakePlayer],
    keyring: MemoryKeyring,
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = agrees(monkeypatch, True)
    code, out, err = rejoin("play", URL)
    assert (code, out) == (0, "")
    assert "CANARY" not in err
    assert asked == [
        "There players sign in at https://id.example:443. Sign in there in your browser now?"
    ]
    [played] = fake_player.made
    assert played.profile.token == "CANARY-new"
    assert played.profile.token_is_saved
    source, lasts_s = played.tokens
    assert isinstance(source, SignInSource)
    assert lasts_s == 300
    assert rejoin("play", URL)[0] == 0
    assert len(asked) == len(browser.opened) == 1, "the sign-in is kept"
    assert fake_player.made[1].profile.token == "CANARY-new"


def test_a_player_who_does_not_agree_is_not_signed_in(
    rejoin: Rejoin, keyring: MemoryKeyring, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    agrees(monkeypatch, False)
    assert rejoin("play", URL)[0] == 130
    assert browser.opened == []


def test_where_nobody_can_be_asked_it_says_what_to_do(
    rejoin: Rejoin, keyring: MemoryKeyring, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    agrees(monkeypatch, None)
    code, _, err = rejoin("play", URL)
    assert (code, err.count("\n")) == (2, 1)
    assert f"`rejoin sign-in {URL}`, with --device" in err
    assert browser.opened == []


def test_a_link_says_where_it_leads_before_the_browser_opens(
    rejoin: Rejoin,
    fake_player: type[FakePlayer],
    keyring: MemoryKeyring,
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = agrees(monkeypatch, True)
    assert rejoin("play", LINK)[0] == 0
    assert asked == [
        "This link leads to https://games.example:443, where players sign in at "
        "https://id.example:443. Sign in there in your browser now?"
    ]
    assert fake_player.made[0].profile.public_only


def test_without_a_keyring_the_sign_in_is_for_this_run(
    rejoin: Rejoin, fake_player: type[FakePlayer], keyring: MemoryKeyring, browser: Browser
) -> None:
    keyring.broken = True
    code, _, err = rejoin("play", "--yes", URL)
    assert code == 0
    assert "no usable keyring" in err
    [played] = fake_player.made
    assert not played.profile.token_is_saved
    assert played.tokens[0] is not None


@pytest.mark.parametrize(
    "said",
    [None, CallFailedError(Failure(FailureKind.NOT_SENT, detail="It was not reached."))],
)
def test_a_backend_that_names_no_provider_needs_a_token(
    rejoin: Rejoin, keyring: MemoryKeyring, browser: Browser, said: Exception | None
) -> None:
    browser.said = said
    code, _, err = rejoin("play", "--yes", URL)
    assert (code, err.count("\n")) == (2, 1)
    assert bearer.NO_TOKEN in err
    assert ("not reached" in err) == (said is not None)


def test_the_saved_sign_in_is_used_without_a_question(
    rejoin: Rejoin, fake_player: type[FakePlayer], keyring: MemoryKeyring, browser: Browser
) -> None:
    keep(keyring)
    browser.said = AssertionError("nobody asks the backend")
    assert rejoin("play", URL)[0] == 0
    keep(keyring, "https://games.example:443")
    assert rejoin("play", LINK)[0] == 0
    assert [played.profile.token for played in fake_player.made] == ["CANARY-kept"] * 2


def test_a_sign_in_of_another_origin_is_not_used(
    rejoin: Rejoin, keyring: MemoryKeyring, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(keyring, "http://127.0.0.1:10")
    agrees(monkeypatch, None)
    assert rejoin("play", URL)[0] == 2


def test_a_sign_in_that_is_over_is_made_anew(
    rejoin: Rejoin,
    fake_player: type[FakePlayer],
    keyring: MemoryKeyring,
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Over:
        def __init__(self, *_: object) -> None:
            pass

        async def refresh(self, _: str) -> Tokens:
            raise SignInEndedError("x")

        async def aclose(self) -> None:
            return

    monkeypatch.setattr(token_sources, "OpenIdClient", Over)
    keep(keyring, lasts_s=-5)
    assert rejoin("play", "--yes", URL)[0] == 0
    assert len(browser.opened) == 1
    assert fake_player.made[0].profile.token == "CANARY-new"


def test_a_given_token_goes_before_the_sign_in(
    rejoin: Rejoin, fake_player: type[FakePlayer], keyring: MemoryKeyring
) -> None:
    keep(keyring)
    assert rejoin("play", URL, token="CANARY-given")[0] == 0
    [played] = fake_player.made
    assert (played.profile.token, played.tokens) == ("CANARY-given", (None, None))
    assert not played.profile.token_is_saved


def test_a_command_and_a_client_give_tokens(
    rejoin: Rejoin,
    fake_player: type[FakePlayer],
    keyring: MemoryKeyring,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = f"{sys.executable} -c \"print('CANARY-printed')\""
    assert rejoin("play", "--token-command", command, URL)[0] == 0
    path = tmp_path / "client.json"
    path.write_text(
        '{"issuer": "https://id.example", "client_id": "ci", "client_secret": "CANARY-s"}'
    )

    async def fetch(_: ClientSource) -> Tokens:
        return Tokens("CANARY-of-client", 60.0)

    monkeypatch.setattr(ClientSource, "fetch", fetch)
    assert rejoin("play", "--client-credentials", str(path), URL)[0] == 0
    first, second = fake_player.made
    assert (first.profile.token, second.profile.token) == ("CANARY-printed", "CANARY-of-client")
    assert isinstance(first.tokens[0], CommandSource)
    assert isinstance(second.tokens[0], ClientSource)


def test_one_sign_in_is_enough(rejoin: Rejoin, tmp_path: Path) -> None:
    code, _, err = rejoin("play", "--token-command", "x", URL, token="CANARY")
    assert (code, err.count("\n")) == (2, 1)
    assert "Give one sign-in" in err
    both = ("--token-command", "x", "--client-credentials", str(tmp_path / "x"))
    assert rejoin("play", *both, URL)[0] == 2


@pytest.mark.parametrize("command", ["", "'", "/nonexistent/program"])
def test_a_command_that_cannot_be_run(rejoin: Rejoin, command: str) -> None:
    code, _, err = rejoin("play", "--token-command", command, URL)
    assert (code, err) == (2, "rejoin: The command of --token-command cannot be run.\n")


def test_a_links_backend_gets_a_commands_token_only_after_the_question(
    rejoin: Rejoin, fake_player: type[FakePlayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = agrees(monkeypatch, False)
    command = f"{sys.executable} -c \"print('CANARY-printed')\""
    assert rejoin("play", "--token-command", command, LINK)[0] == 130
    assert asked == ["Send your sign-in token to https://games.example:443?"]
    assert fake_player.made == []


def test_the_way_back_uses_the_sign_in(
    rejoin: Rejoin, fake_player: type[FakePlayer], keyring: MemoryKeyring
) -> None:
    keep(keyring)
    saved_ticket()
    assert rejoin("back")[0] == 0
    [played] = fake_player.made
    assert played.profile.token == "CANARY-kept"
    assert isinstance(played.tokens[0], SignInSource)
