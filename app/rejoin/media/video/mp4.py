"""Writes received access units as an MP4 file, without encoding them again. Pictures only."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final

import av

from rejoin.errors import RejoinError
from rejoin.media.receive.access_units import START_CODE
from rejoin.media.receive.h264_bits import H264SyntaxError
from rejoin.media.receive.h264_parameters import SequenceParameters, read_sps
from rejoin.media.receive.h264_units import SPS, type_of
from rejoin.media.video.kept_units import KeptUnit

CLOCK_HZ: Final = 90_000
_TIME_BASE: Final = Fraction(1, CLOCK_HZ)
_WRAP: Final = 1 << 32
_CANNOT: Final = "The pictures that were received cannot be written as MP4."


def mp4_of(units: Sequence[KeptUnit]) -> bytes:
    """The whole file; the first unit is a key frame. Raises RejoinError.

    The clip lasts as long as its units took to arrive: in a gap the picture stands still.
    """
    found = next(map(_sequence_of, units), None)
    if found is None:
        raise RejoinError(_CANNOT)
    content = io.BytesIO()
    try:
        with av.open(content, "w", format="mp4") as container:
            stream = container.add_mux_stream(
                "h264", rate=60, width=found.width, height=found.height
            )
            stream.time_base = _TIME_BASE
            for unit, (shown, decoded) in zip(units, _times(units), strict=True):
                packet = av.Packet(unit.data)
                packet.stream, packet.time_base = stream, _TIME_BASE
                packet.pts, packet.dts = shown, decoded
                packet.is_keyframe = unit.key
                container.mux(packet)
    except (av.error.FFmpegError, ValueError) as error:
        raise RejoinError(_CANNOT) from error
    return content.getvalue()


def seconds_into(units: Sequence[KeptUnit], at: float) -> float:
    """Where in the file the boot time `at` is."""
    return max(0.0, at - units[0].received_at)


def _sequence_of(unit: KeptUnit) -> SequenceParameters | None:
    for part in unit.data.split(START_CODE):
        if part and type_of(part) == SPS:
            try:
                return read_sps(part)
            except H264SyntaxError:
                return None
    return None


def _times(units: Sequence[KeptUnit]) -> Iterator[tuple[int, int]]:
    """When each picture is shown, and when it is decoded, in units of the clock.

    Within a connection the host's own timestamps count, starting at the arrival of its first
    picture. The decoding times are the sorted showing times, moved early enough.
    """
    shown: list[int] = []
    begin = units[0].received_at
    source, base, first = 0, 0, 0
    for unit in units:
        if unit.source != source:
            source, first = unit.source, unit.rtp_timestamp
            base = max(round((unit.received_at - begin) * CLOCK_HZ), max(shown, default=-1) + 1)
        since = (unit.rtp_timestamp - first + _WRAP // 2) % _WRAP - _WRAP // 2
        shown.append(base + since)
    decoded: list[int] = []
    for at in sorted(shown):
        decoded.append(max(at, decoded[-1] + 1) if decoded else at)
    early = max(when - at for at, when in zip(shown, decoded, strict=True))
    for at, when in zip(shown, decoded, strict=True):
        yield at, when - early
