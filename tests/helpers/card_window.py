"""A view in a window that a graphics card draws, for tests with a display."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from helpers.fake_port import FakePort
from helpers.float_picture import Levels
from helpers.window_faces import wait_until
from rejoin.clock import boot_s
from rejoin.core.model import ConnectionNumber
from rejoin.gui.bridge import Bridge
from rejoin.gui.card_api import CardApi
from rejoin.gui.rhi_surface import CardOptions, RhiSurface
from rejoin.gui.video_view import VideoView
from rejoin.media.video.picture import Picture

APIS = (CardApi.OPENGL, CardApi.VULKAN)

LEAK_MB = 64
"""500 window images of 640 x 360 are 440 MB; what drivers cache is far less."""


class CardWindow:
    """`view` is at 0, `top` in a window; `failures` is what its surface reported."""

    def __init__(
        self, options: CardOptions, size: tuple[int, int] = (320, 180), top: int = 0
    ) -> None:
        self.port = FakePort()
        self.bridge = Bridge(self.port)
        self.window = QWidget()
        self.window.resize(size[0], size[1] + top)
        self.failures: list[str] = []
        self.view = VideoView(
            self.bridge,
            clock=boot_s,
            reduced_motion=True,
            make_surface=lambda view, events: RhiSurface(view, events, options),
            parent=self.window,
        )
        self.view.surface_failed.connect(self.failures.append)
        self.view.setGeometry(0, top, *size)
        self.bridge.open()
        self.window.show()

    @property
    def surface(self) -> RhiSurface:
        surface = self.view.surface
        assert isinstance(surface, RhiSurface)
        return surface

    def show(self, picture: Picture) -> None:
        """Show it, and wait until it was painted."""
        before = self.view.painted.pictures
        self.port.show(picture)
        assert wait_until(lambda: self.view.painted.pictures > before, 60.0), self.failures

    def seen(self) -> Levels:
        """What the surface shows: height x width x 3."""
        return rgb_of(self.surface.grab())

    def on_screen(self) -> Levels:
        """What the display shows where the view is, in its own pixels: height x width x 3."""
        QApplication.processEvents()
        shot = self.window.screen().grabWindow(0).toImage()
        ratio = self.window.devicePixelRatioF()
        at = self.view.mapToGlobal(self.view.rect().topLeft())
        width, height = self.view.device_size()
        return rgb_of(shot.copy(round(at.x() * ratio), round(at.y() * ratio), width, height))

    def close(self) -> None:
        self.bridge.close()
        if not isValid(self.window):
            return
        self.window.close()
        self.view.surface.close()
        self.window.deleteLater()
        QApplication.processEvents()


@contextmanager
def card_window(
    options: CardOptions, size: tuple[int, int] = (320, 180), top: int = 0
) -> Iterator[CardWindow]:
    """A window until the end of the block. Skips the test where there is no Vulkan to try."""
    if options.api is CardApi.VULKAN and not has_vulkan():
        pytest.skip("this machine or display has no Vulkan")
    made = CardWindow(options, size, top)
    try:
        yield made
    finally:
        made.close()


def has_vulkan() -> bool:
    """Whether Vulkan's loader is installed; `dev.py test` installs it with Mesa's driver."""
    try:
        ctypes.CDLL("libvulkan.so.1")
    except OSError:
        return False
    return True


def rgb_of(image: QImage) -> Levels:
    """An image's levels: height x width x 3."""
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    data = np.frombuffer(image.constBits(), dtype=np.uint8)
    rows = data.reshape(image.height(), image.bytesPerLine())[:, : image.width() * 3]
    return rows.reshape(image.height(), image.width(), 3).copy()


def yuv_frame(luma: Levels, cb: Levels, cr: Levels, *, nv12: bool = False) -> VideoFrame:
    """A frame of these planes, whose rows have the decoder's padding."""
    height, width = luma.shape
    frame = VideoFrame(width, height, "nv12" if nv12 else "yuv420p")
    planes = (
        [luma, np.stack([cb, cr], axis=-1).reshape(cb.shape[0], -1)] if nv12 else [luma, cb, cr]
    )
    for plane, samples in zip(frame.planes, planes, strict=True):
        padded = np.full((plane.height, plane.line_size), 77, dtype=np.uint8)
        padded[:, : samples.shape[1]] = samples
        plane.update(padded.tobytes())
    return frame


def with_more_chroma(form: str, size: tuple[int, int], seed: int = 5) -> VideoFrame:
    """Random samples in 4:2:2 or 4:4:4, by FFmpeg's name."""
    random = np.random.default_rng(seed)
    frame = VideoFrame(*size, form)
    for plane, (low, high) in zip(frame.planes, ((60, 190), (90, 166), (90, 166)), strict=True):
        shape = (plane.height, plane.line_size)
        plane.update(random.integers(low, high, shape, dtype=np.uint8).tobytes())
    return frame


def picture_of(frame: VideoFrame, chroma_location: int = 0) -> Picture:
    now = boot_s()
    return Picture(ConnectionNumber(1), frame, now, 0, now, chroma_location=chroma_location)


def flat(yuv: tuple[int, int, int], size: tuple[int, int] = (64, 36)) -> VideoFrame:
    """A frame of one colour."""
    half = ((size[1] + 1) // 2, (size[0] + 1) // 2)
    shapes = ((size[1], size[0]), half, half)
    planes = [np.full(shape, each, dtype=np.uint8) for shape, each in zip(shapes, yuv, strict=True)]
    return yuv_frame(*planes)


def noise(
    size: tuple[int, int], *, nv12: bool = False, span: tuple[int, int] = (60, 190), seed: int = 5
) -> VideoFrame:
    """Random samples inside `span`, so that no colour is clipped by much."""
    random = np.random.default_rng(seed)
    half = ((size[1] + 1) // 2, (size[0] + 1) // 2)

    def plane(shape: tuple[int, int], low: int, high: int) -> Levels:
        return random.integers(low, high, shape, dtype=np.uint8)

    return yuv_frame(
        plane((size[1], size[0]), *span), plane(half, 90, 166), plane(half, 90, 166), nv12=nv12
    )


def megabytes() -> float:
    """Memory of this process that is in use."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
