"""The file of games: read without harm, changed game by game, and never overwritten unread."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin.core.ticket import BackendAddress
from rejoin.errors import BadInputError
from rejoin.runtime import games_file
from rejoin.runtime.games import MAX_GAMES, Game
from rejoin.runtime.games_file import LoadedGames, add, load, played, remove, rename

WOOD = Game("Lantern Wood", BackendAddress("https://play.example", "ours", keeps_last_picture=True))
TIDE = Game(
    "Tide Runner",
    BackendAddress(
        "http://127.0.0.1:8470",
        "aws-react",
        "loopback",
        "sg-1",
        "a-1",
        120.0,
        ca_file="/etc/a b.pem",
        public_only=True,
    ),
    1764479000,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "not" / "yet" / "games.toml"


def test_without_a_file_there_are_no_games_and_none_is_made(path: Path) -> None:
    assert load(path) == LoadedGames()
    assert not path.parent.exists()


def test_what_is_added_is_read_again_as_it_was(path: Path) -> None:
    assert add(path, WOOD) is None
    add(path, TIDE)
    assert load(path) == LoadedGames((WOOD, TIDE))
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_game_is_renamed_played_and_removed_and_the_rest_stays(path: Path) -> None:
    add(path, WOOD)
    add(path, TIDE)
    path.write_text(path.read_text() + "\n# mine\n[future]\nkey = 1\n")
    rename(path, TIDE.key, "Tide  Runner 2")
    played(path, WOOD.key, 1764480000.7)
    [wood, tide] = load(path).games
    assert (tide.name, tide.address) == ("Tide Runner 2", TIDE.address)
    assert wood.last_played == 1764480000
    remove(path, WOOD.key)
    assert load(path).games == (tide,)
    assert "# mine\n[future]\nkey = 1\n" in path.read_text()
    remove(path, TIDE.key)
    assert load(path) == LoadedGames()
    add(path, WOOD)
    assert load(path).games == (WOOD,)


def test_one_game_is_in_the_list_once(path: Path) -> None:
    add(path, WOOD)
    with pytest.raises(BadInputError, match=r"Lantern Wood is in the list already\."):
        add(path, WOOD)
    path.write_text(path.read_text() * 2)
    assert load(path).games == (WOOD,)


@pytest.mark.parametrize(
    "change", [lambda path: rename(path, "0" * 16, "x"), lambda path: remove(path, "0" * 16)]
)
def test_a_game_that_is_gone_is_a_sentence(path: Path, change: object) -> None:
    add(path, WOOD)
    with pytest.raises(BadInputError, match=r"not in the list any more\."):
        change(path)  # type: ignore[operator]


def test_an_entry_that_cannot_be_used_is_a_sentence_and_stays(path: Path) -> None:
    add(path, WOOD)
    path.write_text('[[game]]\nname = "x"\nbackend_url = "ftp://x"\n\n' + path.read_text())
    loaded = load(path)
    assert loaded.games == (WOOD,)
    assert loaded.problems == (
        "Game 1 in the file of games cannot be used: its backend_url is wrong.",
    )
    rename(path, WOOD.key, "New")
    assert 'backend_url = "ftp://x"' in path.read_text()


def test_why_an_entry_cannot_be_used_ends_with_one_full_stop(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text('[[game]]\nname = " "\nbackend_url = "https://a.example"\n')
    assert load(path).problems == (
        "Game 1 in the file of games cannot be used. A game needs a name.",
    )


def test_too_many_games_are_refused(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(
        "".join(
            f'[[game]]\nname = "{number}"\nbackend_url = "https://{number}.example"\n'
            for number in range(MAX_GAMES + 1)
        )
    )
    loaded = load(path)
    assert len(loaded.games) == MAX_GAMES
    assert loaded.problems == ("The file of games has more than 100 games; the first are shown.",)
    with pytest.raises(BadInputError, match="Remove one first"):
        add(path, WOOD)


def test_a_damaged_file_is_one_sentence_and_is_set_aside_before_a_change(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b'[[game]]\nname = "x\n')
    [sentence] = load(path).problems
    assert sentence.startswith(f"The file of games {path} is damaged (at line 2")
    aside = add(path, WOOD)
    assert aside == path.with_name("games.damaged-1.toml")
    assert aside.read_bytes() == b'[[game]]\nname = "x\n'
    assert load(path) == LoadedGames((WOOD,))


def test_a_value_in_the_place_of_the_games_is_not_lost(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("game = 3\n")
    assert "has no list of games" in load(path).problems[0]
    with pytest.raises(BadInputError, match="not a list"):
        add(path, WOOD)
    assert path.read_text() == "game = 3\n"


@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_no_content_makes_reading_fail(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("games") / "games.toml"
    path.write_bytes(b"[[game]]\n" + content)
    assert isinstance(games_file.load(path), LoadedGames)


def test_a_second_entry_of_a_game_is_a_sentence_and_is_not_lost(path: Path) -> None:
    add(path, WOOD)
    add(path, TIDE)
    again = '[[game]]\nname = "Wood again"\nbackend_url = "https://play.example"\n'
    path.write_text(f"{path.read_text()}\n{again}")
    loaded = load(path)
    assert loaded.games == (WOOD, TIDE)
    [sentence] = loaded.problems
    assert sentence == (
        "Game 3 in the file of games is the same game as game 1, Lantern Wood: only that one is "
        "shown. Remove one of the two."
    )
    rename(path, WOOD.key, "The Wood")
    assert load(path).games[0].name == "The Wood"
    remove(path, WOOD.key)
    loaded = load(path)
    assert [game.name for game in loaded.games] == ["Tide Runner", "Wood again"]
    assert loaded.problems == ()


@pytest.mark.parametrize("before", ["", '{name = "A", backend_url = "https://a.example"}'])
def test_a_list_that_a_person_wrote_as_an_array_takes_another_game(path: Path, before: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(f"game = [{before}]  # mine\n")
    add(path, TIDE)
    assert load(path).problems == ()
    assert load(path).games[-1] == TIDE
    assert len(load(path).games) == (2 if before else 1)
    remove(path, TIDE.key)
    assert len(load(path).games) == (1 if before else 0)


@pytest.mark.parametrize("number", ["0x" + "f" * 5000, "nan", "inf", "-1", "true"])
def test_a_time_that_is_none_is_a_sentence(path: Path, number: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(
        f'[[game]]\nname = "A"\nbackend_url = "https://a.example"\nlast_played = {number}\n'
    )
    assert "its last_played is wrong" in load(path).problems[0]
