"""Replaces the surface of a shown window, in a native window that the card never drew on.

A window that a graphics card has drawn on stays one: Qt would go on uploading the whole window for
each raster picture. So the native window is made anew; it flashes once.
"""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from rejoin.gui.video_surface import MakeSurface
from rejoin.gui.video_view import VideoView


def replace_surface(window: QWidget, view: VideoView, make_surface: MakeSurface) -> None:
    """Draw with another surface from now on, in the same way. Whoever has grabbed anything lets go
    of it first."""
    shown, focused = window.isVisible(), window.focusWidget()
    active = window.isActiveWindow()
    window.hide()
    window.destroy()
    drawing = view.surface.drawing
    view.use(make_surface)
    view.draw_with(drawing)
    window.create()
    if not shown:
        return
    window.show()  # in the state it had: full screen, maximised or minimised
    if active:
        window.raise_()
        window.activateWindow()
    if focused is not None:
        focused.setFocus()
