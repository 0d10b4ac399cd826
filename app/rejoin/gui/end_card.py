"""The card at the end: what happened, what was lost, whose fault it was, and the next step.

Below that the play report, if there was a game.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from rejoin.clock import Clock
from rejoin.core.model import Ending, Snapshot
from rejoin.core.play_report import PlayReport
from rejoin.gui import ending_texts, play_texts, texts
from rejoin.gui.card import Card, CardButton
from rejoin.gui.ending_texts import NextStep
from rejoin.gui.labels import label, set_text
from rejoin.language import sentences, tr

_MOST_FIGURES = 5


class EndCard(Card):
    """The card of stage ENDED. The button of the next step stands out, and has the focus first."""

    closed = Signal()
    start_again = Signal()
    report_wanted = Signal()
    summed_up = Signal(str)
    """How the game went, for screen readers."""

    def __init__(
        self,
        clock: Clock,
        play_report: Callable[[], PlayReport | None],
        *,
        can_start_again: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        """`play_report`: how the game went; asked once for each ending."""
        super().__init__(clock, parent)
        self._play_report = play_report
        self._can_start_again = can_start_again
        self._ending: Ending | None = None
        self.title = label("title")
        self.meaning = label()
        self.verdict = label()
        self.next = label("strong")
        self.code = label("code")
        self.code.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.figures = QWidget()
        self._names = [label("hint", wraps=False) for _ in range(_MOST_FIGURES)]
        self._values = [label("strong", wraps=False) for _ in range(_MOST_FIGURES)]
        grid = QGridLayout(self.figures)
        grid.setContentsMargins(0, 4, 0, 0)
        grid.setHorizontalSpacing(22)
        grid.setVerticalSpacing(2)
        for number, (name, value) in enumerate(zip(self._names, self._values, strict=True)):
            grid.addWidget(value, 0, number)
            grid.addWidget(name, 1, number)
        grid.setColumnStretch(_MOST_FIGURES, 1)
        self.why = label("quiet")
        self.advice = label("quiet")
        for line in (
            *(self.title, self.meaning, self.verdict, self.next),
            *(self.figures, self.why, self.advice, self.code),
        ):
            self.lines.addWidget(line)
        self.body.addLayout(self.lines, 1)
        self.report_button = self.button(texts.REPORT_A_PROBLEM, "", self.report_wanted.emit)
        self.again_button = self.button(texts.START_AGAIN, "", self.start_again.emit)
        self.close_button = self.button(texts.CLOSE, "", self.closed.emit)
        self.row.addWidget(self.report_button)
        self.row.addStretch()
        self.row.addWidget(self.again_button)
        self.row.addWidget(self.close_button)

    @property
    def primary(self) -> CardButton:
        """The button of the next step."""
        step = NextStep.CLOSE if self._ending is None else ending_texts.next_step(self._ending)
        match step:
            case NextStep.START_AGAIN if self._can_start_again:
                return self.again_button
            case NextStep.REPORT:
                return self.report_button
            case _:
                return self.close_button

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the ending of `snapshot`; called for each snapshot and at each tick."""
        ending = snapshot.ending
        if ending is None or ending == self._ending:
            self.place()
            return
        self._ending = ending
        text = ending_texts.ending_text(ending)
        set_text(self.title, text.title)
        self.name_after(text.title)
        set_text(self.meaning, text.meaning)
        set_text(self.verdict, play_texts.verdict_sentence(snapshot.verdict))
        set_text(self.next, text.advice)
        set_text(self.code, tr("Code: {code}", code=ending_texts.support_code(ending)))
        self._show_play(self._play_report())
        again = self._can_start_again and ending_texts.may_start_again(ending)
        self.again_button.set_usable(shown=again)
        for button in (self.report_button, self.again_button, self.close_button):
            button.set_kind("primary" if button is self.primary else "")
        self.place()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.forget()

    def forget(self) -> None:
        """Another game begins: its end is a new one, even if it is the same."""
        self._ending = None

    def _show_play(self, report: PlayReport | None) -> None:
        figures = () if report is None else play_texts.figures(report)
        self.figures.setVisible(bool(figures))
        for number, (name, value) in enumerate(zip(self._names, self._values, strict=True)):
            set_text(name, figures[number].name if number < len(figures) else "")
            set_text(value, figures[number].value if number < len(figures) else "")
            value.setAccessibleName(f"{name.text()}: {value.text()}")
        set_text(self.why, "" if report is None else play_texts.verdicts_sentence(report))
        set_text(self.advice, "" if report is None else play_texts.advice_sentence(report))
        if report is not None:
            self.summed_up.emit(sentences(*play_texts.spoken(report)))

    def first_focus(self) -> QWidget:
        return self.panel if self.follows_game else self.primary
