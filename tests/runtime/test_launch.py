"""Before and after a game: tickets, claims on a session, secrets from the keyring, exit codes."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helpers.command_line import KEY, URL, saved_ticket
from rejoin.core.model import Ending, EndingKind, SessionId
from rejoin.errors import BadInputError, RejoinError
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime import instance, launch, tokens
from rejoin.runtime.instance import Instance
from rejoin.runtime.launch import Claimed, HandedOver, LockUnavailable
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.runtime.ticket_folder import TicketFolder, keyring_reference
from rejoin.service_model.status import StatusReason
from rejoin.signaling.aws_samples import StreamChoice
from rejoin.signaling.dialects import DIALECTS


@pytest.fixture(autouse=True)
def _folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def keyring_with(monkeypatch: pytest.MonkeyPatch, **secrets: str) -> None:
    """The keyring has these: `token`, `session`."""

    async def fetch(self: tokens.TokenStore, backend_url: str, what: str = "") -> str | None:
        assert backend_url == URL
        return secrets.get("session" if what == tokens.SESSION else "token")

    monkeypatch.setattr(tokens.TokenStore, "fetch", fetch)


# --- tickets --------------------------------------------------------------------------------------


def test_the_newest_ticket_is_returned_unless_it_is_too_old() -> None:
    with pytest.raises(BadInputError, match="no game to go back into"):
        launch.ticket_to_return_with()
    ticket = saved_ticket()
    assert launch.ticket_to_return_with() == ticket
    saved_ticket(wall_s=time.time() - 90_000)
    with pytest.raises(BadInputError, match="no game to go back into"):
        launch.ticket_to_return_with()


def test_a_damaged_ticket_is_reported() -> None:
    saved_ticket()
    (file,) = TicketFolder().folder.iterdir()
    file.write_text("{")
    with pytest.raises(BadInputError, match="damaged"):
        launch.ticket_to_return_with()


# --- the claim on a session -----------------------------------------------------------------------


def test_a_free_session_is_claimed() -> None:
    claim = launch.claim(KEY)
    assert isinstance(claim, Claimed)
    assert instance.is_taken(KEY)
    claim.instance.release()
    assert not instance.is_taken(KEY)


def test_a_session_that_is_played_is_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "activate", lambda key: True)
    playing = Instance.claim(KEY)
    assert playing is not None
    assert launch.claim(KEY) == HandedOver()
    playing.release()


def test_an_instance_that_does_not_respond_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "activate", lambda key: False)
    playing = Instance.claim(KEY)
    assert playing is not None
    with pytest.raises(RejoinError, match="does not respond"):
        launch.claim(KEY)
    playing.release()


def test_an_instance_that_ends_meanwhile_leaves_the_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    playing = Instance.claim(KEY)
    assert playing is not None

    def ends(key: str) -> bool:
        playing.release()
        return False

    monkeypatch.setattr(launch, "activate", ends)
    claim = launch.claim(KEY)
    assert isinstance(claim, Claimed)
    claim.instance.release()


def test_a_lock_that_cannot_be_tried_is_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Instance, "claim", refuse)
    assert launch.claim(KEY) == LockUnavailable()


# --- secrets --------------------------------------------------------------------------------------


def test_a_given_token_is_kept_and_a_missing_one_comes_from_the_keyring(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keyring_with(monkeypatch, token="stored")
    assert launch.with_stored_token(StudioProfile(URL, "given")).token == "given"
    assert launch.with_stored_token(StudioProfile(URL, None)).token == "stored"
    needless = StudioProfile(URL, None, dialect=DIALECTS["aws-bundle"])
    assert launch.with_stored_token(needless) is needless
    keyring_with(monkeypatch)
    with pytest.raises(BadInputError, match="--token-file"):
        launch.with_stored_token(StudioProfile(URL, None))


def test_a_secret_session_id_comes_from_the_keyring_and_must_be_the_tickets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticket = saved_ticket(dialect="aws-bundle", session_id=keyring_reference(URL, SessionId("s-1")))
    profile = StudioProfile(URL, None, dialect=DIALECTS["aws-bundle"])
    keyring_with(monkeypatch, session="s-1")
    assert launch.with_stored_session(ticket, profile).rejoin_state.session_id == "s-1"
    for other in ({"session": "s-2"}, {}):
        keyring_with(monkeypatch, **other)
        with pytest.raises(BadInputError, match="keyring"):
            launch.with_stored_session(ticket, profile)


def test_a_session_id_that_is_no_secret_stays() -> None:
    ticket = saved_ticket()
    assert launch.with_stored_session(ticket, StudioProfile(URL, "t")) is ticket


# --- exit codes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (Ending(EndingKind.CLOSED_FOR_NOW), 0),
        (Ending(EndingKind.GAME_ENDED, StatusReason("applicationExit")), 0),
        (Ending(EndingKind.GAME_ENDED, StatusReason("internalError")), 1),
        (Ending(EndingKind.UNCONFIRMED), 1),
        (Ending(EndingKind.BUSY), 3),
        (Ending(EndingKind.NOT_ALLOWED), 4),
        (Ending(EndingKind.OFFER_REFUSED), 5),
        (Ending(EndingKind.INTERNAL), 6),
    ],
)
def test_the_ending_of_a_game_has_an_exit_code(ending: Ending, code: int) -> None:
    assert launch.exit_code(ending) == code


# --- one game, twice ------------------------------------------------------------------------------


def test_a_game_is_open_in_one_rejoin_and_others_are_told_apart() -> None:
    def game(url: str = URL, **more: Any) -> StudioProfile:
        return StudioProfile(url, "t", NetworkRules(), **more)

    claim = launch.claim_game(game())
    assert isinstance(claim, Claimed)
    assert launch.claim_game(game()) is None
    assert launch.claim_game(replace(game(), token="another", allow_insecure=True)) is None
    others = [
        game("https://other.example"),
        game(dialect=DIALECTS["aws-react"], choice=StreamChoice("sg-1", "a-1")),
        game(dialect=DIALECTS["aws-react"], choice=StreamChoice("sg-1", "a-2")),
        game(dialect=DIALECTS["aws-react"], choice=StreamChoice("sg-2", "a-1")),
    ]
    claims = [launch.claim_game(each) for each in others]
    for each in claims:
        assert isinstance(each, Claimed)
        each.instance.release()
    claim.instance.release()
    again = launch.claim_game(game())
    assert isinstance(again, Claimed)
    again.instance.release()
