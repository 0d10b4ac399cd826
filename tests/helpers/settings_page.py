"""The settings screen in a test: facts that the test sets, and a file of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication

from helpers.window_faces import delete
from rejoin.gui import theme
from rejoin.gui.settings.facts import FactFinder
from rejoin.gui.settings.page import SettingsPage, SoundPort
from rejoin.gui.settings.rows import Playing
from rejoin.runtime.setting_kinds import Value

DEVICES = ("Speakers", "Headset")


@contextmanager
def usual_theme(application: QApplication) -> Iterator[None]:
    """The theme of all other tests, at the end too."""
    theme.apply(application)
    try:
        yield
    finally:
        theme.apply(application)


@contextmanager
def page_on(
    path: Path,
    size: tuple[int, int] = (1280, 720),
    *,
    sound: SoundPort | None = None,
    playing: Playing | None = None,
    fixed: Mapping[str, Value] | None = None,
    devices: tuple[str, ...] = DEVICES,
) -> Iterator[SettingsPage]:
    """A shown page on this file; what changes the theme is undone."""
    application = QCoreApplication.instance()
    assert isinstance(application, QApplication)
    with usual_theme(application):
        facts = FactFinder(
            lambda: playing,
            data_path=path.with_name("data_used.json"),
            list_devices=lambda: devices,
            network=lambda: None,
        )
        page = SettingsPage(path, sound=sound, fixed=fixed, facts=facts)
        page.resize(*size)
        page.show()
        QCoreApplication.processEvents()
        try:
            yield page
        finally:
            delete(page)
