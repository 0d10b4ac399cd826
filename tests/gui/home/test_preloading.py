"""What is loaded after the first paint, and that the first paint needs none of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from bench.bench_start import started
from helpers.home_scene import HomeScene
from helpers.window_faces import wait_until
from rejoin.gui.home.preloading import BESIDE, IN_TURN, LoadInTurn, load_beside

NOT_AT_FIRST = (
    "av",
    "aiortc",
    "aioice",
    "numpy",
    "httpx",
    "boto3",
    "fastapi",
    "keyring",
    "pydantic",
    "rejoin.gui.home.link_events",
    "rejoin.gui.home.newer_version",
    "rejoin.runtime.updates",
)

MOST_MS = 50.0
STARTS = 8

FIRST_PAINT = """
import json, sys
from rejoin.gui.home import program

def painted(*_):
    print(json.dumps(sorted(sys.modules)), flush=True)
    __import__("os")._exit(0)

program._begin = painted
sys.argv = ["rejoin", "home"]
from rejoin.cli.main import main
main()
"""


def test_the_first_paint_has_loaded_none_of_the_heavy_libraries(tmp_path: Path) -> None:
    games = tmp_path / "rejoin" / "games.toml"
    games.parent.mkdir()
    games.write_text('[[game]]\nname = "x"\nbackend_url = "https://play.example"\n')
    folders = dict.fromkeys(("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"), str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", FIRST_PAINT],
        env={**os.environ, **folders, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout))
    assert "rejoin.gui.home.window" in loaded
    assert loaded.isdisjoint(NOT_AT_FIRST)


@pytest.mark.timeout(STARTS * 240)
def test_loading_afterwards_stops_the_window_for_no_more_than_50_ms(tmp_path: Path) -> None:
    """What other programs take is not counted, and a start that met them is not the only one; the
    bench `home` has the figures of a quiet machine."""
    found: list[float] = []
    while len(found) < STARTS and min(found, default=1000.0) > MOST_MS:
        found.append(started("loading", None, str(tmp_path))["longest_own_stop_ms"])
    assert 0.0 < min(found) <= MOST_MS, found


def test_everything_named_is_there_and_knows_qt_in_turns_alone() -> None:
    code = (
        "import sys\n"
        "from rejoin.gui.home.preloading import load_beside\n"
        "before = set(sys.modules)\n"
        "load_beside()\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    for name in BESIDE:
        assert repr(name) in done.stdout or name == "rejoin.core.model", name
    assert "'rejoin.gui." not in done.stdout


def test_a_missing_library_ends_the_loading_without_an_error() -> None:
    load_beside(("json", "rejoin.no_such_module", "rejoin.neither"))


def test_modules_are_loaded_at_turns_of_the_loop(
    application: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    done: list[None] = []

    def load(name: str) -> None:
        if name == "missing":
            raise ImportError(name)
        loaded.append(name)

    monkeypatch.setattr("importlib.import_module", load)
    loading = LoadInTurn(lambda: done.append(None))
    loading.begin()
    assert loaded == []
    assert wait_until(lambda: bool(done), 60.0)
    assert loaded == list(IN_TURN)
    missing = LoadInTurn(lambda: done.append(None), ("a", "missing", "b"))
    missing.begin()
    assert wait_until(lambda: len(done) == 2, 60.0)
    assert loaded[-1] == "a"


def test_once_it_is_ended_nothing_more_is_loaded_or_said(
    application: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    said: list[str] = []
    monkeypatch.setattr("importlib.import_module", loaded.append)
    first = LoadInTurn(lambda: said.append("first"), ("a",))
    first.begin()
    first.end()
    second = LoadInTurn(lambda: said.append("second"), ("b", "c"))
    second.begin()
    assert wait_until(lambda: bool(said), 60.0)
    assert (loaded, said) == (["b", "c"], ["second"])


def test_a_window_that_is_closed_loads_nothing_more(
    scene: HomeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = scene.open()
    loaded: list[str] = []
    said: list[str] = []
    monkeypatch.setattr("importlib.import_module", loaded.append)
    controller.all_loaded.connect(lambda: said.append("all"))
    controller.loaded()
    controller.close()
    controller.loaded()  # the thread that loads beside ends only now
    last = LoadInTurn(lambda: said.append("last"), ("a",))
    last.begin()
    assert wait_until(lambda: bool(said), 60.0)
    assert (loaded, said) == (["a"], ["last"])
