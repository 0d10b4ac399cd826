"""What to do with one video stream's packets: the pure middle of the receiver.

Packets and times go in, actions come out: frames to decode, packets to ask for again, a key frame
to ask for, a rate to tell. No socket, clock or task: `rtc/receiver` carries the actions out, and
tests feed it captured packets.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rejoin.media.receive.bandwidth import DRAINED_S, SENT_PERIOD_S, BandwidthEstimate
from rejoin.media.receive.jitter_buffer import EncodedFrame, JitterBuffer
from rejoin.media.receive.receive_statistics import ReceiveStatistics
from rejoin.media.receive.rtp import SEND_TIME_UNITS, RtpPacket, repeated_by

VIDEO_CLOCK_HZ = 90_000
KEY_FRAME_EVERY_S = 0.300
KEY_FRAME_ANSWER_S = 1.0
"""A key frame this soon after we asked for one was the answer to it."""

NACK_AT_ONCE = 250
"""Sequence numbers in one NACK: more would not fit into a packet at worst (4 bytes each)."""

RATE_EVERY_S = 1.0
"""How often the rate is told while it does not fall (as Chromium does)."""


# --- actions ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decode:
    frame: EncodedFrame


@dataclass(frozen=True, slots=True)
class Nack:
    """Send a NACK (RFC 4585, 6.2.1)."""

    ssrc: int
    sequences: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pli:
    """Send a PLI (RFC 4585, 6.3.1)."""

    ssrc: int


@dataclass(frozen=True, slots=True)
class Remb:
    """Send a REMB (draft-alvestrand-rmcat-remb-03)."""

    ssrc: int
    bitrate_bps: int


ReceiveAction = Decode | Nack | Pli | Remb


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What offer and answer agreed on for one video section.

    `retransmits`: payload type of a retransmission stream to that of what it repeats (RFC 4588).
    `rtx_ssrcs`: SSRC of a retransmission stream to that of its media (`ssrc-group:FID`); a stream
    that is not named there repeats the media of this section. `nack`, `rate`: whether the host
    takes NACK and REMB; PLI is always sent, as there is no other way to a picture. `send_time_id`:
    the number of the abs-send-time extension.
    """

    payload_types: frozenset[int]
    retransmits: Mapping[int, int] = field(default_factory=dict)
    rtx_ssrcs: Mapping[int, int] = field(default_factory=dict)
    nack: bool = True
    rate: bool = False
    most_bps: int = 19_000_000
    send_time_id: int | None = None


# --- when to ask for a key frame ----------------------------------------------------------------


class KeyFrameRequests:
    """When to ask for a key frame, and whether to wait for it with what comes before.

    We wait only for a host that is known to answer; a wait has an end even then.
    """

    def __init__(self) -> None:
        self.sent = 0
        self.host_answers = False
        self._wanted_since: float | None = None
        self._sent_at: float | None = None

    @property
    def wanted(self) -> bool:
        return self._wanted_since is not None

    def want(self, now: float) -> None:
        if self._wanted_since is None:
            self._wanted_since = now

    def due(self, now: float, rtt_s: float | None) -> bool:
        """Whether to send one now; a True answer counts as sent."""
        if self._wanted_since is None:
            return False
        every_s = max(KEY_FRAME_EVERY_S, 1.5 * (rtt_s or 0.0))
        if self._sent_at is not None and now - self._sent_at < every_s:
            return False
        self._sent_at = now
        self.sent += 1
        return True

    def arrived(self, now: float) -> None:
        """A key frame came."""
        if self._sent_at is not None and now - self._sent_at <= KEY_FRAME_ANSWER_S:
            self.host_answers = True
        self._wanted_since = None

    def hold_back(self, now: float) -> bool:
        """Whether frames that depend on a lost one should wait for the key frame."""
        if self._wanted_since is None or not self.host_answers:
            return False
        if now - self._wanted_since > KEY_FRAME_ANSWER_S:
            self.host_answers = False
            return False
        return True


# --- the stream ---------------------------------------------------------------------------------


class InboundVideo:
    """One video section of a connection, from its packets to what is to be done about them."""

    def __init__(self, terms: Negotiated) -> None:
        self.reception = ReceiveStatistics(VIDEO_CLOCK_HZ)
        self.requests = KeyFrameRequests()
        self.bandwidth = BandwidthEstimate(terms.most_bps)
        self.frames_received = 0
        self.frames_held_back = 0
        """Whole frames not decoded, because they depend on one that is lost."""
        self.key_frames_received = 0
        self.nacks_sent = 0
        """NACK packets (W3C: nackCount)."""
        self.packets_strange = 0
        """Packets of a payload type or of a retransmission that nobody agreed on."""
        self.jitter_buffer_delay_s = 0.0
        """Sum over frames of the time from their first packet to their turn (W3C)."""
        self.terms = terms
        self._assembly = JitterBuffer(asks=terms.nack)
        self._before = (0, 0, 0, 0)
        self._ssrc: int | None = None
        self._had_key_frame = False
        self._tell_at = -math.inf
        self._sampled_timestamp: int | None = None
        self._media_s = 0.0

    @property
    def busy(self) -> bool:
        """Whether `tick` is wanted: something is missing or a key frame is."""
        return self._assembly.waiting or self.requests.wanted

    @property
    def ssrc(self) -> int | None:
        """The media stream; None before anything is known of it."""
        return self._ssrc

    @property
    def buffered_bytes(self) -> int:
        return self._assembly.buffered_bytes

    @property
    def told_bps(self) -> int | None:
        """The rate that the host knows to be ours; None when it does not take any."""
        return self.bandwidth.bitrate_bps if self.terms.rate else None

    @property
    def packets_asked(self) -> int:
        """Packets asked for again, each asking counted."""
        return self._before[0] + self._assembly.packets_asked

    @property
    def packets_recovered(self) -> int:
        """Packets that came after they had been asked for."""
        return self._before[1] + self._assembly.packets_recovered

    @property
    def packets_discarded(self) -> int:
        """Packets that came too late to be used, or twice."""
        return self._before[2] + self._assembly.packets_late + self._assembly.packets_repeated

    @property
    def frames_broken(self) -> int:
        """How often frames were given up because of what was missing."""
        return self._before[3] + self._assembly.frames_broken

    def expect(self, ssrc: int) -> None:
        """The answer named the media stream, before its first packet."""
        self._ssrc = ssrc

    def packet(self, packet: RtpPacket, now: float, rtt_s: float | None) -> list[ReceiveAction]:
        """One RTP packet of this section came in."""
        repeated = self.terms.retransmits.get(packet.payload_type)
        fresh = False
        if repeated is not None:
            self.bandwidth.add_bytes(len(packet.payload), now)
            original = self._original(packet, repeated)
            if original is None:
                self.packets_strange += 1
                return self._actions([], now, rtt_s, False)
            self.reception.add_retransmitted(packet)
            packet = original
        elif packet.payload_type in self.terms.payload_types:
            self.bandwidth.add_bytes(len(packet.payload), now)
            if packet.ssrc != self._ssrc or self.reception.ssrc is None:
                self._begin(packet.ssrc)
                self.requests.want(now)
            fresh = self.reception.add(packet, now)
        else:
            self.packets_strange += 1
            return []
        frames = self._assembly.add(
            packet.sequence_number, packet.timestamp, packet.marker == 1, packet.payload, now
        )
        fell = fresh and self._measure(packet, now, rtt_s)
        return self._actions(frames, now, rtt_s, fell)

    def tick(self, now: float, rtt_s: float | None) -> list[ReceiveAction]:
        """Time went by: each 10 ms while `busy`."""
        frames = self._assembly.poll(now, rtt_s) if self._assembly.waiting else []
        return self._actions(frames, now, rtt_s, False)

    def want_key_frame(self, now: float, rtt_s: float | None) -> list[ReceiveAction]:
        """The decoder is in trouble, or the player wants a fresh picture."""
        self.requests.want(now)
        return list(self._ask(now, rtt_s))

    def _actions(
        self, frames: list[EncodedFrame], now: float, rtt_s: float | None, fell: bool
    ) -> list[ReceiveAction]:
        """Most packets are the middle of a frame, and nothing is to be done."""
        actions: list[ReceiveAction] = []
        if frames:
            actions += self._decode(frames, now)
        if self.busy:
            actions += self._ask(now, rtt_s)
        if self.terms.rate and (fell or now >= self._tell_at):
            actions += self._tell(now)
        return actions

    def _original(self, packet: RtpPacket, payload_type: int) -> RtpPacket | None:
        """What a retransmission repeats; None when it is padding or of no stream that we know."""
        ssrc = self.terms.rtx_ssrcs.get(packet.ssrc, self._ssrc)
        if len(packet.payload) < 2 or ssrc is None or ssrc != self._ssrc:
            return None
        if payload_type not in self.terms.payload_types:
            return None
        return repeated_by(packet, payload_type, ssrc)

    def _begin(self, ssrc: int) -> None:
        """Another stream: its numbers have nothing to do with those before."""
        self._before = (
            self.packets_asked,
            self.packets_recovered,
            self.packets_discarded,
            self.frames_broken,
        )
        self._assembly = JitterBuffer(asks=self.terms.nack)
        self._ssrc = ssrc
        self._had_key_frame = False
        self._sampled_timestamp = None

    def _measure(self, packet: RtpPacket, now: float, rtt_s: float | None) -> bool:
        number = self.terms.send_time_id
        sent = None if number is None else packet.send_time(number)
        if sent is not None:
            return self.bandwidth.add_delay(sent / SEND_TIME_UNITS, now, rtt_s)
        before, self._sampled_timestamp = self._sampled_timestamp, packet.timestamp
        if packet.timestamp == before:
            return False  # only a frame's first packet was sent when its picture was taken
        if before is not None:
            moved = (packet.timestamp - before + 2**31) % 2**32 - 2**31
            self._media_s = (self._media_s + moved / VIDEO_CLOCK_HZ) % SENT_PERIOD_S
        return self.bandwidth.add_delay(self._media_s, now, rtt_s)

    def _decode(self, frames: list[EncodedFrame], now: float) -> Iterator[ReceiveAction]:
        for frame in frames:
            self.frames_received += 1
            self.jitter_buffer_delay_s += frame.released_at - frame.began_at
            if frame.key:
                self.key_frames_received += 1
                self._had_key_frame = True
                self.requests.arrived(now)
            elif frame.after_loss or not self._had_key_frame:
                self.requests.want(now)
            if not self._had_key_frame or self.requests.hold_back(now):
                self.frames_held_back += 1
            else:
                yield Decode(frame)

    def _ask(self, now: float, rtt_s: float | None) -> Iterator[ReceiveAction]:
        if self._ssrc is None:
            return
        if self.terms.nack and self._assembly.waiting:
            free = self.bandwidth.queue_s < DRAINED_S
            missing = self._assembly.to_nack(now, rtt_s, twice=free)
            for at in range(0, len(missing), NACK_AT_ONCE):
                self.nacks_sent += 1
                yield Nack(self._ssrc, tuple(missing[at : at + NACK_AT_ONCE]))
        if self.requests.due(now, rtt_s):
            yield Pli(self._ssrc)

    def _tell(self, now: float) -> Iterator[ReceiveAction]:
        if self._ssrc is not None and self.reception.ssrc is not None:
            self._tell_at = now + RATE_EVERY_S
            yield Remb(self._ssrc, self.bandwidth.bitrate_bps)
