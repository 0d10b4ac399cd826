"""Whether one kind of hardware decodes H.264 here as software does: `python -m`, then its name.

A program of its own, since a driver that crashes or hangs takes its process with it. It decodes a
few pictures, made on the spot, in hardware and in software, and compares. It ends with 0 when the
hardware can be used; else with 1 and one sentence on standard output.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from av.codec.context import CodecContext
from av.packet import Packet
from av.video.frame import VideoFrame

from rejoin.errors import RejoinError
from rejoin.media.video.codec_context import open_codec

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

SIZES = ((1920, 1080), (1280, 720))
"""One after the other, as when a stream changes its size; the first is no multiple of 16."""

PICTURES = 5
"""Of each size."""

TOLERANCE = 2
"""By how much a sample may differ from software's. H.264 leaves no room at all; a driver that
improves what it decodes by a little is not refused for that."""

SLOWEST_S = 0.008
"""A picture may take so long, decoded and downloaded (median): half its time at 60 a second. PyAV
18 holds the GIL while it downloads, so that a slow one would hold up the network and the window.
Chosen, not measured."""

SLOWEST_OPENING_S = 0.1
"""The device may take so long to open, the second time: each reconnect opens it again, and PyAV
holds the GIL meanwhile. Chosen, not measured."""


def refusal(
    open_hardware: Callable[[], VideoCodecContext], clock: Callable[[], float] = time.perf_counter
) -> str | None:
    """Why this hardware is not to be used, in a few words; None when it may be."""
    try:
        open_hardware()
        began = clock()
        hardware = open_hardware()
        opening_s = clock() - began
    except RejoinError as error:
        return str(error).rstrip(".")
    except Exception as error:
        return f"it cannot be opened ({type(error).__name__})"
    if opening_s > SLOWEST_OPENING_S:
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
            return "it does not give one picture for each packet"
        if not alike(frames[0], expected):
            return "its pictures are not those that software decodes"
    median_s = statistics.median(took_s)
    if median_s > SLOWEST_S:
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


def clip() -> Iterator[bytes]:
    """Access units of a small game: each size begins with a key frame. Made with x264."""
    for width, height in SIZES:
        codec = CodecContext.create("libx264", "w")
        codec.width, codec.height = width, height
        codec.pix_fmt = "yuv420p"
        codec.time_base = Fraction(1, 60)
        codec.options = {"tune": "zerolatency", "preset": "superfast", "profile": "high"}
        for number in range(PICTURES):
            for packet in codec.encode(_painted(width, height, number)):
                yield bytes(packet)


def _painted(width: int, height: int, number: int) -> VideoFrame:
    """Stripes that lean and move, with another texture in each plane."""
    frame = VideoFrame(width, height, "yuv420p")
    for index, plane in enumerate(frame.planes):
        texture = bytes(40 + abs(128 - step) + (9 + index) * (step // 5 % 3) for step in range(256))
        endless = texture * (plane.line_size // 256 + 2)
        starts = ((row * (3 - index) + number * 5) % 256 for row in range(plane.height))
        plane.update(b"".join(endless[start : start + plane.line_size] for start in starts))
    frame.pts = number
    return frame


def main(arguments: list[str]) -> int:
    """The program. `arguments`: the hardware, as FFmpeg calls it."""
    (hardware,) = arguments
    why = refusal(lambda: open_codec(hardware))
    if why is not None:
        print(why)
    return 0 if why is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
