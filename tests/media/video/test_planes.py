"""A picture's planes: the decoder's own memory, with what its samples mean."""

from __future__ import annotations

import numpy as np
import pytest
from av.video.frame import VideoFrame

from helpers.flat_video import encoded
from rejoin.core.model import ConnectionNumber
from rejoin.media.receive.jitter_buffer import EncodedFrame
from rejoin.media.video.codec import H264Codec
from rejoin.media.video.codec_context import open_codec
from rejoin.media.video.picture import FailureCount, Picture
from rejoin.media.video.planes import Matrix, Plane, PlaneReader, Planes, Siting, planes_of


def of(frame: VideoFrame, chroma_location: int = 0) -> Picture:
    return Picture(ConnectionNumber(1), frame, 0.0, 0, 0.0, chroma_location=chroma_location)


def read(picture: Picture) -> Planes:
    planes = PlaneReader().planes(picture)
    assert planes is not None
    return planes


def samples(plane: Plane) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The samples that are used, as height x width (x channels)."""
    rows = np.frombuffer(plane.data, dtype=np.uint8)
    used = plane.width * plane.channels
    starts = range(0, plane.stride * plane.height, plane.stride)
    found = np.stack([rows[start : start + used] for start in starts])
    return found if plane.channels == 1 else found.reshape(plane.height, plane.width, -1)


def noise(width: int, height: int, form: str = "yuv420p") -> VideoFrame:
    frame = VideoFrame(width, height, form)
    random = np.random.default_rng(4)
    for plane in frame.planes:
        size = plane.line_size * plane.height
        plane.update(random.integers(0, 256, size, dtype=np.uint8).tobytes())
    return frame


def test_the_planes_are_the_decoders_own_memory() -> None:
    frame = noise(70, 40)
    planes = read(of(frame))
    before = samples(planes.luma)[0, 0]
    target = memoryview(frame.planes[0])
    assert planes.luma.stride == frame.planes[0].line_size > 70
    changed = bytes([before ^ 255]) + bytes(target)[1:]
    frame.planes[0].update(changed)
    assert samples(planes.luma)[0, 0] == before ^ 255, "it is not a copy"


@pytest.mark.parametrize("size", [(64, 32), (63, 31), (1, 1), (2, 3)])
def test_chroma_of_odd_sizes_is_rounded_up(size: tuple[int, int]) -> None:
    planes = read(of(noise(*size)))
    half = ((size[0] + 1) // 2, (size[1] + 1) // 2)
    assert [(each.width, each.height) for each in planes.chroma] == [half, half]
    assert (planes.width, planes.height) == size


@pytest.mark.parametrize(
    ("form", "sizes", "full"),
    [
        ("yuv422p", (32, 31), False),
        ("yuv444p", (63, 31), False),
        ("yuvj422p", (32, 31), True),
        ("yuvj444p", (63, 31), True),
    ],
)
def test_more_chroma_is_passed_on(form: str, sizes: tuple[int, int], full: bool) -> None:
    planes = read(of(noise(63, 31, form)))
    assert [(each.width, each.height) for each in planes.chroma] == [sizes, sizes]
    assert planes.full_range is full
    part = planes.cropped(2, 3, 33, 21)
    across, down = planes.subsampled
    wide = -(-33 // across)
    expected = samples(planes.chroma[0])[3:24, 2 // across : 2 // across + wide]
    assert down == 1
    assert np.array_equal(samples(part.chroma[0]), expected)


def test_nv12_has_one_plane_of_both() -> None:
    frame = noise(64, 32).reformat(format="nv12")
    planes = read(of(frame))
    assert planes.interleaved
    [both] = planes.chroma
    expected = frame.reformat(format="yuv420p")
    first, second = (samples(each) for each in planes_of(expected).chroma)
    assert np.array_equal(samples(both)[..., 0], first)
    assert np.array_equal(samples(both)[..., 1], second)


@pytest.mark.parametrize(
    ("coefficients", "matrix"),
    [
        (1, Matrix.BT709),
        (5, Matrix.BT601),
        (6, Matrix.BT601),
        (9, Matrix.BT2020),
        (2, Matrix.BT709),
    ],
)
@pytest.mark.parametrize("full", [False, True, None])
def test_matrix_and_range_come_from_the_stream(
    coefficients: int, matrix: Matrix, full: bool | None
) -> None:
    [first] = encoded(1, matrix=coefficients, full=full)
    planes = read(of(decoded(first)))
    assert planes.matrix is matrix
    assert planes.full_range is bool(full)


def decoded(frame: EncodedFrame) -> VideoFrame:
    [found] = H264Codec(open_codec(), None).decode(frame)
    return found


def test_an_untagged_stream_is_bt709_limited_and_left_sited() -> None:
    planes = read(of(decoded(encoded(1)[0])))
    assert (planes.matrix, planes.full_range, planes.siting) == (Matrix.BT709, False, Siting.LEFT)


def test_the_siting_is_that_of_the_stream() -> None:
    found = [read(of(noise(4, 4), location)).siting for location in range(7)]
    assert found == [*Siting, Siting.LEFT]


def test_other_formats_are_converted() -> None:
    grey = VideoFrame.from_ndarray(np.full((20, 30), 100, dtype=np.uint8), format="gray")
    planes = read(of(grey))
    assert {int(value) for each in planes.chroma for value in samples(each).ravel()} <= {127, 128}


def test_a_picture_that_cannot_be_read_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = FailureCount()
    picture = Picture(ConnectionNumber(1), noise(4, 4), 0.0, 0, 0.0, on_failed=failures)
    monkeypatch.setattr(PlaneReader, "_read", lambda reader, picture: 1 / 0)
    assert PlaneReader().planes(picture) is None
    assert failures.count == 1


def test_a_part_is_in_the_same_memory() -> None:
    planes = read(of(noise(70, 40)))
    part = planes.cropped(4, 2, 33, 21)
    assert np.array_equal(samples(part.luma), samples(planes.luma)[2:23, 4:37])
    for own, whole in zip(part.chroma, planes.chroma, strict=True):
        assert np.array_equal(samples(own), samples(whole)[1:12, 2:19])
    both = read(of(noise(70, 40).reformat(format="nv12")))
    assert np.array_equal(
        samples(both.cropped(4, 2, 33, 21).chroma[0]), samples(both.chroma[0])[1:12, 2:19]
    )


@pytest.mark.parametrize(
    "part",
    [(1, 0, 4, 4), (0, 3, 4, 4), (-2, 0, 4, 4), (0, 0, 71, 4), (60, 0, 12, 4), (0, 38, 4, 4)],
)
def test_what_is_no_part_is_refused(part: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="not a part"):
        read(of(noise(70, 40))).cropped(*part)
