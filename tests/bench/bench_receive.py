"""The receive path on a virtual clock: loss, repair, and CPU per packet"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator

from bench.measure import Measurement, per_second, percentile
from helpers.capture import Captured, Replayed, replay
from helpers.h264_packets import fragments
from rejoin.media.audio.opus import BYTES_PER_SAMPLE, OpusDecoder
from rejoin.media.receive.audio_reorder import AudioReorder
from rejoin.media.receive.inbound_video import InboundVideo, Negotiated
from rejoin.media.receive.rtp import parse
from rejoin.media.video.freezes import Freezes
from rejoin.netem.link import Lane, NetworkProfile, ProfileStage

NEGOTIATED = Negotiated(frozenset({96}), remb=True)
FPS = 60
PAYLOAD_BYTES = 1180
ONE_WAY_S = 0.030


def video(for_s: float, bitrate_bps: float, *, key_packets: int = 220) -> list[Captured]:
    """1080p60 as a host sends it: one key frame, then frames of equal size, 16 packets per ms."""
    packets: list[Captured] = []
    for number in range(round(for_s * FPS)):
        size = key_packets * PAYLOAD_BYTES if number == 0 else int(bitrate_bps / FPS / 8)
        kind = 0x65 if number == 0 else 0x41
        pieces = fragments(bytes([kind]) + bytes(size), PAYLOAD_BYTES)
        for at, piece in enumerate(pieces):
            marker = 0x80 * (at == len(pieces) - 1)
            head = struct.pack(
                "!BBHLL", 0x80, 96 | marker, len(packets) & 0xFFFF, number * 90_000 // FPS, 7
            )
            packets.append((number / FPS + at // 16 * 0.001, head + piece))
    return packets


def as_key_frame(packet: bytes) -> bytes:
    """The same fragment, marked as one of an IDR picture."""
    return packet[:13] + bytes([packet[13] & 0xE0 | 5]) + packet[14:]


def lossy(loss: float) -> NetworkProfile:
    """Loss starts after one second, so that the first key frame arrives."""
    up, clean = Lane(ONE_WAY_S), Lane(ONE_WAY_S)
    return NetworkProfile(
        "lossy",
        stages=(ProfileStage(0.0, up, clean), ProfileStage(1.0, up, Lane(ONE_WAY_S, loss=loss))),
    )


def run(quick: bool) -> Iterator[Measurement]:
    for_s = 3.0 if quick else 60.0
    conditions = f"{for_s:.0f} s at 15 Mbit/s, RTT 60 ms, nothing is decoded"
    packets = video(for_s, 15e6)
    yield from _received("3 % loss", packets, lossy(0.03), True, conditions)
    conditions = f"{for_s:.0f} s at 1 Mbit/s, RTT 60 ms, nothing is decoded"
    yield from _received(
        "3 % loss, NACKs ignored", video(for_s, 1e6), lossy(0.03), False, conditions
    )
    large = video(2.0, 15e6, key_packets=645)
    yield from _received("key frame of 645 packets", large, lossy(0.0), True, "2 s at 15 Mbit/s")
    yield from _cost(0.05 if quick else 2.0)
    yield from _audio(100 if quick else 3000)


def _received(
    name: str, packets: list[Captured], profile: NetworkProfile, answers: bool, conditions: str
) -> Iterator[Measurement]:
    inbound = InboundVideo(NEGOTIATED)
    done: Replayed = replay(
        packets,
        inbound,
        profile,
        rtt_s=2 * ONE_WAY_S,
        answers_nack=answers,
        as_key_frame=as_key_frame,
    )
    late_ms = [
        (frame.released_at - frame.rtp_timestamp / 90_000 - ONE_WAY_S) * 1000
        for frame in done.frames
    ]
    freezes = Freezes()
    for frame in done.frames:
        freezes.shown(frame.released_at)
    sent = len({data[4:8] for _, data in packets})  # frames, by their RTP timestamps
    yield Measurement(f"{name}: frames completed", 100 * len(done.frames) / sent, "%", conditions)
    delay = f"from sending to completion, beyond the path's delay; {conditions}"
    yield Measurement(f"{name}: frame delay, median", percentile(late_ms, 50), "ms", delay)
    yield Measurement(f"{name}: frame delay, p95", percentile(late_ms, 95), "ms", delay)
    w3c = f"as W3C defines a freeze; {conditions}"
    yield Measurement(f"{name}: time frozen", freezes.duration_s, "s", w3c)
    yield Measurement(
        f"{name}: PLIs sent", done.plis, "packets", f"including the first; {conditions}"
    )


def _cost(at_least_s: float) -> Iterator[Measurement]:
    parsed = [(at, parse(data)) for at, data in video(1.0, 30e6)]

    def receive() -> None:
        inbound = InboundVideo(NEGOTIATED)
        for at, packet in parsed:
            inbound.on_packet(packet, at, 0.020)
        assert inbound.frames_received == FPS

    rate = per_second(receive, at_least_s=at_least_s) * len(parsed)
    yield Measurement(
        "packets per second", rate, "packets/s", "parsed in advance, none lost, one core"
    )
    share = 100 * len(parsed) / rate
    yield Measurement("share of one core at 30 Mbit/s", share, "%", "from the row above")


def _audio(count: int) -> Iterator[Measurement]:
    """One packet in twenty lost: how much playing time is kept, and how long a packet waits."""
    order, opus, waits_ms, samples = AudioReorder(), OpusDecoder(), [], 0
    silence = b"\xfc\xff\xfe"
    began = time.process_time()
    for number in range(count):
        now = number * 0.020
        ready = (
            [] if number % 20 == 7 else order.add(number & 0xFFFF, silence, now, timestamp=number)
        )
        for packet in [*ready, *order.poll(now)]:
            waits_ms.append((now - packet.rtp_timestamp * 0.020) * 1000)
            sound = opus.decode(packet.payload, lost_before=packet.lost_before)
            samples += len(sound) // BYTES_PER_SAMPLE
    took_s = time.process_time() - began
    conditions = f"{count} packets of 20 ms, every twentieth lost"
    kept = 100 * samples / 48_000 / (count * 0.020)
    yield Measurement("audio: playing time kept", kept, "%", conditions)
    yield Measurement("audio: longest wait of a packet", max(waits_ms), "ms", conditions)
    yield Measurement("audio: CPU", 100 * took_s / (count * 0.020), "% of a core", conditions)
