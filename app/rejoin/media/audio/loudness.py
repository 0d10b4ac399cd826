"""How loud sound is, for meters: in dBFS, decibels below the loudest possible. Pure."""

from __future__ import annotations

import math
from typing import Final

SILENT_DBFS: Final = -90.0
"""16 bits: one step is 90.3 dB below the loudest possible."""
METER_FROM_DBFS: Final = -60.0
"""A meter shows nothing at this level: the noise of a quiet room."""


def peak_dbfs(samples: bytes) -> float:
    """The peak of 16-bit samples, `SILENT_DBFS` to 0."""
    import numpy

    sound = numpy.frombuffer(samples, dtype=numpy.int16)
    if not len(sound):
        return SILENT_DBFS
    peak = max(int(sound.max()), -int(sound.min()))
    return SILENT_DBFS if peak == 0 else max(SILENT_DBFS, 20 * math.log10(min(peak, 32767) / 32767))


def meter(dbfs: float) -> float:
    """The same as a share of a meter's length, 0 to 1."""
    return min(1.0, max(0.0, 1 - dbfs / METER_FROM_DBFS))
