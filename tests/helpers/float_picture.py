"""A picture drawn in floating point, slowly, from the standards: the reference for the card's.

It shares nothing with the application but the meaning of `Planes`. Positions are in luma samples;
the middle of the first one is at 0.5, 0.5 (ITU-T H.264, figure E-1; ITU-T H.273, 8.3).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rejoin.media.video.planes import Plane, Planes
from rejoin.media.video.scale_filter import ScaleFilter

Values = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Levels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]

WEIGHTS = {"BT709": (0.2126, 0.0722), "BT601": (0.299, 0.114), "BT2020": (0.2627, 0.0593)}
CHROMA_AT = {
    "LEFT": (0.5, 1.0),
    "CENTRE": (1.0, 1.0),
    "TOP_LEFT": (0.5, 0.5),
    "TOP": (1.0, 0.5),
    "BOTTOM_LEFT": (0.5, 1.5),
    "BOTTOM": (1.0, 1.5),
}
"""Where the first chroma sample is; the others are two luma samples apart."""


def levels(plane: Plane) -> Levels:
    """The samples of a plane: height x width x channels."""
    used = plane.width * plane.channels
    data = np.frombuffer(plane.data, dtype=np.uint8)
    rows = [data[at * plane.stride : at * plane.stride + used] for at in range(plane.height)]
    return np.stack(rows).reshape(plane.height, plane.width, plane.channels)


def rgb_from(ycc: Values, matrix: str, *, full_range: bool) -> Values:
    """RGB of 0..255 from levels of 0..255, in the last axis; not clipped."""
    red, blue = WEIGHTS[matrix]
    green = 1.0 - red - blue
    luma = np.array([red, green, blue])
    to_ycc = np.stack(
        [
            luma,
            (np.array([0.0, 0.0, 1.0]) - luma) / (2.0 * (1.0 - blue)),
            (np.array([1.0, 0.0, 0.0]) - luma) / (2.0 * (1.0 - red)),
        ]
    )
    zero = np.array([0.0 if full_range else 16.0, 128.0, 128.0])
    spans = np.array([255.0, 255.0, 255.0] if full_range else [219.0, 224.0, 224.0])
    return np.asarray(255.0 * ((ycc - zero) / spans) @ np.linalg.inv(to_ycc).T)


def drawn(
    planes: Planes,
    size: tuple[int, int],
    scale_filter: ScaleFilter = ScaleFilter.SMOOTH,
    *,
    sharpness: float = 0.0,
) -> Values:
    """The picture at another size, not smaller than it is: height x width x 3, 0..255, clipped."""
    width, height = size
    x = (np.arange(width) + 0.5) * planes.width / width
    y = (np.arange(height) + 0.5) * planes.height / height
    if scale_filter is ScaleFilter.PIXEL:
        x, y = np.floor(x) + 0.5, np.floor(y) + 0.5
    luma = levels(planes.luma)[..., 0].astype(float)
    if scale_filter is ScaleFilter.SHARP:
        brightness = _sharp(luma, x, y, sharpness)
    else:
        brightness = _linear(luma, x - 0.5, y - 0.5)
    first_x, first_y = CHROMA_AT[planes.siting.name]
    parts = [levels(each) for each in planes.chroma]
    chroma = np.concatenate(parts, axis=2).astype(float)
    across, down = planes.subsampled
    first_x, first_y = first_x if across == 2 else 0.5, first_y if down == 2 else 0.5
    places = ((x - first_x) / across, (y - first_y) / down)
    pair = [_linear(chroma[..., at], *places) for at in range(2)]
    ycc = np.stack([brightness, *pair], axis=-1)
    rgb = rgb_from(ycc, planes.matrix.name, full_range=planes.full_range)
    return np.asarray(np.clip(rgb, 0.0, 255.0))


def _taken(samples: Values, rows: Any, columns: Any) -> Values:
    """Samples by their numbers, which are clamped to those there are."""
    rows = np.clip(rows, 0, samples.shape[0] - 1).astype(int)
    columns = np.clip(columns, 0, samples.shape[1] - 1).astype(int)
    return np.asarray(samples[np.ix_(rows, columns)])


def _weighted(samples: Values, x: Values, y: Values, weights: Any) -> Values:
    """Weighted sums of the samples around each place; `weights(distance)` of one axis."""
    reach = range(-1, 3)
    base_x, base_y = np.floor(x), np.floor(y)
    total = np.zeros((len(y), len(x)))
    for down in reach:
        for across in reach:
            share = np.outer(weights(y - base_y - down), weights(x - base_x - across))
            total += share * _taken(samples, base_y + down, base_x + across)
    return total


def _linear(samples: Values, x: Values, y: Values) -> Values:
    return _weighted(samples, x, y, lambda distance: np.maximum(0.0, 1.0 - np.abs(distance)))


def _catmull_rom(distance: Values) -> Values:
    """Keys' cubic with a = -0.5."""
    d = np.abs(distance)
    near = 1.5 * d**3 - 2.5 * d**2 + 1.0
    far = -0.5 * d**3 + 2.5 * d**2 - 4.0 * d + 2.0
    return np.asarray(np.where(d < 1.0, near, np.where(d < 2.0, far, 0.0)))


def _sharp(luma: Values, x: Values, y: Values, sharpness: float) -> Values:
    found = _weighted(luma, x - 0.5, y - 0.5, _catmull_rom)
    if sharpness == 0.0:
        return found
    steps = ((-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0))
    around = np.stack([_linear(luma, x - 0.5 + dx, y - 0.5 + dy) for dx, dy in steps])
    # An 8-bit texture cannot hold what overshoots, but the shader's numbers can.
    sharper = found + sharpness * (found - around.mean(axis=0))
    every = np.concatenate([found[None], around])
    return np.asarray(np.clip(sharper, every.min(axis=0), every.max(axis=0)))
