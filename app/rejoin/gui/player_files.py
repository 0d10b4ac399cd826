"""Files for the player: pictures of the game by key, the report of *Report a problem*."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QObject, Qt, Signal

from rejoin.gui import note_texts, texts
from rejoin.gui.layers import Layers
from rejoin.gui.saving import Saving
from rejoin.language import sentences, tr
from rejoin.runtime.new_file import NotSaved, Saved


class PlayerFiles(QObject):
    """Connects the end card, the page of the report and the key for a picture with files."""

    noted = Signal(str)
    """Something about a picture, to be shown for a while over the game."""
    spoken = Signal(str)
    """Something that is shown on a card, for screen readers."""

    def __init__(
        self,
        layers: Layers,
        report: Callable[[], str],
        parent: QObject,
        *,
        hides_folders: bool = False,
    ) -> None:
        """`report`: its text as it would be shared. `hides_folders`: others may see the screen."""
        super().__init__(parent)
        self._layers = layers
        self._report = report
        self.hides_folders = hides_folders
        self._saves_report = False
        self.saving = Saving(self)
        self.saving.finished.connect(self._on_finished)
        page = layers.report_page
        layers.end.report_wanted.connect(self._open)
        layers.end.summed_up.connect(self.spoken, Qt.ConnectionType.QueuedConnection)
        page.copied.connect(lambda: self.spoken.emit(tr(texts.REPORT_COPIED)))
        page.save_wanted.connect(self._save_report)

    def save_picture(self) -> None:
        """Save the picture that is on the screen, as the host sent it."""
        picture = self._layers.view.picture
        if picture is None:
            self.noted.emit(tr(texts.NO_PICTURE))
        elif self.saving.save_picture(picture, datetime.now().astimezone()):
            self._saves_report = False

    def _open(self) -> None:
        self._layers.report_page.open(self._report())
        title = tr("{title}.", title=tr(texts.REPORT_A_PROBLEM))
        self.spoken.emit(sentences(title, tr(texts.REPORT_EXPLAINED)))

    def _save_report(self, text: str) -> None:
        if self.saving.save_report(text, datetime.now().astimezone()):
            self._saves_report = True

    def _on_finished(self, outcome: Saved | NotSaved) -> None:
        text = note_texts.saved_text(outcome, hides_folders=self.hides_folders)
        if self._saves_report:
            self._layers.report_page.show_outcome(text)
            self.spoken.emit(text)
        else:
            self.noted.emit(text)
