"""The verdict about the graphics card, and the mark that a crash leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rejoin.runtime.renderer_memory import RendererMemory, Verdict, renderer_folder

PASSED = Verdict("OpenGL", "a card", "1.0", "6.11.3")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "renderer"


def test_a_verdict_is_kept(folder: Path) -> None:
    assert RendererMemory(folder).verdict() is None
    for verdict in (PASSED, replace(PASSED, refused="its colours are wrong")):
        RendererMemory(folder).keep(verdict)
        assert RendererMemory(folder).verdict() == verdict
    RendererMemory(folder).forget()
    assert RendererMemory(folder).verdict() is None
    RendererMemory(folder).forget()


def test_a_verdict_is_one_line_of_json() -> None:
    for verdict in (PASSED, replace(PASSED, refused="its colours are wrong", crashes=2)):
        assert "\n" not in verdict.to_json()
        assert Verdict.from_json(verdict.to_json()) == verdict


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[",
        b"[]",
        b"3",
        b"\xff",
        b"{}",
        b"[" * 20_000,
        json.dumps({"backend": 3, "device": "", "driver": "", "qt": ""}).encode(),
        b'{"backend":"","device":"","driver":"","qt":"","refused":4,"crashes":0}',
        b'{"backend":"","device":"","driver":"","qt":"","refused":null,"crashes":true}',
        b'{"backend":"","device":"","driver":"","qt":"","refused":null,"crashes":-1}',
    ],
)
def test_a_verdict_that_cannot_be_read_is_none(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "verdict.json").write_bytes(content)
    assert RendererMemory(folder).verdict() is None


def test_a_process_that_ends_well_leaves_no_mark(folder: Path) -> None:
    memory = RendererMemory(folder)
    memory.begin_drawing()
    memory.begin_drawing()
    assert len(list(folder.glob("drawing-*"))) == 1
    assert not RendererMemory(folder).has_crashed(), "it is running"
    memory.end_drawing()
    memory.end_drawing()
    assert list(folder.glob("drawing-*")) == []
    assert not RendererMemory(folder).has_crashed()


def test_a_process_that_crashes_leaves_one_that_counts_once(folder: Path) -> None:
    RendererMemory(folder).keep(PASSED)
    program = (
        "import os, sys; from pathlib import Path;"
        "from rejoin.runtime.renderer_memory import RendererMemory;"
        "memory = RendererMemory(Path(sys.argv[1])); memory.begin_drawing(); os.abort()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], check=False, stderr=subprocess.DEVNULL
    )
    assert done.returncode != 0
    memory = RendererMemory(folder)
    assert memory.has_crashed()
    assert not memory.has_crashed()
    assert memory.verdict() == replace(PASSED, crashes=1)
    memory.keep(PASSED)
    assert memory.verdict() == replace(PASSED, crashes=1), "a probe does not undo a crash"
    other = replace(PASSED, driver="1.1")
    memory.keep(other)
    assert memory.verdict() == other, "another driver begins anew"


def test_what_cannot_be_written_is_not_remembered(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    memory = RendererMemory(tmp_path / "file")
    memory.keep(PASSED)
    memory.begin_drawing()
    memory.end_drawing()
    memory.forget()
    assert memory.verdict() is None
    assert not memory.has_crashed()


def test_the_folder_is_among_the_users_state_files() -> None:
    assert renderer_folder().name == "renderer"
    assert renderer_folder().parent.name == "rejoin"
