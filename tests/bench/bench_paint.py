"""1080p60 in windows of several sizes: frames painted, and their age

In a window of the stream's size, frames are converted to RGB in one pass on the window's thread.
For another size they are scaled on the decoder's thread and its helpers (docs/adr/0024).
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import clips
from bench.measure import Measurement
from bench.windowed_client import measure_in_window
from bench.windowed_client_process import ClientFigures

WINDOWS = ((1280, 720), (1920, 1080), (2560, 1440), (3840, 2160))
PLAYED_S = 20.0


def run(quick: bool) -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory() as folder:
        clip = clips.make(Path(folder), mbit=15)
        for window in WINDOWS[:1] if quick else WINDOWS:
            figures = asyncio.run(measure_in_window(clip, 2.0 if quick else PLAYED_S, window))
            yield from _rows(window, figures)


def _rows(window: tuple[int, int], figures: ClientFigures) -> Iterator[Measurement]:
    name, counters = f"window {window[0]}x{window[1]}", figures.counters
    conditions = f"{figures.for_s:.0f} s of a 1920x1080 clip at 15 Mbit/s; Qt {figures.platform}"
    decoded, painted = counters["frames_decoded"], counters["frames_painted"]
    replaced = counters["pictures_replaced"]
    scaling_ms = 1000 * counters["total_scale_time_s"] / decoded
    painting_ms = 1000 * counters["total_paint_time_s"] / painted
    share = 100 * (figures.receiver_cpu_s + figures.window_cpu_s) / figures.for_s
    yield from (
        Measurement(f"{name}: frames painted", painted / figures.for_s, "fps", conditions),
        Measurement(f"{name}: frames replaced before painting", replaced, "frames", conditions),
        Measurement(
            f"{name}: frame age when painted, median", figures.age_p50_ms, "ms", conditions
        ),
        Measurement(f"{name}: frame age when painted, p95", figures.age_p95_ms, "ms", conditions),
        Measurement(
            f"{name}: scaling in advance, mean", scaling_ms, "ms", f"elapsed time; {conditions}"
        ),
        Measurement(f"{name}: painting, mean", painting_ms, "ms", f"elapsed time; {conditions}"),
        Measurement(f"{name}: client: CPU", share, "% of a core", conditions),
    )
