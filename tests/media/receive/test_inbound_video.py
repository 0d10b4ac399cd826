from __future__ import annotations

import itertools
from pathlib import Path

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.capture import Captured, read_capture, replay, write_capture
from helpers.h264_packets import repeating, stream
from rejoin.media.receive.inbound_video import (
    Decode,
    InboundVideo,
    KeyFrameRequests,
    Nack,
    Negotiated,
    Pli,
    ReceiveAction,
    Remb,
)
from rejoin.media.receive.jitter_buffer import BUFFER_BYTES
from rejoin.media.receive.rtp import SEND_TIME_UNITS, RtpPacket
from rejoin.netem.link import Lane, NetworkProfile, ProfileStage

CAPTURE = Path(__file__).parents[1] / "data" / "captures" / "ffmpeg-main-320x180.rtpdump"
"""Three seconds of FFmpeg's own RTP packetizer: STAP-A, FU-A and single units, Main, two slices."""
PICTURES = 90
MEDIA, RTX = 7, 8
TERMS = Negotiated(
    frozenset({96}), retransmits={97: 96}, rtx_ssrcs={RTX: MEDIA}, rate=True, send_time_id=3
)


def packets(count: int = 4, ssrc: int = MEDIA) -> list[RtpPacket]:
    return [
        RtpPacket(96, int(marker), sequence, timestamp, ssrc, payload)
        for sequence, timestamp, marker, payload in stream(count)
    ]


def decoded(actions: list[ReceiveAction]) -> int:
    return sum(isinstance(action, Decode) for action in actions)


def lossy(loss: float, *, burst: bool = False) -> NetworkProfile:
    lane = Lane(0.02, 0.008, reorder=True, loss=0.0 if burst else loss)
    if burst:
        lane = Lane(0.02, burst_enter=loss / 3, burst_leave=0.3)
    return NetworkProfile("lossy", stages=(ProfileStage(0.0, Lane(), lane),))


@pytest.fixture(scope="module")
def capture() -> list[Captured]:
    return read_capture(CAPTURE)


# --- actions ----------------------------------------------------------------------------------


def test_the_first_packet_asks_for_a_key_frame_and_tells_the_rate() -> None:
    inbound = InboundVideo(TERMS)
    assert inbound.tick(0.0, None) == []
    first = inbound.packet(packets()[0], 0.0, None)
    assert first == [Pli(MEDIA), Remb(MEDIA, 19_000_000)]


def test_what_the_host_does_not_take_is_not_sent() -> None:
    inbound = InboundVideo(Negotiated(frozenset({96}), nack=False, rate=False))
    sent = packets()
    actions = inbound.packet(sent[0], 0.0, 0.02)
    for packet in sent[2:]:
        actions += inbound.packet(packet, 0.01, 0.02)
    actions += inbound.tick(2.0, 0.02)
    assert {type(action) for action in actions} == {Pli}


def test_a_lost_packet_is_asked_for_and_its_retransmission_fills_the_gap() -> None:
    inbound = InboundVideo(TERMS)
    sent = packets(3)
    actions = []
    for packet in sent[:5] + sent[6:]:
        actions += inbound.packet(packet, 1.0, 0.030)
    assert Nack(MEDIA, (5,)) in actions
    assert decoded(actions) == 1
    again = repeating(sent[5], 400, RTX)
    assert decoded(inbound.packet(again, 1.03, 0.030)) == 2
    assert inbound.reception.packets_retransmitted == 1
    assert inbound.reception.packets_received == len(sent)
    assert inbound.reception.packets_lost == 1, "RFC 3550: what came as RTX was lost before"
    assert inbound.packets_recovered == 1
    assert not inbound.busy


@pytest.mark.parametrize("rtx_ssrcs", [{}, {RTX: MEDIA}])
def test_a_retransmission_stream_that_the_answer_does_not_name_is_this_sections(
    rtx_ssrcs: dict[int, int],
) -> None:
    terms = Negotiated(frozenset({96}), retransmits={97: 96}, rtx_ssrcs=rtx_ssrcs)
    inbound = InboundVideo(terms)
    sent = packets(2)
    for packet in sent[:-1]:
        inbound.packet(packet, 0.0, None)
    again = repeating(sent[-1], 1, RTX)
    assert decoded(inbound.packet(again, 0.1, None)) == 1


def test_strange_packets_and_padding_are_counted_and_change_nothing() -> None:
    inbound = InboundVideo(TERMS)
    first = packets()[0]
    for strange in (
        RtpPacket(98, 0, 1, 0, MEDIA, b"x"),
        RtpPacket(97, 0, 1, 0, RTX, b"\0\1x"),  # before anything that it could repeat
        RtpPacket(97, 0, 1, 0, RTX, b""),
    ):
        assert inbound.packet(strange, 0.0, None) == []
    inbound.packet(first, 0.0, None)
    assert inbound.packet(RtpPacket(97, 0, 2, 0, RTX, b"\0"), 0.0, None) == []
    assert inbound.packets_strange == 4
    assert not inbound.requests.wanted or inbound.frames_received == 0


def test_another_stream_begins_anew_with_a_key_frame_and_keeps_the_counts() -> None:
    inbound = InboundVideo(TERMS)
    for packet in packets(2):
        inbound.packet(packet, 0.0, None)
    other = packets(2, ssrc=70)
    actions = inbound.packet(other[4], 1.0, None)
    assert Pli(70) in actions
    actions = [action for packet in other[5:] for action in inbound.packet(packet, 1.0, None)]
    assert decoded(actions) == 0, "without a key frame there is nothing to begin with"
    assert inbound.frames_received == 3
    assert inbound.frames_held_back == 1


def test_a_nack_never_outgrows_a_packet() -> None:
    inbound = InboundVideo(TERMS)
    inbound.packet(RtpPacket(96, 0, 0, 0, MEDIA, b"\x41x"), 0.0, None)
    actions = inbound.packet(RtpPacket(96, 0, 450, 0, MEDIA, b"\x41x"), 0.0, None)
    asked = [action for action in actions if isinstance(action, Nack)]
    assert [len(action.sequences) for action in asked] == [250, 199]
    assert inbound.nacks_sent == 2
    assert inbound.packets_asked == 449


def test_a_host_that_never_answers_nack_is_not_waited_for() -> None:
    """A gap then costs 30 ms instead of 150, and each frame is late for as long."""
    waited = []
    inbound = InboundVideo(TERMS)
    now, sequence = 0.0, 0
    for number in range(60):
        for at, (_, timestamp, marker, payload) in enumerate(stream(1)):
            if number == 0 or at != 1:
                packet = RtpPacket(96, int(marker), sequence, timestamp + number * 3000, MEDIA)
                packet.payload = payload
                inbound.packet(packet, now, 0.020)
            sequence += 1
        began = now
        while inbound._assembly.waiting:
            now += 0.005
            inbound.tick(now, 0.020)
        waited.append(now - began)
        now += 0.016
    assert waited[1] == pytest.approx(0.150, abs=0.006)
    assert waited[-1] == pytest.approx(0.030, abs=0.006)


def test_the_rate_is_told_each_second_and_at_once_when_it_falls() -> None:
    inbound = InboundVideo(TERMS)
    told: list[tuple[float, int]] = []
    for n in range(600):
        sent_at = n / 60
        now = sent_at + 0.02 + (max(0.0, sent_at - 5.0) * 0.5)
        sent = (int(sent_at * SEND_TIME_UNITS) & 0xFFFFFF).to_bytes(3, "big")
        packet = RtpPacket(
            96, 1, n, n * 1500, MEDIA, b"\x41" + bytes(1000), extension=b"\xbe\xde\0\1\x32" + sent
        )
        for action in inbound.packet(packet, now, 0.020):
            if isinstance(action, Remb):
                told.append((now, action.bitrate_bps))
    assert [round(at) for at, _ in told[:6]] == [0, 1, 2, 3, 4, 5]
    assert told[-1][1] < 1_000_000
    falls = [at - before for (before, a), (at, b) in itertools.pairwise(told) if b < a]
    assert min(falls) < 0.9


def test_without_send_times_media_time_serves_as_one() -> None:
    inbound = InboundVideo(TERMS)
    for n in range(900):
        sent_at = n / 60
        now = sent_at + max(0.0, sent_at - 5.0) * 0.5
        timestamp = (2**32 - 300_000 + n * 1500) % 2**32
        inbound.packet(RtpPacket(96, 1, n, timestamp, MEDIA, b"\x41" + bytes(1000)), now, 0.020)
        if n == 290:
            assert not inbound.bandwidth.limited, "also where media time wraps"
    assert inbound.bandwidth.limited


# --- key frames -------------------------------------------------------------------------------


def test_key_frames_are_asked_for_at_once_and_then_each_300_ms_while_wanted() -> None:
    requests = KeyFrameRequests()
    assert not requests.due(0.0, None)
    requests.want(0.0)
    asked = [n for n in range(100) if requests.due(n * 0.010, 0.020)]
    assert asked == [0, 30, 60, 90]
    requests.arrived(1.0)
    assert not requests.due(2.0, None)


def test_waiting_for_a_key_frame_is_only_for_hosts_that_answer_and_ends() -> None:
    requests = KeyFrameRequests()
    requests.want(0.0)
    assert not requests.hold_back(0.0)
    assert requests.due(0.0, None)
    requests.arrived(0.2)
    requests.want(5.0)
    assert requests.hold_back(5.1)
    assert not requests.hold_back(6.1)
    assert not requests.hold_back(6.2)


@given(st.lists(st.tuples(st.floats(0, 0.5), st.sampled_from("wad")), max_size=100))
def test_key_frames_are_never_asked_for_more_often(steps: list[tuple[float, str]]) -> None:
    requests, now, sent = KeyFrameRequests(), 0.0, []
    for later_s, step in steps:
        now += later_s
        if step == "w":
            requests.want(now)
        elif step == "a":
            requests.arrived(now)
        if requests.due(now, 0.02):
            sent.append(now)
    assert all(b - a >= 0.3 for a, b in itertools.pairwise(sent))
    assert requests.sent == len(sent)


# --- captured packets -------------------------------------------------------------------------


def pictures(frames: list[bytes]) -> int:
    codec = av.CodecContext.create("h264", "r")
    count = 0
    for data in frames:
        count += len(codec.decode(av.Packet(data)))
    return count + len(codec.decode(None))


def test_a_capture_is_written_and_read_the_same(tmp_path: Path, capture: list[Captured]) -> None:
    write_capture(tmp_path / "again.rtpdump", capture)
    assert read_capture(tmp_path / "again.rtpdump") == capture
    with pytest.raises(ValueError, match="rtpdump"):
        read_capture(Path(__file__))


def test_every_captured_picture_comes_out_and_decodes(capture: list[Captured]) -> None:
    inbound = InboundVideo(TERMS)
    done = replay(capture, inbound)
    assert len(done.frames) == PICTURES
    assert pictures([frame.data for frame in done.frames]) == PICTURES
    assert [frame.key for frame in done.frames].count(True) == 2
    assert (done.nacked, done.key_frames_asked) == (0, 1)
    assert not any(frame.after_loss for frame in done.frames)
    assert inbound.bandwidth.bitrate_bps == 19_000_000


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("loss", "burst"), [(0.03, False), (0.10, False), (0.05, True)])
def test_lost_packets_come_back_and_no_picture_is_missing(
    capture: list[Captured], seed: int, loss: float, burst: bool
) -> None:
    whole = [frame.data for frame in replay(capture, InboundVideo(TERMS)).frames]
    inbound = InboundVideo(TERMS)
    # the end of a capture is followed by nothing that could show what is missing there
    done = replay(capture[:-10], inbound, lossy(loss, burst=burst), seed=seed, rtt_s=0.030)
    # nor can anybody know that there was a packet before the first that came
    came = [frame.data for frame in done.frames][1:]
    first = whole.index(came[0])
    missing = [data for data in whole[first : first + len(came)] if data not in came]
    if not inbound.frames_broken:
        assert not missing
    assert len(missing) <= inbound.frames_broken + inbound.frames_held_back
    assert inbound.frames_broken <= 1
    assert len(came) + inbound.frames_held_back >= 0.93 * (PICTURES - 4)
    assert done.resent > 0
    assert inbound.packets_recovered > 0


def test_without_an_answer_to_nack_the_rest_still_comes(capture: list[Captured]) -> None:
    inbound = InboundVideo(TERMS)
    done = replay(capture, inbound, lossy(0.03), answers_nack=False)
    assert PICTURES / 2 < len(done.frames) < PICTURES
    assert inbound.frames_broken > 0
    assert done.key_frames_asked > 1


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_any_order_loss_and_repetition_gives_true_frames_only(data: st.DataObject) -> None:
    """Whatever the network does, a frame is one that was sent, and frames come in order."""
    sent = packets(12)
    true = {
        (action.frame.rtp_timestamp, action.frame.data)
        for packet, inbound in [(None, InboundVideo(TERMS))]
        for packet in sent
        for action in inbound.packet(packet, 0.0, None)
        if isinstance(action, Decode)
    }
    order = data.draw(st.lists(st.integers(0, len(sent) - 1), max_size=80))
    waits = data.draw(st.lists(st.floats(0, 0.1), min_size=len(order), max_size=len(order)))
    inbound, now = InboundVideo(TERMS), 0.0
    frames = []
    for at, later_s in zip(order, waits, strict=True):
        now += later_s
        for action in [*inbound.packet(sent[at], now, 0.02), *inbound.tick(now, 0.02)]:
            if isinstance(action, Decode):
                frames.append(action.frame)
    inbound.tick(now + 10, 0.02)
    assert {(frame.rtp_timestamp, frame.data) for frame in frames} <= true
    times = [frame.rtp_timestamp for frame in frames]
    assert times == sorted(set(times))
    assert not inbound._assembly.waiting
    assert inbound.buffered_bytes <= BUFFER_BYTES
