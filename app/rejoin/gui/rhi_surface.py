"""The surface of the graphics card: a QRhiWidget that uploads the planes and converts in a shader.

Qt draws the window's other widgets into an image and puts that over the picture, on the card. The
picture's own widget draws only when something of it has changed; the last picture survives a lost
device, because its planes are kept and uploaded to the next one.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRectF, Qt, QTimer
from PySide6.QtGui import QImage, QRhiCommandBuffer, QWindow
from PySide6.QtWidgets import QRhiWidget, QWidget

from rejoin.errors import RejoinError
from rejoin.gui.card_api import CardApi
from rejoin.gui.card_drawing import CardDrawing, Scene
from rejoin.gui.card_identity import CardIdentity, identify
from rejoin.gui.picture_layout import PictureLayout, device_size, laid_out
from rejoin.gui.video_surface import Drawing, SurfaceEvents
from rejoin.language import Message, mark
from rejoin.media.video.picture import Picture
from rejoin.media.video.planes import PlaneReader, Planes

_log = logging.getLogger("rejoin.surface")

SILENT_MS = 2000
"""An update was asked for, the window is exposed, and nothing was rendered for this long."""

_WATCHES = 4
"""The window's thread has to run this often in that time: its own delay is not the card's."""


@dataclass(frozen=True, slots=True)
class CardOptions:
    """How a card is used. `expected`: what was probed; another card or driver fails at once."""

    api: CardApi
    drawing: Drawing = Drawing()  # noqa: RUF009 frozen
    expected: CardIdentity | None = None


@dataclass(frozen=True, slots=True)
class _Shown:
    """A picture and its planes, which have to stay in memory together."""

    picture: Picture
    planes: Planes


class RhiSurface(QRhiWidget):
    """A `VideoSurface` on a graphics card."""

    def __init__(self, view: QWidget, events: SurfaceEvents, options: CardOptions) -> None:
        super().__init__(view)
        self.setApi(getattr(QRhiWidget.Api, options.api.value))
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._view = view
        self._events = events
        self._options = options
        self._way = options.drawing
        self._reader = PlaneReader()
        self._shown: _Shown | None = None
        self._held: list[_Shown] = []
        """What was drawn and is perhaps still being read."""
        self._rendered: Picture | None = None
        """Drawn, and not yet reported as painted."""
        self._reading_s = 0.0
        self._render_began_at = 0.0
        self._dim = 0.0
        self._drawing: CardDrawing | None = None
        self._identity: CardIdentity | None = None
        self._failed = False
        self._watches_left = 0
        self._watch = QTimer(self)
        self._watch.setInterval(SILENT_MS // _WATCHES)
        self._watch.timeout.connect(self._on_watch)
        self.renders = 0
        """How often it was drawn."""
        self.renderFailed.connect(self._on_render_failed, Qt.ConnectionType.QueuedConnection)
        self.frameSubmitted.connect(self._on_submitted)
        self.place()
        self.show()

    # --- the interface --------------------------------------------------------------------------

    @property
    def widget(self) -> QWidget:
        return self

    @property
    def drawn_by(self) -> str:
        if self._identity is None:
            return mark("the graphics card")
        return Message("the graphics card ({card})", card=self._identity.sentence)

    @property
    def on_card(self) -> bool:
        return True

    @property
    def drawing(self) -> Drawing:
        return self._way

    def draw_with(self, drawing: Drawing) -> None:
        self._way = drawing
        self._ask()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and self._shown is None:
            self._ask()  # the ground before there is a picture has the theme's colour

    @property
    def identity(self) -> CardIdentity | None:
        """What draws; None before it was asked to."""
        return self._identity

    @property
    def uploads(self) -> int:
        """How many pictures were uploaded to the device in use."""
        return 0 if self._drawing is None else self._drawing.uploads

    @property
    def picture(self) -> Picture | None:
        return None if self._shown is None else self._shown.picture

    def show_picture(self, picture: Picture, *, at_once: bool) -> None:
        """With the next paint in any case: `repaint` called from Python holds the interpreter, and
        with it every thread, while the driver presents."""
        began_at = self._events.clock()
        planes = self._reader.planes(picture)
        if planes is None:
            return  # the last one stays
        self._shown, self._reading_s = _Shown(picture, planes), self._events.clock() - began_at
        self._ask()

    def clear(self) -> None:
        self._shown = self._rendered = None
        self._ask()

    def set_dim(self, dim: float) -> None:
        if dim != self._dim:
            self._dim = dim
            self._ask()

    def place(self) -> None:
        self.setGeometry(self._view.rect())

    def target(self) -> QRectF:
        if self._shown is None:
            return QRectF()
        return self._layout(self._shown.planes).logical(self.devicePixelRatioF())

    def grab(self) -> QImage:  # type: ignore[override]  # an image, of all of it
        image = self.grabFramebuffer()
        self._held.clear()
        return image

    def close(self) -> None:  # type: ignore[override]  # for good
        self._failed = True
        self._watch.stop()
        self.hide()
        self._release()
        self.setParent(None)
        self._shown = self._rendered = None
        self._held.clear()
        self.deleteLater()

    # --- drawing --------------------------------------------------------------------------------

    def initialize(self, cb: QRhiCommandBuffer) -> None:
        """Called by Qt before the first `render`, and after most changes of size or device."""
        self._set_up()

    def _set_up(self) -> None:
        """Make what is missing on the device in use, which without a window changes silently."""
        if self._drawing is not None and self._drawing.rhi is not self.rhi():
            self._release()
        if self._drawing is not None or self._failed:
            return
        try:
            self._identity = identify(self.rhi())
            expected = self._options.expected
            if expected is not None and expected != self._identity:
                self._fail("it is not the card or driver that was probed")
                return
            self._drawing = CardDrawing(self.rhi(), self.renderTarget())
        except RejoinError as error:
            self._fail(str(error))
        except Exception as error:  # must not end the process inside of Qt
            self._fail(f"it cannot be set up ({type(error).__name__})")

    def render(self, cb: QRhiCommandBuffer) -> None:  # type: ignore[override]  # as QRhiWidget's
        """Called by Qt when this widget has to be drawn."""
        self._watch.stop()
        self._render_began_at = self._events.clock()
        self._set_up()
        if self._drawing is None or self._failed:
            return
        shown = self._shown
        planes = None if shown is None else shown.planes
        layout = PictureLayout(0, 0, 1, 1)
        if planes is not None:
            layout = self._layout(planes)
        scene = Scene(layout, self._dim, self._way.scale_filter, self._way.sharpness)
        try:
            self._drawing.draw(cb, self.renderTarget(), planes, scene)
        except RejoinError as error:
            self._fail(str(error))
            return
        except Exception as error:  # must not end the process inside of Qt
            self._fail(f"it cannot draw ({type(error).__name__})")
            return
        self.renders += 1
        if shown is not None and (not self._held or self._held[-1] is not shown):
            self._held.append(shown)
            self._rendered = shown.picture

    def releaseResources(self) -> None:
        """Called by Qt when the device goes: another window, or the end."""
        self._release()

    def _release(self) -> None:
        if self._drawing is not None:
            self._drawing.release()
            self._drawing = None

    def _layout(self, planes: Planes) -> PictureLayout:
        size = (planes.width, planes.height)
        way = self._way
        return laid_out(size, device_size(self), way.scale_filter, way.aspect)

    def _on_submitted(self) -> None:
        """A frame of the window went to the screen; it is said for each, also for a failed one."""
        rendered, self._rendered = self._rendered, None
        self._held.clear()
        if rendered is not None:
            now = self._events.clock()
            took_s = self._reading_s + now - self._render_began_at
            self._events.painted(rendered, now, took_s)

    # --- when nothing is drawn ------------------------------------------------------------------

    def _ask(self) -> None:
        """Have it drawn, and watch that it is: Qt says nothing when a device is lost."""
        if self._failed:
            return
        self.update()
        if not self._watch.isActive():
            self._watches_left = _WATCHES
            self._watch.start()

    def _on_watch(self) -> None:
        if not self._exposed():
            self._watch.stop()
            return
        self._watches_left -= 1
        if self._watches_left <= 0:
            self._watch.stop()
            self._fail(f"it has drawn nothing for {SILENT_MS / 1000:g} s")
        else:
            self.update()

    def _exposed(self) -> bool:
        window: QWindow | None = self.window().windowHandle()
        return self.isVisible() and window is not None and window.isExposed()

    def _on_render_failed(self) -> None:
        self._fail("there is no device")

    def _fail(self, why: str) -> None:
        """Report it once, from the event loop: inside `render` Qt must not lose the widget."""
        if not self._failed:
            self._failed = True
            self._watch.stop()
            QTimer.singleShot(0, self, lambda: self._events.failed(why))
