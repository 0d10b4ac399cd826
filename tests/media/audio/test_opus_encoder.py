from __future__ import annotations

import random
from array import array

import numpy
import pytest

from helpers.fake_microphone import tone
from rejoin.media.audio.loudness import peak_dbfs
from rejoin.media.audio.opus import OpusDecoder
from rejoin.media.audio.opus_encoder import (
    FRAME_BYTES,
    FRAME_SAMPLES,
    Encoded,
    NoEncoderError,
    OpusEncoder,
)

SILENCE = bytes(FRAME_BYTES)


def encode(encoder: OpusEncoder, frames: list[bytes]) -> list[Encoded]:
    return [encoder.encode(each, peak_dbfs(each)) for each in frames]


def frames_of(count: int, hertz: int = 1000, peak: int = 8000) -> list[bytes]:
    sound = tone(hertz, peak)
    return [sound(at * FRAME_SAMPLES, FRAME_SAMPLES) for at in range(count)]


def mono(sound: bytes) -> numpy.ndarray[tuple[int, ...], numpy.dtype[numpy.float64]]:
    return numpy.frombuffer(sound, dtype=numpy.int16)[::2].astype(float)


def test_a_steady_tone_is_sent_whole_however_long_it_lasts() -> None:
    """libopus alone takes it for background after a second."""
    encoded = encode(OpusEncoder(), frames_of(250))
    assert not any(each.payload is None or each.silent for each in encoded)
    decoder = OpusDecoder()
    heard = mono(b"".join(decoder.decode(each.payload or b"") for each in encoded))[-48_000:]
    spectrum = numpy.abs(numpy.fft.rfft(heard))
    assert int(spectrum.argmax()) == 1000
    assert numpy.sqrt((heard**2).mean()) == pytest.approx(8000 / 2**0.5, rel=0.1)


def test_silence_is_not_sent_but_for_now_and_then() -> None:
    encoder = OpusEncoder()
    encode(encoder, frames_of(10))
    encoded = encode(encoder, [SILENCE] * 200)
    sent = [each for each in encoded if each.payload is not None]
    assert len(sent) <= 25
    assert all(each.silent for each in encoded[20:])
    [voice] = encode(encoder, frames_of(1))
    assert voice.payload is not None
    assert not voice.silent


def test_a_lost_packet_is_in_the_next_one() -> None:
    """In-band FEC: what a decoder makes of the copy is nearer to the sound than a guess."""
    rng = random.Random(2)
    voice = [
        array("h", [round(value * (0.2 + rng.random())) for value in array("h", each)]).tobytes()
        for each in frames_of(40, 220, 12_000)
    ]
    encoded = encode(OpusEncoder(), voice)
    decoder, whole = OpusDecoder(), OpusDecoder()
    for each in encoded[:30]:
        decoder.decode(each.payload or b"")
        whole.decode(each.payload or b"")
    expected = mono(whole.decode(encoded[30].payload or b""))
    got = mono(decoder.decode(encoded[31].payload or b"", lost_before=1))[:960]
    assert float(numpy.corrcoef(expected, got)[0, 1]) > 0.7


def test_it_begins_anew_after_a_pause() -> None:
    encoder = OpusEncoder()
    encode(encoder, [SILENCE] * 50)
    encoder.begin()
    [first] = encode(encoder, frames_of(1))
    assert first.payload is not None
    assert OpusDecoder().decode(first.payload)


def test_a_frame_has_20_ms() -> None:
    with pytest.raises(ValueError, match="960"):
        OpusEncoder().encode(bytes(100), 0.0)


def test_without_libopus_it_is_one_sentence() -> None:
    with pytest.raises(NoEncoderError, match="libopus is missing"):
        OpusEncoder(library=None)
