"""The pytest plugin: fixtures for a studio's own tests of reconnection (docs/testing.md).

pytest loads it by its entry point wherever Rejoin is installed, so it imports nothing of Rejoin
until one of its fixtures is used. `-p no:rejoin` leaves it out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from rejoin.testing.drops import Drops
    from rejoin.testing.game_player import GamePlayer
    from rejoin.testing.studios import Studios, TestedStudio

MARKER: Final = "rejoin"
_INI: Final = {
    "dialect": "the backend's dialect: ours (default), aws-samples, aws-bundle or aws-react",
    "network": "where its game servers may be: internet (default), lan or loopback",
    "stream_group": "stream group (id or ARN), for dialects whose client names it",
    "application": "application (id or ARN), for the same",
    "connection_timeout": "ConnectionTimeoutSeconds, for a backend that does not report it",
    "ca_file": "PEM file with the CA certificates to trust for the backend",
    "insecure": "true: allow http to a backend on another machine",
}
_players: Final = pytest.StashKey[list["GamePlayer"]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("rejoin", "reconnection of game streams (Rejoin)")
    group.addoption(
        "--rejoin-backend",
        metavar="URL",
        help="play at this studio backend, with the sign-in token in REJOIN_TOKEN, instead of the "
        "built-in emulator; its sessions cost the studio money",
    )
    group.addoption(
        "--rejoin-traces", metavar="FOLDER", help="folder for the trace of each test that fails"
    )
    parser.addini("rejoin_backend", "as --rejoin-backend", default="")
    for name, text in _INI.items():
        parser.addini(f"rejoin_{name}", f"with --rejoin-backend: {text}", default="")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        f"{MARKER}(seed=1, connection_timeout_s=120, ...): which packets the faults of "
        "rejoin_drop meet, and settings of the emulated service for this test",
    )


# --- the fixtures ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _rejoin_studios(request: pytest.FixtureRequest) -> Iterator[Studios]:
    """Starts studios; each kind once in a whole run."""
    config = request.config
    own = {name: str(config.getini(f"rejoin_{name}")) for name in ("backend", *_INI)}
    own["backend"] = config.getoption("--rejoin-backend") or own["backend"]
    with _a_sentence():
        from rejoin.testing.studios import Studios

        studios = Studios(own, os.environ.get("REJOIN_TOKEN"))
    yield studios
    studios.close()


@pytest.fixture
def rejoin_studio(
    request: pytest.FixtureRequest, _rejoin_studios: Studios
) -> Iterator[TestedStudio]:
    """A studio that players connect to: the built-in emulator, or that of --rejoin-backend."""
    options = _marked(request.node)
    options.pop("seed", None)
    with _a_sentence():
        entered = _rejoin_studios.studio(**options)
        studio = entered.__enter__()
    try:
        yield studio
    finally:
        entered.__exit__(None, None, None)


@pytest.fixture
def rejoin_player(
    request: pytest.FixtureRequest, rejoin_studio: TestedStudio
) -> Iterator[GamePlayer]:
    """A player without window and sound, whose game starts now: wait for it with `live`. At the end
    its game is ended, and its trace is checked against the invariants."""
    from rejoin.testing.game_player import GamePlayer

    with _a_sentence():
        seed = int(_marked(request.node).get("seed", 1))
        player = GamePlayer(rejoin_studio, request.node.name, seed)
    request.node.stash.setdefault(_players, []).append(player)
    yield player
    player.finish()
    if player.problem:
        pytest.fail(f"The trace violates an invariant:\n{player.problem}", pytrace=False)


@pytest.fixture
def rejoin_drop(rejoin_player: GamePlayer) -> Drops:
    """`rejoin_drop("cut_3s")` drops the player's connection and waits until the game is back."""
    from rejoin.testing.drops import Drops

    return Drops(rejoin_player)


def _marked(node: Any) -> dict[str, Any]:
    """What the markers of this test say; the nearest one wins."""
    found: dict[str, Any] = {}
    for marker in node.iter_markers(MARKER):
        found = {**marker.kwargs, **found}
    return found


@contextmanager
def _a_sentence() -> Iterator[None]:
    """A failure that a person can do something about is a sentence without a traceback."""
    sentence: str | None = None
    try:
        yield
    except ImportError as error:
        from rejoin.parts import explanation

        sentence = explanation(error, ("qa",))
        if sentence is None:
            raise
    except Exception as error:
        from rejoin.errors import RejoinError

        if not isinstance(error, RejoinError):
            raise
        sentence = str(error)
    if sentence is not None:
        raise pytest.fail.Exception(sentence, pytrace=False) from None


# --- a failure ------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails shows what its players went through."""
    del call
    report = yield
    players = item.stash.get(_players, [])
    if report.failed and players:
        for number, player in enumerate(players, 1):
            file = _trace_file(item, number)
            if file is not None:
                player.write_trace(file)
                # Of a phase that comes later, whose properties are those in the JUnit XML.
                item.user_properties.append(("rejoin_trace", str(file)))
                if report.when == "teardown":
                    report.user_properties.append(("rejoin_trace", str(file)))
            report.sections.append((f"Rejoin player {number}", player.report(file)))
    return report


def _trace_file(item: pytest.Item, number: int) -> Path | None:
    folder = item.config.getoption("--rejoin-traces")
    if folder is None:
        return None
    name = re.sub(r"[^\w.+-]+", "-", item.nodeid)[-150:]
    return Path(folder) / f"{name}-{number}.jsonl"
