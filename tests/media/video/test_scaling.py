from __future__ import annotations

import numpy
import pytest
from av.video.frame import VideoFrame

from rejoin.core.model import ConnectionNumber
from rejoin.media.video import swscale
from rejoin.media.video.picture import Picture
from rejoin.media.video.scale_filter import Aspect, ScaleFilter, fitted
from rejoin.media.video.scaling import Scaler
from rejoin.media.video.swscale import Area

RED = (63, 102, 240)


@pytest.mark.parametrize(
    ("size", "into", "result"),
    [
        ((1280, 720), (1920, 1080), (1920, 1080)),
        ((1280, 720), (1000, 1000), (1000, 562)),
        ((1280, 720), (2000, 720), (1280, 720)),
        ((720, 1280), (1, 1), (1, 1)),
    ],
)
def test_the_aspect_ratio_is_kept(
    size: tuple[int, int], into: tuple[int, int], result: tuple[int, int]
) -> None:
    assert fitted(size, into) == result


class Failures:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def flat(
    yuv: tuple[int, int, int],
    *,
    form: str = "yuv420p",
    matrix: int = 2,
    full: bool = False,
    size: tuple[int, int] = (320, 180),
    on_failed: Failures | None = None,
) -> Picture:
    """A picture of one colour, as decoded in software (yuv420p) or on hardware (nv12)."""
    width, height = size
    luma = numpy.full((height, width), yuv[0], numpy.uint8)
    if form == "nv12":
        chroma = numpy.tile(numpy.array(yuv[1:], numpy.uint8), (height // 2, width // 2))
    else:
        planes = [numpy.full(width * height // 4, value, numpy.uint8) for value in yuv[1:]]
        chroma = numpy.concatenate(planes).reshape(height // 2, width)
    frame = VideoFrame.from_ndarray(numpy.vstack([luma, chroma]), format=form)
    frame.colorspace = matrix
    frame.color_range = 2 if full else 1
    return Picture(
        connection=ConnectionNumber(7),
        frame=frame,
        decoded_at=3.0,
        rtp_timestamp=9000,
        received_at=2.5,
        on_failed=on_failed or Failures(),
    )


@pytest.fixture(params=["swscale", "PyAV"])
def scaler(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Scaler:
    """Both ways: directly with swscale, and through PyAV where swscale is not found."""
    if request.param == "PyAV":
        monkeypatch.setattr(swscale, "functions", lambda: None)
    return Scaler()


@pytest.mark.parametrize("form", ["yuv420p", "nv12"])
@pytest.mark.parametrize(
    ("yuv", "matrix", "full"),
    [
        (RED, 2, False),
        (RED, 1, False),
        ((81, 90, 240), 6, False),
        ((81, 90, 240), 5, False),
        ((54, 99, 255), 1, True),
        ((76, 85, 255), 6, True),
    ],
    ids=["untagged", "709", "601 NTSC", "601 PAL", "709 full", "601 full"],
)
def test_red_is_red_from_software_and_from_hardware(
    scaler: Scaler, form: str, yuv: tuple[int, int, int], matrix: int, full: bool
) -> None:
    picture = flat(yuv, form=form, matrix=matrix, full=full)
    pixels = scaler.pixels(picture, (320, 180))
    assert pixels is not None
    assert (pixels.width, pixels.height) == (320, 180)
    assert pixels.stride * 180 <= len(pixels.data)
    blue, green, red, alpha = pixels.data[:4]
    assert red > 245
    assert green < 10
    assert blue < 10
    assert alpha == 255


def striped(form: str) -> Picture:
    """One column red, the next green, which 4:2:0 would blend; as 4:4:4 video is decoded."""
    width, height = 64, 32
    odd = numpy.arange(width) % 2
    columns = {
        "yuv444p": [(81, 145), (90, 54), (240, 34)],  # BT.601, limited
        "gbrp": [(0, 255), (0, 0), (255, 0)],  # FFmpeg's order of the planes: green, blue, red
    }[form]
    planes = [numpy.where(odd, b, a).astype(numpy.uint8) for a, b in columns]
    frame = VideoFrame(width, height, form)
    for plane, line in zip(frame.planes, planes, strict=True):
        rows = numpy.zeros((height, plane.line_size), numpy.uint8)
        rows[:, :width] = line
        plane.update(rows.tobytes())
    frame.colorspace, frame.color_range = (0, 2) if form == "gbrp" else (6, 1)
    return Picture(
        connection=ConnectionNumber(7),
        frame=frame,
        decoded_at=3.0,
        rtp_timestamp=9000,
        received_at=2.5,
        on_failed=Failures(),
    )


@pytest.mark.parametrize("form", ["yuv444p", "gbrp"])
def test_444_keeps_the_colour_of_each_column(scaler: Scaler, form: str) -> None:
    pixels = scaler.pixels(striped(form), (64, 32))
    assert pixels is not None
    for row in (0, 31):
        for column in range(64):
            at = row * pixels.stride + 4 * column
            blue, green, red = pixels.data[at : at + 3]
            assert (red > 245, green > 245) == (column % 2 == 0, column % 2 == 1)
            assert blue < 10


def test_one_scaler_converts_to_one_size_after_another(scaler: Scaler) -> None:
    for source, size in (
        ((320, 180), (160, 90)),
        ((640, 360), (161, 91)),
        ((320, 180), (7, 500)),
        ((320, 180), (1, 1)),
    ):
        pixels = scaler.pixels(flat(RED, size=source), size)
        assert pixels is not None
        assert (pixels.width, pixels.height) == size
        last = (size[1] - 1) * pixels.stride + (size[0] - 1) * 4
        assert pixels.data[2] > 245
        assert pixels.data[last + 2] > 245


def test_it_draws_the_whole_area_and_nothing_else() -> None:
    memory = memoryview(bytearray(b"\xaa" * 4 * 100 * 50))
    area = Area(memory, offset=4 * (10 * 100 + 20), stride=400, width=64, height=30)
    assert Scaler().draw(flat(RED, size=(64, 30)), area)
    pixels = numpy.frombuffer(memory, numpy.uint8).reshape(50, 100, 4)
    drawn = (pixels != 0xAA).any(axis=2)
    assert drawn[10:40, 20:84].all()
    assert drawn.sum() == 64 * 30
    assert pixels[39, 83, 2] > 245


def test_where_swscale_is_not_found_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swscale, "functions", lambda: None)
    memory = memoryview(bytearray(4 * 64 * 36))
    picture = flat(RED, size=(64, 36))
    assert not Scaler().draw(picture, Area(memory, 0, 256, 64, 36))


def test_an_error_while_drawing_is_not_raised() -> None:
    """Nothing may end the painting thread; here the memory is read-only."""
    memory = memoryview(bytes(4 * 64 * 36))
    picture = flat(RED, size=(64, 36))
    assert not Scaler().draw(picture, Area(memory, 0, 256, 64, 36))


def test_a_picture_that_cannot_be_scaled_is_reported_and_has_no_pixels(scaler: Scaler) -> None:
    failed = Failures()
    picture = flat(RED, on_failed=failed)
    assert scaler.pixels(picture, (0, 0)) is None
    assert failed.count == 1


@pytest.mark.parametrize("view", [None, (320, 180), (320, 999), (400, 180)])
def test_a_picture_that_fits_is_not_prescaled(view: tuple[int, int] | None) -> None:
    picture = flat(RED)
    assert Scaler().prescaled(picture, view) is picture


def test_a_picture_that_does_not_fit_is_prescaled() -> None:
    picture = flat(RED)
    prescaled = Scaler().prescaled(picture, (200, 400))
    assert prescaled.pixels is not None
    assert (prescaled.pixels.width, prescaled.pixels.height) == (200, 112)
    assert prescaled.pixels.data[2] > 245
    assert (prescaled.frame, prescaled.rtp_timestamp) == (picture.frame, 9000)


def test_a_picture_that_cannot_be_prescaled_is_left_to_the_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(scaler: Scaler, frame: VideoFrame, width: int, height: int) -> None:
        raise MemoryError

    monkeypatch.setattr(Scaler, "_pixels", fails)
    failed = Failures()
    picture = flat(RED, on_failed=failed)
    assert Scaler().prescaled(picture, (64, 36)) is picture
    assert failed.count == 0


def test_a_picture_is_prescaled_in_the_chosen_shape() -> None:
    scaled = Scaler().prescaled(flat((128, 128, 128)), (800, 600), ScaleFilter.SMOOTH, Aspect.FILL)
    assert scaled.pixels is not None
    assert (scaled.pixels.width, scaled.pixels.height) == (800, 600)
    square = Scaler().prescaled(
        flat((128, 128, 128)), (800, 600), ScaleFilter.SMOOTH, Aspect.FOUR_THIRDS
    )
    assert square.pixels is not None
    assert (square.pixels.width, square.pixels.height) == (800, 600)
