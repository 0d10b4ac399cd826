"""The page *Test my connection*: progress, a row for each check, one piece of advice, a report.

Tab and the arrow keys move through it, Return and Space press, Escape cancels or goes back.
"""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QGuiApplication,
    QHideEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from rejoin.clock import Clock, boot_s
from rejoin.gui import connection_test_texts as texts
from rejoin.gui import theme
from rejoin.gui.accessible_roles import give_role
from rejoin.gui.announcement import announce
from rejoin.gui.button_row import ButtonRow
from rejoin.gui.hidden_hosts import without_host
from rejoin.gui.labels import TextButton, label, set_text
from rejoin.language import tr
from rejoin.printable import printable_lines
from rejoin.runtime.doctor.connection_test import RunningTest
from rejoin.runtime.doctor.findings import Began, Finding, Outcome, Report, Update
from rejoin.version import VERSION

WIDTH_PX: Final = 720
_TICK_MS: Final = 200
_STEPS: Final = 1000
"""Of the progress bar."""

MakeTest = Callable[[bool], RunningTest]
"""Makes a test; its argument: with a game."""

_MARKS: Final = {
    Outcome.OK: "good",
    Outcome.WARNING: "trouble",
    Outcome.FAILED: "danger",
    Outcome.NOT_KNOWN: "quiet",
}
"""The property `mark` of a label, by which the style sheet colours it."""


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing was tested yet."""


@dataclass(slots=True)
class Running:
    """`began`: the newest check, and when it began; `total_s`: what all of it usually takes."""

    test: RunningTest
    crossing: _Crossing
    began: Began | None = None
    began_at: float = 0.0
    total_s: float = 0.0
    found: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Done:
    report: Report


State = Idle | Running | Done


class _Crossing(QObject):
    """Brings what a test says from its thread to Qt's. Without a Qt parent, to outlive late
    calls."""

    updated = Signal(object)
    ended = Signal(object)


class ConnectionTestPage(QWidget):
    """`left` is emitted when the player goes back. A test that was cancelled ends on its own
    thread, with the game that it started; the program ends no sooner than it."""

    left = Signal()

    def __init__(
        self,
        backend_url: str | None,
        make_test: MakeTest,
        parent: QWidget | None = None,
        *,
        hides_hosts: bool = False,
        clock: Clock = boot_s,
    ) -> None:
        """`backend_url`: shown as it is; None: no studio is chosen, so there is nothing to test.
        `hides_hosts`: others may see the screen; the copied report is as always."""
        super().__init__(parent)
        self._make_test = make_test
        self._clock = clock
        self._has_backend = backend_url is not None
        self._hidden = backend_url if hides_hosts else None
        """The backend that others may not see."""
        self.state: State = Idle()
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._show_progress)
        self._build(backend_url)
        self._show_state()

    # --- what it is made of -----------------------------------------------------------------------

    def _build(self, backend_url: str | None) -> None:
        self.title = label("title")
        self.address = label("quiet")
        self.awaited = label("quiet")
        self.bar = QProgressBar()
        self.bar.setRange(0, _STEPS)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr(texts.TITLE))
        self.rows = QGridLayout()
        self.rows.setHorizontalSpacing(12)
        self.rows.setVerticalSpacing(6)
        self.rows.setColumnStretch(2, 1)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 8, 0)
        column.addLayout(self.rows)
        column.addStretch()
        self.scroll_area = QScrollArea()
        self.scroll_area.setWidget(inside)
        self.scroll_area.setWidgetResizable(True)
        self.scroll_area.setFrameShape(QFrame.Shape.NoFrame)
        self.scroll_area.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.scroll_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll_area.setAccessibleName(tr(texts.TITLE))
        give_role(self.scroll_area, QAccessible.Role.Pane)
        self.advice = label("strong")
        address = tr(texts.NO_BACKEND) if backend_url is None else self._seen(backend_url)
        set_text(self.address, texts.breakable(address))
        self._add_buttons()
        panel = QFrame()
        panel.setMaximumWidth(WIDTH_PX)
        panel.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        inner = QVBoxLayout(panel)
        inner.setContentsMargins(*(theme.CARD_PADDING,) * 4)
        inner.setSpacing(12)
        for each in (self.title, self.address, self.advice, self.awaited, self.bar):
            inner.addWidget(each)
        inner.addWidget(self.scroll_area, 1)
        inner.addWidget(self._buttons)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(20, 20, 20, 20)
        outer.addStretch(1)
        outer.addWidget(panel, 8)
        outer.addStretch(1)
        self.panel = panel

    def _add_buttons(self) -> None:
        self.back_button = self._button(texts.BACK, "plain", self.left.emit)
        self.copy_button = self._button(texts.COPY, "", self._copy)
        self.game_button = self._button(texts.START_WITH_GAME, "", lambda: self.start(play=True))
        self.start_button = self._button(texts.START, "primary", lambda: self.start(play=False))
        self.cancel_button = self._button(texts.CANCEL, "", self.cancel)
        self._buttons = ButtonRow(10)
        self._buttons.add(self.back_button)
        self._buttons.add_stretch()
        self._buttons.add(
            *(self.copy_button, self.game_button, self.start_button, self.cancel_button)
        )

    def _button(self, text: str, kind: str, on_press: Callable[[], object]) -> TextButton:
        made = TextButton(text, kind)
        made.setAutoDefault(True)  # Return presses the one that has the focus
        made.clicked.connect(lambda _checked: on_press())
        return made

    # --- what happens -----------------------------------------------------------------------------

    def start(self, *, play: bool) -> None:
        """Begin a test, unless one is running."""
        if isinstance(self.state, Running) or not self._has_backend:
            return
        test, crossing = self._make_test(play), _Crossing()
        running = Running(test, crossing)
        queued = Qt.ConnectionType.QueuedConnection
        crossing.updated.connect(lambda update: self._on_update(running, update), queued)
        crossing.ended.connect(lambda report: self._on_end(running, report), queued)
        self.state = running
        self._remove_rows()

        def run() -> None:
            crossing.ended.emit(test.run(crossing.updated.emit))

        threading.Thread(target=run, name="connection test").start()
        self._show_state()

    def cancel(self) -> None:
        """End a running test: at once here, and on its thread as soon as its game is ended."""
        if isinstance(self.state, Running):
            self.state.test.cancel()
            self._finish(Report(tuple(self.state.found), cancelled=True))

    def _on_update(self, running: Running, update: Update) -> None:
        if self.state is not running:
            return  # it was cancelled
        match update:
            case Began():
                running.began, running.began_at = update, self._clock()
                running.total_s = running.total_s or update.left_s
                self._show_progress()
            case Finding():
                self._add_row(update, len(running.found))
                running.found.append(update)

    def _on_end(self, running: Running, report: Report) -> None:
        if self.state is running:
            self._finish(report)

    def _finish(self, report: Report) -> None:
        self.state = Done(report)
        self._show_state()
        said = (self.title.text(), self._seen(texts.advice_of(report)))
        announce(self, "\n".join(text for text in said if text))

    def _seen(self, text: str) -> str:
        """What of a text is shown."""
        return text if self._hidden is None else without_host(text, self._hidden)

    def _copy(self) -> None:
        if not isinstance(self.state, Done):
            return
        text = texts.report_text(
            self.state.report,
            version=VERSION,
            system=f"{platform.system()} {platform.release()} {platform.machine()}",
            written=datetime.now().astimezone().isoformat(timespec="seconds"),
        )
        QGuiApplication.clipboard().setText(printable_lines(text))
        self.copy_button.say(texts.COPIED)
        announce(self, tr(texts.COPIED))

    def hideEvent(self, event: QHideEvent) -> None:
        if not event.spontaneous():  # as when the window is minimised
            self.cancel()
        super().hideEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
        elif isinstance(self.state, Running):
            self.cancel()
        else:
            self.left.emit()

    # --- what it shows ----------------------------------------------------------------------------

    def _show_state(self) -> None:
        running, done = isinstance(self.state, Running), isinstance(self.state, Done)
        report = self.state.report if isinstance(self.state, Done) else None
        set_text(self.title, tr(texts.TITLE) if report is None else texts.title_of(report))
        advice = "" if report is None else texts.advice_of(report)
        set_text(self.advice, texts.breakable(self._seen(advice)))
        if not running:
            self._timer.stop()
            set_text(self.awaited, tr(texts.INTRODUCTION) if not done and self._has_backend else "")
        else:
            self._timer.start()
            self._show_progress()
        self.bar.setVisible(running)
        self.copy_button.say(texts.COPY)
        self.start_button.say(texts.AGAIN if done else texts.START)
        self.copy_button.setVisible(done)
        for each in (self.start_button, self.game_button):
            each.setVisible(not running and self._has_backend)
        self.back_button.setVisible(not running)
        self.cancel_button.setVisible(running)
        # Buttons are not cut off, however long their words are in a language.
        wanted_px = self._buttons.minimumSize().width() + 2 * theme.CARD_PADDING
        self.panel.setMaximumWidth(max(WIDTH_PX, wanted_px))
        self.take_focus()

    def take_focus(self) -> None:
        """To the button that is most likely wanted next."""
        wanted = {Running: self.cancel_button, Done: self.copy_button, Idle: self.start_button}
        button = wanted[type(self.state)]
        (button if button.isVisibleTo(self) else self.back_button).setFocus()

    def _show_progress(self) -> None:
        if not isinstance(self.state, Running) or self.state.began is None:
            self.bar.setValue(0)
            return
        began, since_s = self.state.began, self._clock() - self.state.began_at
        set_text(self.awaited, texts.doing(began, since_s))
        self.bar.setValue(round(_STEPS * texts.progress(began, since_s, self.state.total_s)))

    def _add_row(self, finding: Finding, number: int) -> None:
        mark, name, found = QLabel(texts.MARKS[finding.outcome]), label("strong"), label()
        mark.setProperty("mark", _MARKS[finding.outcome])
        mark.setAccessibleName(tr(texts.SAID[finding.outcome]))
        name.setText(texts.name_of(finding.check))
        name.setWordWrap(False)
        found.setText(texts.breakable(self._seen(tr(finding.found))))
        found.setAccessibleName(self._seen(texts.row_name(finding)))
        if finding.outcome is Outcome.NOT_KNOWN:
            found.setProperty("kind", "quiet")
        for at, each in enumerate((mark, name, found)):
            self.rows.addWidget(each, number, at, Qt.AlignmentFlag.AlignTop)

    def _remove_rows(self) -> None:
        while (item := self.rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), theme.colour(theme.INK))
        painter.setBrush(theme.card_colour())
        painter.setPen(QPen(theme.colour(theme.HAIRLINE, 0.9), 1.0))
        painter.drawRoundedRect(
            self.panel.geometry().adjusted(0, 0, -1, -1), theme.CARD_RADIUS, theme.CARD_RADIUS
        )
        painter.end()
