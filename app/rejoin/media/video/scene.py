"""Judges by small grey pictures whether a game shows the same scene as before.

SSIM (Wang et al., 2004) with a window of 7 x 7 pixels that all weigh the same, on `SIZE`. The
thresholds and their error rates come from footage of games (docs/scene.md, `tests/bench/footage`).
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

SIZE: Final = 96, 54
"""Width and height in pixels."""
_WINDOW: Final = 7
_C1, _C2 = (0.01 * 255.0) ** 2, (0.03 * 255.0) ** 2

SAME_FROM: Final = 0.5
"""At this similarity or more it is the same scene."""
DIFFERENT_UP_TO: Final = 0.2
"""At this similarity or less it is another scene. In between nothing is known."""
EVERY_S: Final = 0.5
AFTER_S: Final = 2.0
"""For this long after the first new picture one picture each `EVERY_S` is compared; the best result
counts."""
_BLACK: Final = 24
"""A picture is black if 99 of 100 of its pixels are darker."""
_FLAT: Final = 6.0
"""A picture with less spread (standard deviation) of its pixels shows too little to compare."""

Grey = npt.NDArray[np.uint8]
"""Height x width, full range."""


class SceneWord(enum.StrEnum):
    """The possible results of a comparison."""

    SAME = "same scene"
    DIFFERENT = "different"
    BLACK = "black"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class SceneFinding:
    """`similarity`: of the most similar pair; None where none was compared."""

    word: SceneWord
    similarity: float | None = None


def compare(before: Grey | None, after: Sequence[Grey]) -> SceneFinding:
    """Compare the last picture before a drop with the first ones after it."""
    if before is None or not after or is_black(before):
        return SceneFinding(SceneWord.UNKNOWN)
    seen = [each for each in after if not is_black(each)]
    if not seen:
        return SceneFinding(SceneWord.BLACK)
    if before.std() < _FLAT:
        return SceneFinding(SceneWord.UNKNOWN)
    best = max(similarity(before, each) for each in seen)
    if best >= SAME_FROM:
        return SceneFinding(SceneWord.SAME, best)
    if best <= DIFFERENT_UP_TO:
        return SceneFinding(SceneWord.DIFFERENT, best)
    return SceneFinding(SceneWord.UNKNOWN, best)


def is_black(picture: Grey) -> bool:
    """Whether the picture is black."""
    return bool(np.percentile(picture, 99) < _BLACK)


class GreyScaler:
    """Makes one small grey picture after another; for one thread at a time."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def grey(self, frame: VideoFrame) -> Grey | None:
        """The whole frame, whatever its shape, at `SIZE`; None where it cannot be converted."""
        width, height = SIZE
        full = frame.color_range == int(ColorRange.JPEG)
        try:
            small = self._reformatter.reformat(
                frame,
                width,
                height,
                "gray",
                interpolation=Interpolation.AREA,
                src_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
                dst_color_range=ColorRange.JPEG,
            )
            plane = small.planes[0]
            rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
            grey: Grey = rows[:height, :width].copy()
            return grey
        except Exception:  # any error of FFmpeg
            return None


def similarity(one: Grey, other: Grey) -> float:
    """Their SSIM, 1 for the same picture. Both have the same size, 7 x 7 pixels at least."""
    first, second = one.astype(np.float64), other.astype(np.float64)
    mean_1, mean_2 = _means(first), _means(second)
    count = _WINDOW * _WINDOW
    unbiased = count / (count - 1)
    spread_1 = unbiased * (_means(first * first) - mean_1 * mean_1)
    spread_2 = unbiased * (_means(second * second) - mean_2 * mean_2)
    both = unbiased * (_means(first * second) - mean_1 * mean_2)
    above = (2 * mean_1 * mean_2 + _C1) * (2 * both + _C2)
    below = (mean_1 * mean_1 + mean_2 * mean_2 + _C1) * (spread_1 + spread_2 + _C2)
    return float((above / below).mean())


def _means(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The mean of every window, by summed areas."""
    sums = np.cumsum(np.cumsum(np.pad(values, ((1, 0), (1, 0))), 0), 1)
    size = _WINDOW
    within = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    whole: npt.NDArray[np.float64] = within / (size * size)
    return whole
