from __future__ import annotations

import numpy
import pytest
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.codec.context import CodecContext
from hypothesis import given
from hypothesis import strategies as st

from rejoin.media.audio.opus import BYTES_PER_SAMPLE, FRAME_SAMPLES, OpusDecoder

FRAME_BYTES = FRAME_SAMPLES * BYTES_PER_SAMPLE
COUNT = 40


def encoded(**options: str) -> list[bytes]:
    """Packets of 20 ms of a rising tone."""
    encoder = CodecContext.create("libopus", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate = 48_000
    encoder.layout = "stereo"
    encoder.format = "s16"
    encoder.bit_rate = 32_000
    encoder.options = {"frame_duration": "20", **options}
    steps = numpy.linspace(0.03, 0.06, FRAME_SAMPLES * COUNT)
    tone = (numpy.sin(numpy.cumsum(steps)) * 10_000).astype(numpy.int16).repeat(2)
    packets = []
    for start in range(0, tone.size, FRAME_SAMPLES * 2):
        piece = tone[start : start + FRAME_SAMPLES * 2].reshape(1, -1)
        frame = AudioFrame.from_ndarray(piece, "s16", "stereo")
        frame.sample_rate = 48_000
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


def error(heard: bytes, expected: bytes) -> float:
    """The difference of two sounds of one length: 0 is none, 1 that of silence."""
    a, b = (numpy.frombuffer(each, dtype=numpy.int16).astype(float) for each in (heard, expected))
    return float(numpy.abs(a - b).sum() / numpy.abs(b).sum())


@pytest.fixture(params=["libopus", "ffmpeg"])
def decoder(request: pytest.FixtureRequest) -> OpusDecoder:
    return OpusDecoder() if request.param == "libopus" else OpusDecoder(library=None)


def test_pyavs_wheels_bring_libopus() -> None:
    assert OpusDecoder().conceals
    assert not OpusDecoder(library=None).conceals


def test_packets_become_stereo_samples_and_garbage_becomes_nothing(decoder: OpusDecoder) -> None:
    heard = b"".join(decoder.decode(packet) for packet in encoded())
    assert COUNT * FRAME_BYTES - 4000 <= len(heard) <= COUNT * FRAME_BYTES
    assert numpy.abs(numpy.frombuffer(heard, dtype=numpy.int16)).max() > 5_000
    for garbage in (b"\xff", b"\xff" * 50):
        assert decoder.decode(garbage) == b""
    assert decoder.packets_failed == 2


def test_a_lost_packet_is_replaced_by_sound_of_its_length(decoder: OpusDecoder) -> None:
    packets = encoded()
    for packet in packets[:10]:
        decoder.decode(packet)
    assert len(decoder.decode(packets[13], lost_before=3)) == 4 * FRAME_BYTES
    assert len(decoder.decode(packets[30], lost_before=16)) == 6 * FRAME_BYTES, (
        "a longer gap is an outage"
    )
    assert decoder.packets_concealed == 8
    assert decoder.concealed_samples == 8 * FRAME_SAMPLES
    assert decoder.packet_samples == FRAME_SAMPLES


def test_with_one_packet_in_a_hundred_lost_the_sound_keeps_its_length(decoder: OpusDecoder) -> None:
    """48,000 samples per second, of which 20 ms stand in for each lost packet."""
    heard = lost = 0
    packets = encoded()
    for n in range(1000):
        if n % 100 == 50:
            lost += 1
            continue
        sound = decoder.decode(packets[n % 30], lost_before=int(n % 100 == 51))
        heard += len(sound)
    assert heard == decoder.total_samples * BYTES_PER_SAMPLE
    # the first packet is shorter by the codec's warm-up
    assert 1000 * FRAME_SAMPLES - 1000 <= decoder.total_samples <= 1000 * FRAME_SAMPLES
    assert decoder.concealed_samples == lost * FRAME_SAMPLES


def test_a_lost_packet_is_guessed() -> None:
    packets = encoded()
    decoder, whole = OpusDecoder(), OpusDecoder()
    for packet in packets[:20]:
        decoder.decode(packet)
        whole.decode(packet)
    expected = whole.decode(packets[20])
    guessed = decoder.decode(packets[21], lost_before=1)[:FRAME_BYTES]
    assert error(guessed, expected) < 1.0, "better than silence"
    assert numpy.abs(numpy.frombuffer(guessed, dtype=numpy.int16)).max() > 1_000


def test_in_band_fec_is_better_than_a_guess() -> None:
    """Only speech modes carry the copy (LBRR)."""
    with_copy = encoded(application="voip", fec="1", packet_loss="30")
    errors = []
    for with_fec in (True, False):
        decoder, whole = OpusDecoder(), OpusDecoder()
        for packet in with_copy[:20]:
            decoder.decode(packet)
            whole.decode(packet)
        expected = whole.decode(with_copy[20])
        if with_fec:
            replacement = decoder.decode(with_copy[21], lost_before=1)[:FRAME_BYTES]
        else:
            replacement = decoder._decoder.decode(None, FRAME_SAMPLES, fec=False)
        errors.append(error(replacement, expected))
    assert errors[0] < 0.6 * errors[1]


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=60), st.integers(0, 9)), max_size=20))
def test_no_packet_breaks_the_decoder(packets: list[tuple[bytes, int]]) -> None:
    decoder = OpusDecoder()
    for payload, lost in packets:
        sound = decoder.decode(payload, lost_before=lost)
        assert len(sound) % BYTES_PER_SAMPLE == 0
        assert len(sound) <= 6 * 5760 * BYTES_PER_SAMPLE


DURATIONS_MS = (2.5, 5, 10, 20, 40, 60, 80, 100, 120)
"""Of RFC 6716, 2.1.4: one frame of up to 60 ms, or several in a packet."""


@pytest.mark.parametrize("ms", DURATIONS_MS)
@pytest.mark.parametrize("application", ["audio", "voip", "lowdelay"])
def test_a_packet_of_any_duration_is_decoded_whole(
    decoder: OpusDecoder, ms: float, application: str
) -> None:
    samples = round(48 * ms)
    packets = tone_packets(samples, application)
    for packet in packets[:3]:
        decoder.decode(packet)
    for packet in packets[3:9]:
        assert len(decoder.decode(packet)) == samples * BYTES_PER_SAMPLE
        assert decoder.packet_samples == samples
    assert len(decoder.decode(packets[10], lost_before=1)) == 2 * samples * BYTES_PER_SAMPLE
    concealed = min(16, max(1, 4800 // samples))
    assert len(decoder.decode(packets[10], lost_before=16)) == (
        (concealed + 1) * samples * BYTES_PER_SAMPLE
    ), "100 ms, and at least one packet"
    assert decoder.packets_failed == 0


def tone_packets(samples: int, application: str = "audio") -> list[bytes]:
    """Packets of a tone, this many samples each."""
    encoder = CodecContext.create("libopus", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate = 48_000
    encoder.layout = "stereo"
    encoder.format = "s16"
    encoder.options = {"frame_duration": f"{samples / 48:g}", "application": application}
    tone = (numpy.sin(numpy.arange(samples * 20) * 0.05) * 10_000).astype(numpy.int16).repeat(2)
    packets = []
    for start in range(0, tone.size, samples * 2):
        piece = tone[start : start + samples * 2].reshape(1, -1)
        frame = AudioFrame.from_ndarray(piece, "s16", "stereo")
        frame.sample_rate = 48_000
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


def test_a_packet_without_payload_costs_nothing(decoder: OpusDecoder) -> None:
    packets = encoded()
    for packet in packets[:10]:
        decoder.decode(packet)
    before = (decoder.total_samples, decoder.concealed_samples, decoder.packets_concealed)
    assert decoder.decode(b"") == b""
    assert (decoder.total_samples, decoder.concealed_samples, decoder.packets_concealed) == before
    assert decoder.packets_failed == 0
    assert decoder.packet_samples == 0
    assert len(decoder.decode(packets[10])) == FRAME_BYTES
    assert len(decoder.decode(b"", lost_before=2)) == 2 * FRAME_BYTES, (
        "but those before it are lost"
    )


def test_silence_that_is_only_a_first_byte_has_its_length(decoder: OpusDecoder) -> None:
    """DTX: a TOC byte and nothing else, here 20 ms of stereo by CELT and by SILK."""
    for packet in encoded()[:10]:
        decoder.decode(packet)
    for toc in (0xFC, 0x4C):
        assert len(decoder.decode(bytes([toc]))) == FRAME_BYTES
    assert decoder.packets_failed == decoder.packets_concealed == 0
