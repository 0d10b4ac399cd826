from __future__ import annotations

import _ctypes
import random
from pathlib import Path

import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from rejoin.media.video import swscale
from rejoin.media.video.swscale import BLOCK, Area, Converter, find, functions, library_files

UNTOUCHED = 0xA5


def noise(width: int, height: int, form: str) -> VideoFrame:
    frame = VideoFrame(width, height, form)
    dice = random.Random(7)
    for plane in frame.planes:
        plane.update(dice.randbytes(plane.buffer_size))
    frame.colorspace = 1
    return frame


def by_pyav(frame: VideoFrame, width: int, height: int) -> list[bytes]:
    """Rows of BGRA, converted by PyAV."""
    scaled = VideoReformatter().reformat(
        frame,
        width,
        height,
        "bgra",
        src_colorspace=Colorspace.ITU709,
        dst_colorspace=Colorspace.ITU709,
        interpolation=Interpolation.BILINEAR,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        threads=1,
    )
    plane = scaled.planes[0]
    data = bytes(plane)
    return [data[y * plane.line_size :][: 4 * width] for y in range(height)]


def drawn(
    frame: VideoFrame, *, spare: int = 0, converter: Converter | None = None
) -> memoryview | None:
    """Draw into memory of exactly the size needed; None if it was not drawn."""
    stride = 4 * (frame.width + spare)
    memory = memoryview(bytearray([UNTOUCHED]) * (stride * frame.height))
    area = Area(memory, 0, stride, frame.width, frame.height, spare)
    done = (converter or Converter()).draw(
        frame, area, colorspace=Colorspace.ITU709, full_range=False
    )
    return memory if done else None


@pytest.mark.parametrize("form", ["yuv420p", "nv12"])
@pytest.mark.parametrize("size", [(320, 180), (192, 109), (640, 2), (16, 1)])
def test_it_draws_the_same_bytes_as_pyav(form: str, size: tuple[int, int]) -> None:
    frame, (width, height) = noise(*size, form), size
    memory = drawn(frame)
    assert memory is not None
    rows = [bytes(memory[y * 4 * width :][: 4 * width]) for y in range(height)]
    assert rows == by_pyav(frame, width, height)


@pytest.mark.parametrize("width", range(150, 150 + BLOCK))
def test_any_width_is_drawn_to_the_last_pixel_and_not_beyond_the_spare(
    width: int,
) -> None:
    frame = VideoFrame(width, 40, "yuv420p")
    for plane, value in zip(frame.planes, (63, 102, 240), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    spare = BLOCK + 4
    memory = drawn(frame, spare=spare)
    assert memory is not None
    for y in range(40):
        row = bytes(memory[y * 4 * (width + spare) :][: 4 * (width + spare)])
        assert all(red > 245 for red in row[2 : 4 * width : 4])
        assert set(row[4 * (width + BLOCK) :]) == {UNTOUCHED}


@pytest.mark.parametrize(
    "area",
    [
        Area(memoryview(bytearray(4 * 66 * 40)), 0, 264, 66, 40, 0),
        Area(memoryview(bytearray(4 * 66 * 40)), 0, 264, 66, 40, BLOCK),
        Area(memoryview(bytearray(4 * 64 * 40 - 1)), 0, 256, 64, 40, 0),
        Area(memoryview(bytearray(4 * 64 * 40)), 4, 256, 64, 40, 0),
        Area(memoryview(bytearray(4 * 64 * 40)), -4, 256, 64, 40, 0),
        Area(memoryview(bytearray(4 * 64 * 40)), 0, 252, 64, 40, 0),
        Area(memoryview(bytearray(64)), 0, 256, 0, 40, 0),
        Area(memoryview(bytearray(64)), 0, 256, 64, -1, 0),
    ],
    ids=["no spare", "row too short", "short", "too late", "before", "rows overlap", "0", "-1"],
)
def test_an_area_that_leaves_its_memory_is_not_drawn(area: Area) -> None:
    assert not area.fits
    frame = noise(max(1, area.width), max(1, area.height), "yuv420p")
    assert not Converter().draw(frame, area, colorspace=Colorspace.ITU709, full_range=False)


def test_an_area_of_another_size_is_not_drawn() -> None:
    area = Area(memoryview(bytearray(4 * 64 * 40)), 0, 256, 64, 40)
    frame = noise(64, 38, "yuv420p")
    assert not Converter().draw(frame, area, colorspace=Colorspace.ITU709, full_range=False)


def test_read_only_memory_is_refused() -> None:
    area = Area(memoryview(bytes(4 * 64 * 40)), 0, 256, 64, 40)
    frame = noise(64, 40, "yuv420p")
    with pytest.raises(TypeError):
        Converter().draw(frame, area, colorspace=Colorspace.ITU709, full_range=False)


def test_one_converter_draws_one_size_and_format_after_another() -> None:
    converter = Converter()
    for form, size in (
        ("yuv420p", (320, 180)),
        ("nv12", (320, 180)),
        ("yuv420p", (192, 108)),
        ("yuv420p", (320, 180)),
    ):
        frame = noise(*size, form)
        memory = drawn(frame, converter=converter)
        assert memory is not None
        assert bytes(memory[: 4 * size[0]]) == by_pyav(frame, *size)[0]


def test_contexts_are_freed_with_their_converter(monkeypatch: pytest.MonkeyPatch) -> None:
    freed: list[int] = []
    calls = functions()
    assert calls is not None
    monkeypatch.setattr(
        swscale._Context, "__del__", lambda context: freed.append(context.pointer), raising=True
    )
    converter = Converter()
    for size in ((64, 36), (64, 36), (128, 72)):
        assert drawn(noise(*size, "yuv420p"), converter=converter) is not None
    assert len(freed) == 1, "the second frame uses the context of the first"
    del converter
    assert len(freed) == 2
    for pointer in freed:
        calls.free_context(pointer)


def test_the_functions_are_found_here() -> None:
    assert functions() is not None
    assert functions() is functions()


def test_they_are_found_in_the_files_beside_pyav() -> None:
    """As on Windows, where PyAV's own module does not lead to them."""
    files = list(library_files())[1:]
    if not files:
        pytest.skip("this PyAV was not installed from a wheel: it has no libraries of its own")
    calls = find(reversed(files))
    assert calls is not None
    memory = drawn(noise(64, 36, "yuv420p"), converter=Converter(calls))
    assert memory is not None


def test_files_without_the_functions_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "swscale.dll").write_bytes(b"MZ")
    useless = [tmp_path / "swscale.dll", tmp_path / "none", Path(_ctypes.__file__)]
    assert find(useless) is None
    assert find([]) is None
    assert find([*useless, *library_files()]) is not None
