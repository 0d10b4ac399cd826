"""`rejoin back`: tickets, secrets and other instances of the same game."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from helpers.command_line import KEY, URL, FakePlayer, Rejoin, saved_ticket
from rejoin.core.model import SessionId
from rejoin.runtime import instance, launch, tokens
from rejoin.runtime.instance import Instance
from rejoin.runtime.instance_server import Activation
from rejoin.runtime.ticket_folder import TicketFolder, keyring_reference


def test_back_uses_the_tickets_backend_and_the_given_token(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    ticket = saved_ticket()
    assert rejoin("back", "--yes", token="CANARY-token") == (0, "", "")
    (made,) = fake_player.made
    assert made.ticket == ticket
    assert (made.profile.backend_url, made.profile.token) == (URL, "CANARY-token")
    assert made.profile.network.loopback_only
    assert not instance.is_taken(KEY), "the lock is released when the verb ends"


def test_the_token_that_the_backend_has_had_before_needs_no_question(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    saved_ticket(token="CANARY-token")
    assert rejoin("back", token="CANARY-token") == (0, "", "")
    assert fake_player.made[0].profile.token == "CANARY-token"


@pytest.mark.parametrize("had", ["", "CANARY-of-another-studio"])
def test_a_backend_that_nobody_typed_gets_no_other_token_without_consent(
    rejoin: Rejoin, fake_player: type[FakePlayer], had: str
) -> None:
    saved_ticket(token=had)
    code, _, err = rejoin("back", token="CANARY-token")
    assert (code, err) == (
        2,
        f"rejoin: Your last game is at {URL}. Add --yes to send it your sign-in token.\n",
    )
    assert fake_player.made == []
    assert not instance.is_taken(KEY)


def test_a_backend_of_a_dialect_without_sign_in_gets_no_token(
    rejoin: Rejoin, fake_player: type[FakePlayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fetch(self: tokens.TokenStore, backend_url: str, what: str = "") -> str | None:
        return "s-1"

    monkeypatch.setattr(tokens.TokenStore, "fetch", fetch)
    saved_ticket(dialect="aws-bundle", session_id=keyring_reference(URL, SessionId("s-1")))
    assert rejoin("back", token="CANARY-token") == (0, "", "")
    assert fake_player.made[0].profile.token is None


ICE_SERVERS = '[{"urls": ["turn:t.example", "stun:s.example"], "username": "n", "credential": "c"}]'


def test_back_finds_the_ice_servers_by_the_ticket(
    rejoin: Rejoin, fake_player: type[FakePlayer], tmp_path: Path
) -> None:
    path = tmp_path / "ice.json"
    path.write_text(ICE_SERVERS)
    saved_ticket(ice_servers_file=str(path))
    code, _, err = rejoin("back", "--yes", token="CANARY-token")
    assert (code, err) == (
        0,
        "rejoin: URL 2 of ICE server 1 is not used: Rejoin needs no STUN server.\n",
    )
    assert fake_player.made[0].profile.ice_servers_file == path


@pytest.mark.parametrize(
    ("in_ticket", "option", "allowed"), [(True, False, True), (False, True, True), (False,) * 3]
)
def test_back_offers_444_where_the_ticket_or_the_option_says_so(
    rejoin: Rejoin, fake_player: type[FakePlayer], in_ticket: bool, option: bool, allowed: bool
) -> None:
    saved_ticket(allow_444=in_ticket)
    arguments = ["--allow-444"] if option else []
    assert rejoin("back", "--yes", *arguments, token="CANARY-token")[0] == 0
    assert fake_player.made[0].profile.allow_444 == allowed


def test_back_reports_where_the_ticket_says_that_the_studio_wants_it(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    saved_ticket(takes_reports=True)
    assert rejoin("back", "--yes", "--report", token="CANARY-token")[0] == 0
    played = fake_player.made[0]
    assert played.profile.takes_reports
    assert played.reports is not None


def test_back_goes_without_a_relay_when_the_tickets_file_is_gone(
    rejoin: Rejoin, fake_player: type[FakePlayer], tmp_path: Path
) -> None:
    saved_ticket(ice_servers_file=str(tmp_path / "gone.json"))
    code, _, err = rejoin("back", "--yes", token="CANARY-token")
    assert (code, err) == (0, "rejoin: The file with the ICE servers gone.json cannot be read.\n")
    assert fake_player.made[0].profile.ice_servers_file is None


def test_back_takes_the_token_from_the_keyring(
    rejoin: Rejoin, fake_player: type[FakePlayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fetch(
        self: tokens.TokenStore, backend_url: str, what: str = "", **_: float
    ) -> str | None:
        return f"kept for {backend_url}"

    saved_ticket()
    monkeypatch.setattr(tokens.TokenStore, "fetch", fetch)
    assert rejoin("back")[0] == 0
    assert fake_player.made[0].profile.token == f"kept for {URL}"


def test_without_a_keyring_the_message_says_how_to_give_the_token(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    saved_ticket()
    code, _, err = rejoin("back")
    assert (code, err) == (2, f"rejoin: {tokens.NO_TOKEN_SAVED}\n")
    assert not fake_player.made
    assert not instance.is_taken(KEY)


@pytest.mark.parametrize("found", ["s-1", "another", None])
def test_a_secret_session_id_comes_from_the_keyring(
    rejoin: Rejoin,
    fake_player: type[FakePlayer],
    monkeypatch: pytest.MonkeyPatch,
    found: str | None,
) -> None:
    async def fetch(self: tokens.TokenStore, backend_url: str, what: str = "") -> str | None:
        assert what == tokens.SESSION, "this backend needs no sign-in token"
        return found

    monkeypatch.setattr(tokens.TokenStore, "fetch", fetch)
    saved_ticket(dialect="aws-bundle", session_id=keyring_reference(URL, SessionId("s-1")))
    (file,) = TicketFolder().folder.iterdir()
    assert "s-1" not in file.read_text()
    assert file.stem == KEY
    code, _, err = rejoin("back")
    if found == "s-1":
        assert (code, err) == (0, "")
        (made,) = fake_player.made
        assert made.profile.token is None
        assert made.ticket is not None
        assert made.ticket.rejoin_state.session_id == "s-1"
    else:
        assert (code, err) == (2, f"rejoin: {tokens.NO_SESSION_SAVED}\n")
        assert not fake_player.made


def test_without_a_ticket_or_with_an_old_one_there_is_no_game_to_return_to(rejoin: Rejoin) -> None:
    nothing = (2, "", "rejoin: There is no game to go back into.\n")
    assert rejoin("back") == nothing
    saved_ticket(wall_s=time.time() - 90_000)
    assert rejoin("back") == nothing


@pytest.mark.parametrize(
    ("content", "why"),
    [("{", "it is damaged"), ('{"kind": "rejoin-ticket", "version": 9}', "a different version")],
)
def test_an_unusable_ticket_is_reported_in_one_line(rejoin: Rejoin, content: str, why: str) -> None:
    saved_ticket()
    (file,) = TicketFolder().folder.iterdir()
    file.write_text(content)
    code, _, err = rejoin("back")
    assert (code, err.count("\n")) == (2, 1)
    assert why in err


def test_a_ticket_with_an_unknown_dialect_is_reported_in_one_line(rejoin: Rejoin) -> None:
    saved_ticket(dialect="aws-next")
    code, _, err = rejoin("back")
    assert (code, err.count("\n")) == (2, 1)
    assert "aws-next" in err
    assert not instance.is_taken(KEY)


def test_a_game_that_is_already_open_is_brought_to_the_front(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    brought: list[Activation] = []
    saved_ticket()
    serving = threading.Event()
    done = threading.Event()

    async def first() -> None:
        one = Instance.claim(KEY)
        assert one is not None
        await one.serve(brought.append)
        serving.set()
        await asyncio.to_thread(done.wait, 60)
        await one.close()

    thread = threading.Thread(target=lambda: asyncio.run(first()))
    thread.start()
    try:
        assert serving.wait(60)
        code, out, err = rejoin("back")
        noticed = rejoin("play", URL, token="t")
    finally:
        done.set()
        thread.join()
    assert (code, err) == (0, "")
    assert "brought to the front" in out
    assert brought == [Activation()]
    assert noticed == (0, "", ""), "what is being played is no unfinished game"


def test_a_first_instance_that_does_not_respond_is_reported(
    rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved_ticket()
    monkeypatch.setattr(launch, "activate", lambda key: False)
    first = Instance.claim(KEY)
    assert first is not None
    code, _, err = rejoin("back", "--yes", token="t")
    first.release()
    assert (code, err.count("\n")) == (1, 1)
    assert "does not respond" in err


def test_a_first_instance_that_ends_meanwhile_is_replaced(
    rejoin: Rejoin, fake_player: type[FakePlayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    saved_ticket()
    first = Instance.claim(KEY)
    assert first is not None

    def ends(key: str) -> bool:
        first.release()
        return False

    monkeypatch.setattr(launch, "activate", ends)
    assert rejoin("back", "--yes", token="t") == (0, "", "")
    assert len(fake_player.made) == 1


def test_without_a_lock_the_game_is_played_with_a_warning(
    rejoin: Rejoin, fake_player: type[FakePlayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    saved_ticket()
    monkeypatch.setattr(Instance, "claim", refuse)
    code, _, err = rejoin("back", "--yes", token="t")
    assert (code, err.count("\n")) == (0, 1)
    assert len(fake_player.made) == 1
