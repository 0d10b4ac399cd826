"""The page of practice drops: which fault, its seed, sliders, what is on, and *Lift*."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QWidget

from rejoin.gui import theme
from rejoin.gui.keys_down import KeysDown
from rejoin.gui.practice import texts
from rejoin.gui.practice.rows_page import RowField, RowsPage
from rejoin.gui.settings.controls import ChoiceBox, NumberSlider, action_button
from rejoin.gui.settings.row_view import RowView
from rejoin.gui.settings.rows import RowText
from rejoin.language import tr
from rejoin.runtime.practice_port import (
    MOST_DELAY_MS,
    MOST_LOSS_PERCENT,
    MOST_SEED,
    Held,
    PracticeState,
)

_DELAY_STEP_MS = 10
_SEED_PX = 110


@dataclass(frozen=True, slots=True)
class ChosenDrop:
    """What the next practice drop is."""

    fault: str
    seed: int = 1


class PracticePage(RowsPage):
    """Emits what the tester does; shows the state that `show_state` gives it."""

    chosen = Signal(object)
    """A `ChosenDrop`."""
    started = Signal()
    held = Signal(object)
    """`Held`, by the sliders."""
    lifted = Signal()
    marker_wanted = Signal()

    def __init__(
        self,
        faults: tuple[str, ...],
        chosen: ChosenDrop,
        keys: KeysDown,
        *,
        keeps_pictures: bool,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(keys, parent)
        self._keeps_pictures = keeps_pictures
        self.fault = ChoiceBox()
        self.fault.offer([(name, name) for name in faults], chosen.fault)
        self.seed = RowField(str(chosen.seed))
        self.seed.setValidator(QIntValidator(1, MOST_SEED, self.seed))
        self.new_seed = action_button(texts.NEW_SEED)
        self.start = action_button(texts.START, "primary")
        self.loss = NumberSlider(texts.PER_CENT, MOST_LOSS_PERCENT)
        self.delay = NumberSlider(texts.MILLISECONDS, MOST_DELAY_MS, _DELAY_STEP_MS)
        self.lift = action_button(texts.LIFT)
        self.marker = action_button(texts.SET_MARKER)
        self._now = RowView([self.lift])
        self._words = (
            (RowView([self.fault]), texts.FAULT, texts.FAULT_NOW),
            (RowView([self.seed, self.new_seed]), texts.SEED, texts.SEED_NOW),
            (RowView([self.start]), texts.DROP, texts.DROP_NOW),
            (RowView([self.loss]), texts.LOSS, texts.HELD_NOW),
            (RowView([self.delay]), texts.DELAY, texts.HELD_NOW),
            (
                RowView([self.marker], last=True),
                texts.MARKER,
                texts.MARKER_NOW if keeps_pictures else texts.MARKER_PLAIN,
            ),
        )
        rows = [row for row, _, _ in self._words]
        self.fill([*rows[:3], self._now, *rows[3:]])
        self.state = PracticeState()
        self._name()
        self._connect()
        self.first = self.start
        self.leads_back(self.start)

    @property
    def drop(self) -> ChosenDrop:
        """The chosen drop; a seed that cannot be used counts as 1."""
        text = self.seed.text()
        seed = max(1, int(text)) if text.isdecimal() else 1
        return ChosenDrop(self.fault.currentText(), seed)

    def show_state(self, state: PracticeState) -> None:
        """Called at each tick while the page is shown."""
        self.state = state
        self._now.show_text(RowText(tr(texts.NOW), texts.now(state), _problem(state)))
        self.lift.setEnabled(state.is_on)
        if not self.lift.isEnabled() and self.lift.hasFocus():
            self.start.setFocus()
        self.loss.show_number(state.held.loss_percent)
        self.delay.show_number(state.held.delay_ms)

    def said(self) -> str:
        """What it says of now, with what is wrong."""
        return RowText("", self._now.now.text(), self._now.notice.text()).spoken

    def _connect(self) -> None:
        self.fault.picked.connect(lambda _: self.chosen.emit(self.drop))
        self.seed.textEdited.connect(lambda _: self.chosen.emit(self.drop))
        self.new_seed.clicked.connect(self._take_new_seed)
        self.start.clicked.connect(self.started)
        for slider in (self.loss, self.delay):
            slider.picked.connect(self._hold)
        self.lift.clicked.connect(self.lifted)
        self.marker.clicked.connect(self.marker_wanted)

    def _take_new_seed(self) -> None:
        self.seed.setText(str(self.drop.seed % MOST_SEED + 1))
        self.chosen.emit(self.drop)

    def _hold(self) -> None:
        held = Held(self.loss.number, self.delay.number)
        if held != self.state.held:
            self.held.emit(held)

    def _name(self) -> None:
        """Set the texts in the current language."""
        self.setAccessibleName(tr(texts.TITLE))
        self.title.setText(tr(texts.TITLE))
        self.explained.setText(tr(texts.EXPLAINED))
        for row, title, now in self._words:
            row.show_text(RowText(tr(title), tr(now)))
        self.seed.setFixedWidth(theme.scaled(_SEED_PX))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._name()


def _problem(state: PracticeState) -> str:
    return tr(state.problem) if state.problem else ""
