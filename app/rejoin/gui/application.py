"""Running the window of one game, and Ctrl+C."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from types import FrameType

# First: where a library of the system is missing, QtGui's error names it; QtWidgets' does not.
import PySide6.QtGui  # noqa: F401
from PySide6.QtCore import QCoreApplication, QEvent, Qt

from rejoin.clock import Clock, boot_s
from rejoin.gui.bridge import StreamPort
from rejoin.gui.guest.hosted import hosted
from rejoin.gui.guest.place import restore
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.network_hint import NetworkHint, qt_network
from rejoin.gui.qt_application import INTERRUPTED, make_application, qt_log
from rejoin.gui.settings.appearance import appearance_of
from rejoin.gui.surface_choice import SurfaceUse
from rejoin.gui.window_options import WindowOptions
from rejoin.gui.window_size import open_on
from rejoin.runtime.renderer_memory import RendererMemory

_log = logging.getLogger("rejoin.qt")


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
    with qt_log(), ExitStack() as at_the_end:
        at_the_end.callback(options.pads.stop)
        application = make_application(appearance_of(options.settings.now))
        use = SurfaceUse(options.picture, RendererMemory())
        at_the_end.callback(use.close)  # in any case: a mark that stays is taken for a crash
        options = replace(options, make_surface=use.make_surface, on_surface_failed=use.fall_back)
        window = RejoinWindow(port, options, clock=clock)
        place = None if options.place is None else options.place.read()
        if place is not None:
            restore(window, place, on_screen=options.screen)
        beside = hosted(application, window, options.settings, clock, place=options.place)
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
            beside.close()
            window.bridge.close()
            window.deleteLater()
            QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete.value)
        return INTERRUPTED if interrupts else code
