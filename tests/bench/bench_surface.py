"""The picture on the graphics card beside the processor, in windows of several sizes

A picture of 1920x1080 in a window under Xvfb, with Mesa's software driver for OpenGL in place of a
card: what the window's thread does is what it would do with one, what the rasteriser's threads do
is not. Qt's Null interface draws nothing and measures our own code alone. No card was measured.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.measure import Measurement

SIZES = {"720p": (1280, 720), "1080p": (1920, 1080), "1440p": (2560, 1440), "4K": (3840, 2160)}
PICTURES = 60
LATE_FPS = 60


def run(quick: bool) -> Iterator[Measurement]:
    if shutil.which("Xvfb") is None:
        raise SystemExit("Xvfb is not installed")
    with screen() as display:
        yield from _measured_on(display, quick)


def _measured_on(display: str, quick: bool) -> Iterator[Measurement]:
    count = 10 if quick else PICTURES
    for name, size in list(SIZES.items())[: 1 if quick else None]:
        for over in ("bare", "card"):
            for kind in ("raster", "OpenGL"):
                found = measured(display, kind, size, over, count)
                yield from _rows(f"{name}, {over}, {kind}", found, count)
    found = measured(display, "Null", SIZES["4K"], "bare", 6 * count, LATE_FPS)
    yield Measurement(
        "4K, bare, Null: pictures late",
        found["late"],
        "pictures",
        f"of {found['pictures']:.0f} at {LATE_FPS} fps; draws nothing: our own code alone",
    )


def _rows(name: str, found: dict[str, float], count: int) -> Iterator[Measurement]:
    conditions = f"median of {count}; Xvfb, 1920x1080 pictures"
    yield Measurement(
        f"{name}: window's thread, CPU",
        found["cpu_ms"],
        "ms",
        f"UpdateRequest to frameSubmitted (raster: to the painted picture); {conditions}",
    )
    yield Measurement(f"{name}: elapsed", found["wall_ms"], "ms", conditions)
    yield Measurement(
        f"{name}: other threads, CPU",
        found["other_threads_ms"],
        "ms",
        "a picture; the rasteriser's, or those that scale",
    )
    yield Measurement(
        f"{name}: window made to first picture", found["first_ms"], "ms", "one run, Python is up"
    )


@contextmanager
def screen() -> Iterator[str]:
    """An X server with a screen of 4K, which chooses a free number itself. Yields its address."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "3840x2160x24", "-noreset"]
    server = subprocess.Popen(
        [*command, "-nolisten", "tcp"], pass_fds=(writing,), stderr=subprocess.DEVNULL
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as numbers:
            number = numbers.readline().strip()
        if not number:
            raise SystemExit("Xvfb did not start")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()


def measured(
    display: str, kind: str, size: tuple[int, int], over: str, count: int, fps: int = 0
) -> dict[str, float]:
    """One window in a process of its own."""
    arguments = [kind, str(size[0]), str(size[1]), over, str(count), str(fps)]
    done = subprocess.run(
        [sys.executable, "-m", "bench.surface_process", *arguments],
        env={**os.environ, "QT_QPA_PLATFORM": "xcb", "DISPLAY": display},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found
