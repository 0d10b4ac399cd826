"""*Report a problem* on the home: about the game that was closed for now."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from rejoin.clock import Clock, boot_s
from rejoin.gui import note_texts
from rejoin.gui.report_page import ReportPage
from rejoin.gui.saving import Saving
from rejoin.runtime.new_file import NotSaved, Saved


class HomeReportPage(ReportPage):
    """A page of the home with this text, until `left`."""

    def __init__(
        self,
        report: str,
        *,
        hides_folders: bool,
        clock: Clock = boot_s,
        parent: QWidget | None = None,
    ) -> None:
        """`hides_folders`: others may see the screen."""
        super().__init__(clock, parent)
        self._hides_folders = hides_folders
        self._saving = Saving(self)
        self._saving.finished.connect(self._on_saved)
        self.save_wanted.connect(self._save_text)
        self.left.connect(self._saving.close)
        self.open(report)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.place()
        self.take_focus()

    def _save_text(self, text: str) -> None:
        self._saving.save_report(text, datetime.now().astimezone())

    def _on_saved(self, outcome: Saved | NotSaved) -> None:
        self.show_outcome(note_texts.saved_text(outcome, hides_folders=self._hides_folders))
