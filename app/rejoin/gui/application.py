"""Running the window: the one QApplication, its theme, its log, and Ctrl+C."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
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
from rejoin.gui import platform_plugin, theme
from rejoin.gui.bridge import StreamPort
from rejoin.gui.displays import check_display
from rejoin.gui.guest.guest import Guest
from rejoin.gui.guest.place import restore
from rejoin.gui.guest.services import choices_of, services_of
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.network_hint import NetworkHint, qt_network
from rejoin.gui.roles import Appearance
from rejoin.gui.settings.appearance import appearance_of
from rejoin.gui.settings.following import Following
from rejoin.gui.surface_choice import SurfaceUse
from rejoin.gui.window_options import WindowOptions, open_on
from rejoin.runtime.renderer_memory import RendererMemory

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


_PLUGIN_CANNOT = (
    "This plugin does not support",  # the offscreen plugin, whenever something needs a screen
    "This plugin supports grabbing the mouse only for popup",  # Wayland, where Qt does it alone
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
    application = QApplication(["rejoin"])
    application.setApplicationName("Rejoin")
    application.setDesktopFileName("rejoin")
    application.setQuitOnLastWindowClosed(False)
    platform_plugin.stop_releases_by_repeat(application)
    theme.apply(application, appearance or Appearance())
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
    after each snapshot and several times a second: for screenshots (`save_picture`) and for closing
    it (`close`). Raises NoDisplayError, AssetMissingError, BadInputError.
    """
    with _qt_log(), ExitStack() as at_the_end:
        at_the_end.callback(options.pads.stop)
        application = make_application(appearance_of(options.settings.now))
        use = SurfaceUse(options.picture, RendererMemory())
        at_the_end.callback(use.close)  # in any case: a mark that stays is taken for a crash
        options = replace(options, make_surface=use.make_surface, on_surface_failed=use.fall_back)
        window = RejoinWindow(port, options, clock=clock)
        following = Following(application, window, options.settings)
        guest = _guest_in(application, window, options, following, clock)
        if options.screen is not None and not open_on(window, options.screen):
            _log.info("there is no screen of the name that was chosen")
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
            use.begin()
            if start:
                window.start()
            code = application.exec()
        finally:
            signal.signal(signal.SIGINT, before)
            if hint is not None:
                hint.close()
            guest.close()
            following.close()
            window.bridge.close()
            window.deleteLater()
            QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete.value)
        return INTERRUPTED if interrupts else code


def _guest_in(
    application: QApplication,
    window: RejoinWindow,
    options: WindowOptions,
    following: Following,
    clock: Clock,
) -> Guest:
    """Put the window where it was, and let it be a guest on this desktop (`gui/guest`)."""
    place = None if options.place is None else options.place.read()
    if place is not None:
        restore(window, place, on_screen=options.screen)
    services = services_of(
        application,
        place=options.place,
        sound=window.bridge.sound,
        settings=lambda: following.now,
    )
    # The window is its parent.
    return Guest(window, services, choices=lambda: choices_of(following.now), clock=clock)


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
    if message.startswith(_PLUGIN_CANNOT):
        kind = QtMsgType.QtDebugMsg
    _log.log(_LEVELS.get(kind, logging.WARNING), "%s: %s", context.category or "qt", message)
