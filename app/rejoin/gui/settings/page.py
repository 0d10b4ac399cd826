"""The settings as a screen: sections at the side, rows made from the schema, saved at once.

It needs no game and imports neither codecs nor WebRTC: a window embeds it (`SettingsPage`) and
hears by `left` that the player goes back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QEvent, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QHideEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from rejoin.errors import BadInputError
from rejoin.gui import theme
from rejoin.gui.announcement import announce
from rejoin.gui.settings import sections
from rejoin.gui.settings.appearance import appearance_of
from rejoin.gui.settings.controls import ChoiceBox, action_button
from rejoin.gui.settings.extras import Extras, SavedSound
from rejoin.gui.settings.facts import FactFinder
from rejoin.gui.settings.row_view import text_label
from rejoin.gui.settings.rows import Playing, State
from rejoin.gui.settings.section_list import SectionList
from rejoin.gui.settings.section_view import SectionView
from rejoin.gui.settings.sections import Section
from rejoin.gui.settings.watch import SettingsWatch
from rejoin.language import tr
from rejoin.media.audio.volume import SoundChoice
from rejoin.runtime import settings_file
from rejoin.runtime.player_settings import SETTINGS
from rejoin.runtime.setting_kinds import Value

EVERY_MS = 1000
"""How often what is true now is asked for again, while the screen is seen."""
_NARROW_PX = 780
"""With less room the sections are a choice at the top."""
_SIDE_PX = 248


class SoundPort(Protocol):
    """The volume: that of a running game, or the saved one. `gui.bridge.Bridge` is one."""

    def sound(self) -> SoundChoice: ...

    def set_sound(self, choice: SoundChoice) -> None: ...


class SettingsPage(QWidget):
    """Shows and changes the settings in one file.

    `sound`: the volume of the game that runs in this program; None: the saved one, for the next
    game. `playing`: what is known of that game. `fixed`: what the command line of this run says, by
    key. `facts`: what else is true now.
    """

    left = Signal()
    """The player goes back."""

    def __init__(
        self,
        path: Path,
        *,
        sound: SoundPort | None = None,
        playing: Callable[[], Playing | None] = lambda: None,
        fixed: Mapping[str, Value] | None = None,
        facts: FactFinder | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._path = path
        self._facts = facts or FactFinder(playing, parent=self)
        self._facts.changed.connect(self.refresh)
        self._state = State(fixed=dict(fixed or {}))
        self._failed = ""
        self._section = sections.SECTIONS[0]
        self._extras = Extras(
            path, sound or SavedSound(), self._facts, at_once=sound is not None, page=self
        )
        self._build()
        self._connect()
        self.watch = SettingsWatch(path, self)
        self.watch.changed.connect(self.reload)
        self._refreshing = QTimer(self)
        self._refreshing.setInterval(EVERY_MS)
        self._refreshing.timeout.connect(self.refresh)
        self.reload()
        self.show_section(sections.SECTIONS[0].name)

    # --- building -------------------------------------------------------------------------------

    def _build(self) -> None:
        self.list = SectionList(len(sections.SECTIONS))
        self.back = action_button(sections.BACK, "plain")
        self.short_back = action_button(sections.BACK, "plain")
        self.choice = ChoiceBox()
        self._choice_name = QLabel()
        self._side, self._top = self._make_side(), self._make_top()
        self.trouble = text_label("trouble")
        self.trouble.setContentsMargins(40, 12, 40, 0)
        self.trouble.hide()
        self._stack = QStackedWidget()
        self._views: dict[str, SectionView] = {}
        pane = QWidget()
        pane.setProperty("kind", "ground")
        column = QVBoxLayout(pane)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._top)
        column.addWidget(self.trouble)
        column.addWidget(self._stack, 1)
        row = QHBoxLayout(self)
        # `_fit` follows the width; the width must not follow what stood here before.
        row.setSizeConstraint(QHBoxLayout.SizeConstraint.SetNoConstraint)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._side)
        row.addWidget(pane, 1)
        self._say_texts()

    def _say_texts(self) -> None:
        """What does not come with the state, in the language of now."""
        titles = [tr(each.title) for each in sections.SECTIONS]
        self.heading.setText(tr(sections.HEADING))
        self.list.show_titles(titles)
        self.choice.setAccessibleName(tr(sections.SECTION_CHOICE))
        self._choice_name.setText(tr(sections.SECTION_CHOICE))
        names = [each.name for each in sections.SECTIONS]
        self.choice.offer(list(zip(names, titles, strict=True)), self._section.name)

    def _view(self, section: Section) -> SectionView:
        """The section's view, made when it is shown first."""
        if section.name not in self._views:
            view = SectionView(section, self._extras.of(section), self._stack)
            view.picked.connect(self.change)
            view.file_asked.connect(self._choose_file)
            view.reset_asked.connect(self.reset_section)
            view.fit(self._room())
            self._views[section.name] = view
            self._stack.addWidget(view)
        return self._views[section.name]

    def _make_side(self) -> QWidget:
        side = QFrame()
        side.setProperty("kind", "side")
        self.heading = QLabel()
        self.heading.setProperty("kind", "heading")
        self.heading.setContentsMargins(14, 0, 0, 14)
        column = QVBoxLayout(side)
        column.setContentsMargins(16, 28, 16, 20)
        column.setSpacing(0)
        column.addWidget(self.heading)
        column.addWidget(self.list, 1)
        column.addSpacing(12)
        column.addWidget(self.back, 0, Qt.AlignmentFlag.AlignLeft)
        return side

    def _make_top(self) -> QWidget:
        top = QFrame()
        top.setProperty("kind", "top")
        row = QHBoxLayout(top)
        row.setContentsMargins(20, 12, 20, 12)
        row.setSpacing(12)
        row.addWidget(self.short_back)
        self._choice_name.setParent(top)  # for screen readers alone (`RowView`)
        self._choice_name.setBuddy(self.choice)
        self._choice_name.hide()
        row.addWidget(self.choice, 1)
        return top

    def _connect(self) -> None:
        self.list.picked.connect(lambda at: self.show_section(sections.SECTIONS[at].name))
        self.list.entered.connect(self._enter)
        self.choice.picked.connect(self.show_section)
        for back in (self.back, self.short_back):
            back.clicked.connect(self.left)
        self._extras.changed.connect(self.reload)
        self._extras.failed.connect(self._fail)
        self._extras.open_folder.clicked.connect(lambda: self._open_folder(self._path.parent))
        self._extras.open_log_folder.clicked.connect(self._open_log_folder)
        self._extras.export.clicked.connect(self._export)
        self._extras.import_.clicked.connect(self._import)
        self._extras.reset.confirmed.connect(self.reset_all)

    # --- what is shown --------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """What the rows are made from."""
        return self._state

    @property
    def shown(self) -> SectionView:
        """The section that is shown."""
        return self._view(self._section)

    def show_section(self, name: str) -> None:
        """Show the section of this name (`sections.SECTIONS`)."""
        at = next(n for n, each in enumerate(sections.SECTIONS) if each.name == name)
        self._section = sections.SECTIONS[at]
        self._stack.setCurrentWidget(self.shown)
        self.list.show_row(at)
        self.choice.setCurrentIndex(at)
        self._facts.ask_for(name)
        self.refresh()

    def reload(self) -> None:
        """Read the file again, apply what applies at once, and show it."""
        self._state = State(settings_file.load(self._path), self._state.facts, self._state.fixed)
        application = QApplication.instance()
        wanted = appearance_of(self._state.settings)
        if (
            isinstance(application, QApplication)
            and not self._state.loaded.damaged
            and wanted != theme.appearance()
        ):
            theme.apply(application, wanted)
        self.refresh()

    def refresh(self) -> None:
        """Ask again for what is true now, and show it."""
        self._state = State(self._state.loaded, self._facts.facts(), self._state.fixed)
        self.shown.show_state(self._state)
        bad = set(self._state.loaded.bad.values())
        problems = self._state.loaded.problems
        said = [self._failed, *(tr(each) for each in problems if each not in bad)]
        text = "\n".join(each for each in said if each)
        if self.trouble.text() != text:
            self.trouble.setText(text)
            if text:
                announce(self, text)
        self.trouble.setVisible(bool(text))

    # --- changing it ----------------------------------------------------------------------------

    def change(self, key: str, value: Value) -> None:
        """Save a setting; its default leaves the file."""
        known = SETTINGS[key]
        if value == self._state.value(key) and key not in self._state.loaded.bad:
            return
        self._edit(
            lambda: settings_file.change(self._path, key, None if value == known.default else value)
        )

    def reset_section(self) -> None:
        """Every setting of the section that is shown goes back to its default."""
        keys = self.shown.section.keys
        self._edit(lambda: settings_file.clear(self._path, keys))

    def reset_all(self) -> None:
        """Every setting goes back to its default."""
        self._edit(lambda: settings_file.clear(self._path))

    def _edit(self, edit: Callable[[], Path | None]) -> None:
        """Change the file. Why it cannot be is said, and the rows show what is so."""
        self._failed = ""
        try:
            copy = edit()
            if copy is not None:
                self._failed = tr("The damaged file is kept as {file}.", file=copy.name)
        except BadInputError as error:
            self._failed = tr(str(error))
        self.reload()

    def _fail(self, sentence: str) -> None:
        self._failed = sentence
        self.refresh()

    def _choose_file(self, key: str) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, tr(sections.WORDS[key].title), "", "*.json")
        if chosen:
            self.change(key, chosen)

    def _export(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, tr(sections.EXPORT), "rejoin-settings.toml")
        if chosen:
            # The dialog has asked whether a file that exists may go.
            self._edit(lambda: settings_file.export(self._path, Path(chosen), replace=True))

    def _import(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, tr(sections.IMPORT), "", "*.toml")
        if chosen:
            self.import_from(Path(chosen))

    def import_from(self, source: Path) -> None:
        """Make the settings of this file the player's."""
        problems: tuple[str, ...] = ()

        def edit() -> Path | None:
            nonlocal problems
            problems, copy = settings_file.import_from(self._path, source)
            return copy

        self._edit(edit)
        if problems:
            self._fail("\n".join([*map(tr, problems), self._failed]).strip())

    def _open_log_folder(self) -> None:
        folder = self._extras.log_folder
        if folder is not None:
            self._open_folder(folder)

    def _open_folder(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._fail(tr("The folder cannot be made: {why}.", why=error.strerror))
            return
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._fail(tr("This desktop has no program that shows folders."))

    # --- keyboard and size ----------------------------------------------------------------------

    def take_focus(self) -> None:
        """To the sections."""
        sections_shown = self.choice if self.list.isHidden() else self.list
        sections_shown.setFocus(Qt.FocusReason.OtherFocusReason)

    def _enter(self) -> None:
        """From the list to the rows."""
        first = self.shown.first_control()
        if first is not None:
            first.setFocus(Qt.FocusReason.TabFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fit()
        self.reload()
        self._refreshing.start()
        self.take_focus()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._refreshing.stop()
        self._extras.close()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._fit()
        elif event.type() == QEvent.Type.LanguageChange:
            self._say_texts()
            self.refresh()

    def _fit(self) -> None:
        """Sections at the side where there is room, else at the top."""
        narrow = self._is_narrow()
        focused = self.focusWidget()
        self._side.setFixedWidth(theme.scaled(_SIDE_PX))
        self._side.setVisible(not narrow)
        self._top.setVisible(narrow)
        self.list.setVisible(not narrow)
        if narrow and focused in (self.list, self.back):
            self.choice.setFocus(Qt.FocusReason.OtherFocusReason)
        elif not narrow and focused in (self.choice, self.short_back):
            self.list.setFocus(Qt.FocusReason.OtherFocusReason)
        for view in self._views.values():
            view.fit(self._room())

    def _is_narrow(self) -> bool:
        return self.width() < theme.scaled(_NARROW_PX)

    def _room(self) -> int:
        """How wide a section is."""
        return self.width() - (0 if self._is_narrow() else theme.scaled(_SIDE_PX))
