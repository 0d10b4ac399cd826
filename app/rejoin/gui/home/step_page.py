"""A page with one thing to do: a title, what it is about, fields, and a row of buttons.

Adding a game, signing in, agreeing to a link, renaming, removing, waiting and failing are such
pages, so that all of them read and work alike: Enter presses the first button, Escape goes back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from rejoin.gui import theme
from rejoin.gui.announcement import announce
from rejoin.gui.button_row import ButtonRow
from rejoin.gui.connection_test_texts import breakable
from rejoin.gui.home import texts
from rejoin.gui.labels import label, set_text
from rejoin.language import tr
from rejoin.runtime.qr_code import Modules

_WIDTH = 640
_CODE_PX = 208


@dataclass(frozen=True, slots=True)
class Field:
    """A line to type in. `secret`: what is typed is not shown."""

    name: str
    text: str = ""
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A button. `needs_fields`: only enabled while all fields have a text."""

    text: str
    on_press: Callable[[], None]
    needs_fields: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What the page shows. `busy`: something is awaited, so that the fields are closed. `code`:
    drawn as a QR code. `choices`: the first is the one to do next. `rows`: keys and meanings, not
    translated yet, as `problem` is not."""

    title: str
    lines: Sequence[str] = ()
    fields: Sequence[Field] = ()
    choices: Sequence[Choice] = ()
    problem: str = ""
    busy: bool = False
    code: Modules | None = None
    rows: Sequence[tuple[str, str]] = ()
    leave_text: str = dataclasses.field(default_factory=lambda: tr(texts.CANCEL))

    def spoken(self, before: Step | None) -> str:
        """What is new on it, for screen readers, which have no reason to read labels."""
        if before is None or before.title != self.title:
            new: Sequence[str] = (self.title, *self.lines, self.problem)
        else:
            known = (*before.lines, before.problem)
            new = [text for text in (*self.lines, self.problem) if text not in known]
        return "\n".join(text for text in new if text)


class StepPage(QWidget):
    """Shows one step at a time."""

    left = Signal()
    """The player goes back, by the last button or by Escape."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._step: Step | None = None
        self._middle: QWidget | None = None
        self.edits: list[QLineEdit] = []
        self.buttons: list[QPushButton] = []
        self.title = label("page")
        self.problem = label("strong")
        self._column = QVBoxLayout()
        self._column.addStretch(1)
        self._column.addStretch(2)
        inside = QWidget()
        row = QHBoxLayout(inside)
        row.setContentsMargins(32, 32, 32, 32)
        row.addStretch()
        row.addLayout(self._column, 10)
        row.addStretch()
        self.scroll_area = QScrollArea()
        self.scroll_area.setWidget(inside)
        self.scroll_area.setWidgetResizable(True)
        self.scroll_area.setFrameShape(QFrame.Shape.NoFrame)
        self.scroll_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll_area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.scroll_area)

    @property
    def step(self) -> Step | None:
        return self._step

    def field(self, place: int = 0) -> str:
        """What is typed in a field now."""
        return self.edits[place].text()

    def show_step(self, step: Step) -> None:
        """Show this in place of what was shown. What was typed in a field of the same name stays,
        and the focus, where there still is what had it."""
        before = self._step
        typed = {} if before is None else self._typed(before)
        focused = next((n for n, edit in enumerate(self.edits) if edit.hasFocus()), None)
        self._step = step
        if self._middle is not None:
            self._middle.hide()
            self._middle.deleteLater()
            self._column.removeWidget(self._middle)
        self._middle = self._made(step, typed)
        self._column.insertWidget(1, self._middle)
        same = before is not None and before.title == step.title
        self._take_focus(focused if same else None)
        spoken = step.spoken(before)
        if spoken:
            announce(self, spoken)

    def _typed(self, step: Step) -> dict[str, str]:
        fields = zip(step.fields, self.edits, strict=True)
        return {field.name: edit.text() for field, edit in fields}

    def _made(self, step: Step, typed: dict[str, str]) -> QWidget:
        middle = QWidget()
        middle.setMaximumWidth(theme.scaled(_WIDTH))
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        self.title = label("page")
        self.title.setText(breakable(step.title))
        self.title.setAccessibleName(step.title)
        column.addWidget(self.title)
        for text in step.lines:
            line = label("quiet")
            line.setText(text)
            line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            column.addWidget(line)
        if step.code is not None:
            column.addWidget(_code(step.code))
        if step.rows:
            column.addLayout(_rows(step.rows))
        self.edits = []
        for field in step.fields:
            self._add_field(column, field, typed.get(field.name, field.text), closed=step.busy)
        self.problem = label("strong")
        set_text(self.problem, tr(step.problem) if step.problem else "")
        column.addWidget(self.problem)
        column.addWidget(self._row(step))
        return middle

    def _add_field(self, column: QVBoxLayout, field: Field, text: str, *, closed: bool) -> None:
        name = label("small")
        name.setText(field.name)
        edit = QLineEdit(text)
        edit.setAccessibleName(field.name)
        edit.setMaxLength(16384)
        edit.setEnabled(not closed)
        if field.secret:
            edit.setEchoMode(QLineEdit.EchoMode.Password)
        edit.textChanged.connect(self._enable)
        edit.returnPressed.connect(self._press_first)
        name.setBuddy(edit)
        column.addWidget(name)
        column.addWidget(edit)
        self.edits.append(edit)

    def _row(self, step: Step) -> ButtonRow:
        row = ButtonRow()
        self.buttons = []
        kinds = ["primary", *[""] * len(step.choices)]
        for choice, kind in zip(step.choices, kinds, strict=False):
            self.buttons.append(_button(choice.text, kind, choice.on_press))
        self.leave_button = _button(step.leave_text, "plain", self.left.emit)
        row.add(*self.buttons, self.leave_button)
        row.add_stretch()
        self._enable()
        return row

    def _enable(self) -> None:
        step = self._step
        if step is None:
            return
        filled = all(edit.text().strip() for edit in self.edits)
        for choice, button in zip(step.choices, self.buttons, strict=False):
            button.setEnabled(not step.busy and (filled or not choice.needs_fields))

    def _press_first(self) -> None:
        if self.buttons and self.buttons[0].isEnabled():
            self.buttons[0].click()

    def take_focus(self) -> None:
        """To the first thing that can be used."""
        self._take_focus(None)

    def _take_focus(self, field: int | None) -> None:
        usable = [edit for edit in self.edits if edit.isEnabled()]
        if field is not None and field < len(usable):
            usable[field].setFocus(Qt.FocusReason.OtherFocusReason)
            return
        buttons = [button for button in self.buttons if button.isEnabled()]
        first: QWidget = next(iter([*usable, *buttons]), self.leave_button)
        first.setFocus(Qt.FocusReason.OtherFocusReason)
        if isinstance(first, QLineEdit):
            first.selectAll()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)


def _button(text: str, kind: str, on_press: Callable[[], None]) -> QPushButton:
    made = QPushButton(text)
    made.setProperty("kind", kind)
    made.setAutoDefault(True)  # Enter presses it
    made.clicked.connect(lambda _checked: on_press())
    return made


def _rows(rows: Sequence[tuple[str, str]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(20)
    grid.setVerticalSpacing(9)
    grid.setColumnStretch(1, 1)
    for place, (key, meaning) in enumerate(rows):
        for column, (kind, text) in enumerate((("key", tr(key)), ("quiet", tr(meaning)))):
            part = label(kind, wraps=column == 1)
            part.setText(text)
            grid.addWidget(part, place, column)
    return grid


def _code(modules: Modules) -> QLabel:
    """A QR code: dark on light, whatever the theme, as readers want it."""
    side = len(modules)
    image = QImage(side, side, QImage.Format.Format_RGB32)
    for y, row in enumerate(modules):
        for x, dark in enumerate(row):
            image.setPixel(x, y, 0xFF000000 if dark else 0xFFFFFFFF)
    pixels = max(1, _CODE_PX // side) * side
    shown = QLabel()
    shown.setPixmap(QPixmap.fromImage(image.scaled(QSize(pixels, pixels))))
    shown.setAccessibleName(tr("QR code"))
    return shown
