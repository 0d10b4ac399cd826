"""FFmpeg's H.264 decoder as this client wants it: one picture out of each packet, at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from av.codec.codec import Codec
from av.codec.context import CodecContext, Flags
from av.codec.hwaccel import HWAccel

from rejoin.errors import PeerError

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

MAX_PIXELS = 4096 * 2304
"""The largest picture of H.264 level 5.2. A stream that claims more is refused before anything of
that size is allocated: a decoder may have to keep sixteen of them."""


def hardware_built_in() -> frozenset[str]:
    """Kinds of hardware that this build of FFmpeg has an H.264 decoder for, there or not.

    PyAV 18.1's wheels: cuda on Linux x86-64 and none on arm64; d3d11va, dxva2, d3d12va and cuda on
    Windows; videotoolbox on macOS. One built against a system's FFmpeg may have vaapi.
    """
    configs = Codec("h264", "r").hardware_configs
    return frozenset(config.device_type.name for config in configs if config.is_supported)


def open_codec(hardware: str | None = None) -> VideoCodecContext:
    """A decoder in software, or on the kind of hardware that FFmpeg calls by this name.

    The threads work on the slices of one picture, since FFmpeg's other way, several pictures at
    once, holds each back until the next. From hardware pictures come as NV12 in system memory.

    PyAV's own fallback to software is switched off: with it nothing tells where a picture was
    decoded (`is_hwaccel` says that a device was opened). Without it what the hardware cannot do
    is an error of `decode`. Raises PeerError where FFmpeg was built without this hardware, and what
    PyAV raises where the device cannot be opened.
    """
    if hardware is not None and hardware not in hardware_built_in():
        # PyAV would take any other hardware, or software, in its place.
        raise PeerError(f"FFmpeg was built without a decoder for H.264 on {hardware}.")
    acceleration = None if hardware is None else HWAccel(hardware, allow_software_fallback=False)
    codec = CodecContext.create("h264", "r", acceleration)
    codec.thread_type = "SLICE"
    codec.thread_count = 2 if acceleration is None else 1
    codec.flags |= Flags.low_delay
    codec.options = {"max_pixels": str(MAX_PIXELS)}
    return codec
