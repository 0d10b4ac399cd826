"""The list of sections: by arrow keys, and on into the section."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from helpers.window_faces import delete
from rejoin.gui.settings.section_list import SectionList

pytestmark = pytest.mark.usefixtures("application")


def test_arrow_keys_pick_and_right_or_enter_goes_on() -> None:
    sections, picked, entered = SectionList(3), list[int](), list[bool]()
    sections.show_titles(["One", "Two", "Three"])
    sections.picked.connect(picked.append)
    sections.entered.connect(lambda: entered.append(True))
    sections.show_row(0)
    assert picked == []
    sections.show()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_End):
        QTest.keyClick(sections, key)
    assert picked == [1, 2, 1, 2]
    assert [sections.item(at).font().bold() for at in range(3)] == [False, False, True]
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Return):
        QTest.keyClick(sections, key)
    assert len(entered) == 2
    assert sections.currentRow() == 2
    delete(sections)
