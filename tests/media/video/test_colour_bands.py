"""Each band has its levels everywhere."""

from __future__ import annotations

from rejoin.media.video.colour_bands import BAND_PX, colour_bands


def test_every_band_has_its_levels() -> None:
    colours = [(16, 128, 240), (235, 90, 100)]
    picture = colour_bands(colours, 35)
    assert (picture.width, picture.height) == (2 * BAND_PX, 35)
    for plane, levels in zip(picture.frame.planes, zip(*colours, strict=True), strict=True):
        samples, half = bytes(plane), plane.width // 2
        for at in range(0, plane.line_size * plane.height, plane.line_size):
            assert set(samples[at : at + half]) == {levels[0]}
            assert set(samples[at + half : at + plane.width]) == {levels[1]}
