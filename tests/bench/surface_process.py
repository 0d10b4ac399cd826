"""One window with a running picture, measured from inside: `python -m bench.surface_process`.

Arguments: raster, or Qt's name of an interface; the window's width and height; bare or card; how
many pictures; pictures a second, 0 for one after the other. Prints one JSON object.
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time

import numpy as np
from av.video.frame import VideoFrame
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget

from helpers.fake_port import FakePort
from helpers.window_faces import LIVE, NOW, lost
from rejoin.clock import boot_s
from rejoin.core.model import ConnectionNumber
from rejoin.gui.card_api import CardApi
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.qt_application import make_application
from rejoin.gui.raster_surface import RasterSurface
from rejoin.gui.rhi_surface import CardOptions, RhiSurface
from rejoin.gui.video_surface import SurfaceEvents, VideoSurface
from rejoin.gui.window_options import WindowOptions
from rejoin.media.video.picture import Picture
from rejoin.media.video.scaling import Scaler

HOST = (1920, 1080)
WARM_UP = 20
PATIENCE_S = 120.0


class Meter(QObject):
    """CPU and wall time of the window's thread, from UpdateRequest to the submitted frame."""

    def __init__(self, window: RejoinWindow) -> None:
        super().__init__()
        self.cpu_ms: list[float] = []
        self.wall_ms: list[float] = []
        self._from = (0.0, 0.0)
        window.installEventFilter(self)
        surface = window.layers.view.surface
        if isinstance(surface, RhiSurface):
            surface.frameSubmitted.connect(self.stop)
        self.by_signal = isinstance(surface, RhiSurface)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.UpdateRequest:
            self._from = (time.thread_time(), time.perf_counter())
        return False

    def stop(self) -> None:
        self.cpu_ms.append(1000 * (time.thread_time() - self._from[0]))
        self.wall_ms.append(1000 * (time.perf_counter() - self._from[1]))


def frames() -> list[VideoFrame]:
    """Four pictures of a game's size, of noise that a driver cannot compress."""
    random = np.random.default_rng(1)
    shape = (HOST[1] * 3 // 2, HOST[0])
    return [
        VideoFrame.from_ndarray(random.integers(16, 235, shape, dtype=np.uint8), format="yuv420p")
        for _ in range(4)
    ]


class Run:
    """A window, and the pictures that come to it."""

    def __init__(self, kind: str, size: tuple[int, int], *, card: bool) -> None:
        def make(view: QWidget, events: SurfaceEvents) -> VideoSurface:
            if kind == "raster":
                return RasterSurface(view, events)
            return RhiSurface(view, events, CardOptions(CardApi(kind)))

        self.kind, self.frames, self.scaler = kind, frames(), Scaler()
        self.port = FakePort()
        began = time.perf_counter()
        self.window = RejoinWindow(
            self.port, WindowOptions(make_surface=make, first_size=size), clock=boot_s
        )
        self.window.setFixedSize(*size)
        self.window.show()
        self.port.publish(LIVE)
        self.show(0)
        self.first_ms = 1000 * (time.perf_counter() - began)
        if card:
            shift = boot_s() - NOW
            self.port.publish(lost(dropped_at=NOW + shift, shown_deadline_at=NOW + shift + 90))

    def picture(self, number: int) -> Picture:
        """As the decoder's thread makes it: scaled there, if the processor draws."""
        now = boot_s()
        made = Picture(ConnectionNumber(1), self.frames[number % 4], now, 1500 * number, now)
        return self.scaler.prescaled(made, self.port.slot.hints.size)

    def show(self, number: int) -> None:
        before, until = self.window.layers.view.painted.pictures, boot_s() + PATIENCE_S
        self.port.slot.put(self.picture(number))
        while self.window.layers.view.painted.pictures == before:
            QApplication.processEvents()
            if boot_s() > until:
                raise SystemExit("nothing was painted")

    def one_by_one(self, count: int) -> dict[str, float]:
        """Each picture waits until the one before was painted."""
        for number in range(WARM_UP):
            self.show(number)
        meter = Meter(self.window)
        raster: list[float] = []
        own, every = time.thread_time(), time.process_time()
        for number in range(count):
            picture = self.picture(number)
            before, at = time.thread_time(), time.perf_counter()
            self.port.slot.put(picture)
            self.window.layers.view.show_newest()
            raster.append(1000 * (time.thread_time() - before))
            if not meter.by_signal:
                meter.wall_ms.append(1000 * (time.perf_counter() - at))
            QApplication.processEvents()
        own, every = time.thread_time() - own, time.process_time() - every
        cpu = meter.cpu_ms if meter.by_signal else raster
        return {
            "cpu_ms": statistics.median(cpu),
            "wall_ms": statistics.median(meter.wall_ms),
            "other_threads_ms": 1000 * (every - own) / count,
            "first_ms": self.first_ms,
        }

    def at_a_rate(self, count: int, fps: int) -> dict[str, float]:
        """Pictures come from another thread at this rate, whether or not the window is ready."""
        pictures = [self.picture(number) for number in range(4)]
        ended = threading.Event()

        def decode() -> None:
            began = time.perf_counter()
            for number in range(count):
                due_s = began + number / fps - time.perf_counter()
                if due_s > 0:
                    time.sleep(due_s)
                one, now = pictures[number % 4], boot_s()
                self.port.slot.put(
                    Picture(one.connection, one.frame, now, 1500 * number, now, pixels=one.pixels)
                )
            ended.set()

        before = self.port.slot.replaced
        thread = threading.Thread(target=decode)
        thread.start()
        while not ended.is_set():
            QApplication.processEvents()
            time.sleep(0.0005)
        thread.join()
        return {"late": self.port.slot.replaced - before, "pictures": count}


def main(arguments: list[str]) -> int:
    kind, width, height, over, count, fps = arguments
    make_application()
    run = Run(kind, (int(width), int(height)), card=over == "card")
    at_a_rate = int(fps) > 0
    found = run.at_a_rate(int(count), int(fps)) if at_a_rate else run.one_by_one(int(count))
    print(json.dumps(found), flush=True)
    run.window.bridge.close()
    run.window.hide()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
