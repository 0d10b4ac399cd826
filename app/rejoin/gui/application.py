"""Running the window: the one QApplication, its look, its log, and its end."""

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
from rejoin.gui import theme
from rejoin.gui.bridge import StreamPort
from rejoin.gui.main_window import RejoinWindow
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
    """Raise NoDisplayError where Qt would abort the whole process for want of a display."""
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
    if not any(_answers(name, environment) for name in needed):
        raise NoDisplayError("The display does not answer, so no window can be opened.")


def _answers(name: str, environment: Mapping[str, str]) -> bool:
    """Whether the display server that this variable names takes connections.

    True where that cannot be told from here (a display on another machine).
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
    """The QApplication, dressed. Raises NoDisplayError, AssetMissingError."""
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
    theme.dress(application)
    return application


def run(
    port: StreamPort,
    *,
    title: str = "Rejoin",
    clock: Clock = boot_s,
    start: bool = False,
    full_screen: bool = False,
    reduced_motion: bool = False,
    smooth: bool = False,
    drop_again: Callable[[], None] | None = None,
    network_hint: bool = False,
    report_facts: Callable[[], Mapping[str, str]] = dict,
    after_refresh: Callable[[RejoinWindow], None] | None = None,
) -> int:
    """Show the window until it is closed; blocks the main thread. 0, or 130 after Ctrl+C.

    Ctrl+C closes for now as the window's own button does; a second one does not wait for that.

    `start`: ask for a game at once. `smooth`: paint evenly, up to a frame later. `drop_again`: what
    F8 does in a demo. `network_hint`: post what Qt knows of the network, where nobody else does.
    `after_refresh`: called on this thread after each snapshot and each tick (ten a second), with
    the window: for screenshots (`save_picture`) and for closing it (`close`).
    Raises NoDisplayError, AssetMissingError.
    """
    with _qt_log():
        application = make_application()
        window = RejoinWindow(
            port,
            title=title,
            clock=clock,
            reduced_motion=reduced_motion,
            smooth=smooth,
            drop_again=drop_again,
            report_facts=report_facts,
        )
        source = qt_network() if network_hint else None
        hint = NetworkHint(window.bridge.post, source) if source is not None else None
        interrupts = 0

        def interrupt(_number: int, _frame: FrameType | None) -> None:
            nonlocal interrupts
            interrupts += 1

        def watch() -> None:
            if interrupts > 1:
                application.quit()
            elif interrupts and not window.isHidden():
                window.close()
            if after_refresh is not None:
                after_refresh(window)

        window.gone.connect(application.quit, Qt.ConnectionType.QueuedConnection)
        window.refreshed.connect(watch)
        before = signal.signal(signal.SIGINT, interrupt)
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
    """Qt's messages go to the logger "rejoin.qt"."""
    before = qInstallMessageHandler(to_log)
    try:
        yield
    finally:
        qInstallMessageHandler(before)


def to_log(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    """One message of Qt's, as a log record."""
    if message.startswith("This plugin does not support"):
        kind = QtMsgType.QtDebugMsg  # The offscreen plugin, on each thing that needs a screen.
    _log.log(_LEVELS.get(kind, logging.WARNING), "%s: %s", context.category or "qt", message)
