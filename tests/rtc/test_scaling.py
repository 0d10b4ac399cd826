from __future__ import annotations

import numpy
import pytest
from av.video.frame import VideoFrame

from rejoin.core.model import ConnectionNumber
from rejoin.rtc.picture import Picture
from rejoin.rtc.scaling import DecodedFrame, Scaler, fitted


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ((1280, 720), None, (1280, 720)),
        ((1280, 720), (1920, 1200), (1920, 1080)),
        ((1280, 720), (0, 0), (1280, 720)),
        ((1280, 720), (1, 1), (2, 2)),
        ((1280, 720), (10**6, 10**6), (8192, 4608)),
    ],
)
def test_fitting(
    source: tuple[int, int], target: tuple[int, int] | None, expected: tuple[int, int]
) -> None:
    assert fitted(source, target) == expected


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
) -> DecodedFrame:
    """A frame of one colour, as software (yuv420p) and as hardware (nv12) hands it over."""
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
    return DecodedFrame(
        connection=ConnectionNumber(7),
        frame=frame,
        decoded_at=3.0,
        rtp_timestamp=9000,
        received_at=2.5,
        on_failed=on_failed or Failures(),
    )


@pytest.mark.parametrize("form", ["yuv420p", "nv12"])
@pytest.mark.parametrize(
    ("yuv", "matrix", "full"),
    [
        ((63, 102, 240), 2, False),
        ((63, 102, 240), 1, False),
        ((81, 90, 240), 6, False),
        ((81, 90, 240), 5, False),
        ((54, 99, 255), 1, True),
        ((76, 85, 255), 6, True),
    ],
    ids=["untagged", "709", "601 NTSC", "601 PAL", "709 full", "601 full"],
)
def test_red_is_red_as_software_and_as_hardware_hand_it_over(
    form: str, yuv: tuple[int, int, int], matrix: int, full: bool
) -> None:
    decoded = flat(yuv, form=form, matrix=matrix, full=full)
    blue, green, red, alpha = Scaler().picture(decoded, None).data[:4]
    assert red > 245
    assert green < 10
    assert blue < 10
    assert alpha == 255


def test_a_picture_knows_where_it_comes_from() -> None:
    picture = Scaler().picture(flat((63, 102, 240)), (200, 400))
    assert picture.connection == 7
    assert (picture.width, picture.height) == (200, 112)
    assert (picture.source_width, picture.source_height) == (320, 180)
    assert (picture.decoded_at, picture.received_at) == (3.0, 2.5)
    assert picture.rtp_timestamp == 9000


def test_one_scaler_makes_one_size_after_another() -> None:
    scaler = Scaler()
    sizes = []
    for source, target in (((320, 180), (160, 90)), ((640, 360), (160, 90)), ((320, 180), None)):
        picture = scaler.picture(flat((63, 102, 240), size=source), target)
        sizes.append((picture.width, picture.height))
        assert picture.data[2] > 245
    assert sizes == [(160, 90), (160, 90), (320, 180)]


def test_a_frame_is_scaled_when_somebody_asks_for_its_picture() -> None:
    picture = flat((63, 102, 240)).scaled((64, 64))
    assert isinstance(picture, Picture)
    assert (picture.width, picture.height) == (64, 36)


def test_a_frame_that_cannot_be_scaled_is_told_and_gives_no_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failed = Failures()
    decoded = flat((63, 102, 240), on_failed=failed)

    def fails(scaler: Scaler, decoded: DecodedFrame, target: tuple[int, int] | None) -> Picture:
        raise MemoryError

    monkeypatch.setattr(Scaler, "picture", fails)
    assert decoded.scaled(None) is None
    assert failed.count == 1
