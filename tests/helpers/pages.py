"""Every page of the windows, by name, in a size and an appearance: for tests that walk all of them.

Folders of XDG must be private (the fixture `private_folders`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from helpers.fake_practice import open_page, practising
from helpers.home_pages import GAMES, LANTERN, REPORT, URL
from helpers.home_scene import HomeScene, save_ticket
from helpers.settings_page import page_on
from helpers.window_faces import FACES, delete, destroy, show_face
from rejoin.gui import theme
from rejoin.gui.connection_test import ConnectionTestPage, Done
from rejoin.gui.home.extra_pages import EXTRAS
from rejoin.gui.qt_application import make_application
from rejoin.gui.roles import Appearance
from rejoin.gui.settings.sections import SECTIONS
from rejoin.runtime.doctor.findings import Report
from rejoin.runtime.opening import SignInNeeded
from rejoin.runtime.settings_file import change, settings_path
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.openid import OpenIdMethod

SMALL = (1024, 600)
HOMES = ("empty", "games", "adding", "sign-in", "token", "keys")
_FACES = (
    *("idle", "starting", "starting-queue", "live-demo", "live-two-problems", "live-sound-demo"),
    *("reconnect-picture-stopped", "lost", "lost-proxy-refuses", "lost-portal", "lost-not-noticed"),
    *("end-game-question", "ending-offline", "returning-unknown-time", "view-only"),
    *("end-after-drops", "end-backend-untrusted", "report", "limit-length"),
)
"""Those with the most in them, of each kind."""
PAGES = (
    *(f"home:{name}" for name in HOMES),
    *(f"settings:{section.name}" for section in SECTIONS),
    "connection-test",
    "practice",
    *(f"face:{name}" for name in _FACES),
)


@contextmanager
def page(
    name: str,
    size: tuple[int, int] = SMALL,
    appearance: Appearance = Appearance(),  # noqa: B008 frozen
) -> Iterator[QWidget]:
    """The page in its window. The usual theme is back afterwards."""
    application = make_application()
    theme.apply(application, appearance)
    kind, _, which = name.partition(":")
    try:
        match kind:
            case "home":
                yield from _home(which, size)
            case "settings":
                yield from _settings(which, size, appearance)
            case "connection-test":
                yield from _connection_test(size)
            case "practice":
                yield from _practice(size)
            case _:
                face = next(each for each in FACES if each.name == which)
                window, _port, _clock = show_face(face, size)
                _settle()
                yield window
                destroy(window)
    finally:
        theme.apply(application)


def _home(which: str, size: tuple[int, int]) -> Iterator[QWidget]:
    scene = HomeScene()
    games = [] if which == "empty" else [game for game, _ in GAMES]
    if games:
        save_ticket(LANTERN.address, ago_s=41.0)
    controller = scene.open(*games, extras=tuple(EXTRAS))
    scene.window.resize(*size)
    match which:
        case "adding":
            controller._begin_adding()
        case "sign-in" | "token":
            profile = StudioProfile.from_address(LANTERN.address, None)
            method = OpenIdMethod("https://id.lanternwood.example", "rejoin", "openid")
            controller.play(LANTERN.key)
            scene.jobs.end(SignInNeeded(profile, method if which == "sign-in" else None))
        case "keys":
            controller._show_help()
        case _:
            pass
    _settle()
    yield scene.window
    scene.close()
    delete(scene.window)


def _practice(size: tuple[int, int]) -> Iterator[QWidget]:
    window, _, _, practice = practising(size)
    practice.begin("cut_3s", 7)
    open_page(window)
    window.refresh()
    _settle()
    yield window
    destroy(window)


def _settings(section: str, size: tuple[int, int], appearance: Appearance) -> Iterator[QWidget]:
    path = settings_path()
    change(path, "appearance.theme", appearance.theme.value)
    change(path, "appearance.high_contrast", appearance.high_contrast)
    change(path, "appearance.text_size", appearance.text_percent)
    change(path, "appearance.language", appearance.language)
    with page_on(path, size) as shown:
        shown.show_section(section)
        shown.activateWindow()
        _settle()
        yield shown


class _NoTest:
    def run(self, on_update: object) -> Report:
        return REPORT

    def cancel(self) -> None: ...


def _connection_test(size: tuple[int, int]) -> Iterator[QWidget]:
    shown = ConnectionTestPage(URL, lambda play: _NoTest())
    shown.resize(*size)
    shown.show()
    for number, finding in enumerate(REPORT.findings):
        shown._add_row(finding, number)
    shown.state = Done(REPORT)
    shown._show_state()
    _settle()
    yield shown
    delete(shown)


def _settle() -> None:
    for _ in range(5):
        QCoreApplication.processEvents()


def visible(root: QWidget) -> list[QWidget]:
    """The page and everything in it that is not hidden, also beyond what is scrolled to."""
    return [each for each in (root, *root.findChildren(QWidget)) if each.isVisible()]
