"""Practice drops in a test: what the window asked for, and a menu that has them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from helpers.fake_port import FakeClock, FakePort
from helpers.menu_scene import open_menu, playing
from helpers.window_faces import destroy
from rejoin.clock import Clock
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.menu.entries import MenuAction
from rejoin.gui.practice.practice_control import PracticeControl
from rejoin.gui.practice.practice_options import PracticeOptions
from rejoin.gui.practice.practice_page import ChosenDrop, PracticePage
from rejoin.gui.window_options import WindowOptions
from rejoin.input_events import chords
from rejoin.runtime.practice_port import Held, PracticeFinding, PracticeState


class FakePractice:
    """Does at once what it is asked for."""

    def __init__(self) -> None:
        self.faults = ("cut_0.4s", "cut_3s", "bufferbloat", "http_500")
        self.keeps_pictures = True
        self.now = PracticeState()
        self.begun: list[tuple[str, int]] = []
        self.held: list[tuple[Held, int]] = []
        self.lifts = 0
        self.markers: list[tuple[float, str, str]] = []

    def state(self) -> PracticeState:
        return self.now

    def begin(self, fault: str, seed: int) -> None:
        self.begun.append((fault, seed))
        self.now = replace(self.now, fault=fault, seed=seed)

    def hold(self, held: Held, seed: int) -> None:
        self.held.append((held, seed))
        self.now = replace(self.now, held=held)

    def lift(self) -> None:
        self.lifts += 1
        self.now = replace(self.now, fault="", held=Held())

    def mark(self, at: float, note: str, picture: str) -> None:
        self.markers.append((at, note, picture))


def practising(
    size: tuple[int, int] = (1280, 720),
    *,
    settings: Path | None = None,
    keys: bool = False,
    clock: Clock | None = None,
) -> tuple[RejoinWindow, FakePort, FakeClock, FakePractice]:
    """A window with a live game, a minute behind it. `keys`: with Ctrl+Alt+F and Ctrl+Alt+B."""
    practice = FakePractice()
    options = PracticeOptions(practice)
    if keys:
        options = PracticeOptions(practice, chords.parse("Ctrl+Alt+F"), chords.parse("Ctrl+Alt+B"))
    window, port, fake_clock = playing(
        size, settings=settings, options=WindowOptions(practice=options), clock=clock
    )
    assert window.practice is not None
    window.practice.chosen = ChosenDrop("cut_3s", 7)
    return window, port, fake_clock, practice


def control(window: RejoinWindow) -> PracticeControl:
    assert window.practice is not None
    return window.practice


def open_page(window: RejoinWindow) -> PracticePage:
    """By its entry in the menu, which is opened if need be."""
    if not window.menu.is_open:
        open_menu(window)
    window.layers.menu.panel.buttons[MenuAction.PRACTICE].click()
    QCoreApplication.processEvents()
    page = window.layers.menu.page
    assert isinstance(page, PracticePage)
    return page


def save_practice_pages(folder: Path, size: tuple[int, int]) -> int:
    """Save everything of practice drops as PNG; how many pictures."""
    window, _, clock, practice = practising(size)
    history = window.layers.history

    def save(name: str) -> None:
        window.refresh()
        QCoreApplication.processEvents()
        window.save_picture(folder / f"{name}.png")

    control(window).toggle()
    save("practice-countdown")
    control(window).lift()
    practice.begin("cut_3s", 7)
    save("practice-fault-on")
    history.fault(True, clock.now - 24.0)
    history.fault(False, clock.now - 21.0)
    history.mark(clock.now - 12.0)
    open_menu(window)
    save("practice-menu")
    open_page(window)
    save("practice-page-on")
    practice.lift()
    practice.now = replace(practice.now, finding=PracticeFinding("picture", "same scene"))
    save("practice-page")
    control(window).mark()
    save("practice-marker")
    window.layers.menu.leave_page()
    window.layers.menu.show_statistics(True)
    save("practice-charts")
    destroy(window)
    return 7
