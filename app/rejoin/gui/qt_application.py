"""The one QApplication, its theme, and its log."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from PySide6.QtCore import (
    QCoreApplication,
    QMessageLogContext,
    Qt,
    QtMsgType,
    qInstallMessageHandler,
)
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from rejoin.gui import accessible_roles, platform_plugin, theme
from rejoin.gui.collector import Collector
from rejoin.gui.displays import check_display
from rejoin.gui.roles import Appearance
from rejoin.gui.system_motion import SystemMotion
from rejoin.runtime.motion_wish import motion_wish

INTERRUPTED = 130
"""Exit code after Ctrl+C, as shells count it: 128 + SIGINT."""

LINKS_ARE_EVENTS: Final = sys.platform == "darwin"

_log = logging.getLogger("rejoin.qt")
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


_OF_NO_USE = (
    "This plugin does not support",  # the offscreen plugin, whenever something needs a screen
    "This plugin supports grabbing the mouse only for popup",  # Wayland, where Qt does it alone
    # Wayland without an input method: Qt says it at each move of the focus between windows.
    "virtual void QtWaylandClient::QWaylandTextInputv3::disableSurface",
)


def make_application(appearance: Appearance | None = None) -> QApplication:
    """The QApplication with our theme. `appearance`: None: the one that it has, or the default.
    Raises NoDisplayError, AssetMissingError."""
    existing = QCoreApplication.instance()
    if isinstance(existing, QApplication):
        if appearance is not None and appearance != theme.appearance():
            theme.apply(existing, appearance)
        return existing
    platform_plugin.choose()
    check_display()
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(
        Qt.HighDpiScaleFactorRoundingPolicy.PassThrough
    )
    # To be given a style by a call makes eleven enums of Qt's, which takes 5 ms.
    application = _new_application(["rejoin", "-style", "fusion"])
    application.setApplicationName("Rejoin")
    application.setDesktopFileName("rejoin")
    application.setQuitOnLastWindowClosed(False)
    Collector(application)
    platform_plugin.stop_releases_by_repeat(application)
    accessible_roles.install(application)
    theme.apply(application, appearance or Appearance())
    shown = application.platformName() in platform_plugin.WITH_A_DESKTOP
    SystemMotion(application, motion_wish(with_desktop=shown))
    return application


def _new_application(arguments: list[str]) -> QApplication:
    if not LINKS_ARE_EVENTS:
        return QApplication(arguments)
    from rejoin.gui.home.link_events import LinkApplication

    return LinkApplication(arguments)


@contextmanager
def qt_log() -> Iterator[None]:
    """Send Qt's messages to the logger "rejoin.qt"."""
    before = qInstallMessageHandler(to_log)
    try:
        yield
    finally:
        qInstallMessageHandler(before)


def to_log(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    """Log one message of Qt's."""
    if message.startswith(_OF_NO_USE):
        kind = QtMsgType.QtDebugMsg
    _log.log(_LEVELS.get(kind, logging.WARNING), "%s: %s", context.category or "qt", message)
