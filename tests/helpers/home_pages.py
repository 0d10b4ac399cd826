"""The pages of the home window as pictures, for the gallery. Folders of XDG must be private."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from helpers.home_scene import HomeScene, save_ticket
from helpers.settings_page import page_on
from helpers.window_faces import delete
from rejoin.core.ticket import BackendAddress
from rejoin.gui.connection_test import ConnectionTestPage, Done
from rejoin.gui.home.extra_pages import EXTRAS
from rejoin.gui.roles import Appearance
from rejoin.runtime import games_file
from rejoin.runtime.doctor.findings import Report, ok, warning
from rejoin.runtime.games import Game
from rejoin.runtime.opening import SignInNeeded
from rejoin.runtime.settings_file import change, settings_path
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.openid import OpenIdMethod

DAY_S = 86400.0
URL = "https://play.lanternwood.example"
LANTERN = Game("Lantern Wood", BackendAddress(URL, "ours"))
GAMES = (
    (LANTERN, 0.0),
    (Game("Tide Runner", BackendAddress("https://tide.example", "ours")), DAY_S),
    (Game("Paper Harbour", BackendAddress("https://games.harbour.example", "ours")), 3 * DAY_S),
)
REPORT = Report(
    (
        ok("parts", "Everything that playing needs is installed."),
        ok("codecs", "H.264 and Opus are decoded right."),
        ok("network", "There is a network that leads out of this computer."),
        ok("proxy", "No proxy is used."),
        ok("tls", "The certificate is accepted (TLSv1.3)."),
        ok("backend", "The studio's backend answers."),
        warning(
            "clock",
            "The clock is 3 minutes behind the backend's.",
            "Let the system set the clock by itself.",
        ),
        ok("sign-in", "The backend accepts your sign-in."),
    )
)


def save_home_pages(
    folder: Path,
    size: tuple[int, int],
    appearance: Appearance,
    names: frozenset[str] = frozenset(),
) -> None:
    """Save each page as PNG, or those with these names. The theme is the default one afterwards."""
    _save_empty_home(folder, size)
    _save_home(folder, size)
    _save_connection_test(folder, size)
    path = settings_path()
    change(path, "appearance.theme", appearance.theme.value)
    change(path, "appearance.high_contrast", appearance.high_contrast)
    change(path, "appearance.text_size", appearance.text_percent)
    with page_on(path, size) as page:
        _save(page, folder / "settings.png")
    if names:
        for made in folder.glob("*.png"):
            if made.stem not in names:
                made.unlink()


def _save_empty_home(folder: Path, size: tuple[int, int]) -> None:
    scene = HomeScene()
    controller = scene.open(extras=tuple(EXTRAS))
    scene.window.resize(*size)
    _save(scene.window, folder / "home-empty.png")
    controller._begin_adding()
    scene.type(URL)
    _save(scene.window, folder / "home-adding.png")
    scene.close()


def _save_home(folder: Path, size: tuple[int, int]) -> None:
    scene = HomeScene()
    save_ticket(LANTERN.address, ago_s=41.0)
    controller = scene.open(*(game for game, _ in GAMES), extras=tuple(EXTRAS))
    for game, ago_s in GAMES:
        games_file.played(scene.path, game.key, time.time() - ago_s)
    controller.refresh()
    scene.window.resize(*size)
    _save(scene.window, folder / "home.png")
    profile = StudioProfile.from_address(LANTERN.address, None)
    for name, method in (
        ("sign-in", OpenIdMethod("https://id.lanternwood.example", "rejoin", "openid")),
        ("sign-in-token", None),
    ):
        controller.play(LANTERN.key)
        scene.jobs.end(SignInNeeded(profile, method))
        _save(scene.window, folder / f"home-{name}.png")
        scene.step.left.emit()
    controller._show_help()
    _save(scene.window, folder / "home-keys.png")
    scene.close()


def _save_connection_test(folder: Path, size: tuple[int, int]) -> None:
    page = ConnectionTestPage(URL, lambda play: _NoTest())
    page.resize(*size)
    page.show()
    for number, finding in enumerate(REPORT.findings):
        page._add_row(finding, number)
    page.state = Done(REPORT)
    page._show_state()
    _save(page, folder / "connection-test.png")
    delete(page)


class _NoTest:
    def run(self, on_update: object) -> Report:
        return REPORT

    def cancel(self) -> None: ...


def _save(shown: QWidget, path: Path) -> None:
    for _ in range(5):
        QCoreApplication.processEvents()
    shown.grab().save(str(path))
