"""One section of the settings: its rows, made from the schema, and *Reset this page*."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from rejoin.gui import theme
from rejoin.gui.settings import sections
from rejoin.gui.settings.controls import ChoiceBox, PercentSlider, Switch, action_button
from rejoin.gui.settings.keys_button import KeysButton
from rejoin.gui.settings.row_view import RowView, text_label
from rejoin.gui.settings.rows import RowText, State, offered, row_text
from rejoin.gui.settings.sections import WORDS, Section
from rejoin.input_events import chords
from rejoin.language import tr
from rejoin.runtime.player_settings import SETTINGS
from rejoin.runtime.setting_kinds import Keys, Limit, Number, OneOf, Share, Text, Whole, YesNo

_MARGIN_PX, _NARROW_MARGIN_PX = 40, 20
_TOP_PX = 28
_ROWS_PX = 960
"""Rows are no wider, so that the eye finds the control of a text."""
_NARROW_PX = 540
"""With less room the controls are below the texts."""

Extra = tuple[RowView, Callable[[State], RowText]]
"""A row that is no setting, and what it says."""


class _Ground(QWidget):
    """As wide as the view: texts wrap. The scroll area then asks how high it is in that width."""

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)


class SectionView(QScrollArea):
    """Scrolls; the control that has the focus is always seen."""

    picked = Signal(str, object)
    """A setting's key, and the value that the player chose."""

    file_asked = Signal(str)
    """The player wants to choose the file of this setting."""

    reset_asked = Signal()

    def __init__(
        self, section: Section, extras: Mapping[str, Extra], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.section = section
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._ground = _Ground(self)
        self._ground.setProperty("kind", "ground")
        self.setWidget(self._ground)
        self._column = QVBoxLayout(self._ground)
        self._column.setSpacing(0)
        self.heading = text_label("heading")
        self.heading.setContentsMargins(0, 0, 0, 6)
        self._column.addWidget(self.heading)
        self.rows: dict[str, RowView] = {}
        for key in section.keys:
            self.rows[key] = self._row(key)
            self._column.addWidget(self.rows[key])
        self._extras = dict(extras)
        for name, (row, _) in self._extras.items():
            self.rows[name] = row
            self._column.addWidget(row)
        self._feet = [self._foot()] if section.keys else []
        for foot in self._feet:
            self._column.addWidget(foot)
        self._column.addStretch(1)
        self._say_texts()

    def _say_texts(self) -> None:
        """What does not come with the state, in the language of now."""
        self.heading.setText(tr(self.section.title))
        for foot in self._feet:
            foot.show_text(RowText("", tr(sections.SAVED_AT_ONCE)))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._say_texts()

    def _foot(self) -> RowView:
        self.reset = action_button(sections.RESET_SECTION, "plain")
        self.reset.clicked.connect(self.reset_asked)
        return RowView([self.reset], last=True)

    def _row(self, key: str) -> RowView:
        kind = SETTINGS[key].kind
        match kind:
            case YesNo():
                switch = Switch()
                switch.picked.connect(lambda on: self.picked.emit(key, on))
                return RowView([switch])
            case Share():
                slider = PercentSlider()
                slider.picked.connect(lambda percent: self.picked.emit(key, percent / 100))
                return RowView([slider])
            case Text() if key == "network.turn_file":
                choose = action_button(sections.CHOOSE_FILE)
                choose.clicked.connect(lambda: self.file_asked.emit(key))
                none = action_button(sections.NO_FILE, "plain")
                none.clicked.connect(lambda: self.picked.emit(key, None))
                return RowView([choose, none])
            case Keys(needed):
                button = KeysButton()
                button.picked.connect(lambda keys: self.picked.emit(key, keys))
                if needed:
                    return RowView([button])
                off = action_button(sections.NO_KEYS, "plain")
                off.clicked.connect(lambda: self.picked.emit(key, chords.NONE))
                return RowView([button, off])
            case OneOf() | Limit() | Whole() | Text() | Number():
                box = ChoiceBox()
                box.picked.connect(lambda value: self.picked.emit(key, value))
                return RowView([box])
            case _:
                assert_never(kind)

    def show_state(self, state: State) -> None:
        """Show what is set and what is true now, in every row."""
        for key in self.section.keys:
            row, value = self.rows[key], state.value(key)
            control = row.controls[0]
            match control:
                case Switch():
                    control.show_on(bool(value))
                case PercentSlider():
                    control.show_percent(round(float(value or 0) * 100))
                case KeysButton():
                    control.show_keys(tr(WORDS[key].title), str(value))
                    for off in row.controls[1:]:
                        off.setEnabled(value != chords.NONE)
                case ChoiceBox():
                    control.offer(offered(key, state), value)
                case _:
                    row.controls[1].setEnabled(value is not None)
            row.show_text(row_text(key, state))
        for row, said in self._extras.values():
            row.show_text(said(state))

    def fit(self, width: int) -> None:
        """Lay everything out for a section of this width."""
        small = width < theme.scaled(_NARROW_PX) + 2 * _MARGIN_PX
        side = _NARROW_MARGIN_PX if small else _MARGIN_PX
        right = max(side, width - side - theme.scaled(_ROWS_PX))
        self._column.setContentsMargins(side, _TOP_PX, right, _MARGIN_PX // 2)
        for row in (*self.rows.values(), *self._feet):
            row.set_narrow(small)

    def first_control(self) -> QWidget | None:
        """Where the focus goes on the way from the list."""
        for row in self.rows.values():
            for control in row.controls:
                if control.isEnabled():
                    return control
        return None
