"""What a client's RTCP asks for: FIR by its number, REMB while there are no reports."""

from __future__ import annotations

import struct
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiortc.rtp import (
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
)

from helpers.rtp_streams import ManualClock, a_stream
from rejoin.emulator.host.client_feedback import ClientFeedback, FirCommands
from rejoin.emulator.host.congestion_control import SILENT_S, CongestionControl
from rejoin.media.receive.transport_feedback import TransportFeedback

VIDEO = 1111
CLIENT = 9


def fir(*entries: tuple[int, int], sender: int = CLIENT, media: int = 0) -> bytes:
    """Entries: the SSRC that a key frame is wanted of, and the number of the command."""
    fci = b"".join(struct.pack("!IB3x", ssrc, number) for ssrc, number in entries)
    return bytes(RtcpPsfbPacket(fmt=RTCP_PSFB_FIR, ssrc=sender, media_ssrc=media, fci=fci))


def test_a_command_counts_once_however_often_it_is_repeated() -> None:
    commands = FirCommands()
    asked = [commands.ask_for(VIDEO, fir((VIDEO, number))) for number in (0, 0, 1, 1, 255, 0)]
    assert asked == [True, False, True, False, True, True]


def test_the_stream_is_named_in_the_fci_alone() -> None:
    commands = FirCommands()
    assert not commands.ask_for(VIDEO, fir((77, 5), media=VIDEO))
    assert commands.ask_for(VIDEO, fir((77, 5), (VIDEO, 5)))
    assert commands.ask_for(VIDEO, fir((VIDEO, 5), sender=10)), "the numbers are those of a sender"


def test_it_is_found_in_a_compound_packet() -> None:
    report = bytes(RtcpRrPacket(ssrc=CLIENT, reports=[RtcpReceiverInfo(VIDEO, 0, 0, 0, 0, 0, 0)]))
    assert FirCommands().ask_for(VIDEO, report + fir((VIDEO, 1)))


@pytest.mark.parametrize(
    "rtcp",
    [
        b"",
        fir(),
        fir((VIDEO, 1))[:-4],
        fir((VIDEO, 1))[:8],
        bytes(RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=CLIENT, media_ssrc=VIDEO)),
        b"\x84\xce\x00\x00",
        b"\x84\xce\x00\x01" + bytes(4),
    ],
)
def test_what_is_no_command_asks_for_nothing(rtcp: bytes) -> None:
    assert not FirCommands().ask_for(VIDEO, rtcp)


def test_many_senders_take_a_bounded_memory() -> None:
    commands = FirCommands()
    for sender in range(1000):
        assert commands.ask_for(VIDEO, fir((VIDEO, 3), sender=sender))
    assert len(commands._newest) <= 16


class Player:
    def __init__(self) -> None:
        self.rates: list[int] = []
        self.on_woke: Callable[[float, float], None] = lambda _due, _now: None
        self.on_frame: Callable[[int], None] = lambda _beats: None

    def request_bitrate(self, bitrate_bps: int) -> None:
        self.rates.append(bitrate_bps)


async def test_what_is_read_steers_the_player_and_goes_on_to_aiortc() -> None:
    clock = ManualClock()
    control = CongestionControl(8_000_000)
    feedback = ClientFeedback(control, clock)
    passed_on: list[bytes] = []

    async def handle(data: bytes) -> None:
        passed_on.append(data)

    dtls: Any = SimpleNamespace(_handle_rtcp_data=handle)
    feedback.watch(dtls)
    stream, _ = a_stream(clock)
    player, keys = Player(), list[None]()
    await dtls._handle_rtcp_data(fir((stream.ssrc, 7)))  # nothing plays yet
    stream.on_key_frame_requested = lambda: keys.append(None)
    feedback.steer(cast(Any, player), stream)
    assert player.on_frame == control.frame_sent
    player.on_woke(clock.now - 0.03, clock.now)
    assert control.lateness.within(clock.now - 1, clock.now) == pytest.approx(0.03)
    await dtls._handle_rtcp_data(fir((stream.ssrc, 8)))
    assert len(keys) == stream.counters.key_frame_requests == 1
    stream.on_bitrate_requested(1_000_000)
    assert player.rates == [1_000_000]

    arrivals = TransportFeedback()
    arrivals.add(control.next_number(1200, clock.now), 1200, clock.now + 0.02)
    for report in arrivals.reports(clock.now + 0.1, sender_ssrc=CLIENT, media_ssrc=VIDEO):
        await dtls._handle_rtcp_data(report)
    assert player.rates[1:] == [8_000_000]
    stream.on_bitrate_requested(1_000_000)
    assert len(player.rates) == 2, "reports go before REMB"
    clock.now += SILENT_S
    stream.on_bitrate_requested(1_000_000)
    assert player.rates[2:] == [1_000_000]
    assert len(passed_on) == 3
