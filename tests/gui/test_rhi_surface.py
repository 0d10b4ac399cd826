"""The surface of the graphics card: its colours and places against a reference in floating point.

`python3 dev.py test` runs this under Xvfb, with Mesa's software drivers for OpenGL and Vulkan. No
real card was here.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget

from helpers.card_window import (
    APIS,
    CardWindow,
    card_window,
    flat,
    noise,
    picture_of,
    with_more_chroma,
)
from helpers.float_picture import Levels, Values, drawn, rgb_from
from helpers.window_faces import wait_until
from rejoin.gui import theme
from rejoin.gui.card_api import CardApi
from rejoin.gui.rhi_surface import CardOptions
from rejoin.gui.video_surface import Drawing
from rejoin.media.video.planes import Matrix, PlaneReader, Siting, planes_of
from rejoin.media.video.scale_filter import ScaleFilter

pytestmark = pytest.mark.x11

FLAT_TOLERANCE = 3
"""Of 255; what the issue allows. A card's own rounding is 1."""

EDGE_TOLERANCE = 5
"""Mesa filters textures in 8 bits: Y, Cb and Cr are off by up to 1 each, colours by up to 3.6."""


@pytest.fixture(params=APIS, ids=lambda api: api.value)
def api(request: pytest.FixtureRequest, application: QApplication) -> CardApi:
    found = request.param
    assert isinstance(found, CardApi)
    return found


@pytest.fixture
def window(api: CardApi) -> Iterator[CardWindow]:
    with card_window(CardOptions(api)) as made:
        yield made


def worst(seen: Levels, expected: Values | Levels) -> float:
    """The largest difference of any pixel."""
    return worst_of(seen.astype(float), expected.astype(float))


def worst_of(seen: Values, expected: Values) -> float:
    assert seen.shape == expected.shape
    return float(np.abs(seen - expected).max())


PATCHES = [
    (16, 128, 128),
    (235, 128, 128),
    (126, 128, 128),
    (63, 102, 240),
    (173, 42, 26),
    (32, 240, 118),
    (81, 90, 240),
    (145, 54, 34),
]


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", [1, 6, 9], ids=["bt709", "bt601", "bt2020"])
def test_flat_patches_have_the_colours_of_their_matrix_and_range(
    window: CardWindow, matrix: int, full: bool
) -> None:
    for patch in PATCHES:
        frame = flat(patch)
        frame.colorspace, frame.color_range = matrix, 2 if full else 1
        window.show(picture_of(frame))
        name = Matrix.of(matrix).name
        expected = np.clip(rgb_from(np.array(patch, dtype=float), name, full_range=full), 0, 255)
        seen = window.seen()
        assert worst(seen, np.broadcast_to(expected, seen.shape)) <= FLAT_TOLERANCE, patch


@pytest.mark.parametrize("siting", list(Siting), ids=lambda siting: siting.name)
@pytest.mark.parametrize("nv12", [False, True], ids=["planar", "nv12"])
def test_edges_are_where_the_vui_puts_the_chroma_samples(
    window: CardWindow, siting: Siting, nv12: bool
) -> None:
    """At twice the size; another siting would be off by tens of levels."""
    frame = noise((160, 90), nv12=nv12)
    window.show(picture_of(frame, list(Siting).index(siting)))
    seen = window.seen()
    assert worst(seen, drawn(planes_of(frame, siting=siting), (320, 180))) <= EDGE_TOLERANCE
    other = Siting.BOTTOM if siting is not Siting.BOTTOM else Siting.TOP_LEFT
    assert worst(seen, drawn(planes_of(frame, siting=other), (320, 180))) > 4 * EDGE_TOLERANCE


@pytest.mark.parametrize("siting", [Siting.LEFT, Siting.BOTTOM], ids=lambda siting: siting.name)
@pytest.mark.parametrize("form", ["yuv422p", "yuv444p"])
def test_more_chroma_is_drawn_where_it_is(window: CardWindow, form: str, siting: Siting) -> None:
    """4:4:4 has a chroma sample for each luma sample; 4:2:2 has them on every row."""
    frame = with_more_chroma(form, (160, 90))
    window.show(picture_of(frame, list(Siting).index(siting)))
    seen, planes = window.seen(), planes_of(frame, siting=siting)
    assert worst(seen, drawn(planes, (320, 180))) <= EDGE_TOLERANCE
    halved = planes_of(frame.reformat(format="yuv420p"), siting=siting)
    assert worst(seen, drawn(halved, (320, 180))) > 4 * EDGE_TOLERANCE


@pytest.mark.parametrize(
    ("scale_filter", "sharpness"),
    [
        (ScaleFilter.SMOOTH, 0.0),
        (ScaleFilter.SHARP, 0.0),
        (ScaleFilter.SHARP, 0.5),
        (ScaleFilter.SHARP, 1.0),
        (ScaleFilter.PIXEL, 0.0),
    ],
)
def test_each_filter_is_what_it_is_called(
    api: CardApi, scale_filter: ScaleFilter, sharpness: float
) -> None:
    options = CardOptions(api, Drawing(scale_filter, sharpness))
    with card_window(options, (400, 225)) as window:
        frame = noise((160, 90))
        window.show(picture_of(frame))
        size = (320, 180) if scale_filter is ScaleFilter.PIXEL else (400, 225)
        left, top = (400 - size[0]) // 2, (225 - size[1]) // 2
        seen = window.seen()
        inside = seen[top : top + size[1], left : left + size[0]]
        expected = drawn(planes_of(frame), size, scale_filter, sharpness=sharpness)
        assert worst(inside, expected) <= EDGE_TOLERANCE
        others = [each for each in ScaleFilter if each is not scale_filter]
        for other in others:
            assert worst(inside, drawn(planes_of(frame), size, other)) > 4 * EDGE_TOLERANCE


def test_a_smaller_picture_is_the_mean_of_what_it_covers(window: CardWindow) -> None:
    """Stripes of one sample become grey at a quarter of the size, and nothing flickers through."""
    luma = np.zeros((720, 1280), dtype=np.uint8)
    luma[:, ::2] = 255
    frame = flat((0, 128, 128), (1280, 720))
    stripes = luma.tobytes()
    assert frame.planes[0].line_size == 1280
    frame.planes[0].update(stripes)
    frame.color_range = 2
    window.show(picture_of(frame))
    assert worst(window.seen(), np.full((180, 320, 3), 127.5)) <= EDGE_TOLERANCE


@pytest.mark.parametrize("size", [(320, 180), (319, 179), (3, 3), (321, 183)])
def test_at_its_own_size_no_pixel_is_blended(api: CardApi, size: tuple[int, int]) -> None:
    """Odd sizes too, whose chroma planes are rounded up."""
    with card_window(CardOptions(api), size) as window:
        window.view.setGeometry(0, 0, *size)  # smaller than a window may be
        frame = noise(window.view.device_size())
        window.show(picture_of(frame))
        expected = drawn(planes_of(frame), window.view.device_size())
        assert wait_until(lambda: worst(window.seen(), expected) <= EDGE_TOLERANCE)


def test_what_is_cropped_is_not_seen(window: CardWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = noise((200, 120))
    whole = planes_of(frame)
    part = whole.cropped(8, 6, 160, 90)
    monkeypatch.setattr(PlaneReader, "planes", lambda reader, picture: part)
    window.show(picture_of(frame))
    assert worst(window.seen(), drawn(part, (320, 180))) <= EDGE_TOLERANCE


@pytest.mark.parametrize("size", [(400, 180), (320, 260)])
def test_bars_are_black_and_reach_the_picture(api: CardApi, size: tuple[int, int]) -> None:
    with card_window(CardOptions(api), size) as window:
        window.show(picture_of(flat((235, 128, 128))))
        seen = window.seen()
        target = window.view.target()
        ratio = window.view.devicePixelRatioF()
        left, top = round(target.left() * ratio), round(target.top() * ratio)
        right, bottom = round(target.right() * ratio), round(target.bottom() * ratio)
        expected = np.zeros(seen.shape)
        expected[top:bottom, left:right] = 255
        assert worst(seen, expected) <= 1


def test_the_last_picture_is_dimmed_with_its_bars(window: CardWindow) -> None:
    window.window.resize(400, 180)
    window.view.resize(400, 180)
    ink = theme.colour(theme.INK)
    ground = np.array([ink.red(), ink.green(), ink.blue()], dtype=float)
    window.show(picture_of(flat((235, 128, 128), (320, 180))))
    window.view.dimmed = True
    seen = window.seen()
    share = theme.DIM_OPACITY
    assert worst(seen[90:91, 200:201], (255 * (1 - share) + ground * share)[None, None]) <= 2
    assert worst(seen[90:91, 5:6], (ground * share)[None, None]) <= 2
    window.view.dimmed = False
    assert worst(window.seen()[90:91, 200:201], np.full((1, 1, 3), 255.0)) <= 1


def test_before_the_first_picture_the_background_is_shown(window: CardWindow) -> None:
    ink = theme.colour(theme.INK)
    expected = np.array([ink.red(), ink.green(), ink.blue()], dtype=float)
    seen = window.seen()
    assert worst(seen, np.broadcast_to(expected, seen.shape)) <= 1


def test_a_picture_that_a_newer_one_replaces_before_the_paint_is_counted(
    window: CardWindow,
) -> None:
    painted, uploads = window.view.painted.pictures, window.surface.uploads
    for seed in range(3):
        window.port.slot.put(picture_of(noise((320, 180), seed=seed)))
        window.view.show_newest()
        assert window.view.painted.pictures == painted, "it is painted by Qt's loop, not from here"
    assert wait_until(lambda: window.view.painted.pictures > painted, 60.0)
    assert window.view.painted.pictures == painted + 1
    assert window.surface.uploads == uploads + 1
    assert window.port.slot.replaced == 2


@pytest.mark.parametrize("height", [180, 183])
def test_the_screen_shows_what_was_drawn_and_the_widgets_over_it(api: CardApi, height: int) -> None:
    """Pixel by pixel, at a place in the window that is no whole device pixel at some scales."""
    with card_window(CardOptions(api), (320, height), top=41) as window:
        panel = QWidget(window.window)
        panel.setAutoFillBackground(True)
        panel.setStyleSheet("background: #ff0000")
        panel.setGeometry(40, 41 + 36, 100, 48)
        panel.show()
        size = window.view.device_size()
        frame = noise(size)
        window.show(picture_of(frame))
        expected = drawn(planes_of(frame), size)
        ratio = window.view.devicePixelRatioF()
        left, right, top, bottom = (
            round(each * ratio) for each in (40, 140, 36, 84)
        )  # in the view

        def outside(levels: Levels | Values) -> Values:
            """Without the panel, whose edges may be on parts of pixels, and the last row, half of
            which may be outside of the window."""
            kept = levels[:-1].astype(float)
            kept[top - 2 : bottom + 2, left - 2 : right + 2] = 0
            return kept

        shown = [window.on_screen()]

        def is_right() -> bool:
            shown[0] = window.on_screen()
            return worst_of(outside(shown[0]), outside(expected)) <= EDGE_TOLERANCE

        assert wait_until(is_right), worst_of(outside(shown[0]), outside(expected))
        red = shown[0][top + 2 : bottom - 2, left + 2 : right - 2]
        assert worst(red, np.broadcast_to([255.0, 0.0, 0.0], red.shape)) == 0


@pytest.mark.parametrize("scale", ["1.25", "1.5", "1.75"])
def test_device_pixels_are_exact_at_other_scales(scale: str) -> None:
    """The scale is set per process, so these tests run again in another one."""
    if "QT_SCALE_FACTOR" in os.environ:
        pytest.skip("this is the other process")
    chosen = "screen_shows or own_size or bars"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    done = subprocess.run(
        [*command, "-m", "x11", "-k", chosen],
        env={**os.environ, "QT_SCALE_FACTOR": scale},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "18 passed" in done.stdout


def test_each_picture_is_uploaded_once_and_nothing_is_drawn_without_a_reason(
    window: CardWindow,
) -> None:
    first = picture_of(noise((320, 180)))
    window.show(first)
    uploads, renders = window.surface.uploads, window.surface.renders
    for _ in range(3):
        window.view.dimmed = not window.view.dimmed
        QApplication.processEvents()
    assert window.surface.uploads == uploads
    assert window.surface.renders > renders
    renders = window.surface.renders
    window.surface.set_dim(1.0)
    for _ in range(20):
        QApplication.processEvents()
    assert window.surface.renders == renders
    window.show(picture_of(noise((320, 180), seed=6)))
    assert window.surface.uploads == uploads + 1


def test_nothing_is_drawn_while_the_window_is_hidden(window: CardWindow) -> None:
    window.show(picture_of(noise((320, 180))))
    window.window.hide()
    QApplication.processEvents()
    renders = window.surface.renders
    for seed in range(3):
        window.port.show(picture_of(noise((320, 180), seed=seed)))
        QApplication.processEvents()
    assert window.surface.renders == renders
    window.window.show()
    assert wait_until(lambda: window.surface.renders > renders)


def test_a_picture_is_painted_when_its_frame_was_submitted(window: CardWindow) -> None:
    picture = picture_of(noise((320, 180)))
    counted: list[float] = []
    window.surface.frameSubmitted.connect(lambda: counted.append(window.view.painted.pictures))
    window.show(picture)
    assert counted[-1] == 1, "our own slot ran first, and had waited for the signal"
    assert window.view.painted.took_s > 0.0
    held = window.surface._held
    assert held == []


def test_a_picture_that_cannot_be_read_leaves_the_last_one(
    window: CardWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = picture_of(noise((320, 180)))
    window.show(good)
    before = window.seen()
    monkeypatch.setattr(PlaneReader, "_read", lambda reader, picture: 1 / 0)
    window.port.show(picture_of(noise((320, 180), seed=9)))
    QApplication.processEvents()
    assert window.view.picture is good
    assert worst(window.seen(), before) == 0


def test_pictures_of_other_sizes_follow_one_another(window: CardWindow) -> None:
    for size in ((160, 90), (320, 180), (64, 36), (640, 360), (161, 91)):
        window.show(picture_of(flat((81, 90, 240), size)))
        expected = np.clip(rgb_from(np.array([81, 90, 240.0]), "BT709", full_range=False), 0, 255)
        middle = window.seen()[60:120, 60:260]
        assert worst(middle, np.broadcast_to(expected, middle.shape)) <= FLAT_TOLERANCE


def test_another_card_than_was_probed_fails(window: CardWindow, api: CardApi) -> None:
    window.show(picture_of(noise((320, 180))))
    identity = window.surface.identity
    assert identity is not None
    with card_window(CardOptions(api, expected=identity)) as same:
        same.show(picture_of(noise((320, 180))))
        assert same.failures == []
    other = replace(identity, driver="another one")
    with card_window(CardOptions(api, expected=other)) as changed:
        assert wait_until(lambda: bool(changed.failures))
        assert "probed" in changed.failures[0]


def test_the_identity_names_the_rasteriser(window: CardWindow) -> None:
    window.show(picture_of(noise((320, 180))))
    identity = window.surface.identity
    assert identity is not None
    assert identity.software
    assert "llvmpipe" in identity.device
    assert window.surface.drawn_by == f"the graphics card ({identity.sentence})"


def test_closed_it_holds_no_picture(window: CardWindow) -> None:
    window.show(picture_of(noise((320, 180))))
    surface = window.surface
    surface.close()
    gc.collect()
    assert surface.picture is None
    assert surface._held == []


def test_it_takes_no_input_and_wants_no_prescaled_pictures(window: CardWindow) -> None:
    assert window.surface.testAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    assert window.surface.on_card
    assert window.port.slot.hints.size is None
