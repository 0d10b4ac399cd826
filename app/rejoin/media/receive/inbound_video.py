"""One received video stream: packets and times in, actions out (decode, NACK, PLI, REMB). Pure.

`rejoin.rtc.receiver` carries the actions out; tests feed captured packets.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from rejoin.media.receive.access_units import AccessUnits
from rejoin.media.receive.bandwidth import DRAINED_S, SENT_PERIOD_S, BandwidthEstimate
from rejoin.media.receive.jitter_buffer import (
    EncodedFrame,
    JitterBuffer,
    JitterBufferCounters,
)
from rejoin.media.receive.receive_statistics import ReceiveStatistics
from rejoin.media.receive.rtp import (
    SEND_TIME_BYTES,
    SEND_TIME_UNITS,
    VIDEO_CLOCK_HZ,
    ElementReader,
    RtpPacket,
    unwrap_rtx,
)
from rejoin.media.receive.sources import PLAYS_S, PlayingSource

PLI_INTERVAL_MIN_S = 0.300
PLI_ANSWER_S = 1.0
"""A key frame that arrives this soon after a PLI counts as the answer to it."""

MAX_NACKED_AT_ONCE = 250
"""Sequence numbers in one NACK. At 4 bytes each in the worst case, more might not fit a packet."""

MAX_BPS = 19_000_000
"""What the Web SDK 1.2.0 was observed to offer to receive, in bit/s."""

REMB_INTERVAL_S = 1.0
"""Period of REMB while the rate does not fall (as in Chromium)."""

REMB_JUDGED_EVERY_S = 0.050


# --- actions ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decode:
    """Hand a whole frame to the decoder."""

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
class Fir:
    """Send a FIR (RFC 5104, 4.3.1). `number`: of the command, the same when it is repeated."""

    ssrc: int
    number: int


@dataclass(frozen=True, slots=True)
class Remb:
    """Send a REMB (draft-alvestrand-rmcat-remb-03)."""

    ssrc: int
    bitrate_bps: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """The stream begins with video of a kind that is not decoded. `why`: in a few words."""

    why: str


ReceiveAction = Decode | Nack | Pli | Fir | Remb | Refuse


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What offer and answer agreed on for one video section.

    `rtx_payload_types`: payload type of RTX to that of the original (RFC 4588, `apt`).
    `rtx_ssrcs`: SSRC of an RTX stream to that of the original (`ssrc-group:FID`); an RTX stream
    that is not listed belongs to this section. `nack`, `pli`, `fir`, `remb`, `transport_cc`: what
    the host accepts; PLI is sent all the same to one that accepts neither it nor FIR, as there is
    no other way to get a picture. `max_bps`: the first and highest REMB. `send_time_id`: id of the
    abs-send-time header extension. `parameter_sets`: for a payload type, the H.264 parameter sets
    that the answer announced for it (RFC 6184, 8.1). `allow_444`: whether the High 4:4:4 Predictive
    profile was offered.
    """

    payload_types: frozenset[int]
    rtx_payload_types: Mapping[int, int] = field(default_factory=dict)
    rtx_ssrcs: Mapping[int, int] = field(default_factory=dict)
    nack: bool = True
    pli: bool = True
    fir: bool = False
    remb: bool = False
    transport_cc: bool = False
    max_bps: int = MAX_BPS
    send_time_id: int | None = None
    parameter_sets: Mapping[int, tuple[bytes, ...]] = field(default_factory=dict)
    allow_444: bool = False


# --- when to ask for a key frame ----------------------------------------------------------------


class KeyFrameRequests:
    """When to send a PLI, and whether to hold back frames until the key frame is there.

    Frames are held back only for a host that is known to answer PLI, and only for a limited time.
    A recovery point (intra refresh) ends the need some pictures later. Until then nothing is held
    back and no PLI is sent, because a host that obeys one begins the recovery again.
    """

    def __init__(self) -> None:
        self.plis_sent = 0
        self.host_answers_pli = False
        self._needed_since: float | None = None
        self._sent_at: float | None = None
        self._recovers_after: int | None = None
        """After how many reference pictures the need is over; None where no recovery runs."""

    @property
    def needed(self) -> bool:
        """Whether a key frame is needed and not there yet."""
        return self._needed_since is not None

    def need(self, now: float) -> None:
        """A key frame is needed from now on; a recovery that runs is broken."""
        self._recovers_after = None
        if self._needed_since is None:
            self._needed_since = now

    def postpone(self, now: float) -> None:
        """No PLI can be sent now: the host's time to answer has not begun."""
        if self._needed_since is not None:
            self._needed_since = now

    def take_due(self, now: float, rtt_s: float | None) -> bool:
        """Whether to send a PLI now; True counts as sent."""
        if self._needed_since is None or self._recovers_after is not None:
            return False
        interval_s = max(PLI_INTERVAL_MIN_S, 1.5 * (rtt_s or 0.0))
        if self._sent_at is not None and now - self._sent_at < interval_s:
            return False
        self._sent_at = now
        self.plis_sent += 1
        return True

    def in_vain(self, now: float) -> bool:
        """Whether a key frame has been needed for longer than the answer to a PLI may take."""
        return self._needed_since is not None and now - self._needed_since >= PLI_ANSWER_S

    def arrived(self, now: float, *, recovers_after: int = 0) -> None:
        """A key frame arrived, and pictures are whole this many reference pictures later."""
        if self._sent_at is not None and now - self._sent_at <= PLI_ANSWER_S:
            self.host_answers_pli = True
        if recovers_after == 0:
            self.not_needed()
        elif self._needed_since is not None and self._recovers_after is None:
            self._recovers_after = recovers_after

    def not_needed(self) -> None:
        """Pictures are whole again, or no key frame would help."""
        self._needed_since = self._recovers_after = None

    def reference_picture(self) -> None:
        """A whole reference picture followed the one before it."""
        if self._recovers_after is not None:
            self._recovers_after -= 1
            if self._recovers_after <= 0:
                self.not_needed()

    def hold_back(self, now: float) -> bool:
        """Whether frames that depend on a lost one should be held back until the key frame."""
        if self._needed_since is None or not self.host_answers_pli:
            return False
        if self._recovers_after is not None:
            return False
        if now - self._needed_since > PLI_ANSWER_S:
            self.host_answers_pli = False
            return False
        return True


# --- the stream ---------------------------------------------------------------------------------


class InboundVideo:
    """The received video stream of one connection: decides what each packet leads to."""

    def __init__(
        self,
        negotiated: Negotiated,
        *,
        may_send: Callable[[], bool] = lambda: True,
        host_numbers: Callable[[], bool] = lambda: False,
    ) -> None:
        """`may_send`: whether feedback leaves this machine; a muted connection asks for nothing,
        and nothing counts as asked for. `host_numbers`: whether the host numbers its packets now
        and gets transport-wide feedback."""
        self._may_send = may_send
        self._host_numbers = host_numbers
        self.statistics = ReceiveStatistics(VIDEO_CLOCK_HZ)
        self.key_frame_requests = KeyFrameRequests()
        self.bandwidth = BandwidthEstimate(negotiated.max_bps)
        self.frames_received = 0
        self.frames_held_back = 0
        """Whole frames that were not decoded because they depend on a lost one."""
        self.frames_unsupported = 0
        """Whole frames that were not decoded because their SPS is not supported."""
        self.unsupported: str | None = None
        """The property of the stream that is not supported, in a few words; None if none."""
        self.key_frames_received = 0
        self.nacks_sent = 0
        """NACK packets (W3C: nackCount)."""
        self.firs_sent = 0
        """FIR packets (W3C: firCount)."""
        self._fir_number = 0
        self._firs_answered = 0
        self.needs_tick = False
        """Whether to call `on_tick`: packets are missing or a key frame is needed."""
        self.jitter_buffer_delay_s = 0.0
        """Sum over all frames of the time from first packet to release (W3C)."""
        self.negotiated = negotiated
        self._counters = JitterBufferCounters()
        self._jitter_buffer = JitterBuffer(nack=negotiated.nack, counters=self._counters)
        self._ssrc: int | None = None
        """Of the stream; before its first packet, what the answer announced."""
        self._source = PlayingSource()
        self._newcomer: tuple[RtpPacket, float] | None = None
        """The first packet of another source, and when it came. That source plays if a second
        packet follows."""
        self._had_key_frame = False
        self._remb_at = self._remb_judged_at = -math.inf
        self._limited = False
        self._sampled_timestamp: int | None = None
        self._media_s = 0.0
        number = negotiated.send_time_id
        self._send_time = None if number is None else ElementReader(number, SEND_TIME_BYTES)

    @property
    def buffered_bytes(self) -> int:
        return self._jitter_buffer.buffered_bytes

    @property
    def available_bps(self) -> int | None:
        """What the estimate allows the host; None if it takes no congestion feedback."""
        taken = self.negotiated.remb or self.negotiated.transport_cc
        return self.bandwidth.bitrate_bps if taken else None

    @property
    def remb_paused(self) -> bool:
        """Whether transport-wide feedback is sent in place of REMB. With both at once a host would
        obey the lower of two estimates."""
        return self.negotiated.transport_cc and self._host_numbers()

    @property
    def packets_nacked(self) -> int:
        """Packets in NACKs; each NACK counts."""
        return self._counters.packets_nacked

    @property
    def packets_recovered(self) -> int:
        """Packets that arrived after a NACK had asked for them."""
        return self._counters.packets_recovered

    @property
    def packets_discarded(self) -> int:
        """Packets that arrived too late or twice (W3C)."""
        return self._counters.packets_late + self._counters.packets_duplicate

    @property
    def frames_broken(self) -> int:
        """Frames that were dropped because packets of them were missing."""
        return self._counters.frames_broken

    def expect_ssrc(self, ssrc: int) -> None:
        """The answer named the SSRC of the video before its first packet."""
        self._ssrc = ssrc

    def on_packet(self, packet: RtpPacket, now: float, rtt_s: float | None) -> list[ReceiveAction]:
        """One RTP packet of this section arrived. Unknown payload types are ignored."""
        if packet.payload_type not in self.negotiated.payload_types:
            return self._on_retransmission(packet, now, rtt_s)
        if packet.ssrc != self._source.ssrc:
            return self._on_other_source(packet, now, rtt_s)
        self.bandwidth.add_bytes(len(packet.payload), now)
        newest = self.statistics.add(packet, now)
        frames = self._jitter_buffer.add(
            packet.sequence_number, packet.timestamp, packet.marker == 1, packet.payload, now
        )
        rate_fell = newest and self._add_delay(packet, now, rtt_s)
        return self._actions(frames, now, rtt_s, rate_fell)

    def _on_other_source(
        self, packet: RtpPacket, now: float, rtt_s: float | None
    ) -> list[ReceiveAction]:
        """A packet of an SSRC that does not play (yet)."""
        held, self._newcomer = self._newcomer, None
        if not self._source.takes(packet.ssrc, now, self._jitter_buffer.newest_at):
            self._newcomer = packet, now
            return []
        self._start_stream(packet.ssrc, packet.payload_type)
        self.key_frame_requests.need(now)
        actions: list[ReceiveAction] = []
        if held is not None and held[0].ssrc == packet.ssrc and now - held[1] < PLAYS_S:
            actions = self.on_packet(held[0], now, rtt_s)
        return actions + self.on_packet(packet, now, rtt_s)

    def _on_retransmission(
        self, packet: RtpPacket, now: float, rtt_s: float | None
    ) -> list[ReceiveAction]:
        """A packet of the RTX stream, or of an unknown stream."""
        original_type = self.negotiated.rtx_payload_types.get(packet.payload_type)
        if original_type is None:
            return []
        self.bandwidth.add_bytes(len(packet.payload), now)
        original = self._original(packet, original_type)
        if original is None:
            return self._actions([], now, rtt_s, False)
        sequence = original.sequence_number
        repaired = sequence if self._jitter_buffer.awaits(sequence) else None
        self.statistics.add_retransmitted(packet, repaired=repaired)
        frames = self._jitter_buffer.add(
            sequence, original.timestamp, original.marker == 1, original.payload, now
        )
        return self._actions(frames, now, rtt_s, False)

    def on_tick(self, now: float, rtt_s: float | None) -> list[ReceiveAction]:
        """Time has passed. To be called every 10 ms while `needs_tick`."""
        buffer = self._jitter_buffer
        frames = buffer.poll(now, rtt_s) if buffer.has_missing else []
        return self._actions(frames, now, rtt_s, False)

    def request_key_frame(self, now: float, rtt_s: float | None) -> list[ReceiveAction]:
        """The decoder cannot go on without a key frame, or a new picture is needed at once."""
        self.key_frame_requests.need(now)
        self.needs_tick = True
        return list(self._feedback(now, rtt_s))

    def _actions(
        self, frames: list[EncodedFrame], now: float, rtt_s: float | None, rate_fell: bool
    ) -> list[ReceiveAction]:
        """Usually empty: most packets are in the middle of a frame."""
        actions: list[ReceiveAction] = []
        if frames:
            actions += self._decode(frames, now)
        buffer, requests = self._jitter_buffer, self.key_frame_requests
        self.needs_tick = buffer.has_missing or requests.needed
        if self.needs_tick:
            actions += self._feedback(now, rtt_s)
        if rate_fell or now >= self._remb_judged_at:
            actions += self._remb_if_due(now, rate_fell)
        return actions

    def _remb_if_due(self, now: float, rate_fell: bool) -> Iterator[ReceiveAction]:
        """REMB each second and when the rate fell, if the host accepts it and gets no other
        feedback.

        The conditions (numbered packets, feedback allowed) change rarely, so they are checked when
        REMB is due and every 50 ms.
        """
        if self._ssrc is None or self.statistics.ssrc is None:
            return
        if self.negotiated.remb and self._may_send():
            if not self.remb_paused and (rate_fell or now >= self._remb_at):
                yield self._remb(self._ssrc, now, self.bandwidth.bitrate_bps)
            elif self.remb_paused and self._limited:
                # the last REMB would otherwise hold for ever
                yield self._remb(self._ssrc, now, self.negotiated.max_bps)
        self._remb_judged_at = now + REMB_JUDGED_EVERY_S
        if now < self._remb_at < self._remb_judged_at:
            self._remb_judged_at = self._remb_at

    def _remb(self, ssrc: int, now: float, bitrate_bps: int) -> Remb:
        self._remb_at = now + REMB_INTERVAL_S
        self._limited = bitrate_bps < self.negotiated.max_bps
        return Remb(ssrc, bitrate_bps)

    def _original(self, packet: RtpPacket, payload_type: int) -> RtpPacket | None:
        """The packet inside an RTX packet; None for padding and for unknown streams."""
        ssrc = self.negotiated.rtx_ssrcs.get(packet.ssrc, self._ssrc)
        if len(packet.payload) < 2 or ssrc is None or ssrc != self._ssrc:
            return None
        if payload_type not in self.negotiated.payload_types:
            return None
        return unwrap_rtx(packet, payload_type, ssrc)

    def _start_stream(self, ssrc: int, payload_type: int) -> None:
        """A new SSRC: its sequence numbers have nothing to do with the old ones."""
        self._jitter_buffer = JitterBuffer(
            nack=self.negotiated.nack,
            counters=self._counters,
            access_units=AccessUnits(
                self.negotiated.parameter_sets.get(payload_type, ()),
                allow_444=self.negotiated.allow_444,
            ),
        )
        self._ssrc = ssrc
        self._had_key_frame = False
        self._sampled_timestamp = None

    def _add_delay(self, packet: RtpPacket, now: float, rtt_s: float | None) -> bool:
        """Feed the bandwidth estimate; returns whether the rate fell."""
        reader = self._send_time
        sent = None if reader is None else reader.read(packet.extension)
        if sent is not None:
            return self.bandwidth.add_delay(sent / SEND_TIME_UNITS, now, rtt_s)
        before, self._sampled_timestamp = self._sampled_timestamp, packet.timestamp
        if packet.timestamp == before:
            return False  # only the first packet of a frame was sent at the frame's media time
        if before is not None:
            moved = (packet.timestamp - before + 2**31) % 2**32 - 2**31
            self._media_s = (self._media_s + moved / VIDEO_CLOCK_HZ) % SENT_PERIOD_S
        return self.bandwidth.add_delay(self._media_s, now, rtt_s)

    def _decode(self, frames: list[EncodedFrame], now: float) -> Iterator[ReceiveAction]:
        for frame in frames:
            self.frames_received += 1
            self.jitter_buffer_delay_s += frame.released_at - frame.first_packet_at
            self.unsupported = frame.unsupported
            if frame.unsupported is not None:
                # no PLI: a key frame of the same kind would not help
                if self.frames_unsupported == self.key_frames_received == 0:
                    yield Refuse(frame.unsupported)
                self.frames_unsupported += 1
                self._had_key_frame = False
                self.key_frame_requests.not_needed()
                continue
            self._note_wholeness(frame, now)
            if not self._had_key_frame or self.key_frame_requests.hold_back(now):
                self.frames_held_back += 1
            else:
                yield Decode(frame)

    def _note_wholeness(self, frame: EncodedFrame, now: float) -> None:
        """Update the need for a key frame after this frame."""
        requests = self.key_frame_requests
        if frame.after_loss or not (frame.key or self._had_key_frame):
            requests.need(now)
        elif not frame.key and frame.reference:
            requests.reference_picture()
        if frame.key:
            self.key_frames_received += 1
            if self._firs_answered < self.firs_sent:
                self._firs_answered = self.firs_sent
                self._fir_number = (self._fir_number + 1) & 0xFF
            self._had_key_frame = True
            requests.arrived(now, recovers_after=frame.recovers_after)

    def _feedback(self, now: float, rtt_s: float | None) -> Iterator[ReceiveAction]:
        if self._ssrc is None:
            return
        if not self._may_send():
            self.key_frame_requests.postpone(now)
            return
        if self.negotiated.nack and self._jitter_buffer.has_missing:
            no_queue = self.bandwidth.queue_s < DRAINED_S
            due = self._jitter_buffer.due_nacks(now, rtt_s, twice=no_queue)
            for at in range(0, len(due), MAX_NACKED_AT_ONCE):
                self.nacks_sent += 1
                yield Nack(self._ssrc, tuple(due[at : at + MAX_NACKED_AT_ONCE]))
        if self.key_frame_requests.take_due(now, rtt_s):
            yield from self._ask_for_key_frame(self._ssrc, now)

    def _ask_for_key_frame(self, ssrc: int, now: float) -> Iterator[ReceiveAction]:
        """PLI; FIR for a host that did not accept PLI, and beside a PLI that brought nothing."""
        terms = self.negotiated
        if terms.pli or not terms.fir:
            yield Pli(ssrc)
        if terms.fir and (not terms.pli or self.key_frame_requests.in_vain(now)):
            self.firs_sent += 1
            yield Fir(ssrc, self._fir_number)
