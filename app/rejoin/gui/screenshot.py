"""A widget as a PNG file: grabbed now, compressed and written when there is time for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QBuffer
from PySide6.QtWidgets import QWidget


def grab(widget: QWidget) -> Callable[[Path], bool]:
    """A function that writes what `widget` shows now to a file; False if it cannot be written.

    Compressing takes a tenth of a second, in which no other thread has the interpreter.
    """
    pixmap = widget.grab()

    def save(file: Path) -> bool:
        # Written by us and not by Qt: libpng complains to standard error itself.
        content = QBuffer()
        content.open(QBuffer.OpenModeFlag.WriteOnly)
        pixmap.save(content, "PNG")
        try:
            file.write_bytes(content.data().data())
        except OSError:
            return False
        return True

    return save
