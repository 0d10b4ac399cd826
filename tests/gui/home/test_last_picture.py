"""The picture beside *Continue*: read beside the window, and shown only where it may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication

from helpers.fake_port import picture
from helpers.home_scene import WOOD, HomeScene, save_ticket
from helpers.window_faces import wait_until
from rejoin.core.ticket import Ticket
from rejoin.gui.home.contents import Alive
from rejoin.gui.home.continue_panel import PANEL_HEIGHT, ContinuePanel
from rejoin.gui.home.jobs import Jobs
from rejoin.gui.home.last_picture import LastPicture, image_of
from rejoin.media.video.png import png_of
from rejoin.runtime.ticket_folder import TicketFolder
from rejoin.runtime.unfinished import key_of_ticket

KEEPING = replace(WOOD.address, keeps_last_picture=True)


def png(width: int = 640, height: int = 360) -> bytes:
    return png_of(picture(width, height))


def kept(content: bytes) -> Ticket:
    """A ticket with this beside it."""
    ticket = save_ticket(KEEPING)
    TicketFolder().write_picture(key_of_ticket(ticket), content)
    return ticket


def shows(panel: ContinuePanel) -> bool:
    """Whether a picture stands there now."""
    return panel.picture_shown


class Rig:
    def __init__(self) -> None:
        self.panel = ContinuePanel()
        self.panel.resize(1216, PANEL_HEIGHT)
        self.panel.show_continuation(Alive("A", "b.", "At least 1:19", "1:19", 0.66))
        self.jobs = Jobs()
        self.hidden = False
        self.last = LastPicture(self.panel, self.jobs, TicketFolder(), lambda: self.hidden)

    def read(self) -> None:
        """Until everything that was begun has come back."""
        done: list[int] = []

        async def nothing() -> None:
            return

        self.jobs.run(nothing, lambda _: done.append(1), lambda error: None)
        assert wait_until(lambda: bool(done), 60.0)


@pytest.fixture
def rig(application: QApplication) -> Iterator[Rig]:
    made = Rig()
    yield made
    made.jobs.close(60.0)


def test_the_picture_of_the_ticket_is_shown_until_the_ticket_is_gone(rig: Rig) -> None:
    ticket = kept(png())
    rig.last.follow(ticket)
    assert not shows(rig.panel), "it is read on another thread"
    assert wait_until(lambda: shows(rig.panel), 60.0)
    rig.last.follow(ticket)
    assert shows(rig.panel)
    rig.last.follow(None)
    assert not shows(rig.panel)


def test_in_streamer_mode_it_is_never_shown(rig: Rig) -> None:
    ticket = kept(png())
    rig.hidden = True
    rig.last.follow(ticket)
    rig.read()
    assert not shows(rig.panel)
    rig.hidden = False
    rig.last.follow(ticket)
    assert wait_until(lambda: shows(rig.panel), 60.0)
    rig.hidden = True
    rig.last.follow(ticket)
    assert not shows(rig.panel)


def test_a_picture_that_comes_too_late_is_not_shown(rig: Rig) -> None:
    rig.last.follow(kept(png()))
    rig.last.follow(None)
    rig.read()
    assert not shows(rig.panel)


@pytest.mark.parametrize(
    "content", [b"", b"GIF89a", png()[:3000], png(641, 10), png(10, 641)], ids=len
)
def test_what_is_damaged_or_too_large_is_not_shown(rig: Rig, content: bytes) -> None:
    rig.last.follow(kept(content))
    rig.read()
    assert not shows(rig.panel)
    assert image_of(content) is None


def test_without_leave_or_a_file_there_is_none(rig: Rig) -> None:
    rig.last.follow(save_ticket(KEEPING))
    rig.read()
    rig.last.follow(save_ticket())
    rig.read()
    assert not shows(rig.panel)


def test_the_home_reads_it_after_its_first_paint(
    application: QApplication, scene: HomeScene
) -> None:
    kept(png())
    controller = scene.open(WOOD)
    controller._timer.stop()
    assert wait_until(lambda: len(scene.jobs.waiting) == 1, 60.0)
    assert controller._window._painted
    scene.jobs.end(image_of(png()))
    assert shows(scene.window.home.panel)
    scene.window.home.panel.dismissed.emit()
    assert not shows(scene.window.home.panel)
    assert list(TicketFolder().folder.iterdir()) == []
