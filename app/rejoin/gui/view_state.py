"""Where the picture is and whether the player sees it, as the input module learns it."""

from __future__ import annotations

from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QWidget

from rejoin.gui.video_view import VideoView
from rejoin.input_events.events import View


def view_of(window: QWidget, view: VideoView, *, captured: bool) -> View:
    """The letterboxed picture in its window; without a picture the place where one will be.

    Qt's logical pixels are CSS pixels: device pixels / device pixel ratio.
    """
    target = view.target_or_room()
    corner = QPointF(view.mapTo(window, QPointF(target.topLeft())))
    screen = window.screen().size()
    return View(
        left=corner.x(),
        top=corner.y(),
        width=target.width(),
        height=target.height(),
        window_width=float(window.width()),
        window_height=float(window.height()),
        screen_width=float(screen.width()),
        screen_height=float(screen.height()),
        device_pixel_ratio=window.devicePixelRatioF(),
        focused=window.isActiveWindow(),
        visible=window.isVisible() and not window.isMinimized(),
        full_screen=window.isFullScreen(),
        captured=captured,
    )
