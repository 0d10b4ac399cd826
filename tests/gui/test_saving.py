"""Files are written on a thread of their own, one at a time, and the GUI thread hears of it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtCore import QThread
from PySide6.QtWidgets import QApplication

from helpers.fake_port import picture
from helpers.window_faces import wait_until
from rejoin.errors import RejoinError
from rejoin.gui import saving
from rejoin.gui.saving import Saving
from rejoin.runtime.new_file import NotSaved, Saved

NOW = datetime(2026, 11, 30, 6, 12, 44, tzinfo=UTC)
PATIENCE_S = 60.0


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("pictures_folder", "documents_folder", "home_folder"):
        monkeypatch.setattr(saving, name, lambda: tmp_path)
    return tmp_path


def test_a_picture_and_a_report_have_names_that_any_system_takes(
    application: QApplication, folder: Path
) -> None:
    done: list[Saved | NotSaved] = []
    saver = Saving()
    saver.finished.connect(done.append)
    assert saver.save_picture(picture(64, 36), NOW)
    assert wait_until(lambda: len(done) == 1, PATIENCE_S)
    assert saver.save_report("a report\n", NOW)
    assert wait_until(lambda: len(done) == 2, PATIENCE_S)
    image = folder / "Rejoin 2026-11-30 06.12.44.png"
    text = folder / "Rejoin report 2026-11-30 06.12.44.txt"
    assert done == [Saved(image, folder), Saved(text, folder)]
    assert image.read_bytes().startswith(b"\x89PNG")
    assert text.read_text() == "a report\n"
    assert {file.name for file in folder.iterdir()} == {image.name, text.name}, "nothing else"


def test_while_one_is_written_another_is_not_begun(application: QApplication, folder: Path) -> None:
    done: list[tuple[Saved | NotSaved, bool]] = []
    go_on = threading.Event()
    here: list[bool] = []

    def slow() -> bytes:
        here.append(threading.current_thread() is threading.main_thread())
        assert go_on.wait(PATIENCE_S)
        raise RejoinError("It went wrong.")

    saver = Saving()
    saver.finished.connect(
        lambda outcome: done.append((outcome, QThread.currentThread() is application.thread()))
    )
    assert saver.save(folder, "a.txt", slow)
    assert not saver.save(folder, "b.txt", lambda: b"")
    go_on.set()
    assert wait_until(lambda: bool(done), PATIENCE_S)
    assert done == [(NotSaved("It went wrong."), True)]
    assert here == [False]
    assert saver.save(folder, "c.txt", lambda: b"")
    saver.close()
    assert (folder / "c.txt").exists(), "the end waits for it"
    saver.close()


def test_the_folders_are_the_players(application: QApplication) -> None:
    assert saving.pictures_folder().parts[-1] == "Rejoin"
    assert saving.documents_folder().is_absolute()
    assert saving.home_folder().is_absolute()
