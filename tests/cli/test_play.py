"""`rejoin play`: what a URL and a link need before a game is played."""

from __future__ import annotations

from types import SimpleNamespace

import click
import pytest

from helpers.command_line import LINK, FakePlayer, Rejoin


def test_without_a_token_the_message_says_how_to_set_one(rejoin: Rejoin) -> None:
    code, _, err = rejoin("play", "http://127.0.0.1:9")
    assert (code, err.count("\n")) == (2, 1)
    assert "REJOIN_TOKEN" in err


def test_a_link_is_played_and_its_origin_is_printed(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    code, out, err = rejoin("play", "--token", "CANARY-token", "--yes", LINK)
    assert (code, out, err) == (0, "", "Playing through https://games.example:443.\n")
    [played] = fake_player.made
    assert played.profile.backend_url == "https://games.example/rejoin"
    assert played.profile.token == "CANARY-token"


def test_a_links_backend_gets_no_token_without_consent(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    code, _, err = rejoin("play", "--token", "CANARY-token", LINK)
    assert code == 2
    assert "leads to https://games.example:443" in err
    assert "CANARY" not in err
    assert fake_player.made == []


@pytest.mark.parametrize(("agrees", "code", "games"), [(True, 0, 1), (False, 130, 0)])
def test_at_a_terminal_the_player_is_asked_for_consent(
    rejoin: Rejoin,
    fake_player: type[FakePlayer],
    monkeypatch: pytest.MonkeyPatch,
    agrees: bool,
    code: int,
    games: int,
) -> None:
    def confirm(text: str, *, abort: bool, err: bool) -> bool:
        assert text == "Send your sign-in token to https://games.example:443?"
        assert (abort, err) == (True, True)
        if not agrees:
            raise click.exceptions.Abort
        return True

    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(click, "confirm", confirm)
    assert rejoin("play", "--token", "CANARY-token", LINK)[0] == code
    assert len(fake_player.made) == games


def test_a_link_to_http_is_refused_in_one_line(rejoin: Rejoin) -> None:
    code, out, err = rejoin("play", "rejoin://play?backend=http%3A%2F%2Fgames.example")
    assert (code, out) == (2, "")
    assert err == "rejoin: This link cannot be used: its backend does not use https.\n"
