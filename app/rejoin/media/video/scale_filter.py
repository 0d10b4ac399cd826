"""How a picture is scaled to a window: filter and shape, which players choose, and the resulting
size.

Pure; for the surface of the processor (`scaling`) and of the graphics card (`gui.rhi_surface`).
"""

from __future__ import annotations

import enum


class ScaleFilter(enum.Enum):
    """SMOOTH: bilinear. SHARP: Catmull-Rom. PIXEL: nearest, in whole multiples if it fits."""

    SMOOTH = "smooth"
    SHARP = "sharp"
    PIXEL = "pixel"


class Aspect(enum.Enum):
    """The shape in which a picture is shown. SENT: its own. FILL: the window's."""

    SENT = "sent"
    FILL = "fill"
    FOUR_THIRDS = "4:3"
    WIDE = "16:9"
    TALLER = "16:10"
    ULTRA_WIDE = "21:9"

    @property
    def ratio(self) -> float | None:
        """Width by height; None where it is not given."""
        across, _, down = self.value.partition(":")
        return int(across) / int(down) if down else None


def fitted(
    size: tuple[int, int],
    into: tuple[int, int],
    scale_filter: ScaleFilter = ScaleFilter.SMOOTH,
    aspect: Aspect = Aspect.SENT,
) -> tuple[int, int]:
    """The largest size with the aspect ratio of `size`, or `aspect`, that fits `into`; at least
    1 x 1.

    With PIXEL the largest whole multiple, where one fits and the picture keeps its own shape.
    """
    if aspect is Aspect.FILL:
        return into
    width, height = (float(side) for side in size)
    if aspect.ratio is not None:
        width = height * aspect.ratio
    scale = min(into[0] / width, into[1] / height)
    if scale_filter is ScaleFilter.PIXEL and aspect is Aspect.SENT and scale >= 1.0:
        scale = float(int(scale))
    return max(1, round(width * scale)), max(1, round(height * scale))
