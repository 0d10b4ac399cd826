"""Where state is kept, whatever HOME and XDG_STATE_HOME say."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rejoin.errors import BadInputError
from rejoin.media.audio.volume import SoundChoice
from rejoin.runtime.data_used import DataTotal, read_total
from rejoin.runtime.place_file import PlaceFile
from rejoin.runtime.renderer_memory import RendererMemory, renderer_folder
from rejoin.runtime.state_folder import (
    keep_file,
    log_folder,
    replace_file,
    settings_folder,
    state_folder,
    write_named,
)
from rejoin.runtime.ticket_folder import TicketFolder
from rejoin.runtime.updates.memory import Remembered, UpdateMemory
from rejoin.runtime.volume_file import SoundFile, sound_path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="XDG is Linux's")


def no_such_user(number: int) -> None:
    raise KeyError(number)


@pytest.mark.parametrize("state_home", [None, "", "relative/state"])
def test_without_a_usable_variable_it_is_in_the_home_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state_home: str | None
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    if state_home is not None:
        monkeypatch.setenv("XDG_STATE_HOME", state_home)
    assert state_folder() == tmp_path / ".local" / "state" / "rejoin"


@pytest.mark.parametrize("home", [None, "", "relative"])
@pytest.mark.parametrize(
    ("wanted", "variable"),
    [
        (state_folder, "XDG_STATE_HOME"),
        (log_folder, "XDG_STATE_HOME"),
        (settings_folder, "XDG_CONFIG_HOME"),
        (TicketFolder, "XDG_STATE_HOME"),
        (sound_path, "XDG_STATE_HOME"),
        (renderer_folder, "XDG_STATE_HOME"),
        (RendererMemory, "XDG_STATE_HOME"),
    ],
)
def test_without_a_home_it_is_one_sentence_that_names_the_variables(
    monkeypatch: pytest.MonkeyPatch, home: str | None, wanted: Callable[[], object], variable: str
) -> None:
    monkeypatch.delenv(variable, raising=False)
    monkeypatch.delenv("HOME", raising=False)
    if home is not None:
        monkeypatch.setenv("HOME", home)
    monkeypatch.setattr("pwd.getpwuid", no_such_user)
    with pytest.raises(BadInputError, match=rf"set HOME or {variable} .*\.$"):
        wanted()


def test_the_log_is_in_the_platforms_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert log_folder().is_relative_to(tmp_path)


def test_a_file_is_replaced_whole_and_a_failure_leaves_the_old_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "not" / "yet" / "kept.json"
    for text in ("first", "second\n"):
        keep_file(file, text)
        assert file.read_text(encoding="utf-8") == text
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="full"):
        keep_file(file, "third")
    assert [each.name for each in file.parent.iterdir()] == ["kept.json"]
    assert file.read_text(encoding="utf-8") == "second\n"


def test_only_a_private_file_is_for_this_user_alone(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    for private in (True, False):
        replace_file(tmp_path / "file", b"content", private=private)
        mode = (tmp_path / "file").stat().st_mode & 0o777
        assert mode == (0o600 if private else (tmp_path / "usual").stat().st_mode & 0o777)


def full(new: Path, target: Path) -> Path:
    raise OSError("the disk is full")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes with a name are of Unix")
def test_a_pipe_that_a_person_names_is_written_into_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_named(pipe, b"text", private=False)
        assert os.read(reader, 10) == b"text"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
@pytest.mark.skipif(os.name != "posix", reason="a pipe with a name is POSIX's")
def test_what_is_no_file_is_never_replaced(tmp_path: Path) -> None:
    """As root, a link to /dev/null would otherwise take that device from the whole system."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    link = tmp_path / "link"
    link.symlink_to(pipe)
    for path in (pipe, Path(os.path.realpath(link))):
        with pytest.raises(OSError, match="not a regular file"):
            replace_file(path, b"new", private=True)
    assert pipe.is_fifo()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link", "pipe"]


def test_a_file_that_a_person_names_is_replaced_where_its_link_leads(tmp_path: Path) -> None:
    link, file = tmp_path / "link", tmp_path / "file"
    file.write_bytes(b"old")
    link.symlink_to(file)
    write_named(link, b"new", private=False)
    assert link.is_symlink()
    assert file.read_bytes() == b"new"


def test_a_pipe_in_place_of_a_state_file_stops_nothing(tmp_path: Path) -> None:
    for name in ("a.json", "verdict.json"):
        os.mkfifo(tmp_path / name)
    file = tmp_path / "a.json"
    assert SoundFile(file).read() == SoundChoice()
    assert PlaceFile(file).read() is None
    assert read_total(file) == DataTotal()
    assert UpdateMemory(file).read() == Remembered()
    assert RendererMemory(tmp_path).verdict() is None
