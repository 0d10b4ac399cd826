"""The emulator for one game: how to get it, what is played, and its end with ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from helpers.parts import environment_with, requirements
from helpers.programs import started
from rejoin.errors import MissingPartError, ServiceError
from rejoin.studio import try_here
from rejoin.studio.try_here import STUDIO_MODULES, TryHere, why_not


def test_the_modules_are_those_that_the_part_adds() -> None:
    names = {
        part: {canonicalize_name(each.name) for each in requirements()[part]}
        for part in ("player", "studio")
    }
    ours = {canonicalize_name(name) for name in STUDIO_MODULES}
    assert ours - {"jwt"} | {"pyjwt"} == names["studio"] - names["player"]


def test_where_it_is_missing_the_way_to_get_it_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert why_not() is None
    monkeypatch.setattr(try_here, "STUDIO_MODULES", ("no_such_package",))
    sentence = why_not()
    assert sentence is not None
    assert "`player` and `studio` parts" in sentence
    with pytest.raises(MissingPartError, match="no_such_package is missing"):
        TryHere().start()


def test_this_loads_and_says_so_where_only_the_player_is_installed(tmp_path: Path) -> None:
    program = "from rejoin.studio.try_here import why_not; print(why_not())"
    hidden = environment_with(tmp_path, "player")
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **{name: value or "" for name, value in hidden.items()}},
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    assert done.stdout.startswith("The Python package alembic is missing.")
    assert done.stdout.rstrip().endswith("whl[player,studio]'")


@pytest.mark.live
def test_a_game_can_be_played_until_it_is_stopped() -> None:
    trying = TryHere()
    try:
        profile = trying.start()
        assert profile.network.loopback_only
        assert profile.token
        assert profile.backend_url.startswith("http://127.0.0.1:")
    finally:
        trying.stop()
        trying.stop()
    with pytest.raises(ServiceError, match="stopped"):
        trying.start()


@pytest.mark.live
@pytest.mark.skipif(sys.platform == "win32", reason="a process is killed by a signal")
def test_the_emulator_ends_where_we_are_killed() -> None:
    with started(module=("helpers.try_here_program",)) as program:
        assert program.out.readline().startswith("http://127.0.0.1:")
        assert len(program.running()) > 1
        program.send(signal.SIGKILL)
        program.wait_until_gone()
