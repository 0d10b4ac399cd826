"""A program that tests if hardware decodes H.264 as software does: `python -m` and FFmpeg's name.

It is a separate process because a driver that crashes or hangs takes its process down. It decodes a
few pictures that come with Rejoin, in hardware and in software, and compares. The exit code is 0 if
the hardware can be used; else 1, with one sentence on standard output.
"""

from __future__ import annotations

import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from av.packet import Packet
from av.video.frame import VideoFrame

from rejoin import assets
from rejoin.errors import RejoinError
from rejoin.media.video.codec_context import open_codec

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

SIZES = ((1920, 1080), (1280, 720))
"""Two sizes, as when a stream changes its size; the first is not a multiple of 16."""

PICTURES = 5
"""Per size."""

DELIMITER: Final = b"\x00\x00\x00\x01\x09"
"""Begins each access unit of the files (ITU-T H.264, 7.3.2.4); inside of one it cannot occur."""

TOLERANCE = 2
"""How much a sample may differ from software's. H.264 allows no difference, but a driver that
post-processes pictures slightly is not refused for that."""

MAX_PICTURE_S = 0.008
"""Longest time per picture for decoding and download (median): half a frame at 60 fps. PyAV 18
holds the GIL during the download, so a slow one would hold up network and window. Chosen, not
measured."""

MAX_OPENING_S = 0.1
"""Longest time to open the device the second time: each reconnect opens it again, and PyAV holds
the GIL meanwhile. Chosen, not measured."""


def refusal(
    open_hardware: Callable[[], VideoCodecContext], clock: Callable[[], float] = time.perf_counter
) -> str | None:
    """Why not to use this hardware, in a few words; None if it can be used."""
    try:
        open_hardware()
        began = clock()
        hardware = open_hardware()
        opening_s = clock() - began
    except RejoinError as error:
        return str(error).rstrip(".")
    except Exception as error:
        return f"it cannot be opened ({type(error).__name__})"
    if opening_s > MAX_OPENING_S:
        return f"it is slow to open ({opening_s * 1000:.0f} ms)"
    software, took_s = open_codec(), []
    for packet in clip():
        [expected] = software.decode(Packet(packet))
        began = clock()
        try:
            frames = hardware.decode(Packet(packet))
        except Exception as error:
            return f"it cannot decode ({type(error).__name__})"
        took_s.append(clock() - began)
        if len(frames) != 1:
            return "it does not return one picture for each packet"
        if not alike(frames[0], expected):
            return "its pictures differ from those decoded in software"
    median_s = statistics.median(took_s)
    if median_s > MAX_PICTURE_S:
        return f"it is slow ({median_s * 1000:.0f} ms a picture)"
    return None


def alike(one: VideoFrame, other: VideoFrame) -> bool:
    """Whether two frames have the same size and nearly the same samples."""
    if (one.width, one.height) != (other.width, other.height):
        return False
    one, other = one.reformat(format="yuv420p"), other.reformat(format="yuv420p")
    return all(
        ours == theirs or max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) <= TOLERANCE
        for ours, theirs in zip(_rows(one), _rows(other), strict=True)
    )


def _rows(frame: VideoFrame) -> Iterator[bytes]:
    for plane in frame.planes:
        samples = bytes(plane)
        for start in range(0, plane.line_size * plane.height, plane.line_size):
            yield samples[start : start + plane.width]


def name_of(size: tuple[int, int]) -> str:
    """The asset with the pictures of this size: stripes that move, encoded with x264 by
    tests/helpers/moving_pattern.py, in slices and with predictions as a game's pictures have."""
    return f"selftest/moving-{size[1]}.h264"


def clip() -> Iterator[bytes]:
    """Access units; each size starts with a key frame. Raises AssetMissingError."""
    for size in SIZES:
        stream = assets.path(name_of(size)).read_bytes()
        yield from re.split(b"(?=" + re.escape(DELIMITER) + b")", stream)[1:]


def main(arguments: list[str]) -> int:
    """The program. `arguments`: FFmpeg's name of the hardware."""
    (hardware,) = arguments
    why = refusal(lambda: open_codec(hardware))
    if why is not None:
        print(why)
    return 0 if why is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
