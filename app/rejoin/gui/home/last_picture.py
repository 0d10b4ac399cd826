"""The picture beside *Continue*: what the player saw last, read once the window is painted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QBuffer, QByteArray
from PySide6.QtGui import QImage, QImageReader

from rejoin.core.ticket import Ticket
from rejoin.gui.home.continue_panel import ContinuePanel
from rejoin.gui.home.jobs import Job, Jobs
from rejoin.runtime.ticket_folder import TicketFolder

MAX_PX: Final = 640
"""Of either side; `runtime.player` keeps none that is larger."""


class LastPicture:
    """Shows the picture of the ticket that is followed, where it may be seen.

    `hidden`: whether others may see the screen (streamer mode); asked each time. To be used on the
    GUI thread.
    """

    def __init__(
        self,
        panel: ContinuePanel,
        jobs: Jobs,
        tickets: TicketFolder,
        hidden: Callable[[], bool],
    ) -> None:
        self._panel = panel
        self._jobs = jobs
        self._tickets = tickets
        self._hidden = hidden
        self._ticket: Ticket | None = None
        """The one whose picture is shown, or is being read."""
        self._job: Job | None = None

    def follow(self, ticket: Ticket | None) -> None:
        """The game that can be continued, or None. A ticket that allows none has no picture."""
        if ticket is not None and (not ticket.backend.keeps_last_picture or self._hidden()):
            ticket = None
        if ticket == self._ticket:
            return
        self._ticket = ticket
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self._panel.show_picture(None)
        if ticket is None:
            return
        wanted = ticket

        async def read() -> QImage | None:
            content = self._tickets.read_picture(wanted)
            return None if content is None else image_of(content)

        self._job = self._jobs.run(read, self._panel.show_picture, lambda error: None)


def image_of(content: bytes) -> QImage | None:
    """The picture of a PNG file; None: it is damaged, or larger than any that is kept."""
    buffer = QBuffer()
    buffer.setData(QByteArray(content))
    buffer.open(QBuffer.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer, QByteArray(b"png"))
    size = reader.size()
    if not (0 < size.width() <= MAX_PX and 0 < size.height() <= MAX_PX):
        return None
    image = reader.read()
    return None if image.isNull() else image
