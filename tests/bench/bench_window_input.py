"""Input through the window: from Qt's event to the module's bytes

A real window with a game (offscreen), real `QKeyEvent`s and `QMouseEvent`s, the crossing to the
event loop's thread, the emulator's module in its sandbox process. One event at a time; then a mouse
that moves a thousand times a second, and what is queued behind it.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.bench_input import MOUSE_HZ, Reported, attached
from bench.measure import Measurement, percentile
from helpers.fake_port import FakePort
from helpers.menu_scene import playing
from helpers.window_faces import destroy
from rejoin.clock import boot_s
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.qt_application import make_application
from rejoin.input_events.events import InputEvent
from rejoin.input_module.sandbox import Sandbox
from rejoin.interpreter import loop_factory

_NONE = Qt.KeyboardModifier.NoModifier
WAIT_S = 10.0


class Module:
    """The sandbox on an event loop of its own, as the stream thread has it."""

    def __init__(self) -> None:
        self.sandbox: Sandbox | None = None
        self.reported = Reported()
        self.loop: asyncio.AbstractEventLoop | None = None
        self._ready, self._end = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._ready.wait(60.0)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        async with attached() as (sandbox, reported, _):
            self.sandbox, self.reported = sandbox, reported
            self.loop = asyncio.get_running_loop()
            self._ready.set()
            await asyncio.to_thread(self._end.wait)

    def send(self, event: InputEvent) -> None:
        assert self.loop is not None
        assert self.sandbox is not None
        self.loop.call_soon_threadsafe(self.sandbox.dispatch, event)

    def settle(self) -> None:
        """Until everything that was sent has been answered."""
        assert self.loop is not None
        assert self.sandbox is not None
        asyncio.run_coroutine_threadsafe(self.sandbox.settle(), self.loop).result(WAIT_S)

    def close(self) -> None:
        self._end.set()
        self._thread.join()


class ModulePort(FakePort):
    """Sends what the window sends to the module."""

    def __init__(self, module: Module) -> None:
        super().__init__(locks_pointer=False)
        self._module = module

    def send_input(self, event: InputEvent) -> None:
        self._module.send(event)


def key(window: RejoinWindow, pressed: bool) -> None:
    kind = QEvent.Type.KeyPress if pressed else QEvent.Type.KeyRelease
    event = QKeyEvent(kind, Qt.Key.Key_W, _NONE, "w")
    QCoreApplication.sendEvent(window.layers.view, event)


def mouse(window: RejoinWindow, kind: QEvent.Type, at: QPointF) -> None:
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    button = none if kind == QEvent.Type.MouseMove else left
    held = left if kind == QEvent.Type.MouseButtonPress else none
    place = QPointF(window.mapToGlobal(QPoint(0, 0))) + at
    event = QMouseEvent(kind, at, place, button, held, _NONE)
    QCoreApplication.sendEvent(window.layers.view, event)


def act(window: RejoinWindow, what: str, number: int) -> None:
    """The next event of this kind."""
    pressed = number % 2 == 0
    match what:
        case "key":
            key(window, pressed)
        case "button":
            button = QEvent.Type.MouseButtonPress if pressed else QEvent.Type.MouseButtonRelease
            mouse(window, button, QPointF(300.0, 300.0))
        case _:
            mouse(window, QEvent.Type.MouseMove, QPointF(301.0 + number % 200, 300.0))


def latencies_ms(window: RejoinWindow, module: Module, what: str, count: int) -> list[float]:
    """From the call of Qt's event to the first bytes of the module."""
    found = []
    for number in range(count):
        time.sleep(0.25 if number % 50 == 0 else 0.020)  # the module has repeated its state
        module.settle()
        module.reported.times.clear()
        began = time.perf_counter()
        act(window, what, number)
        until = began + WAIT_S
        while not module.reported.times and time.perf_counter() < until:
            time.sleep(0.0001)
        found.append((module.reported.times[0] - began) * 1000)
    return found


def mouse_queue_ms(window: RejoinWindow, module: Module, seconds: float) -> tuple[float, float]:
    """How long the window's thread needs for a movement, and how long the last ones were queued."""
    began, busy_s = time.perf_counter(), 0.0
    count = round(seconds * MOUSE_HZ)
    for number in range(count):
        before = time.perf_counter()
        mouse(window, QEvent.Type.MouseMove, QPointF(301.0 + number % 200, 300.0))
        busy_s += time.perf_counter() - before
        ahead_s = began + (number + 1) / MOUSE_HZ - time.perf_counter()
        if ahead_s > 0:
            time.sleep(ahead_s)
    before = time.perf_counter()
    module.settle()
    return busy_s / count * 1000, (time.perf_counter() - before) * 1000


def run(quick: bool) -> Iterator[Measurement]:
    count, seconds = (20, 1.0) if quick else (500, 10.0)
    application = QCoreApplication.instance() or make_application()
    assert isinstance(application, QApplication)
    module = Module()
    window, _, _ = playing(port=ModulePort(module), clock=boot_s)
    try:
        for what in ("key", "button", "movement"):
            times = latencies_ms(window, module, what, count)
            note = f"{count} events"
            yield Measurement(f"{what} to bytes, median", percentile(times, 50), "ms", note)
            yield Measurement(f"{what} to bytes, p95", percentile(times, 95), "ms", note)
        took_ms, queued_ms = mouse_queue_ms(window, module, seconds)
        moves = f"{MOUSE_HZ} movements a second for {seconds:.0f} s"
        yield Measurement("mouse: the window's thread, each", took_ms, "ms", moves)
        yield Measurement("mouse: what was queued at the end", queued_ms, "ms", moves)
    finally:
        destroy(window)
        module.close()


if __name__ == "__main__":
    for each in run(bool(os.environ.get("QUICK"))):
        print(f"{each.name}: {each.value:.3f} {each.unit} {each.conditions}")
