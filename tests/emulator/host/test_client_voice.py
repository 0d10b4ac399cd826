"""The client's microphone at the host: decoded, measured, counted."""

from __future__ import annotations

import pytest

from helpers.fake_microphone import tone
from rejoin.emulator.host.client_voice import ClientVoice
from rejoin.media.audio.opus_encoder import FRAME_SAMPLES, OpusEncoder
from rejoin.media.receive.rtp import RtpPacket


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def packets(count: int) -> list[RtpPacket]:
    encoder, sound = OpusEncoder(), tone()
    return [
        RtpPacket(
            111,
            int(at == 0),
            (65530 + at) & 0xFFFF,
            at * FRAME_SAMPLES,
            7,
            encoder.encode(sound(at * FRAME_SAMPLES, FRAME_SAMPLES), -12.0).payload or b"",
        )
        for at in range(count)
    ]


def test_what_arrives_is_decoded_and_its_level_is_shown_for_a_moment() -> None:
    clock = Clock()
    voice = ClientVoice(clock)
    for packet in packets(20):
        voice.on_packet(packet)
    assert (voice.packets, voice.lost, voice.spurts) == (20, 0, 1)
    assert voice.samples == 20 * FRAME_SAMPLES
    assert voice.level_dbfs == pytest.approx(-12.2, abs=1.5)
    clock.now += 1.0
    assert voice.level_dbfs == -90


def test_lost_packets_are_counted_and_late_ones_left_out() -> None:
    voice = ClientVoice(Clock())
    sent = packets(10)
    for packet in (*sent[:3], *sent[5:], sent[3], sent[9]):
        voice.on_packet(packet)
    assert (voice.packets, voice.lost) == (8, 2)


def test_a_client_that_may_not_talk_has_no_level() -> None:
    voice = ClientVoice(Clock())
    assert voice.meter() is None
    assert voice.describe() is None
