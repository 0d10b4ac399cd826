"""The rows of the settings that are no keys of the file: volume, data used, and the file itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from rejoin.errors import BadInputError
from rejoin.gui.settings import sections
from rejoin.gui.settings.controls import PercentSlider, TwiceButton, action_button
from rejoin.gui.settings.facts import FactFinder
from rejoin.gui.settings.microphone_test import MicrophoneTest
from rejoin.gui.settings.row_view import RowView
from rejoin.gui.settings.rows import (
    RowText,
    State,
    data_text,
    log_text,
    path_text,
    volume_text,
)
from rejoin.gui.settings.section_view import Extra
from rejoin.gui.settings.sections import Section
from rejoin.language import tr
from rejoin.media.audio.volume import SoundChoice
from rejoin.runtime.state_folder import log_folder
from rejoin.runtime.volume_file import SoundFile

if TYPE_CHECKING:
    from rejoin.gui.settings.page import SoundPort


class SavedSound:
    """The volume of the next game, as the last one has left it."""

    def __init__(self) -> None:
        self._file: SoundFile | None = None
        try:
            self._file = SoundFile()
        except BadInputError:  # there is no home folder: nothing is kept
            self._file = None
        self._choice = SoundChoice() if self._file is None else self._file.read()

    def sound(self) -> SoundChoice:
        return self._choice

    def set_sound(self, choice: SoundChoice) -> None:
        self._choice = choice
        if self._file is not None:
            self._file.save(choice)

    @property
    def problem(self) -> str:
        """Why the volume is not saved; empty if it is."""
        return "" if self._file is None else self._file.problem

    def close(self) -> None:
        """What was chosen last is on the disk, unless that takes longer than a second."""
        if self._file is not None:
            self._file.close()


class Extras(QObject):
    """Makes these rows, and does what those of volume and data ask for."""

    changed = Signal()
    """Show everything again."""

    failed = Signal(str)
    """A sentence that says why something could not be done."""

    def __init__(
        self,
        path: Path,
        sound: SoundPort,
        facts: FactFinder,
        *,
        at_once: bool,
        page: QWidget | None = None,
    ) -> None:
        """`page`: what its rows are shown in."""
        super().__init__(page)
        self._path = path
        self._sound = sound
        self._facts = facts
        self._at_once = at_once
        self.volume = PercentSlider()
        self.volume.moved.connect(self._on_volume)
        self.test = MicrophoneTest()
        self.test.changed.connect(self.changed)
        self.count_anew = action_button(sections.START_AGAIN)
        self.count_anew.clicked.connect(self._on_count_anew)
        self.open_folder = action_button(sections.OPEN_FOLDER)
        self.open_log_folder = action_button(sections.OPEN_LOG_FOLDER)
        self.export = action_button(sections.EXPORT)
        self.import_ = action_button(sections.IMPORT)
        self.reset = TwiceButton(sections.RESET_ALL, sections.RESET_ALL_QUESTION)
        # Sections are made when they are shown first. Until then these belong to the page, with
        # which they go, and are not seen.
        self._unplaced = QWidget(page)
        self._unplaced.hide()
        for each in (
            *(self.volume, self.test.bar, self.test.button, self.count_anew),
            *(self.open_folder, self.open_log_folder, self.export, self.import_, self.reset),
        ):
            each.setParent(self._unplaced)

    def of(self, section: Section) -> dict[str, Extra]:
        """The rows of a section that are no settings; each is made once."""
        found: dict[str, Extra] = {}
        if sections.VOLUME in section.extra:
            found["volume"] = (RowView([self.volume]), self._volume_text)
        if sections.MICROPHONE_TEST in section.extra:
            found["microphone_test"] = (
                RowView([self.test.bar, self.test.button]),
                self._test_text,
            )
        if sections.DATA_USED in section.extra:
            found["data"] = (RowView([self.count_anew]), self._data_text)
        if sections.LOG in section.extra:
            found["log"] = (RowView([self.open_log_folder]), self._log_text)
        if sections.FILE in section.extra:
            found["path"] = (RowView([self.open_folder]), self._path_text)
            found["move"] = (
                RowView([self.export, self.import_]),
                _always(sections.MOVE_TITLE, sections.MOVE_NOW),
            )
            found["reset"] = (
                RowView([self.reset]),
                _always(sections.RESET_TITLE, sections.RESET_NOW),
            )
        return found

    def _volume_text(self, _state: State) -> RowText:
        choice = self._sound.sound()
        self.volume.show_percent(0 if choice.muted else choice.volume)
        now = volume_text(choice, at_once=self._at_once)
        problem = self._sound.problem if isinstance(self._sound, SavedSound) else ""
        return RowText(tr(sections.VOLUME_TITLE), now, tr(problem) if problem else "")

    def close(self) -> None:
        """The player goes: what was chosen last is kept."""
        if isinstance(self._sound, SavedSound):
            self._sound.close()

    def _test_text(self, state: State) -> RowText:
        self.test.use(state.settings.microphone_device)
        return RowText(tr(sections.TEST_TITLE), self.test.text())

    def _data_text(self, state: State) -> RowText:
        self.count_anew.setEnabled(state.facts.data.since_unix_s is not None)
        return RowText(tr(sections.DATA_TITLE), data_text(state.facts.data))

    @property
    def log_folder(self) -> Path | None:
        """None where there is no home folder."""
        try:
            return log_folder()
        except BadInputError:
            return None

    def _log_text(self, state: State) -> RowText:
        folder = self.log_folder
        self.open_log_folder.setEnabled(folder is not None)
        return RowText(tr(sections.LOG_TITLE), log_text(folder, state))

    def _path_text(self, state: State) -> RowText:
        return RowText(tr(sections.FILE_TITLE), path_text(self._path, state))

    def _on_volume(self, percent: int) -> None:
        self._sound.set_sound(SoundChoice(percent))
        self.changed.emit()

    def _on_count_anew(self) -> None:
        try:
            self._facts.count_data_anew()
        except OSError as error:
            why = error.strerror
            self.failed.emit(tr("The count of the data used cannot be reset: {why}.", why=why))
        self.changed.emit()


def _always(title: str, now: str) -> Callable[[State], RowText]:
    """A row with these marked texts."""
    return lambda state: RowText(tr(title), tr(now))
