"""The line of the home that says that there is a newer Rejoin, and the timer that asks for it.

It is loaded after everything else. Nobody is asked while a game is played or opened, here or in
another Rejoin of this player, in streamer mode, or where the player has switched it off; nothing is
downloaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from rejoin.errors import BadInputError
from rejoin.gui.home.home_page import EDGE
from rejoin.gui.home.jobs import Job, Jobs
from rejoin.gui.home.window import HomeWindow
from rejoin.gui.labels import TextButton, label, set_text
from rejoin.language import mark, tr
from rejoin.runtime.player_settings import PlayerSettings
from rejoin.runtime.updates.check import UpdateCheck, update_check
from rejoin.runtime.updates.feed import Newer

NEWER: Final = mark("Rejoin {version} is out.")
WHAT_IS_NEW: Final = mark("What is new")
NO_BROWSER: Final = mark("The browser cannot be opened. What is new stands at {url}")
CONSIDER_MS: Final = 10 * 60 * 1000


def open_in_browser(url: str) -> bool:
    """Open an address; returns whether the system accepted it."""
    return QDesktopServices.openUrl(QUrl(url, QUrl.ParsingMode.StrictMode))


def game_elsewhere() -> bool:
    """Whether another Rejoin of this player has a game open."""
    from rejoin.runtime.instance import any_game_open

    return any_game_open()


class NewerVersionLine(QWidget):
    """Hidden while there is nothing newer."""

    def __init__(self, open_page: Callable[[str], bool] = open_in_browser) -> None:
        super().__init__()
        self._open_page = open_page
        self._newer: Newer | None = None
        self._no_browser = False
        self.text = label("small")
        self.button = TextButton(WHAT_IS_NEW, "plain")
        self.button.setAutoDefault(True)
        self.button.clicked.connect(self._open)
        row = QHBoxLayout(self)
        row.setContentsMargins(EDGE, 0, EDGE, 0)
        row.setSpacing(12)
        row.addWidget(self.button)
        row.addWidget(self.text, 1)
        self.hide()

    def show_newer(self, newer: Newer | None) -> None:
        """Show this version; None hides the line."""
        if newer != self._newer:
            self._newer, self._no_browser = newer, False
            self._say()
        self.setVisible(newer is not None)

    def _say(self) -> None:
        newer = self._newer
        if newer is None:
            return
        text = tr(NEWER, version=newer.version)
        if self._no_browser:
            text = tr(NO_BROWSER, url=newer.notes)
        set_text(self.text, text)
        selectable = Qt.TextInteractionFlag.TextSelectableByMouse
        self.text.setTextInteractionFlags(
            selectable if self._no_browser else Qt.TextInteractionFlag.NoTextInteraction
        )

    def _open(self) -> None:
        if self._newer is not None:
            self._no_browser = not self._open_page(self._newer.notes)
            self._say()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._say()


class UpdateWatch(QObject):
    """Asks when it is due and the home is shown; gives that up when the home is left."""

    def __init__(
        self,
        window: HomeWindow,
        jobs: Jobs,
        settings: Callable[[], PlayerSettings],
        check: UpdateCheck,
        game_elsewhere: Callable[[], bool] = game_elsewhere,
    ) -> None:
        super().__init__(window)
        self._game_elsewhere = game_elsewhere
        self._window = window
        self._jobs = jobs
        self._settings = settings
        self._check = check
        self._job: Job | None = None
        self.line = NewerVersionLine()
        column = window.home.layout()
        assert isinstance(column, QVBoxLayout)
        column.insertWidget(column.count() - 1, self.line)  # above the buttons
        window.page_changed.connect(self._page_changed)
        timer = QTimer(self)
        timer.timeout.connect(self.consider)
        timer.start(CONSIDER_MS)
        self.consider()

    def consider(self) -> None:
        """Show what is known, and ask if it is time to."""
        at_home = self._window.page is self._window.home
        free = self._show() and at_home and self._job is None
        if free and self._check.is_due() and not self._game_elsewhere():
            self._job = self._jobs.run(self._check.ask, self._asked, self._asked)

    def _show(self) -> bool:
        """What is known, and whether the player wants it."""
        settings = self._settings()
        wanted = settings.check_updates and not settings.streamer_mode
        self.line.show_newer(self._check.known() if wanted else None)
        return wanted

    def _asked(self, _outcome: object) -> None:
        self._job = None
        self._show()

    def _page_changed(self) -> None:
        """The home page is shown, or left for another page."""
        if self._window.page is self._window.home:
            QTimer.singleShot(0, self, self.consider)
        elif self._job is not None:
            self._job.cancel()
            self._job = None


def watch_updates(
    window: HomeWindow, jobs: Jobs, settings: Callable[[], PlayerSettings]
) -> UpdateWatch | None:
    """Begin to watch; None if this build asks nobody, or has nowhere to store when it asked."""
    try:
        check = update_check()
    except BadInputError:  # there is no home folder
        return None
    return None if check is None else UpdateWatch(window, jobs, settings, check)
