"""Opens FFmpeg's H.264 decoder so that each access unit yields its picture without delay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from av.codec.codec import Codec
from av.codec.context import CodecContext, Flags
from av.codec.hwaccel import HWAccel

from rejoin.errors import PeerError
from rejoin.media.receive.h264_parameters import MAX_PIXELS

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext


def hardware_built_in() -> frozenset[str]:
    """The hardware that this build of FFmpeg has H.264 decoders for, present or not.

    PyAV 18.1's wheels: cuda on Linux x86-64 and none on arm64; d3d11va, dxva2, d3d12va and cuda on
    Windows; videotoolbox on macOS. Our packages for Linux (packaging/ffmpeg) have vaapi and cuda.
    """
    configs = Codec("h264", "r").hardware_configs
    return frozenset(config.device_type.name for config in configs if config.is_supported)


def open_codec(hardware: str | None = None) -> VideoCodecContext:
    """A decoder in software (None), or on the hardware with this FFmpeg name.

    Threads decode slices of one picture in parallel. FFmpeg's other mode, several pictures in
    parallel, would delay each by one frame. Hardware returns NV12 pictures in system memory.

    PyAV's own fallback to software is off, because it hides where a picture was decoded
    (`is_hwaccel` only says that a device was opened). Without it `decode` raises an error for
    whatever the hardware cannot do. Raises PeerError if FFmpeg was built without this hardware, and
    PyAV's error if the device cannot be opened.
    """
    if hardware is not None and hardware not in hardware_built_in():
        # PyAV would use other hardware, or software, instead.
        raise PeerError(f"FFmpeg was built without a decoder for H.264 on {hardware}.")
    acceleration = None if hardware is None else HWAccel(hardware, allow_software_fallback=False)
    codec = CodecContext.create("h264", "r", acceleration)
    codec.thread_type = "SLICE"
    codec.thread_count = 2 if acceleration is None else 1
    codec.flags |= Flags.low_delay
    codec.options = {"max_pixels": str(MAX_PIXELS)}
    return codec
