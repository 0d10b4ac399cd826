"""What a picture of 1080p costs to paint, in windows of several sizes

In one pass into the window's memory (`Scaler.draw`), where the window has the picture's size; and
in two, aside (`Scaler.pixels`) and then copied by Qt. Sixty a second, as in play, so that neither
cache nor processor is warmer than there.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from statistics import median

from av.video.frame import VideoFrame
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from bench.measure import Measurement, percentile
from rejoin.core.model import ConnectionNumber
from rejoin.gui.raster import area_of
from rejoin.rtc.picture import Picture, Pixels
from rejoin.rtc.scaling import Scaler

HOST = (1920, 1080)
WINDOWS = ((1280, 720), HOST, (2560, 1440), (3840, 2160))
PICTURES = 6
"""Painted in turns: more than a cache holds."""
INTERVAL_S = 1 / 60


def run(quick: bool) -> Iterator[Measurement]:
    pictures = [_picture(number) for number in range(PICTURES)]
    for size in WINDOWS[1:2] if quick else WINDOWS:
        yield from _rows(pictures, size, 6 if quick else 180)


def _picture(number: int) -> Picture:
    frame, dice = VideoFrame(*HOST, "yuv420p"), random.Random(number)
    for plane in frame.planes:
        plane.update(dice.randbytes(plane.buffer_size))
    return Picture(ConnectionNumber(1), frame, 0.0, 0, 0.0)


def _rows(pictures: list[Picture], size: tuple[int, int], times: int) -> Iterator[Measurement]:
    window, scaler = QImage(*size, QImage.Format.Format_RGB32), Scaler()
    whole = QRectF(window.rect())

    def at_once(picture: Picture) -> None:
        painter = QPainter(window)
        area = area_of(painter, whole, whole)
        if area is None or not scaler.draw(picture, area):
            raise RuntimeError("It cannot be drawn in one pass.")
        painter.end()

    form, made = QImage.Format.Format_RGB32, list[Pixels]()

    def aside(picture: Picture) -> None:
        pixels = scaler.pixels(picture, size)
        if pixels is None:
            raise RuntimeError("It cannot be drawn at all.")
        made[:] = [pixels]

    def copied(picture: Picture) -> None:
        painter = QPainter(window)
        painter.drawImage(whole, QImage(made[0].data, *size, made[0].stride, form))
        painter.end()

    told = f"{HOST[0]}x{HOST[1]} of noise, {times} pictures, {1 / INTERVAL_S:.0f} a second"
    ways: dict[str, Callable[[Picture], None]] = {"made aside": aside, "copied": copied}
    if size == HOST:
        ways = {"one pass": at_once, **ways}
    for name, paint in ways.items():
        took_ms = _paced(paint, pictures, times)
        where = f"window of {size[0]}x{size[1]}: {name}"
        yield Measurement(f"{where}, median", median(took_ms), "ms", told)
        yield Measurement(f"{where}, p95", percentile(took_ms, 95), "ms", told)


def _paced(paint: Callable[[Picture], None], pictures: list[Picture], times: int) -> list[float]:
    took_ms, began_at = [], time.perf_counter()
    for number in range(times):
        time.sleep(max(0.0, began_at + number * INTERVAL_S - time.perf_counter()))
        from_s = time.perf_counter()
        paint(pictures[number % len(pictures)])
        took_ms.append(1000 * (time.perf_counter() - from_s))
    return took_ms[len(pictures) :] or took_ms
