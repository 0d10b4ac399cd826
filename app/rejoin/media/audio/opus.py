"""Opus to sound, with what is lost made good, by libopus itself where it is found beside PyAV.

FFmpeg decodes packets and nothing else. libopus can also guess what a lost packet held
(concealment) and read the coarse copy of it in the packet after it (in-band FEC, RFC 6716, 2.1.7).
Where it cannot be loaded, lost packets are silence of their length: `repairs` tells.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
from pathlib import Path
from typing import Any

import av
import av.error
from av.audio.codeccontext import AudioCodecContext
from av.codec.context import CodecContext
from av.packet import Packet

SAMPLE_RATE_HZ = 48_000
CHANNELS = 2
BYTES_PER_SAMPLE = CHANNELS * 2
FRAME_SAMPLES = 960
"""20 ms, what senders use; the real length is taken from the packets."""

LONGEST_SAMPLES = 5760
"""120 ms: no packet holds more (RFC 6716, 3.2.5)."""

MOST_CONCEALED = 5
"""Lost packets in a row that are made good; a longer gap is an outage."""


@functools.lru_cache(maxsize=1)
def _library() -> Any:
    """libopus as PyAV's wheels bring it, or the system's; None where there is none."""
    package = Path(av.__file__).parent
    places = [package.with_name("av.libs"), package / ".dylibs"]
    found = [str(path) for place in places if place.is_dir() for path in place.glob("*opus*")]
    system = ctypes.util.find_library("opus")
    for name in [*found, *([system] if system else [])]:
        try:
            library = ctypes.CDLL(name)
            library.opus_decoder_create.restype = ctypes.c_void_p
            library.opus_decoder_create.argtypes = [
                ctypes.c_int32,
                ctypes.c_int,
                ctypes.POINTER(ctypes.c_int),
            ]
            library.opus_decoder_destroy.argtypes = [ctypes.c_void_p]
            library.opus_decode.argtypes = [
                ctypes.c_void_p,
                ctypes.c_char_p,
                ctypes.c_int32,
                ctypes.c_void_p,
                ctypes.c_int,
                ctypes.c_int,
            ]
        except (OSError, AttributeError):
            continue
        return library
    return None


class _Libopus:
    """One decoder of libopus; used on one thread at a time."""

    def __init__(self, library: Any) -> None:
        self._library = library
        error = ctypes.c_int(0)
        self._state = library.opus_decoder_create(SAMPLE_RATE_HZ, CHANNELS, ctypes.byref(error))
        if not self._state or error.value:
            raise ValueError("libopus made no decoder")
        self._room = ctypes.create_string_buffer(LONGEST_SAMPLES * BYTES_PER_SAMPLE)

    def __del__(self) -> None:
        if getattr(self, "_state", None):
            self._library.opus_decoder_destroy(self._state)

    def decode(self, payload: bytes | None, samples: int, *, fec: bool) -> bytes:
        """Samples of a packet; of a lost one without `payload`. Raises ValueError."""
        count = self._library.opus_decode(
            self._state, payload, len(payload or b""), self._room, samples, int(fec)
        )
        if count < 0:
            raise ValueError("not an Opus packet")
        return self._room.raw[: count * BYTES_PER_SAMPLE]


class _Ffmpeg:
    """FFmpeg's decoder, which cannot make good what is lost."""

    def __init__(self) -> None:
        codec = CodecContext.create("libopus", "r")
        assert isinstance(codec, AudioCodecContext)
        codec.format = "s16"
        codec.layout = "stereo"
        codec.sample_rate = SAMPLE_RATE_HZ
        self._codec = codec

    def decode(self, payload: bytes | None, samples: int, *, fec: bool) -> bytes:
        if payload is None or fec:
            return bytes(samples * BYTES_PER_SAMPLE)
        try:
            frames = self._codec.decode(Packet(payload))
        except av.error.FFmpegError:
            raise ValueError("not an Opus packet") from None
        return b"".join(bytes(f.planes[0])[: f.samples * BYTES_PER_SAMPLE] for f in frames)


class OpusDecoder:
    """Opus packets to interleaved 16-bit stereo at 48 kHz."""

    def __init__(self, *, library: Any = ...) -> None:
        """`library`: libopus, None for FFmpeg's decoder; found by itself if not given."""
        self.packets_failed = 0
        self.packets_concealed = 0
        """Lost packets that something was played for."""
        self.total_samples = 0
        """Of each channel: everything that came out, as W3C's totalSamplesReceived."""
        self.concealed_samples = 0
        """Those of them that stand for lost packets, as W3C's concealedSamples."""
        self.packet_samples = 0
        """How long the newest packet was: what is before it in its sound stands for lost ones."""
        found = _library() if library is ... else library
        self.repairs = found is not None
        self._decoder: _Libopus | _Ffmpeg = _Ffmpeg() if found is None else _Libopus(found)
        self._samples = FRAME_SAMPLES

    def decode(self, payload: bytes, *, lost_before: int = 0) -> bytes:
        """Samples of one packet and of up to five lost ones before it; empty if it is not Opus."""
        try:
            made_good = self._made_good(payload, min(lost_before, MOST_CONCEALED))
            sound = self._decoder.decode(payload, LONGEST_SAMPLES, fec=False)
        except ValueError:
            self.packets_failed += 1
            return b""
        self.packet_samples = len(sound) // BYTES_PER_SAMPLE
        self._samples = self.packet_samples or self._samples
        concealed = len(made_good) // BYTES_PER_SAMPLE
        self.concealed_samples += concealed
        self.total_samples += concealed + self.packet_samples
        return made_good + sound

    def _made_good(self, following: bytes, lost: int) -> bytes:
        """The last lost one from the copy in the packet after it, those before by guessing."""
        if lost == 0:
            return b""
        guessed = [self._decoder.decode(None, self._samples, fec=False) for _ in range(lost - 1)]
        copied = self._decoder.decode(following, self._samples, fec=True)
        self.packets_concealed += lost
        return b"".join((*guessed, copied))
