"""A widget as it looked when it was grabbed, in a file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget

from rejoin.gui import screenshot


def test_what_was_grabbed_is_written_later(application: QApplication, tmp_path: Path) -> None:
    widget = QWidget()
    widget.resize(8, 4)
    widget.setStyleSheet("background: #010203")
    save = screenshot.grab(widget)
    widget.setStyleSheet("background: #ffffff")
    assert save(tmp_path / "widget.png")
    image = QImage(str(tmp_path / "widget.png"))
    ratio = widget.devicePixelRatioF()
    assert (image.width(), image.height()) == (8 * ratio, 4 * ratio)
    assert image.pixelColor(1, 1).name() == "#010203"


def test_a_file_that_cannot_be_written_is_reported(
    application: QApplication, tmp_path: Path
) -> None:
    assert not screenshot.grab(QWidget())(tmp_path / "missing" / "widget.png")
