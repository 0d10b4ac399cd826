"""The player's games on the disk: one TOML file beside the settings, with one table for each.

Reading never fails: an unusable entry becomes a sentence and stays in the file. Each change reads
the file anew, so that two windows do not overwrite each other's changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from rejoin.core.ticket import BackendAddress
from rejoin.errors import BadInputError
from rejoin.language import Message, mark
from rejoin.runtime.games import MAX_GAMES, Game, checked_name, game_from
from rejoin.runtime.state_folder import settings_folder
from rejoin.runtime.toml_file import edit_file, read_tables

_NAME: Final = "games.toml"
_CALLED: Final = Message("file of games")
_TABLES: Final = "game"

_HEADING: Final = "# The games in Rejoin's home window.\n"

_UNUSABLE: Final = mark("Game {number} in the file of games cannot be used: {why}.")
_UNUSABLE_AS: Final = mark("Game {number} in the file of games cannot be used. {why}")
"""`why` is a sentence."""

_SAME: Final = mark(
    "Game {number} in the file of games is the same game as game {first}, {name}: "
    "only that one is shown. Remove one of the two."
)

_DEFAULTS: Final = {each.name: each.default for each in fields(BackendAddress)}

GONE: Final = "This game is not in the list any more."


@dataclass(frozen=True, slots=True)
class LoadedGames:
    """The games in the order of the file, and a sentence for each thing that is wrong with it."""

    games: tuple[Game, ...] = ()
    problems: tuple[str, ...] = ()


def games_path() -> Path:
    """This user's file; it need not exist. Raises BadInputError where there is no home folder."""
    return settings_folder() / _NAME


def load(path: Path) -> LoadedGames:
    """Raises nothing."""
    try:
        tables = read_tables(path)
    except OSError:
        return LoadedGames(
            problems=(Message("The file of games {path} cannot be read.", path=path),)
        )
    except ValueError as error:
        said = Message("The file of games {path} is damaged ({error}).", path=path, error=error)
        return LoadedGames(problems=(said,))
    entries = (tables or {}).get(_TABLES, [])
    if not isinstance(entries, list):
        return LoadedGames(
            problems=(Message("The file of games {path} has no list of games.", path=path),)
        )
    games: dict[str, tuple[int, Game]] = {}
    """By key, with the number in the file."""
    problems: list[str] = []
    for number, entry in enumerate(entries[:MAX_GAMES], 1):
        try:
            game = _game(entry)
        except BadInputError as error:
            why = error.args[0]
            template = _UNUSABLE_AS if why.endswith(".") else _UNUSABLE
            problems.append(Message(template, number=number, why=why))
        else:
            first = games.setdefault(game.key, (number, game))
            if first[0] != number:
                problems.append(Message(_SAME, number=number, first=first[0], name=first[1].name))
    if len(entries) > MAX_GAMES:
        problems.append(
            Message(
                "The file of games has more than {most} games; the first are shown.", most=MAX_GAMES
            )
        )
    return LoadedGames(tuple(game for _, game in games.values()), tuple(problems))


def add(path: Path, game: Game) -> Path | None:
    """Add a game at the end. Returns where a damaged file was set aside. Raises BadInputError if it
    is there already, if there are too many, and if the file cannot be written."""
    import tomlkit

    def edit(document: Any) -> None:
        entries = _entries(document)
        if any(_is(entry, game.key) for entry in entries):
            raise BadInputError(Message("{name} is in the list already.", name=game.name))
        if len(entries) >= MAX_GAMES:
            raise BadInputError(
                Message(
                    "There are {max_games} games already. Remove one first.", max_games=MAX_GAMES
                )
            )
        if not entries:
            document[_TABLES] = entries = tomlkit.aot()
        # A person may have written the list as an array, in which a table stands in one line.
        is_array = isinstance(entries, tomlkit.items.Array)
        table: Any = tomlkit.inline_table() if is_array else tomlkit.table()
        table.update(_table(replace(game, name=checked_name(game.name))))
        entries.append(table)

    return edit_file(path, edit, heading=_HEADING, name=_CALLED)


def rename(path: Path, key: str, name: str) -> None:
    """Raises BadInputError."""
    name = checked_name(name)
    _edit_one(path, key, lambda entry: entry.update({"name": name}))


def played(path: Path, key: str, at_unix_s: float) -> None:
    """Note when a game was played last. Raises BadInputError."""
    _edit_one(path, key, lambda entry: entry.update({"last_played": int(at_unix_s)}))


def remove(path: Path, key: str) -> None:
    """Remove the game that is shown. Another entry of the same game, which the player has not
    seen, stays, and is the one that is shown then. Raises BadInputError."""

    def edit(document: Any) -> None:
        entries = _entries(document)
        place = next((place for place, each in enumerate(entries) if _is(each, key)), None)
        if place is None:
            raise BadInputError(GONE)
        del entries[place]

    edit_file(path, edit, heading=_HEADING, name=_CALLED)


def _edit_one(path: Path, key: str, change: Callable[[Any], None]) -> None:
    def edit(document: Any) -> None:
        found = next((entry for entry in _entries(document) if _is(entry, key)), None)
        if found is None:
            raise BadInputError(GONE)
        change(found)

    edit_file(path, edit, heading=_HEADING, name=_CALLED)


def _entries(document: Any) -> Any:
    entries = document.get(_TABLES, [])
    if not isinstance(entries, list):
        raise BadInputError(
            Message("In the file of games {name} is not a list. Remove that line.", name=_TABLES)
        )
    return entries


def _is(entry: Any, key: str) -> bool:
    try:
        return _game(entry).key == key
    except BadInputError:
        return False


def _game(entry: Any) -> Game:
    if not isinstance(entry, Mapping):
        raise BadInputError(Message("it is not a table"))
    return game_from({name: _plain(value) for name, value in entry.items()})


def _plain(value: Any) -> Any:
    """Without tomlkit's classes, which are sometimes no bool."""
    unwrap = getattr(value, "unwrap", None)
    return value if unwrap is None else unwrap()


def _table(game: Game) -> dict[str, Any]:
    """The fields that differ from their defaults."""
    found: dict[str, Any] = {"name": game.name}
    for key, value in asdict(game.address).items():
        if value is not None and value != _DEFAULTS[key]:
            found[key] = value
    if game.last_played is not None:
        found["last_played"] = int(game.last_played)
    return found
