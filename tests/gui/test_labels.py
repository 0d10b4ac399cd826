"""Labels show plain text, and none where there is none."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from rejoin.gui.labels import label, set_text


def test_a_text_is_plain_and_an_empty_one_hides_its_label(application: QApplication) -> None:
    shown = label("quiet")
    assert shown.property("kind") == "quiet"
    assert shown.textFormat() is Qt.TextFormat.PlainText
    set_text(shown, "<b>x</b>")
    assert (shown.text(), shown.isHidden()) == ("<b>x</b>", False)
    set_text(shown, "")
    assert shown.isHidden()
    assert not label(wraps=False).wordWrap()
