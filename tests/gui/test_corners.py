"""The corners show the notes, each in its place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from rejoin.gui.corners import Corners
from rejoin.gui.notes import Notes

EVERYTHING = Notes(
    badge="badge",
    note=("note", "second"),
    problem="problem",
    volume="volume",
    free_mouse_hint="free",
    drop_hint="drop",
)


@pytest.fixture
def corners(application: QApplication) -> Iterator[Corners]:
    made = Corners()
    made.resize(640, 400)
    made.show()
    yield made
    made.close()


def test_every_note_has_its_place(application: QApplication, corners: Corners) -> None:
    corners.show_notes(EVERYTHING)
    application.processEvents()
    right = (corners.badge, corners.note, corners.problem, corners.volume)
    assert [pill.text() for pill in right] == ["badge", "note second", "problem", "volume"]
    tops = [pill.geometry().top() for pill in right]
    assert tops == sorted(set(tops))
    assert len({pill.geometry().right() for pill in right}) == 1
    assert corners.free_mouse_hint.text() == "free"
    assert corners.drop_hint.text() == "drop"
    assert corners.drop_hint.geometry().left() < 100
    assert corners.free_mouse_hint.geometry().right() > 500
    assert corners.drop_hint.geometry().bottom() > 300


def test_notes_without_a_text_are_hidden(application: QApplication, corners: Corners) -> None:
    corners.show_notes(EVERYTHING)
    corners.show_notes(Notes())
    for pill in (
        corners.badge,
        corners.note,
        corners.problem,
        corners.volume,
        corners.free_mouse_hint,
        corners.drop_hint,
    ):
        assert pill.isHidden()
