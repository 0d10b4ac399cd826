"""A step: its fields, its buttons, and where the focus is."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from helpers.window_faces import wait_until
from rejoin.gui.home.step_page import Choice, Field, Step, StepPage
from rejoin.runtime.qr_code import qr_modules


@pytest.fixture(name="page")
def _page(application: QApplication) -> StepPage:
    page = StepPage()
    page.resize(800, 600)
    page.show()
    page.activateWindow()
    assert wait_until(page.isActiveWindow, 60.0)
    return page


def test_enter_presses_the_first_button_once_all_fields_are_filled(page: StepPage) -> None:
    pressed: list[str] = []
    choices = (
        Choice("Do it", lambda: pressed.append(page.field()), needs_fields=True),
        Choice("Other", lambda: pressed.append("other")),
    )
    page.show_step(Step("A", ("b",), (Field("Name"),), choices, problem="c"))
    assert page.focusWidget() is page.edits[0]
    QTest.keyClick(page.edits[0], Qt.Key.Key_Return)
    assert pressed == []
    QTest.keyClicks(page.edits[0], "x")
    QTest.keyClick(page.edits[0], Qt.Key.Key_Return)
    assert pressed == ["x"]
    assert page.problem.text() == "c"
    page.edits[0].clear()
    assert [button.isEnabled() for button in page.buttons] == [False, True]


def test_what_was_typed_stays_from_step_to_step(page: StepPage) -> None:
    page.show_step(Step("A", fields=(Field("Name", "first"), Field("Secret", secret=True))))
    page.edits[0].setText("typed")
    page.edits[1].setFocus()
    page.show_step(Step("A", fields=(Field("Name"), Field("Secret", secret=True)), problem="no"))
    assert page.field() == "typed"
    assert page.focusWidget() is page.edits[1]
    page.show_step(Step("B", fields=(Field("Other", "new"),)))
    assert page.field() == "new"
    assert page.edits[0].selectedText() == "new"


def test_while_something_is_awaited_only_cancel_works(page: StepPage) -> None:
    left: list[None] = []
    page.left.connect(lambda: left.append(None))
    page.show_step(
        Step("A", fields=(Field("Name", "x"),), choices=(Choice("Do", lambda: None),), busy=True)
    )
    assert not page.edits[0].isEnabled()
    assert not page.buttons[0].isEnabled()
    focused = page.focusWidget()
    assert focused is page.leave_button
    QTest.keyClick(focused, Qt.Key.Key_Return)
    QTest.keyClick(focused, Qt.Key.Key_Escape)
    assert len(left) == 2


def test_a_code_is_dark_on_light_and_rows_are_shown(page: StepPage) -> None:
    modules = qr_modules("https://id.example/device")
    page.show_step(Step("A", code=modules, rows=(("F1", "help"),)))
    [code] = [each for each in page.findChildren(QLabel) if each.accessibleName() == "QR code"]
    image = code.pixmap().toImage()
    scale = image.width() // len(modules)
    for x, y in ((0, 0), (4, 4), (10, 10)):
        dark = image.pixelColor(x * scale + 1, y * scale + 1).lightness() < 128
        assert dark is modules[y][x]
    assert {"F1", "help"} <= {each.text() for each in page.findChildren(QLabel)}


def test_a_step_says_what_is_new_on_it() -> None:
    first = Step("Add a game", ("Paste it.",))
    assert first.spoken(None) == "Add a game\nPaste it."
    again = Step("Add a game", ("Paste it.",), problem="Nobody answers.")
    assert again.spoken(first) == "Nobody answers."
    assert again.spoken(again) == ""
    assert Step("Found", ("Paste it.",)).spoken(again) == "Found\nPaste it."


def test_what_an_input_method_writes_counts_once_it_is_chosen(page: StepPage) -> None:
    pressed: list[str] = []
    page.show_step(
        Step(
            "A",
            fields=(Field("Name"), Field("Secret", secret=True)),
            choices=(Choice("Do it", lambda: pressed.append(page.field()), needs_fields=True),),
        )
    )
    for edit in page.edits:
        asks = edit.inputMethodQuery(Qt.InputMethodQuery.ImEnabled)
        assert asks, "else no input method is asked"
        QApplication.sendEvent(edit, QInputMethodEvent("\u306b\u307b\u3093", []))
        assert edit.text() == ""
        assert not page.buttons[0].isEnabled()
        chosen = QInputMethodEvent()
        chosen.setCommitString("\u65e5\u672c")
        QApplication.sendEvent(edit, chosen)
        assert edit.text() == "\u65e5\u672c"
    assert page.buttons[0].isEnabled()
    QTest.keyClick(page.edits[0], Qt.Key.Key_Return)
    assert pressed == ["\u65e5\u672c"]
