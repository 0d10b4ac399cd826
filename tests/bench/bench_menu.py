"""The menu: what the window's thread spends on a picture with it shut, open, and with its charts

A real window (offscreen, the processor draws) of 1280x720 with 60 new pictures a second, of which
the port has numbers each second. The history is kept in any case; its cost is measured apart.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measure import Measurement, percentile
from helpers.fake_port import FakePort, picture
from helpers.menu_scene import numbers, playing
from helpers.window_faces import destroy
from rejoin.clock import boot_s
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.menu.history import History
from rejoin.gui.qt_application import make_application

FPS = 60
SIZE = (1280, 720)


def play(window: RejoinWindow, port: FakePort, seconds: float) -> tuple[float, float]:
    """Processor time for each picture in ms, and the 95th percentile of a turn in ms."""
    pictures = [picture(*SIZE, bgr=(shade, 90, 90)) for shade in (60, 160)]
    painted, cpu, began = window.layers.view.painted.pictures, time.process_time(), boot_s()
    turns: list[float] = []
    for number in range(round(seconds * FPS)):
        now = boot_s()
        port.current_statistics = numbers(now)
        port.slot.put(pictures[number % 2])
        QCoreApplication.processEvents()
        turns.append((boot_s() - now) * 1000)
        time.sleep(max(0.0, began + (number + 1) / FPS - boot_s()))
    took = window.layers.view.painted.pictures - painted
    return (time.process_time() - cpu) * 1000 / max(1, took), percentile(turns, 95)


def history_us(count: int) -> float:
    """Each second, of a game of hours."""
    history, began = History(), time.perf_counter()
    for second in range(count):
        history.tick(float(second), lambda: numbers(1.0), live=True)
    return (time.perf_counter() - began) / count * 1e6


def run(quick: bool) -> Iterator[Measurement]:
    seconds = 1.0 if quick else 10.0
    application = QCoreApplication.instance() or make_application()
    assert isinstance(application, QApplication)
    yield Measurement("history, each second", history_us(200 if quick else 20_000), "µs")
    window, port, _ = playing(SIZE, clock=boot_s)
    try:
        play(window, port, 1.0)
        for name in ("shut", "open", "open with charts", "shut again"):
            if window.menu.is_open != name.startswith("open"):
                window.menu.toggle()
            window.layers.menu.show_statistics(name.endswith("charts"))
            each_ms, turn_ms = play(window, port, seconds)
            note = f"{SIZE[0]}x{SIZE[1]}, {FPS} pictures a second"
            yield Measurement(f"menu {name}: processor time a picture", each_ms, "ms", note)
            yield Measurement(f"menu {name}: a picture's turn, p95", turn_ms, "ms", note)
    finally:
        destroy(window)


if __name__ == "__main__":
    for each in run(bool(os.environ.get("QUICK"))):
        print(f"{each.name}: {each.value:.3f} {each.unit} {each.conditions}")
