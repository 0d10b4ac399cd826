"""One game: its key, its host, its name, and what an entry of the file may hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rejoin.core.ticket import BackendAddress
from rejoin.errors import BadInputError
from rejoin.runtime.games import Game, checked_name, game_from, game_key, host_of
from rejoin.runtime.launch import key_of_game
from rejoin.runtime.studio_profile import StudioProfile

ADDRESS = BackendAddress("https://play.example/rejoin", "ours")
REACT = BackendAddress("https://play.example", "aws-react", stream_group="sg-1", application="a-1")


def test_what_is_the_same_game_has_the_same_key() -> None:
    assert game_key(ADDRESS) == game_key(replace(ADDRESS, takes_reports=True, network="lan"))
    others = [replace(REACT, application="a-2"), replace(REACT, stream_group="sg-2"), ADDRESS]
    assert len({game_key(each) for each in (REACT, *others)}) == 4


@pytest.mark.parametrize("address", [ADDRESS, REACT, replace(REACT, application=None)])
def test_the_key_is_the_one_by_which_an_open_game_is_found(address: BackendAddress) -> None:
    assert key_of_game(StudioProfile.from_address(address, "t" * 20)) == game_key(address)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://play.example/rejoin", "play.example"),
        ("https://play.example:443", "play.example"),
        ("http://127.0.0.1:8470", "127.0.0.1:8470"),
        ("http://[::1]:8470/x", "[::1]:8470"),
        ("https://[::1", ""),
        ("https://x:99999", ""),
    ],
)
def test_a_host_is_shown_with_an_unusual_port(url: str, host: str) -> None:
    assert host_of(url) == host


def test_a_name_is_one_line() -> None:
    assert checked_name("  Lantern\n Wood ") == "Lantern Wood"


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\u202eb", "a\x1b[2J"])
def test_a_name_that_cannot_stand_on_a_card_is_refused(name: str) -> None:
    with pytest.raises(BadInputError):
        checked_name(name)


def test_an_entry_is_a_game() -> None:
    table = {"name": "Lantern Wood", "backend_url": "https://play.example", "last_played": 5}
    assert game_from(table) == Game(
        "Lantern Wood", BackendAddress("https://play.example", "ours"), 5
    )


GOOD = {"name": "x", "backend_url": "https://play.example"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": 3}, "no name"),
        ({"backend_url": "ftp://x"}, "backend_url is wrong"),
        ({"backend_url": "nothing"}, "not a URL"),
        ({"backend_url": None}, "not a URL"),
        ({"token": "CANARY"}, "unknown key, token"),
        ({"dialect": "klingon"}, "dialect is not known"),
        ({"dialect": ["ours"]}, "dialect is not known"),
        ({"dialect": "aws-react"}, "requires different keys"),
        ({"stream_group": "sg-1"}, "requires different keys"),
        ({"network": "moon"}, "network is wrong"),
        ({"public_only": 1}, "public_only is neither"),
        ({"ca_file": "a\nb"}, "ca_file is wrong"),
        ({"connection_timeout_s": True}, "connection_timeout_s"),
        ({"connection_timeout_s": float("nan")}, "connection_timeout_s"),
        ({"last_played": -1}, "last_played"),
        ({"last_played": "today"}, "last_played"),
    ],
)
def test_what_is_wrong_in_an_entry_is_named(change: dict[str, Any], why: str) -> None:
    with pytest.raises(BadInputError, match=why) as caught:
        game_from({**GOOD, **change})
    assert "CANARY" not in str(caught.value)
