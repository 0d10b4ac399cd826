"""Running the window: the one QApplication, its theme, its log, and Ctrl+C."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from PySide6.QtCore import (
    QCoreApplication,
    QEvent,
    QMessageLogContext,
    Qt,
    QtMsgType,
    qInstallMessageHandler,
)
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from rejoin.clock import Clock, boot_s
from rejoin.errors import NoDisplayError
from rejoin.gui import platform_plugin, theme
from rejoin.gui.bridge import StreamPort
from rejoin.gui.main_window import RejoinWindow, WindowOptions
from rejoin.gui.network_hint import NetworkHint, qt_network

INTERRUPTED = 130
"""Exit code after Ctrl+C, as shells count it: 128 + SIGINT."""

_log = logging.getLogger("rejoin.qt")
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def check_display(environment: Mapping[str, str] = os.environ, system: str = sys.platform) -> None:
    """Raise NoDisplayError where Qt would abort the process because it finds no display."""
    if not system.startswith("linux"):
        return
    chosen = environment.get("QT_QPA_PLATFORM", "").split(";")[0].split(":")[0]
    needed: tuple[str, ...] = ("DISPLAY", "WAYLAND_DISPLAY")
    if chosen == "xcb":
        needed = ("DISPLAY",)
    elif chosen.startswith("wayland"):
        needed = ("WAYLAND_DISPLAY",)
    elif chosen:
        return
    if not any(environment.get(name) for name in needed):
        raise NoDisplayError(
            "There is no display to open a window on: start Rejoin on a desktop, "
            "or use `rejoin demo --headless`."
        )
    if not any(_accepts(name, environment) for name in needed):
        raise NoDisplayError("The display does not answer, so no window can be opened.")


def _accepts(name: str, environment: Mapping[str, str]) -> bool:
    """Whether the display server that this variable names accepts connections.

    True where this cannot be checked (a display on another machine).
    """
    value = environment.get(name, "")
    if not value:
        return False
    if name == "WAYLAND_DISPLAY":
        places = [os.path.join(environment.get("XDG_RUNTIME_DIR", ""), value)]
    elif value.startswith((":", "unix:")):
        place = f"/tmp/.X11-unix/X{value.split(':')[1].split('.')[0]}"
        places = [place, f"\0{place}"]
    else:
        return True
    return any(_connects(place) for place in places)


def _connects(place: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.settimeout(1.0)
        try:
            trial.connect(place)
        except OSError:
            return False
    return True


def make_application() -> QApplication:
    """The QApplication with our theme. Raises NoDisplayError, AssetMissingError."""
    existing = QCoreApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    check_display()
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(
        Qt.HighDpiScaleFactorRoundingPolicy.PassThrough
    )
    application = QApplication(["rejoin"])
    application.setApplicationName("Rejoin")
    application.setDesktopFileName("rejoin")
    application.setQuitOnLastWindowClosed(False)
    platform_plugin.stop_releases_by_repeat(application)
    theme.apply(application)
    return application


def run(
    port: StreamPort,
    options: WindowOptions = WindowOptions(),  # noqa: B008 frozen
    *,
    clock: Clock = boot_s,
    start: bool = False,
    full_screen: bool = False,
    network_hint: bool = False,
    after_refresh: Callable[[RejoinWindow], None] | None = None,
) -> int:
    """Show the window until it is closed; blocks the main thread. 0, or 130 after Ctrl+C.

    Ctrl+C closes the window, as its own button does; a second one does not wait for the engine.

    `start`: request a game at once. `network_hint`: post what Qt knows about the network, for
    systems where nothing else watches it. `after_refresh`: called on this thread with the window
    after each snapshot and ten times a second: for screenshots (`save_picture`) and for closing it
    (`close`). Raises NoDisplayError, AssetMissingError.
    """
    with _qt_log():
        application = make_application()
        window = RejoinWindow(port, options, clock=clock)
        source = qt_network() if network_hint else None
        hint = NetworkHint(window.bridge.post, source) if source is not None else None
        interrupts = 0

        def on_interrupt(_number: int, _frame: FrameType | None) -> None:
            nonlocal interrupts
            interrupts += 1

        def on_refreshed() -> None:
            if interrupts > 1:
                application.quit()
            elif interrupts and not window.isHidden():
                window.close()
            if after_refresh is not None:
                after_refresh(window)

        window.gone.connect(application.quit, Qt.ConnectionType.QueuedConnection)
        window.refreshed.connect(on_refreshed)
        before = signal.signal(signal.SIGINT, on_interrupt)
        try:
            if full_screen:
                window.showFullScreen()
            else:
                window.show()
            if start:
                window.start()
            code = application.exec()
        finally:
            signal.signal(signal.SIGINT, before)
            if hint is not None:
                hint.close()
            window.bridge.close()
            window.deleteLater()
            QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete.value)
        return INTERRUPTED if interrupts else code


@contextmanager
def _qt_log() -> Iterator[None]:
    """Send Qt's messages to the logger "rejoin.qt"."""
    before = qInstallMessageHandler(to_log)
    try:
        yield
    finally:
        qInstallMessageHandler(before)


def to_log(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    """Log one message of Qt's."""
    if message.startswith("This plugin does not support"):
        kind = QtMsgType.QtDebugMsg  # the offscreen plugin, whenever something needs a screen
    _log.log(_LEVELS.get(kind, logging.WARNING), "%s: %s", context.category or "qt", message)
