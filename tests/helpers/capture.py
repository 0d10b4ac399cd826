"""Captured RTP: reads and writes rtpdump files, and replays one into `InboundVideo`.

The format is that of rtptools ("#!rtpplay1.0"), which Wireshark also reads and writes. Replayed
packets pass through a `netem.link` with any network profile, and NACKs are answered as by a host.
"""

from __future__ import annotations

import heapq
import itertools
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rejoin.media.receive.inbound_video import (
    Decode,
    Fir,
    InboundVideo,
    Nack,
    Pli,
    ReceiveAction,
    Refuse,
    Remb,
)
from rejoin.media.receive.jitter_buffer import EncodedFrame
from rejoin.media.receive.rtp import parse
from rejoin.netem.link import Direction, Link, NetworkProfile

_FIRST_LINE = b"#!rtpplay1.0 127.0.0.1/0\n"
MAX_RETRANSMISSIONS = 8
"""How often the replayed host retransmits one packet."""

Captured = tuple[float, bytes]
"""When a packet was captured, in seconds since the first, and its bytes from the RTP header on."""


def write_capture(path: Path, packets: list[Captured]) -> None:
    with path.open("wb") as file:
        file.write(_FIRST_LINE + struct.pack("!LLLHH", 0, 0, 0, 0, 0))
        for at, data in packets:
            file.write(struct.pack("!HHL", len(data) + 8, len(data), round(at * 1000)) + data)


def read_capture(path: Path) -> list[Captured]:
    """Raises ValueError if it is not an rtpdump file."""
    data = path.read_bytes()
    if not data.startswith(b"#!rtpplay1.0 "):
        raise ValueError("not an rtpdump file")
    at = data.index(b"\n") + 1 + 16
    packets = []
    while at < len(data):
        length, size, offset_ms = struct.unpack_from("!HHL", data, at)
        packets.append((offset_ms / 1000, data[at + 8 : at + 8 + size]))
        at += length
    return packets


@dataclass
class Replayed:
    """What `InboundVideo` did with a capture."""

    frames: list[EncodedFrame] = field(default_factory=list)
    nacked: int = 0
    plis: int = 0
    refused: int = 0
    rates: list[int] = field(default_factory=list)
    resent: int = 0


def replay(
    packets: list[Captured],
    inbound: InboundVideo,
    profile: NetworkProfile | None = None,
    *,
    seed: int = 1,
    rtt_s: float = 0.040,
    answers_nack: bool = True,
    change: Callable[[bytes], bytes] = lambda data: data,
    as_key_frame: Callable[[bytes], bytes] | None = None,
) -> Replayed:
    """Replay a capture through a link, on a virtual clock. `change` is applied to every packet.

    `as_key_frame` is applied to the packets of the frame that answers a PLI; without it PLIs are
    not answered. Feedback takes half of `rtt_s`.
    """
    link = Link(
        profile or NetworkProfile("clean"), 0.0, lambda name: random.Random(f"{seed} {name}").random
    )
    done, order = Replayed(), itertools.count()
    sent: dict[int, bytes] = {}
    resent: dict[int, int] = {}
    pli_at: list[float] = []
    frame, is_key = b"", False
    coming: list[tuple[float, int, bytes | None]] = []

    def send(at: float, data: bytes) -> None:
        fate = link.decide(Direction.DOWN, len(data), at)
        if fate.dropped is None:
            heapq.heappush(coming, (at + fate.delay_s, next(order), data))

    def act(actions: list[ReceiveAction], now: float) -> None:
        for action in actions:
            match action:
                case Decode(frame):
                    done.frames.append(frame)
                case Nack(_, sequences):
                    done.nacked += len(sequences)
                    for sequence in sequences if answers_nack else ():
                        times = resent[sequence] = resent.get(sequence, 0) + 1
                        if sequence in sent and times <= MAX_RETRANSMISSIONS:
                            done.resent += 1
                            send(now + rtt_s / 2, sent[sequence])
                case Pli() | Fir():
                    done.plis += 1
                    pli_at.append(now + rtt_s / 2)
                case Remb(_, bitrate_bps):
                    done.rates.append(bitrate_bps)
                case Refuse():
                    done.refused += 1

    last_at = packets[-1][0] + 2.0
    for tick in range(round(last_at / 0.010)):
        heapq.heappush(coming, (tick * 0.010, next(order), None))
    ahead = iter(packets)
    upcoming = next(ahead, None)
    while coming:
        while upcoming is not None and upcoming[0] <= coming[0][0]:
            at, data = upcoming
            if data[4:8] != frame:
                frame, is_key = data[4:8], bool(pli_at) and pli_at[0] <= at
                if is_key:
                    pli_at.clear()
            if is_key and as_key_frame is not None:
                data = as_key_frame(data)
            sent[int.from_bytes(data[2:4])] = data
            send(at, data)
            upcoming = next(ahead, None)
        now, _, arrived = heapq.heappop(coming)
        if arrived is None:
            act(inbound.on_tick(now, rtt_s), now)
            continue
        try:
            packet = parse(change(arrived))
        except ValueError:
            continue  # as rtp_input does
        act(inbound.on_packet(packet, now, rtt_s), now)
    return done
