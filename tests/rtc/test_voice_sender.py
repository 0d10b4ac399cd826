"""The player's voice as RTP: times, numbers, markers, and when nothing leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiortc.rtcrtpparameters import (
    RTCRtcpParameters,
    RTCRtpCodecParameters,
    RTCRtpSendParameters,
)
from aiortc.rtp import RtcpPacket, RtcpSdesPacket, RtcpSrPacket

from rejoin.media.audio.microphone import VoiceFrame
from rejoin.media.receive import rtp
from rejoin.rtc import voice_sender
from rejoin.rtc.prepared_connection import PreparedConnections
from rejoin.rtc.voice_sender import VoiceSender

PARAMETERS = RTCRtpSendParameters(
    codecs=[RTCRtpCodecParameters("audio/opus", 48_000, channels=2, payloadType=111)],
    rtcp=RTCRtcpParameters(cname="player"),
)


class FakeMicrophone:
    offered = True

    def __init__(self) -> None:
        self.calls: list[str] = []

    def send_by(self, sender: VoiceSender) -> None:
        self.calls.append("send by")

    def not_by(self, sender: VoiceSender) -> None:
        self.calls.append("not by")

    def refused(self) -> None:
        self.calls.append("refused")


class Voice:
    """A sender whose packets do not reach a socket."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.may_send = True
        self.sent: list[bytes] = []
        self.microphone = FakeMicrophone()
        self.prepared = PreparedConnections(microphone=True).pop()

        async def put(data: bytes) -> None:
            self.sent.append(data)

        monkeypatch.setattr(voice_sender, "rtp_sender", lambda dtls: put)
        monkeypatch.setattr(voice_sender, "REPORT_EVERY_S", 600.0)  # no report among the packets
        self.sender = VoiceSender(
            self.prepared.audio.sender,
            self.microphone,
            clock=lambda: self.now,
            may_send=lambda: self.may_send,
            shown=True,
            name="test",
        )

    async def begin(self) -> None:
        self.sender.answered(taken=True)
        stand_in: Any = self.prepared.audio.sender
        await stand_in.send(PARAMETERS)

    async def say(
        self,
        position: int,
        *,
        payload: bytes | None = b"opus",
        opened: int = 1,
        silent: bool = False,
    ) -> None:
        self.now = max(self.now, 100.0 + position / 48_000)
        self.sender.send(VoiceFrame(payload, silent, opened, position, self.now))
        for _ in range(3):
            await asyncio.sleep(0)

    def packets(self) -> list[rtp.RtpPacket]:
        return [rtp.parse(data) for data in self.sent]


def with_voice(
    test: Callable[[Voice], Awaitable[None]],
) -> Callable[[pytest.MonkeyPatch], Awaitable[None]]:
    """The test with a voice of its own, which is closed after it."""

    async def run(monkeypatch: pytest.MonkeyPatch) -> None:
        voice = Voice(monkeypatch)
        try:
            await test(voice)
        finally:
            await voice.sender.stop()
            await voice.prepared.close()

    return run


@with_voice
async def test_frames_become_packets_with_time_numbers_and_a_marker(voice: Voice) -> None:
    await voice.begin()
    for at in range(3):
        await voice.say(at * 960)
    first, second, third = voice.packets()
    assert first.payload_type == 111
    assert first.ssrc == voice.sender.ssrc
    assert [each.marker for each in (first, second, third)] == [1, 0, 0]
    assert (second.timestamp - first.timestamp) & 0xFFFFFFFF == 960
    assert [
        (each.sequence_number - first.sequence_number) & 0xFFFF for each in voice.packets()
    ] == [
        0,
        1,
        2,
    ]


@with_voice
async def test_time_goes_on_over_silence_and_numbers_do_not(voice: Voice) -> None:
    await voice.begin()
    await voice.say(0)
    for at in range(1, 50):
        await voice.say(at * 960, payload=None, silent=True)
    await voice.say(50 * 960, silent=True)  # background, which is no voice
    await voice.say(51 * 960)
    first, background, spurt = voice.packets()
    assert (background.timestamp - first.timestamp) & 0xFFFFFFFF == 50 * 960
    assert (spurt.sequence_number - first.sequence_number) & 0xFFFF == 2
    assert (background.marker, spurt.marker) == (0, 1)


@with_voice
async def test_time_goes_on_while_the_device_is_closed(voice: Voice) -> None:
    await voice.begin()
    await voice.say(0)
    voice.now += 10.0
    await voice.say(0, opened=2)
    await voice.say(960, opened=2)
    first, second, third = voice.packets()
    passed = (second.timestamp - first.timestamp) & 0xFFFFFFFF
    assert passed == pytest.approx(480_000, abs=960)
    assert passed % 960 == 0
    assert (third.timestamp - second.timestamp) & 0xFFFFFFFF == 960


@with_voice
async def test_a_clock_that_stands_still_does_not_turn_time_back(voice: Voice) -> None:
    await voice.begin()
    await voice.say(0)
    await voice.say(0, opened=2)
    first, second = voice.packets()
    assert (second.timestamp - first.timestamp) & 0xFFFFFFFF == 960


@with_voice
async def test_nothing_leaves_a_connection_that_may_not_send(voice: Voice) -> None:
    await voice.begin()
    await voice.say(0)
    voice.may_send = False
    await voice.say(960)
    assert len(voice.sent) == 1
    voice.may_send = True
    await voice.say(1920)
    first, second = voice.packets()
    assert (second.sequence_number - first.sequence_number) & 0xFFFF == 1, "no hole"
    assert (second.timestamp - first.timestamp) & 0xFFFFFFFF == 1920
    assert second.marker == 1


@with_voice
async def test_only_a_connection_that_is_shown_and_takes_sound_asks_for_it(voice: Voice) -> None:
    calls = voice.microphone.calls
    voice.sender.show(False)
    await voice.begin()
    assert calls == ["not by"]
    voice.sender.show(True)
    assert calls[1:] == ["send by"]
    await voice.sender.stop()
    assert calls[2:] == ["not by"]
    await voice.say(0)
    assert voice.sent == []


@with_voice
async def test_an_answer_that_takes_no_sound_is_passed_on(voice: Voice) -> None:
    voice.sender.answered(taken=False)
    assert voice.microphone.calls == ["refused"]
    stand_in: Any = voice.prepared.audio.sender
    await stand_in.send(PARAMETERS)
    await voice.say(0)
    assert voice.sent == []


@with_voice
async def test_frames_that_nobody_sends_do_not_pile_up(voice: Voice) -> None:
    await voice.begin()
    for at in range(100):
        voice.sender.send(VoiceFrame(b"opus", False, 1, at * 960, 100.0))
    for _ in range(200):
        await asyncio.sleep(0)
    assert len(voice.sent) == voice_sender.MOST_WAITING


@with_voice
async def test_a_report_relates_rtp_time_to_the_clock(voice: Voice) -> None:
    await voice.begin()
    await voice.say(0)
    [packet] = voice.packets()
    report, names = RtcpPacket.parse(voice.sender.report(voice.now + 1.0))
    assert isinstance(report, RtcpSrPacket)
    assert isinstance(names, RtcpSdesPacket)
    passed = (report.sender_info.rtp_timestamp - packet.timestamp) & 0xFFFFFFFF
    assert passed == 960 + 48_000
    assert (report.sender_info.packet_count, report.sender_info.octet_count) == (1, 4)
    later, _ = RtcpPacket.parse(voice.sender.report(voice.now + 2.0))
    assert isinstance(later, RtcpSrPacket)
    seconds = (later.sender_info.ntp_timestamp - report.sender_info.ntp_timestamp) / 2**32
    assert seconds == pytest.approx(1.0, abs=0.5)
