"""Decodes Opus and conceals lost packets, with the libopus that PyAV brings.

FFmpeg's decoder only decodes packets. libopus can also guess the sound of a lost packet
(concealment), and decode the coarse copy of it that is in the next packet (in-band FEC, RFC 6716,
2.1.7). Where libopus cannot be loaded, lost packets become silence of their length; `conceals` says
which.
"""

from __future__ import annotations

import ctypes
from typing import Any

import av.error
from av.audio.codeccontext import AudioCodecContext
from av.codec.context import CodecContext
from av.packet import Packet

from rejoin.media.audio.opus_library import libopus

SAMPLE_RATE_HZ = 48_000
CHANNELS = 2
BYTES_PER_SAMPLE = CHANNELS * 2
FRAME_SAMPLES = 960
"""20 ms, the usual length; the actual length is taken from the packets."""

MAX_PACKET_SAMPLES = 5760
"""120 ms, the longest packet (RFC 6716, 3.2.5)."""

MAX_CONCEALED_SAMPLES = 4800
"""How much lost sound in a row is concealed: 100 ms, and at least one packet. A longer gap is an
outage."""


def _library() -> Any:
    """libopus, ready for decoders; None if there is none."""
    library = libopus()
    if library is not None:
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
    return library


class _Libopus:
    """A libopus decoder, for one thread at a time."""

    def __init__(self, library: Any) -> None:
        self._library = library
        error = ctypes.c_int(0)
        self._state = library.opus_decoder_create(SAMPLE_RATE_HZ, CHANNELS, ctypes.byref(error))
        if not self._state or error.value:
            raise ValueError("libopus could not create a decoder")
        self._buffer = ctypes.create_string_buffer(MAX_PACKET_SAMPLES * BYTES_PER_SAMPLE)

    def __del__(self) -> None:
        if getattr(self, "_state", None):
            self._library.opus_decoder_destroy(self._state)

    def decode(self, payload: bytes | None, samples: int, *, fec: bool) -> bytes:
        """Samples of a packet; `payload` None conceals a lost one. Raises ValueError."""
        count = self._library.opus_decode(
            self._state, payload, len(payload or b""), self._buffer, samples, int(fec)
        )
        if count < 0:
            raise ValueError("not an Opus packet")
        return self._buffer.raw[: count * BYTES_PER_SAMPLE]


class _Ffmpeg:
    """FFmpeg's decoder, which cannot conceal lost packets: it returns silence for them."""

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
        """`library`: libopus, or None for FFmpeg's decoder; found automatically by default."""
        self.packets_failed = 0
        self.packets_concealed = 0
        """Lost packets for which sound was returned, if only silence."""
        self.total_samples = 0
        """Samples per channel of everything returned (W3C: totalSamplesReceived)."""
        self.concealed_samples = 0
        """The part of it that stands in for lost packets (W3C: concealedSamples)."""
        self.packet_samples = 0
        """Samples of the newest packet alone, without those that stand in for lost ones."""
        found = _library() if library is ... else library
        self.conceals = found is not None
        """Whether lost packets are concealed, and not just silent."""
        self._decoder: _Libopus | _Ffmpeg = _Ffmpeg() if found is None else _Libopus(found)
        self._samples = FRAME_SAMPLES

    def decode(self, payload: bytes, *, lost_before: int = 0) -> bytes:
        """Samples for 100 ms of lost packets, then of this packet; empty if it is not Opus.

        A packet without payload has no sound: the buffered sound plays on.
        """
        try:
            most = max(1, MAX_CONCEALED_SAMPLES // self._samples)
            concealment = self._conceal(payload, min(lost_before, most))
            sound = self._decoder.decode(payload, MAX_PACKET_SAMPLES, fec=False) if payload else b""
        except ValueError:
            self.packets_failed += 1
            return b""
        self.packet_samples = len(sound) // BYTES_PER_SAMPLE
        self._samples = self.packet_samples or self._samples
        concealed = len(concealment) // BYTES_PER_SAMPLE
        self.concealed_samples += concealed
        self.total_samples += concealed + self.packet_samples
        return concealment + sound

    def _conceal(self, following: bytes, lost: int) -> bytes:
        """Guess all lost packets but the last, which is decoded from its copy in `following`."""
        if lost == 0:
            return b""
        copies = 1 if following else 0
        sound = [self._decoder.decode(None, self._samples, fec=False) for _ in range(lost - copies)]
        if copies:
            sound.append(self._decoder.decode(following, self._samples, fec=True))
        self.packets_concealed += lost
        return b"".join(sound)
