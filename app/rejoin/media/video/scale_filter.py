"""The filters for scaling a picture to a window that players choose from, and the size they give.

Pure; for the surface of the processor (`scaling`) and of the graphics card (`gui.rhi_surface`).
"""

from __future__ import annotations

import enum


class ScaleFilter(enum.Enum):
    """SMOOTH: bilinear. SHARP: Catmull-Rom. PIXEL: nearest, in whole multiples if it fits."""

    SMOOTH = "smooth"
    SHARP = "sharp"
    PIXEL = "pixel"


def fitted(
    size: tuple[int, int],
    into: tuple[int, int],
    scale_filter: ScaleFilter = ScaleFilter.SMOOTH,
) -> tuple[int, int]:
    """The largest size with the aspect ratio of `size` that fits `into`; at least 1 x 1.

    With PIXEL the largest whole multiple, where one fits.
    """
    width, height = size
    scale = min(into[0] / width, into[1] / height)
    if scale_filter is ScaleFilter.PIXEL and scale >= 1.0:
        scale = float(int(scale))
    return max(1, round(width * scale)), max(1, round(height * scale))
