"""1080p60 in windows of several sizes: what is painted, and how old it is then

In the host's own size colours are made in one pass on the window's thread; another size is made on
the decoder's thread and those that help it (docs/adr/0024).
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import clips
from bench.audience import played_in_window
from bench.measure import Measurement
from bench.watcher import Seen

WINDOWS = ((1280, 720), (1920, 1080), (2560, 1440), (3840, 2160))
PLAYED_S = 20.0


def run(quick: bool) -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory() as folder:
        clip = clips.make(Path(folder), mbit=15)
        for window in WINDOWS[:1] if quick else WINDOWS:
            seen = asyncio.run(played_in_window(clip, 2.0 if quick else PLAYED_S, window))
            yield from _rows(window, seen)


def _rows(window: tuple[int, int], seen: Seen) -> Iterator[Measurement]:
    name, counted = f"window of {window[0]}x{window[1]}", seen.counters
    told = f"{seen.for_s:.0f} s of a 1920x1080 clip at 15 Mbit/s; Qt {seen.platform}"
    decoded, painted = counted["frames_decoded"], counted["frames_painted"]
    late = counted["pictures_replaced"]
    scaling_ms = 1000 * counted["total_scale_time_s"] / decoded
    painting_ms = 1000 * counted["total_paint_time_s"] / painted
    share = 100 * (seen.receiver_cpu_s + seen.window_cpu_s) / seen.for_s
    yield from (
        Measurement(f"{name}: painted", painted / seen.for_s, "fps", told),
        Measurement(f"{name}: not painted in time", late, "frames", told),
        Measurement(f"{name}: age when painted, median", seen.age_p50_ms, "ms", told),
        Measurement(f"{name}: age when painted, p95", seen.age_p95_ms, "ms", told),
        Measurement(f"{name}: scaling ahead, mean", scaling_ms, "ms", f"elapsed; {told}"),
        Measurement(f"{name}: painting, mean", painting_ms, "ms", f"elapsed; {told}"),
        Measurement(f"{name}: client's CPU", share, "% of a core", told),
    )
