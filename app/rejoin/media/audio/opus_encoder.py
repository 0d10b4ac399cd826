"""Encodes a voice as Opus: 48 kHz, mono, 20 ms, with in-band FEC, and silence that is not sent.

libopus is used by ctypes (`opus_library`), because PyAV's encoder ignores `dtx`: discontinuous
transmission, in which libopus says that a frame need not be sent (RFC 7587, 3.1.3).
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any, Final

from rejoin.errors import RejoinError
from rejoin.media.audio.opus_library import libopus

SAMPLE_RATE_HZ: Final = 48_000
FRAME_SAMPLES: Final = 960
"""20 ms."""
FRAME_BYTES: Final = FRAME_SAMPLES * 2

BITRATE_BPS: Final = 32_000
"""Fullband speech in mono (RFC 7587, 3.1.1: 28 to 40 kbit/s)."""
EXPECTED_LOSS_PERCENT: Final = 10
"""libopus adds the coarse copy of a frame to the next one only where it expects loss."""
COMPLEXITY: Final = 5
"""Complexity, 0 to 10; PyAV's default is 10. The cost of a frame: tests/bench/bench_microphone."""

QUIET_DBFS: Final = -40.0
"""Only sound quieter than this may count as silence: after a second libopus takes even a loud
steady tone for background (measured: libopus 1.6.1)."""

_NOT_SENT_BYTES: Final = 2
"""A packet of at most this many bytes need not be sent (opus.h, opus_encode)."""
_MOST_BYTES: Final = 1276
"""The longest frame (RFC 6716, 3.2.1), with its first byte."""

_VOIP: Final = 2048
_RESET_STATE: Final = 4028
_SET_BITRATE, _SET_COMPLEXITY, _SET_INBAND_FEC = 4002, 4010, 4012
_SET_PACKET_LOSS_PERC, _SET_DTX, _SET_SIGNAL, _GET_IN_DTX = 4014, 4016, 4024, 4049
_VOICE: Final = 3001
"""opus_defines.h"""


class NoEncoderError(RejoinError):
    """There is no libopus that encodes."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One frame of 20 ms. `payload`: None: it is silence and need not be sent. `silent`: libopus
    heard no voice: such a frame is sent only now and then, so that the other side knows the
    background."""

    payload: bytes | None
    silent: bool


class OpusEncoder:
    """16-bit samples to Opus packets, for one thread at a time. Raises NoEncoderError."""

    def __init__(self, *, bitrate_bps: int = BITRATE_BPS, library: Any = ...) -> None:
        """`library`: libopus; found automatically by default."""
        self._state: int | None = None
        self._library = libopus() if library is ... else library
        if self._library is None:
            raise NoEncoderError("The microphone cannot be used: libopus is missing.")
        _declare(self._library)
        error = ctypes.c_int(0)
        self._state = self._library.opus_encoder_create(
            SAMPLE_RATE_HZ, 1, _VOIP, ctypes.byref(error)
        )
        if not self._state or error.value:
            raise NoEncoderError("The microphone cannot be used: libopus does not encode.")
        self._buffer = ctypes.create_string_buffer(_MOST_BYTES)
        for request, value in (
            (_SET_BITRATE, bitrate_bps),
            (_SET_COMPLEXITY, COMPLEXITY),
            (_SET_SIGNAL, _VOICE),
            (_SET_INBAND_FEC, 1),
            (_SET_PACKET_LOSS_PERC, EXPECTED_LOSS_PERCENT),
            (_SET_DTX, 1),
        ):
            if self._library.opus_encoder_ctl(self._state, request, ctypes.c_int32(value)) != 0:
                raise NoEncoderError("The microphone cannot be used: libopus is too old.")

    def __del__(self) -> None:
        if self._state:
            self._library.opus_encoder_destroy(self._state)

    def begin(self) -> None:
        """Start anew: the next frame does not continue the last one."""
        self._library.opus_encoder_ctl(self._state, _RESET_STATE)

    def encode(self, samples: bytes, dbfs: float) -> Encoded:
        """`samples`: `FRAME_BYTES` of 16-bit mono. `dbfs`: their peak. Raises ValueError."""
        if len(samples) != FRAME_BYTES:
            raise ValueError("a frame has 960 samples")
        quiet = ctypes.c_int32(dbfs < QUIET_DBFS)
        self._library.opus_encoder_ctl(self._state, _SET_DTX, quiet)
        size = self._library.opus_encode(
            self._state, samples, FRAME_SAMPLES, self._buffer, _MOST_BYTES
        )
        if size < 0:
            raise ValueError("libopus cannot encode this")
        silent = ctypes.c_int32(0)
        self._library.opus_encoder_ctl(self._state, _GET_IN_DTX, ctypes.byref(silent))
        payload = None if size <= _NOT_SENT_BYTES else self._buffer.raw[:size]
        return Encoded(payload, payload is None or bool(silent.value))


def _declare(library: Any) -> None:
    library.opus_encoder_create.restype = ctypes.c_void_p
    library.opus_encoder_create.argtypes = [
        ctypes.c_int32,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.POINTER(ctypes.c_int),
    ]
    library.opus_encoder_destroy.argtypes = [ctypes.c_void_p]
    library.opus_encode.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_void_p,
        ctypes.c_int32,
    ]
    # Without the third: it is variadic, which has a calling convention of its own on some systems.
    library.opus_encoder_ctl.argtypes = [ctypes.c_void_p, ctypes.c_int]
