"""The pages of the home window as pictures, for the gallery. Folders of XDG must be private."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from helpers.home_scene import HomeScene, save_ticket
from helpers.settings_page import page_on
from helpers.window_faces import delete
from rejoin.core.ticket import BackendAddress
from rejoin.core.verdict import BackendState
from rejoin.gui.connection_test import ConnectionTestPage, Done
from rejoin.gui.home.extra_pages import EXTRAS
from rejoin.gui.roles import Appearance
from rejoin.runtime import games_file
from rejoin.runtime.doctor import connection_judging as judging
from rejoin.runtime.doctor.connection_test import HOW_TO_SIGN_IN
from rejoin.runtime.doctor.findings import Report
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
        judging.address("play.lanternwood.example", encrypted=True, is_local=False),
        judging.proxy(None, is_local=False),
        judging.name("play.lanternwood.example", ["192.0.2.7"]),
        judging.backend(BackendState.ANSWERS, ""),
        judging.contract((1, 3), 1, ["openid"]),
        judging.clock(-180.0),
        judging.sign_in(None, "", has_token=True, how=HOW_TO_SIGN_IN),
    )
)


def save_home_pages(
    folder: Path,
    size: tuple[int, int],
    appearance: Appearance,
    names: frozenset[str] = frozenset(),
) -> None:
    """Save each page as PNG, or those with these names. The theme is the default one afterwards."""
    path = settings_path()
    change(path, "appearance.theme", appearance.theme.value)
    change(path, "appearance.high_contrast", appearance.high_contrast)
    change(path, "appearance.text_size", appearance.text_percent)
    change(path, "appearance.language", appearance.language)
    for name, shown in chain(home_pages(size), settings_pages(path, size, ("video",))):
        file = "settings" if name == "settings-video" else name
        if not names or file in names:
            shown.grab().save(str(folder / f"{file}.png"))


def home_pages(size: tuple[int, int]) -> Iterator[tuple[str, QWidget]]:
    """Each page of the home by its name, as it is shown."""
    yield from _empty_home(size)
    yield from _home(size)
    yield from _connection_test(size)


def settings_pages(
    path: Path, size: tuple[int, int], names: Sequence[str]
) -> Iterator[tuple[str, QWidget]]:
    """These sections of the settings, each by "settings-" and its name."""
    with page_on(path, size) as page:
        for name in names:
            page.show_section(name)
            yield f"settings-{name}", _shown(page)


def _empty_home(size: tuple[int, int]) -> Iterator[tuple[str, QWidget]]:
    scene = HomeScene()
    controller = scene.open(extras=tuple(EXTRAS))
    scene.window.resize(*size)
    yield "home-empty", _shown(scene.window)
    controller._begin_adding()
    scene.type(URL)
    yield "home-adding", _shown(scene.window)
    scene.close()


def _home(size: tuple[int, int]) -> Iterator[tuple[str, QWidget]]:
    scene = HomeScene()
    save_ticket(LANTERN.address, ago_s=41.0)
    controller = scene.open(*(game for game, _ in GAMES), extras=tuple(EXTRAS))
    for game, ago_s in GAMES:
        games_file.played(scene.path, game.key, time.time() - ago_s)
    controller.refresh()
    scene.window.resize(*size)
    yield "home", _shown(scene.window)
    profile = StudioProfile.from_address(LANTERN.address, None)
    for name, method in (
        ("sign-in", OpenIdMethod("https://id.lanternwood.example", "rejoin", "openid")),
        ("sign-in-token", None),
    ):
        controller.play(LANTERN.key)
        scene.jobs.end(SignInNeeded(profile, method))
        yield f"home-{name}", _shown(scene.window)
        scene.step.left.emit()
    for name, ask in (
        ("keys", controller._show_help),
        ("about", lambda: controller._open_page("about")),
        ("rename", lambda: controller._ask_name(LANTERN.key)),
        ("remove", lambda: controller._ask_removal(LANTERN.key)),
    ):
        ask()
        yield f"home-{name}", _shown(scene.window)
        scene.step.left.emit()
    scene.close()


def _connection_test(size: tuple[int, int]) -> Iterator[tuple[str, QWidget]]:
    page = ConnectionTestPage(URL, lambda play: _NoTest())
    page.resize(*size)
    page.show()
    yield "connection-test-before", _shown(page)
    for number, finding in enumerate(REPORT.findings):
        page._add_row(finding, number)
    page.state = Done(REPORT)
    page._show_state()
    yield "connection-test", _shown(page)
    delete(page)


class _NoTest:
    def run(self, on_update: object) -> Report:
        return REPORT

    def cancel(self) -> None: ...


def _shown(page: QWidget) -> QWidget:
    for _ in range(5):
        QCoreApplication.processEvents()
    return page
