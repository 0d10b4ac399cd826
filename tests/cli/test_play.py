"""`rejoin play`: what a URL and a link need before a game is played."""

from __future__ import annotations

import socket
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import click
import pytest

from helpers.command_line import LINK, URL, FakePlayer, Rejoin
from rejoin.signaling import name_lookup


def test_without_a_token_the_message_says_how_to_set_one(rejoin: Rejoin) -> None:
    code, _, err = rejoin("play", "http://127.0.0.1:9")
    assert (code, err.count("\n")) == (2, 1)
    assert "REJOIN_TOKEN" in err


def test_a_link_is_played_and_its_origin_is_printed(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    code, out, err = rejoin("play", "--yes", LINK, token="CANARY-token")
    assert (code, out, err) == (0, "", "Playing through https://games.example:443.\n")
    [played] = fake_player.made
    assert played.profile.backend_url == "https://games.example/rejoin"
    assert played.profile.token == "CANARY-token"


@pytest.mark.parametrize("where", [LINK, "https://games.example/rejoin"])
def test_ice_servers_reach_the_profile_and_not_the_output(
    rejoin: Rejoin, fake_player: type[FakePlayer], tmp_path: Path, where: str
) -> None:
    path = tmp_path / "ice.json"
    path.write_text(
        '[{"urls": "turn:t.example", "username": "CANARY-n", "credential": "CANARY-c"}]'
    )
    code, out, err = rejoin(
        "play", "--yes", "--ice-servers", str(path), where, token="CANARY-token"
    )
    assert code == 0
    assert "CANARY" not in out + err
    (played,) = fake_player.made
    assert [each.host for each in played.profile.ice_servers().turn] == ["t.example"]
    assert "CANARY" not in repr(played.profile.backend_address())


def test_a_link_does_not_offer_444_and_the_player_may(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    for arguments, allowed in ([], False), (["--allow-444"], True):
        assert rejoin("play", "--yes", *arguments, LINK, token="CANARY-token")[0] == 0
        assert fake_player.made[-1].profile.allow_444 == allowed


def test_reports_need_the_players_consent_and_the_studios_wish(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    for where, arguments, wanted, allowed in (
        (URL, [], False, False),
        (URL, ["--report"], True, True),
        (LINK, ["--report"], False, True),
        (f"{LINK}&reports=yes", [], True, False),
        (f"{LINK}&reports=yes", ["--report"], True, True),
        (f"{LINK}&reports=yes", ["--no-report"], True, False),
    ):
        assert rejoin("play", "--yes", *arguments, where, token="CANARY-token")[0] == 0
        played = fake_player.made[-1]
        assert played.profile.takes_reports == wanted
        assert (played.reports is not None) == allowed


def test_the_last_picture_is_kept_only_where_the_player_says_so(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    for where in (URL, LINK):
        for arguments, kept in ([], False), (["--keep-last-picture"], True):
            assert rejoin("play", "--yes", *arguments, where, token="CANARY-token")[0] == 0
            assert fake_player.made[-1].profile.keeps_last_picture == kept


def test_a_probe_url_is_another_address_that_probes_may_call(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    url = "http://status.studio.example/up"
    where = "https://games.example"
    assert rejoin("play", "--yes", "--probe-url", url, where, token="CANARY-token")[0] == 0
    (played,) = fake_player.made
    assert played.profile.trusted_origins() == (url,)
    for wrong in ("status.example", "ftp://x", "https://x/?CANARY", "https://CANARY:x@y"):
        code, _, err = rejoin("play", "--yes", "--probe-url", wrong, where, token="t" * 32)
        assert (code, err.count("\n")) == (2, 1)
        assert "--probe-url" in err
        assert "CANARY" not in err


@pytest.mark.parametrize("content", [None, "", "[]", '[{"urls": "stun:CANARY.example"}]', "\xff"])
def test_ice_servers_that_cannot_be_used_are_refused_in_one_line(
    rejoin: Rejoin, fake_player: type[FakePlayer], tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ice.json"
    if content is not None:
        path.write_text(content, encoding="latin-1")
    code, _, err = rejoin(
        "play", "--ice-servers", str(path), "https://games.example", token="CANARY-token"
    )
    assert (code, err.count("\n")) == (2, 1)
    assert "ICE servers" in err
    assert "CANARY" not in err
    assert fake_player.made == []


def test_a_links_backend_gets_no_token_without_consent(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    code, _, err = rejoin("play", LINK, token="CANARY-token")
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
    assert rejoin("play", LINK, token="CANARY-token")[0] == code
    assert len(fake_player.made) == games


def test_a_link_to_http_is_refused_in_one_line(rejoin: Rejoin) -> None:
    code, out, err = rejoin("play", "rejoin://play?backend=http%3A%2F%2Fgames.example")
    assert (code, out) == (2, "")
    assert err == "rejoin: This link cannot be used: its backend does not use https.\n"


def test_a_token_is_no_argument(rejoin: Rejoin, fake_player: type[FakePlayer]) -> None:
    for arguments in (("--token", "CANARY"), ("--token=CANARY",)):
        code, out, err = rejoin("play", *arguments, "http://127.0.0.1:9")
        assert (code, out) == (2, "")
        assert "--token-file" in err
        assert "CANARY" not in err
    assert fake_player.made == []


@pytest.mark.parametrize(
    "backend",
    [
        "http://127.0.0.1:8470",
        "https://127.0.0.1:8470",
        "http://localhost:8470",
        "https://localhost",
        "https://[::1]:8470",
        "https://[::ffff:127.0.0.1]",
        "https://0.0.0.0:8470",
        "https://2130706433",
        "https://127.1",
        "https://192.168.1.1",
        "https://10.1.2.3",
        "https://100.64.0.1",
        "https://169.254.169.254",
        "https://[fe80::1]",
        "https://[fd00::1]",
        "https://[64:ff9b::7f00:1]",
    ],
)
@pytest.mark.parametrize("dialect", ["&dialect=aws-bundle&stream_group=sg-1", ""])
def test_a_link_leads_nowhere_into_this_network_unasked(
    rejoin: Rejoin, fake_player: type[FakePlayer], backend: str, dialect: str
) -> None:
    link = f"rejoin://play?backend={quote(backend, safe='')}{dialect}"
    token = "CANARY-token" if not dialect else None
    code, _, err = rejoin("play", link, token=token)
    assert code == 2
    assert "which is on this computer or its network. Add --yes to connect to it." in err
    assert fake_player.made == []
    assert rejoin("play", "--yes", link, token=token)[0] == 0
    [played] = fake_player.made
    assert not played.profile.public_only


def test_a_name_is_judged_by_its_addresses(
    rejoin: Rejoin, fake_player: type[FakePlayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that means the internet is played, and may mean nothing else later."""
    meaning: list[str] = []
    monkeypatch.setattr(name_lookup, "resolved", lambda host, port: meaning)
    link = f"{LINK}&dialect=aws-bundle&stream_group=sg-1"
    meaning[:] = ["1.1.1.1", "192.168.1.4"]
    assert rejoin("play", link)[0] == 2
    meaning[:] = ["1.1.1.1", "2606:4700::1111"]
    assert rejoin("play", link)[0] == 0
    [played] = fake_player.made
    assert played.profile.public_only


@pytest.mark.parametrize("error", [socket.gaierror(-2, "unknown"), UnicodeError("label")])
def test_a_name_that_means_nothing_now_leads_nowhere_into_this_network_later(
    rejoin: Rejoin,
    fake_player: type[FakePlayer],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    def fail(host: str, port: int) -> list[str]:
        raise error

    monkeypatch.setattr(name_lookup, "resolved", fail)
    assert rejoin("play", "--yes", LINK, token="CANARY-token")[0] == 0
    assert fake_player.made[0].profile.public_only
