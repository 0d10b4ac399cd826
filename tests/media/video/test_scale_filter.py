"""The size that a filter gives a picture in a window."""

from __future__ import annotations

import pytest

from rejoin.media.video.scale_filter import Aspect, ScaleFilter, fitted


@pytest.mark.parametrize("scale_filter", list(ScaleFilter))
@pytest.mark.parametrize("size", [(1, 1), (1920, 1080), (640, 361), (7, 5000)])
@pytest.mark.parametrize("into", [(1, 1), (100, 100), (3840, 2160), (37, 1200)])
def test_the_picture_fits_and_is_never_empty(
    scale_filter: ScaleFilter, size: tuple[int, int], into: tuple[int, int]
) -> None:
    width, height = fitted(size, into, scale_filter)
    assert 1 <= width <= into[0]
    assert 1 <= height <= into[1]


@pytest.mark.parametrize(
    ("into", "times"), [((1280, 720), 1), ((2559, 1440), 1), ((2560, 1440), 2)]
)
def test_whole_multiples(into: tuple[int, int], times: int) -> None:
    assert fitted((1280, 720), into, ScaleFilter.PIXEL) == (1280 * times, 720 * times)


def test_other_filters_fill_the_window() -> None:
    assert fitted((1280, 720), (2559, 1440), ScaleFilter.SMOOTH)[0] == 2559
    assert fitted((1280, 720), (2559, 1440), ScaleFilter.SHARP)[0] == 2559


@pytest.mark.parametrize("aspect", list(Aspect))
@pytest.mark.parametrize("scale_filter", list(ScaleFilter))
def test_a_chosen_shape_fits_and_has_its_ratio(aspect: Aspect, scale_filter: ScaleFilter) -> None:
    into = (2560, 1440)
    width, height = fitted((640, 480), into, scale_filter, aspect)
    assert width <= into[0]
    assert height <= into[1]
    assert (width, height) == into or width == into[0] or height == into[1] or not aspect.ratio
    if aspect.ratio is not None:
        assert width / height == pytest.approx(aspect.ratio, rel=0.002)
    elif aspect is Aspect.FILL:
        assert (width, height) == into
    else:
        assert width / height == pytest.approx(4 / 3, rel=0.002)


def test_a_shape_in_a_tiny_view_is_never_empty() -> None:
    for aspect in Aspect:
        assert min(fitted((1280, 720), (1, 1), ScaleFilter.SMOOTH, aspect)) == 1
