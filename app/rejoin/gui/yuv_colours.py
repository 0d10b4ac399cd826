"""From YCbCr to RGB: the factors that the shader multiplies samples by. Pure."""

from __future__ import annotations

from rejoin.media.video.planes import Matrix

Row = tuple[float, float, float, float]
"""Factors of Y, Cb and Cr, and what is added; samples and result are 0 to 1."""


def rgb_rows(matrix: Matrix, *, full_range: bool) -> tuple[Row, Row, Row]:
    """The rows for red, green and blue; 8 bits a sample (ITU-T H.273, 8.3, with 8-bit levels)."""
    red_weight, blue_weight = matrix.value
    green_weight = 1.0 - red_weight - blue_weight
    luma_from, luma_scale, chroma_scale = 16.0 / 255.0, 255.0 / 219.0, 255.0 / 224.0
    if full_range:
        luma_from, luma_scale, chroma_scale = 0.0, 1.0, 1.0
    of_blue = 2.0 * (1.0 - blue_weight) * chroma_scale
    of_red = 2.0 * (1.0 - red_weight) * chroma_scale

    def row(cb: float, cr: float) -> Row:
        return luma_scale, cb, cr, -luma_scale * luma_from - (cb + cr) * 128.0 / 255.0

    return (
        row(0.0, of_red),
        row(-of_blue * blue_weight / green_weight, -of_red * red_weight / green_weight),
        row(of_blue, 0.0),
    )
