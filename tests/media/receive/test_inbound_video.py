from __future__ import annotations

import contextlib
import itertools
from dataclasses import replace
from pathlib import Path

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.capture import Captured, read_capture, replay, write_capture
from helpers.h264_packets import rtx_of, stream
from helpers.h264_streams import (
    ACCESS_UNIT_DELIMITER,
    FILLER,
    SEI_TEXT,
    as_fragments,
    through,
    x264,
)
from rejoin.media.receive.inbound_video import (
    Decode,
    Fir,
    InboundVideo,
    KeyFrameRequests,
    Nack,
    Negotiated,
    Pli,
    ReceiveAction,
    Refuse,
    Remb,
)
from rejoin.media.receive.jitter_buffer import BUFFER_BYTES, EncodedFrame
from rejoin.media.receive.rtp import SEND_TIME_UNITS, RtpPacket
from rejoin.media.video.codec_context import open_codec
from rejoin.netem.link import Lane, NetworkProfile, ProfileStage

CAPTURE = Path(__file__).parents[2] / "data" / "captures" / "ffmpeg-main-320x180.rtpdump"
"""Three seconds from FFmpeg's RTP packetizer: STAP-A, FU-A, single units; Main, two slices."""
PICTURES = 90
MEDIA, RTX = 7, 8
TERMS = Negotiated(
    frozenset({96}), rtx_payload_types={97: 96}, rtx_ssrcs={RTX: MEDIA}, remb=True, send_time_id=3
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


def test_the_first_packet_leads_to_a_pli_and_a_remb() -> None:
    inbound = InboundVideo(TERMS)
    assert inbound.on_tick(0.0, None) == []
    first = inbound.on_packet(packets()[0], 0.0, None)
    assert first == [Pli(MEDIA), Remb(MEDIA, 19_000_000)]


def test_feedback_that_the_host_does_not_accept_is_not_sent() -> None:
    inbound = InboundVideo(Negotiated(frozenset({96}), nack=False, remb=False))
    sent = packets()
    actions = inbound.on_packet(sent[0], 0.0, 0.02)
    for packet in sent[2:]:
        actions += inbound.on_packet(packet, 0.01, 0.02)
    actions += inbound.on_tick(2.0, 0.02)
    assert {type(action) for action in actions} == {Pli}


def test_a_lost_packet_is_nacked_and_its_retransmission_completes_the_frame() -> None:
    inbound = InboundVideo(TERMS)
    sent = packets(3)
    actions = []
    for packet in sent[:5] + sent[6:]:
        actions += inbound.on_packet(packet, 1.0, 0.030)
    assert Nack(MEDIA, (5,)) in actions
    assert decoded(actions) == 1
    again = rtx_of(sent[5], 400, RTX)
    assert decoded(inbound.on_packet(again, 1.03, 0.030)) == 2
    assert inbound.statistics.packets_retransmitted == 1
    assert inbound.statistics.packets_received == len(sent)
    assert inbound.statistics.packets_lost == 1, (
        "RFC 3550: a packet that arrived as RTX counts as lost"
    )
    assert inbound.packets_recovered == 1
    assert not inbound.needs_tick


@pytest.mark.parametrize(
    ("lost", "frames"),
    [
        ({5}, 1),
        ({5, 7}, 1),
        ({4, 5, 6, 7}, 1),
        ({5, 6, 9}, 2),
        ({7, 8}, 2),
        ({6, 9, 13, 15, 18}, 4),
    ],
)
def test_broken_frames_are_counted_and_not_holes(lost: set[int], frames: int) -> None:
    video = InboundVideo(TERMS)
    for index, packet in enumerate(packets(8)):
        if index not in lost:
            video.on_packet(packet, 0.01 * index, 0.02)
    for tick in range(200):
        video.on_tick(0.4 + 0.01 * tick, 0.02)
    assert video.frames_broken == frames
    assert video.frames_received == 8 - frames


@pytest.mark.parametrize("rtx", [True, False], ids=["with RTX", "without RTX"])
@pytest.mark.parametrize("repaired", [True, False], ids=["repaired", "lost"])
def test_a_repaired_packet_is_no_loss_with_rtx_or_without(rtx: bool, repaired: bool) -> None:
    video = InboundVideo(TERMS if rtx else Negotiated(frozenset({96})))
    statistics = video.statistics
    sent = packets(12)
    for index, packet in enumerate(sent):
        if index != 5:
            video.on_packet(packet, 0.01 * index, 0.02)
        if index == 0:
            statistics.loss(0.0, 3.0)
    assert statistics.loss(0.2, 3.0) > 0
    if repaired:
        again = rtx_of(sent[5], 400, RTX) if rtx else sent[5]
        video.on_packet(again, 0.2, 0.02)
        video.on_packet(again, 0.2, 0.02)  # twice repairs once
    assert (statistics.loss(0.2, 3.0) == 0) is repaired
    assert (statistics.packets_missing > 0) is not repaired
    if rtx:
        assert statistics.packets_missing == (0 if repaired else 1)
        block = statistics.report_block(0.3)
        assert block is not None
        assert block.packets_lost == 1, "RFC 3550 counts what the stream itself brought"


@pytest.mark.parametrize("rtx_ssrcs", [{}, {RTX: MEDIA}])
def test_an_rtx_stream_that_the_answer_does_not_name_belongs_to_this_section(
    rtx_ssrcs: dict[int, int],
) -> None:
    terms = Negotiated(frozenset({96}), rtx_payload_types={97: 96}, rtx_ssrcs=rtx_ssrcs)
    inbound = InboundVideo(terms)
    sent = packets(2)
    for packet in sent[:-1]:
        inbound.on_packet(packet, 0.0, None)
    again = rtx_of(sent[-1], 1, RTX)
    assert decoded(inbound.on_packet(again, 0.1, None)) == 1


def test_packets_of_unknown_types_and_padding_are_ignored() -> None:
    inbound = InboundVideo(TERMS)
    first = packets()[0]
    for unknown in (
        RtpPacket(98, 0, 1, 0, MEDIA, b"x"),
        RtpPacket(97, 0, 1, 0, RTX, b"\0\1x"),  # before any packet that it could repeat
        RtpPacket(97, 0, 1, 0, RTX, b""),
    ):
        assert inbound.on_packet(unknown, 0.0, None) == []
    inbound.on_packet(first, 0.0, None)
    assert inbound.on_packet(RtpPacket(97, 0, 2, 0, RTX, b"\0"), 0.0, None) == []
    assert inbound.statistics.packets_received == 1
    assert inbound.statistics.packets_retransmitted == 0
    assert not inbound.key_frame_requests.needed or inbound.frames_received == 0


def test_a_damaged_picture_needs_a_key_frame() -> None:
    """A unit with its forbidden bit set: something on the way knows that its bits are wrong."""
    inbound = InboundVideo(TERMS)
    sent = [
        replace(packet, payload=bytes([packet.payload[0] | 0x80]) + packet.payload[1:])
        if packet.timestamp == 6000
        else packet
        for packet in packets(5)
    ]
    plis = []
    for packet in sent:
        actions = inbound.on_packet(packet, 1.0 + packet.timestamp / 90, 0.02)
        plis += [packet.timestamp // 3000 for each in actions if isinstance(each, Pli)]
    assert plis == [0, 3, 4]


def test_a_new_ssrc_needs_a_key_frame_and_keeps_the_counters() -> None:
    inbound = InboundVideo(TERMS)
    for packet in packets(2):
        inbound.on_packet(packet, 0.0, None)
    other = packets(2, ssrc=70)
    actions = inbound.on_packet(other[4], 1.0, None)
    assert Pli(70) in actions
    actions = [action for packet in other[5:] for action in inbound.on_packet(packet, 1.0, None)]
    assert decoded(actions) == 0, "nothing is decoded before a key frame"
    assert inbound.frames_received == 3
    assert inbound.frames_held_back == 1


def interleaved(first: list[RtpPacket], second: list[RtpPacket], late: int) -> list[RtpPacket]:
    """The packets of the second stream come while the last of the first are still on their way."""
    mixed = first[:-late]
    for at in range(late):
        mixed += [second[at], first[len(first) - late + at]]
    return mixed + second[late:]


@pytest.mark.parametrize("late", [1, 2, 4])
def test_late_packets_of_the_former_ssrc_do_not_cost_the_new_one_its_key_frame(late: int) -> None:
    inbound, frames = InboundVideo(TERMS), []
    sent = interleaved(packets(6), packets(6, ssrc=70), late)
    for at, packet in enumerate(sent):
        actions = inbound.on_packet(packet, at / 1000, 0.02)
        frames += [action.frame for action in actions if isinstance(action, Decode)]
    assert [frame.key for frame in frames].count(True) == 2
    assert [frame.rtp_timestamp // 3000 for frame in frames[-6:]] == [0, 1, 2, 3, 4, 5]
    assert len(frames) >= 11
    assert inbound.key_frame_requests.plis_sent <= 2


def test_a_stray_packet_of_another_source_costs_nothing() -> None:
    inbound, frames = InboundVideo(TERMS), 0
    for at, packet in enumerate(packets(6)):
        frames += decoded(inbound.on_packet(packet, at / 1000, 0.02))
        if at % 5 == 4:
            stray = RtpPacket(96, 1, at, 7, 1000 + at, b"\x41x")
            assert inbound.on_packet(stray, at / 1000, 0.02) == []
    assert frames == 6
    assert inbound.statistics.packets_lost == 0


def test_a_stray_packet_of_long_ago_is_not_played_when_its_source_begins() -> None:
    inbound = InboundVideo(TERMS)
    for packet in packets(2):
        inbound.on_packet(packet, 0.0, None)
    begins = packets(2, ssrc=70)
    number = (begins[0].sequence_number - 1000) & 0xFFFF
    assert inbound.on_packet(RtpPacket(96, 1, number, 7, 70, b"\x41x"), 0.1, 0.02) == []
    frames = sum(decoded(inbound.on_packet(packet, 60.0, 0.02)) for packet in begins)
    assert frames == 2
    assert inbound.statistics.packets_expected == len(begins)


def test_a_nack_always_fits_one_packet() -> None:
    inbound = InboundVideo(TERMS)
    inbound.on_packet(RtpPacket(96, 0, 0, 0, MEDIA, b"\x41x"), 0.0, None)
    actions = inbound.on_packet(RtpPacket(96, 0, 450, 0, MEDIA, b"\x41x"), 0.0, None)
    nacks = [action for action in actions if isinstance(action, Nack)]
    assert [len(action.sequences) for action in nacks] == [250, 199]
    assert inbound.nacks_sent == 2
    assert inbound.packets_nacked == 449


def test_the_wait_is_short_for_a_host_that_never_answers_nack() -> None:
    """A lost packet then delays frames by 30 ms instead of 150."""
    waited = []
    inbound = InboundVideo(TERMS)
    now, sequence = 0.0, 0
    for number in range(60):
        for at, (_, timestamp, marker, payload) in enumerate(stream(1)):
            if number == 0 or at != 1:
                packet = RtpPacket(96, int(marker), sequence, timestamp + number * 3000, MEDIA)
                packet.payload = payload
                inbound.on_packet(packet, now, 0.020)
            sequence += 1
        began = now
        while inbound._jitter_buffer.has_missing:
            now += 0.005
            inbound.on_tick(now, 0.020)
        waited.append(now - began)
        now += 0.016
    assert waited[1] == pytest.approx(0.150, abs=0.006)
    assert waited[-1] == pytest.approx(0.030, abs=0.006)


BOTH = replace(TERMS, transport_cc=True)


def rembs_of(inbound: InboundVideo, first: int, began_at: float) -> list[int]:
    """The rates asked for in five seconds of a stream at a constant rate."""
    found = []
    for number, packet in enumerate(packets(300)):
        numbered = replace(packet, sequence_number=(first + number) & 0xFFFF)
        for action in inbound.on_packet(numbered, began_at + number / 180, 0.02):
            if isinstance(action, Remb):
                found.append(action.bitrate_bps)
    return found


# --- PLI and FIR ------------------------------------------------------------------------------


def asked(
    inbound: InboundVideo, *, for_s: float, key_at: float | None = None
) -> list[tuple[float, Pli | Fir]]:
    """Times and requests while a key frame is needed; one comes at `key_at`, then one more is."""
    found: list[tuple[float, Pli | Fir]] = []
    inbound.expect_ssrc(MEDIA)
    for step in range(round(for_s * 100)):
        now = step / 100
        actions = inbound.on_tick(now, None)
        if step == 0:
            actions += inbound.request_key_frame(now, None)
        if now == key_at:
            for packet in packets(1):
                actions += inbound.on_packet(packet, now, None)
            assert decoded(actions) == 1
            actions += inbound.request_key_frame(now, None)
        found += [(now, each) for each in actions if isinstance(each, Pli | Fir)]
    return found


def test_pli_alone_is_sent_where_fir_is_not_accepted() -> None:
    for pli in (True, False):
        inbound = InboundVideo(replace(TERMS, pli=pli, fir=False))
        requests = asked(inbound, for_s=3)
        assert {each for _, each in requests} == {Pli(MEDIA)}
        assert inbound.firs_sent == 0


def test_fir_is_sent_where_pli_is_not_accepted() -> None:
    inbound = InboundVideo(replace(TERMS, pli=False, fir=True))
    requests = asked(inbound, for_s=1)
    assert {each for _, each in requests} == {Fir(MEDIA, 0)}
    assert len(requests) == inbound.firs_sent >= 3, "repeated with the same number"


def test_fir_is_sent_where_pli_brought_no_key_frame_in_a_second() -> None:
    inbound = InboundVideo(replace(TERMS, pli=True, fir=True))
    requests = asked(inbound, for_s=2)
    first = min(at for at, each in requests if isinstance(each, Fir))
    assert 1.0 <= first <= 1.3
    assert all(isinstance(each, Pli) for at, each in requests if at < 1.0)
    assert any(isinstance(each, Pli) for at, each in requests if at > 1.0), (
        "a host that obeys PLI alone may have lost the ones before"
    )


def test_the_next_command_after_a_key_frame_has_another_number() -> None:
    inbound = InboundVideo(replace(TERMS, pli=False, fir=True))
    numbers = [
        each.number for _, each in asked(inbound, for_s=2, key_at=1.0) if isinstance(each, Fir)
    ]
    assert len(set(numbers)) == 2
    assert numbers == sorted(numbers)


# --- REMB and transport-wide feedback -----------------------------------------------------------


def test_a_host_that_numbers_its_packets_gets_no_remb() -> None:
    inbound = InboundVideo(BOTH, host_numbers=lambda: True)
    assert rembs_of(inbound, 0, 0.0) == []
    assert inbound.remb_paused
    assert inbound.available_bps == 19_000_000


def test_remb_is_sent_while_no_number_comes() -> None:
    numbers = False
    inbound = InboundVideo(BOTH, host_numbers=lambda: numbers)
    assert len(rembs_of(inbound, 0, 0.0)) >= 4
    assert (inbound.remb_paused, inbound.available_bps) == (False, 19_000_000)
    numbers = True
    assert rembs_of(inbound, 1000, 5.0) == []
    numbers = False
    assert len(rembs_of(inbound, 2000, 10.0)) >= 4


def test_a_low_remb_is_lifted_once_when_numbers_come() -> None:
    numbers = False
    inbound = InboundVideo(BOTH, host_numbers=lambda: numbers)
    inbound.bandwidth.bitrate_bps = 1_000_000
    assert rembs_of(inbound, 0, 0.0)[0] == 1_000_000
    inbound.bandwidth.bitrate_bps = 1_000_000
    rembs_of(inbound, 1000, 5.0)
    numbers = True
    assert rembs_of(inbound, 2000, 10.0) == [19_000_000]


def test_numbers_that_the_answer_did_not_take_for_video_leave_remb_alone() -> None:
    inbound = InboundVideo(TERMS, host_numbers=lambda: True)
    assert len(rembs_of(inbound, 0, 0.0)) >= 4


def test_a_host_that_takes_transport_cc_alone_never_gets_remb() -> None:
    inbound = InboundVideo(replace(BOTH, remb=False))
    assert rembs_of(inbound, 0, 0.0) == []
    assert inbound.available_bps is not None
    assert InboundVideo(replace(TERMS, remb=False)).available_bps is None


def test_remb_is_sent_each_second_and_at_once_when_the_rate_falls() -> None:
    inbound = InboundVideo(TERMS)
    rembs: list[tuple[float, int]] = []
    for n in range(600):
        sent_at = n / 60
        now = sent_at + 0.02 + (max(0.0, sent_at - 5.0) * 0.5)
        sent = (int(sent_at * SEND_TIME_UNITS) & 0xFFFFFF).to_bytes(3, "big")
        packet = RtpPacket(
            96, 1, n, n * 1500, MEDIA, b"\x41" + bytes(1000), extension=b"\xbe\xde\0\1\x32" + sent
        )
        for action in inbound.on_packet(packet, now, 0.020):
            if isinstance(action, Remb):
                rembs.append((now, action.bitrate_bps))
    assert [round(at) for at, _ in rembs[:6]] == [0, 1, 2, 3, 4, 5]
    assert rembs[-1][1] < 1_000_000
    falls = [at - before for (before, a), (at, b) in itertools.pairwise(rembs) if b < a]
    assert min(falls) < 0.9


def test_without_abs_send_time_media_time_is_used() -> None:
    inbound = InboundVideo(TERMS)
    for n in range(900):
        sent_at = n / 60
        now = sent_at + max(0.0, sent_at - 5.0) * 0.5
        timestamp = (2**32 - 300_000 + n * 1500) % 2**32
        inbound.on_packet(RtpPacket(96, 1, n, timestamp, MEDIA, b"\x41" + bytes(1000)), now, 0.020)
        if n == 290:
            assert not inbound.bandwidth.limited, "not even where media time wraps"
    assert inbound.bandwidth.limited


# --- key frames -------------------------------------------------------------------------------


def test_a_pli_is_sent_at_once_and_then_each_300_ms_while_a_key_frame_is_needed() -> None:
    requests = KeyFrameRequests()
    assert not requests.take_due(0.0, None)
    requests.need(0.0)
    sent_at = [n for n in range(100) if requests.take_due(n * 0.010, 0.020)]
    assert sent_at == [0, 30, 60, 90]
    requests.arrived(1.0)
    assert not requests.take_due(2.0, None)


def test_frames_are_held_back_only_for_a_host_that_answers_pli_and_only_for_a_second() -> None:
    requests = KeyFrameRequests()
    requests.need(0.0)
    assert not requests.hold_back(0.0)
    assert requests.take_due(0.0, None)
    requests.arrived(0.2)
    requests.need(5.0)
    assert requests.hold_back(5.1)
    assert not requests.hold_back(6.1)
    assert not requests.hold_back(6.2)


def test_a_muted_stream_gives_its_host_time_to_answer_once_it_may_ask() -> None:
    """Muted for longer than a host may take: its frames are still held back for a key frame."""
    may_send = True
    video = InboundVideo(TERMS, may_send=lambda: may_send)
    now = 0.0
    frames = packets(40)
    for packet in frames[: len(frames) // 2]:
        video.on_packet(packet, now, 0.02)
    video.key_frame_requests.host_answers_pli = True
    may_send = False
    video.request_key_frame(now, 0.02)
    for _ in range(300):
        now += 0.01
        assert video.on_tick(now, 0.02) == []
    assert video.key_frame_requests.hold_back(now)
    may_send = True
    assert any(isinstance(action, Pli) for action in video.on_tick(now, 0.02))
    assert video.key_frame_requests.hold_back(now + 0.9)
    assert not video.key_frame_requests.hold_back(now + 1.1)


@given(st.lists(st.tuples(st.floats(0, 0.5), st.sampled_from("wad")), max_size=100))
def test_a_pli_is_never_sent_more_often(steps: list[tuple[float, str]]) -> None:
    requests, now, sent = KeyFrameRequests(), 0.0, []
    for later_s, step in steps:
        now += later_s
        if step == "w":
            requests.need(now)
        elif step == "a":
            requests.arrived(now)
        if requests.take_due(now, 0.02):
            sent.append(now)
    assert all(b - a >= 0.3 for a, b in itertools.pairwise(sent))
    assert requests.plis_sent == len(sent)


# --- captured packets -------------------------------------------------------------------------


def pictures(frames: list[bytes]) -> int:
    codec = av.CodecContext.create("h264", "r")
    count = 0
    for data in frames:
        count += len(codec.decode(av.Packet(data)))
    return count + len(codec.decode(None))


def test_a_capture_survives_being_written_and_read(tmp_path: Path, capture: list[Captured]) -> None:
    write_capture(tmp_path / "again.rtpdump", capture)
    assert read_capture(tmp_path / "again.rtpdump") == capture
    with pytest.raises(ValueError, match="rtpdump"):
        read_capture(Path(__file__))


def test_every_captured_picture_is_released_and_decodes(capture: list[Captured]) -> None:
    inbound = InboundVideo(TERMS)
    done = replay(capture, inbound)
    assert len(done.frames) == PICTURES
    assert pictures([frame.data for frame in done.frames]) == PICTURES
    assert [frame.key for frame in done.frames].count(True) == 2
    assert (done.nacked, done.plis) == (0, 1)
    assert not any(frame.after_loss for frame in done.frames)
    assert inbound.bandwidth.bitrate_bps == 19_000_000


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("loss", "burst"), [(0.03, False), (0.10, False), (0.05, True)])
def test_lost_packets_are_recovered_and_no_picture_is_missing(
    capture: list[Captured], seed: int, loss: float, burst: bool
) -> None:
    whole = [frame.data for frame in replay(capture, InboundVideo(TERMS)).frames]
    inbound = InboundVideo(TERMS)
    # a loss at the very end would go unnoticed: no later packet shows the gap
    done = replay(capture[:-10], inbound, lossy(loss, burst=burst), seed=seed, rtt_s=0.030)
    # nor can a loss before the first packet that arrived be noticed
    released = [frame.data for frame in done.frames][1:]
    first = whole.index(released[0])
    missing = [data for data in whole[first : first + len(released)] if data not in released]
    if not inbound.frames_broken:
        assert not missing
    assert len(missing) <= inbound.frames_broken + inbound.frames_held_back
    assert inbound.frames_broken <= 1
    assert len(released) + inbound.frames_held_back >= 0.93 * (PICTURES - 4)
    assert done.resent > 0
    assert inbound.packets_recovered > 0


def test_without_answers_to_nack_the_other_frames_are_still_released(
    capture: list[Captured],
) -> None:
    inbound = InboundVideo(TERMS)
    done = replay(capture, inbound, lossy(0.03), answers_nack=False)
    assert PICTURES / 2 < len(done.frames) < PICTURES
    assert inbound.frames_broken > 0
    assert done.plis > 1


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_any_order_loss_and_duplication_releases_only_frames_that_were_sent(
    data: st.DataObject,
) -> None:
    """Whatever the network does, each frame was sent like this, and frames are in order."""
    sent = packets(12)
    original = {
        (action.frame.rtp_timestamp, action.frame.data)
        for packet, inbound in [(None, InboundVideo(TERMS))]
        for packet in sent
        for action in inbound.on_packet(packet, 0.0, None)
        if isinstance(action, Decode)
    }
    order = data.draw(st.lists(st.integers(0, len(sent) - 1), max_size=80))
    waits = data.draw(st.lists(st.floats(0, 0.1), min_size=len(order), max_size=len(order)))
    inbound, now = InboundVideo(TERMS), 0.0
    frames = []
    for at, later_s in zip(order, waits, strict=True):
        now += later_s
        for action in [*inbound.on_packet(sent[at], now, 0.02), *inbound.on_tick(now, 0.02)]:
            if isinstance(action, Decode):
                frames.append(action.frame)
    inbound.on_tick(now + 10, 0.02)
    assert {(frame.rtp_timestamp, frame.data) for frame in frames} <= original
    times = [frame.rtp_timestamp for frame in frames]
    assert times == sorted(set(times))
    assert not inbound._jitter_buffer.has_missing
    assert inbound.buffered_bytes <= BUFFER_BYTES


# --- what the pictures of a stream say ----------------------------------------------------------


def rtp(pictures: list[list[bytes]], *, lost: tuple[int, ...] = ()) -> list[RtpPacket]:
    """The packets of these pictures (NAL units each) at 30 fps, without those of `lost`."""
    sent, sequence = [], 0
    for number, units in enumerate(pictures):
        payloads = as_fragments(units, 1000)
        for at, payload in enumerate(payloads):
            marker = int(at == len(payloads) - 1)
            if number not in lost:
                sent.append(RtpPacket(96, marker, sequence, number * 3000, MEDIA, payload))
            sequence += 1
    return sent


def play(inbound: InboundVideo, sent: list[RtpPacket]) -> tuple[list[EncodedFrame], list[float]]:
    """The frames that are decoded, and the times of the PLIs, in pictures since the start."""
    frames, plis = [], []
    for packet in sent:
        now = packet.timestamp / 90_000
        actions = inbound.on_packet(packet, now, 0.020)
        for tick in range(1, 4):
            actions += inbound.on_tick(now + tick / 120, 0.020)
        frames += [action.frame for action in actions if isinstance(action, Decode)]
        plis += [now * 30 for action in actions if isinstance(action, Pli)]
    return frames, plis


def test_a_host_that_repeats_its_parameter_sets_is_asked_for_a_key_frame_after_a_loss() -> None:
    pictures = x264(60)
    sets = [unit for unit in pictures[0] if unit[0] & 0x1F in (7, 8)]
    repeated = [pictures[0], *([*sets, *units] for units in pictures[1:])]
    inbound = InboundVideo(TERMS)
    _, plis = play(inbound, rtp(repeated, lost=(10,)))
    assert len([at for at in plis if at >= 10]) > 3, "it never answers, so it is asked again"
    assert inbound.key_frame_requests.needed
    assert inbound.key_frames_received == 1


def test_intra_refresh_makes_the_picture_whole_again_and_no_pli_interrupts_it() -> None:
    """x264 refreshes the whole picture in 18 pictures; picture 20 is lost."""
    pictures = x264(70, "intra-refresh=1:keyint=30")
    inbound = InboundVideo(TERMS)
    asked_at, whole_at = [], []
    for packet in rtp(pictures, lost=(20,)):
        _, plis = play(inbound, [packet])
        asked_at += plis
        if not inbound.key_frame_requests.needed:
            whole_at.append(packet.timestamp // 3000)
    assert max(asked_at) > 20
    begins = next(n for n, unit in enumerate(through(pictures)) if unit.key and n > 20)
    assert not any(at >= begins for at in asked_at)
    assert next(number for number in whole_at if number > max(asked_at)) == begins + 18


def test_a_loss_during_the_recovery_breaks_it() -> None:
    pictures = x264(59, "intra-refresh=1:keyint=30")
    inbound = InboundVideo(TERMS)
    _, plis = play(inbound, rtp(pictures, lost=(20, 40)))
    assert [at for at in plis if at > 40] != []
    assert inbound.key_frame_requests.needed


def test_a_stream_that_is_joined_in_a_recovery_is_decoded_from_its_recovery_point_on() -> None:
    pictures = x264(70, "intra-refresh=1:keyint=30")
    inbound = InboundVideo(TERMS)
    frames, _ = play(inbound, rtp(pictures[5:]))
    assert frames[0].rtp_timestamp == 25 * 3000
    assert frames[0].recovers_after == 18
    assert pictures_of(frames) == len(frames) - 18
    assert not inbound.key_frame_requests.needed


def test_during_a_recovery_nothing_is_held_back() -> None:
    requests = KeyFrameRequests()
    requests.need(0.0)
    assert requests.take_due(0.0, None)
    requests.arrived(0.1)
    assert requests.host_answers_pli
    requests.need(5.0)
    assert requests.hold_back(5.1)
    requests.arrived(5.1, recovers_after=2)
    assert not requests.hold_back(5.1)
    assert not requests.take_due(5.9, None)
    requests.reference_picture()
    assert requests.needed
    requests.reference_picture()
    assert not requests.needed


def test_a_recovery_point_in_a_whole_stream_needs_nothing() -> None:
    requests = KeyFrameRequests()
    requests.arrived(0.0, recovers_after=18)
    assert not requests.needed


@pytest.mark.parametrize("extra", [SEI_TEXT, ACCESS_UNIT_DELIMITER, FILLER])
@pytest.mark.parametrize("before_ms", [0, 16])
def test_access_units_without_a_picture_cost_no_picture_and_no_pli(
    extra: bytes, before_ms: int
) -> None:
    """With a marker bit, or with a time of their own as well."""
    sent: list[RtpPacket] = []
    for packet in rtp(x264(40)):
        if packet.timestamp % 9000 == 0 and (not sent or sent[-1].marker):
            time = max(0, packet.timestamp - 90 * before_ms)
            sent.append(RtpPacket(96, 1, len(sent), time, MEDIA, extra))
        packet.sequence_number = len(sent)
        sent.append(packet)
    inbound = InboundVideo(TERMS)
    frames, plis = play(inbound, sent)
    assert pictures_of(frames) == len(frames) == inbound.frames_received == 40
    assert plis == [0]


def pictures_of(frames: list[EncodedFrame]) -> int:
    """How many pictures come out of our decoder, each for its own frame or not at all."""
    codec = open_codec()
    return sum(len(codec.decode(av.Packet(frame.data))) for frame in frames)


@pytest.mark.parametrize(("pixels", "parameters"), [("yuv444p", ""), ("yuv420p", "interlaced=1")])
def test_what_is_not_supported_is_not_decoded_and_no_key_frame_is_asked_for(
    pixels: str, parameters: str
) -> None:
    odd = x264(20, parameters, pixels=pixels)
    inbound = InboundVideo(TERMS)
    frames, plis = play(inbound, rtp([*odd, *x264(10)]))
    assert [frame.rtp_timestamp // 3000 for frame in frames] == list(range(20, 30))
    assert plis == [0]
    assert inbound.frames_unsupported == 20
    assert inbound.unsupported is None
    inbound, refusals = InboundVideo(TERMS), []
    for packet in rtp(odd):
        refusals += [
            each for each in inbound.on_packet(packet, 0.0, 0.02) if isinstance(each, Refuse)
        ]
    assert inbound.unsupported is not None
    assert refusals == [Refuse(inbound.unsupported)]


def test_a_stream_that_has_played_is_not_refused_as_a_whole() -> None:
    inbound, refusals = InboundVideo(TERMS), []
    for packet in rtp([*x264(2), *x264(3, pixels="yuv444p"), *x264(2)]):
        refusals += [
            each for each in inbound.on_packet(packet, 0.0, 0.02) if isinstance(each, Refuse)
        ]
        if packet.timestamp == 9000:
            assert "4:4:4" in (inbound.unsupported or "")
    assert refusals == []
    assert (inbound.frames_unsupported, inbound.unsupported) == (3, None)


def test_a_key_frame_whose_parameter_sets_were_lost_is_asked_for_again() -> None:
    inbound = InboundVideo(TERMS)
    sent = rtp(x264(12))[1:]
    frames, plis = play(inbound, sent)
    assert frames == []
    assert len(plis) == 2, "at once and after 300 ms"


def test_parameter_sets_of_the_answer_are_used_for_their_payload_type() -> None:
    pictures = x264(3)
    sets = tuple(unit for unit in pictures[0] if unit[0] & 0x1F in (7, 8))
    bare = [[unit for unit in units if unit[0] & 0x1F < 6] for units in pictures]
    for numbers, shown in (((96,), 3), ((98,), 0)):
        terms = Negotiated(frozenset({96}), parameter_sets=dict.fromkeys(numbers, sets))
        # without parameter sets the first frame waits for earlier packets
        frames, _ = play(InboundVideo(terms), rtp(bare))
        codec, count = open_codec(), 0
        for frame in frames:
            with contextlib.suppress(av.error.FFmpegError):
                count += len(codec.decode(av.Packet(frame.data)))
        assert count == shown
