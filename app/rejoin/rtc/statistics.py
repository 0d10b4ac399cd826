"""Collects the numbers of one connection: samples for the engine, statistics for people."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from rejoin.clock import Clock
from rejoin.core.model import ConnectionNumber, ConnectionSample, Policy
from rejoin.media.statistics import StreamStatistics
from rejoin.media.video.decoder import Decoder
from rejoin.rtc.peer_states import (
    Parts,
    PeerState,
    connection_state,
    is_connected,
    opened_at,
    parts_of,
)
from rejoin.rtc.playback import MediaSinks

RATE_WINDOW_S = 1.0


@dataclass(frozen=True, slots=True)
class Counters:
    """Totals since the start of the connection, or their increase over a period."""

    frames_received: int = 0
    frames_decoded: int = 0
    frames_painted: int = 0
    bytes_received: int = 0
    decode_s: float = 0.0
    jitter_buffer_s: float = 0.0
    """Time in the jitter buffer, all received frames together."""


@dataclass(frozen=True, slots=True)
class Increase:
    """By how much the counters rose in a period; all 0 before there is one."""

    period_s: float
    by: Counters

    def per_second(self, rise: float) -> float:
        return rise / self.period_s if self.period_s > 0 else 0.0


class Rates:
    """The increase of the counters over the last second; call `add` at each sample."""

    def __init__(self, window_s: float = RATE_WINDOW_S) -> None:
        self._window_s = window_s
        self._history: deque[tuple[float, Counters]] = deque()

    def add(self, now: float, counters: Counters) -> None:
        self._history.append((now, counters))
        while len(self._history) > 2 and now - self._history[1][0] >= self._window_s:
            self._history.popleft()

    def increase(self) -> Increase:
        """From the oldest sample in the window to the newest."""
        if len(self._history) < 2:
            return Increase(0.0, Counters())
        (then, before), (now, after) = self._history[0], self._history[-1]
        return Increase(
            now - then,
            Counters(
                after.frames_received - before.frames_received,
                after.frames_decoded - before.frames_decoded,
                after.frames_painted - before.frames_painted,
                after.bytes_received - before.bytes_received,
                after.decode_s - before.decode_s,
                after.jitter_buffer_s - before.jitter_buffer_s,
            ),
        )


def mean(total: float, count: int) -> float:
    """Per item; 0 if there are none."""
    return total / count if count > 0 else 0.0


class LoopLag:
    """How late our own event loop runs, measured by samples that are due each `every_s`.

    To the detector a loop that stalls for 100 ms is the same as a host that went silent, so it
    discounts this lag.
    """

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._sampled_at: float | None = None

    def sampled(self, now: float) -> float:
        """Call it at each sample; returns how late this one is, in seconds."""
        before, self._sampled_at = self._sampled_at, now
        return 0.0 if before is None else max(0.0, now - before - self._every_s)


class StatisticsCollector:
    """Reads the counters of one peer's parts; `sample` also keeps them for the rates."""

    def __init__(
        self,
        number: ConnectionNumber,
        decoder: Decoder,
        sinks: MediaSinks,
        *,
        policy: Policy,
        clock: Clock,
    ) -> None:
        self._number = number
        self._decoder = decoder
        self._sinks = sinks
        self._policy = policy
        self._clock = clock
        self._rates = Rates()
        self._lag = LoopLag(policy.sample_every_s)

    def sample(self, state: PeerState) -> ConnectionSample | None:
        """The connection's state for the drop detector; None if it never was up.

        To be called each `policy.sample_every_s`: a late call is our own loop's lag, which the
        sample reports and which is subtracted from the pause between packets.
        """
        opened, parts = opened_at(state), parts_of(state)
        if opened is None or parts is None:
            return None
        now = self._clock()
        transport, video, decoder = parts.transport, parts.media.video, self._decoder
        sound, window_s = parts.media.audio.reception, self._policy.loss_window_s
        counters = Counters(
            frames_received=video.inbound.frames_received,
            frames_decoded=decoder.frames_decoded,
            frames_painted=self._sinks.slot.painted.pictures,
            bytes_received=video.reception.bytes_received,
            decode_s=decoder.decode_s,
            jitter_buffer_s=video.inbound.jitter_buffer_delay_s,
        )
        self._rates.add(now, counters)
        lag_s = self._lag.sampled(now)
        frame_at = _or(decoder.last_frame_at, opened)
        return ConnectionSample(
            last_packet_at=_or(transport.last_packet_at, opened),
            last_rtp_at=_or(transport.last_rtp_at, opened),
            last_frame_at=frame_at,
            frames_decoded=decoder.frames_decoded,
            frame_interval_s=decoder.frame_interval_s,
            rtt_s=transport.checks.rtt_s,
            loss=video.reception.loss(now, window_s),
            proved_sent_at=transport.checks.proved_sent_at,
            loop_lag_s=lag_s,
            largest_gap_s=max(0.0, transport.pop_largest_gap_s() - lag_s),
            unanswered_since_at=transport.checks.unanswered_since_at,
            sends_fail_since_at=transport.checks.sends_fail_since_at,
            video_missing=video.reception.missing_since(frame_at),
            sound_loss=sound.loss(now, window_s) if sound.packets_expected else None,
        )

    def statistics(self, state: PeerState, *, shown: bool) -> StreamStatistics:
        """The connection in numbers; the rates need regular calls of `sample`."""
        parts = parts_of(state)
        if parts is None:
            return StreamStatistics(self._number)
        return replace(
            self._of_parts(parts, connected=is_connected(state), shown=shown),
            connection_state=connection_state(state),
        )

    def _of_parts(self, parts: Parts, *, connected: bool, shown: bool) -> StreamStatistics:
        transport, checks = parts.transport, parts.transport.checks
        video, audio, opus = parts.media.video, parts.media.audio, parts.media.playback.opus
        decoder, slot, painted = self._decoder, self._sinks.slot, self._sinks.slot.painted
        inbound, reception, channels = video.inbound, video.reception, parts.channels
        increase = self._rates.increase()
        reports = (each.reception.sender_report_at for each in (video, audio))
        reported = [at for at in reports if at is not None]
        return StreamStatistics(
            connection=self._number,
            connected=connected,
            candidate_pair=transport.candidate_pair,
            codec="H.264" if decoder.frames_decoded else None,
            profile=decoder.profile,
            decoder=decoder.decodes_in,
            width=decoder.width,
            height=decoder.height,
            received_fps=increase.per_second(increase.by.frames_received),
            decoded_fps=increase.per_second(increase.by.frames_decoded),
            painted_fps=increase.per_second(increase.by.frames_painted) if shown else 0.0,
            bitrate_bps=increase.per_second(increase.by.bytes_received) * 8,
            available_bitrate_bps=inbound.available_bps,
            congestion_feedback="transport-cc" if inbound.remb_paused else "REMB",
            queue_s=inbound.bandwidth.queue_s,
            loss=reception.loss(self._clock(), self._policy.loss_window_s),
            rtt_s=checks.rtt_s,
            jitter_s=reception.jitter_s,
            decode_ms=mean(increase.by.decode_s, increase.by.frames_decoded) * 1000,
            jitter_buffer_ms=mean(increase.by.jitter_buffer_s, increase.by.frames_received) * 1000,
            frame_age_s=painted.age_last_s if shown else 0.0,
            frames_received=inbound.frames_received,
            frames_decoded=decoder.frames_decoded,
            frames_painted=painted.pictures,
            key_frames_received=inbound.key_frames_received,
            key_frames_decoded=decoder.key_frames_decoded,
            frames_dropped=(
                inbound.frames_held_back + inbound.frames_unsupported + decoder.frames_undecoded
            ),
            frames_broken=inbound.frames_broken,
            frames_held_back=inbound.frames_held_back,
            frames_unsupported=inbound.frames_unsupported,
            unsupported=inbound.unsupported,
            frames_undecoded=decoder.frames_undecoded,
            frames_failed=decoder.frames_failed,
            hardware_failures=decoder.hardware_failures,
            pictures_replaced=slot.replaced,
            pictures_unwatched=slot.unwatched + decoder.frames_unwatched,
            freeze_count=decoder.freezes.count,
            total_freezes_duration_s=decoder.freezes.duration_s,
            total_decode_time_s=decoder.decode_s,
            total_scale_time_s=decoder.scale_s,
            total_paint_time_s=painted.took_s,
            packets_received=reception.packets_received,
            packets_lost=reception.packets_missing,
            packets_discarded=inbound.packets_discarded,
            packets_failed=transport.packets_failed,
            packets_unrouted=transport.packets_unrouted,
            feedback_failed=video.feedback_failed + audio.feedback_failed,
            packets_recovered=inbound.packets_recovered,
            retransmitted_packets_received=reception.packets_retransmitted,
            bytes_received=reception.bytes_received,
            nack_count=inbound.nacks_sent,
            fir_count=inbound.firs_sent,
            pli_count=inbound.key_frame_requests.plis_sent,
            checks_sent=checks.sent,
            checks_answered=checks.answered,
            audio_bytes_received=audio.reception.bytes_received,
            audio_packets_received=audio.reception.packets_received,
            audio_packets_lost=audio.reception.packets_missing,
            audio_packets_concealed=opus.packets_concealed,
            audio_total_samples=opus.total_samples,
            audio_concealed_samples=opus.concealed_samples,
            audio_buffer_s=self._sinks.audio.buffered_s,
            audio_sync_delay_s=self._sinks.audio.sync_delay_s,
            audio_late_s=parts.media.playback.late_s(),
            messages_sent=channels.messages_sent,
            messages_not_sent=channels.messages_not_sent,
            receive_buffer_bytes=transport.receive_buffer_bytes,
            last_rtp_at=transport.last_rtp_at,
            last_rtcp_at=transport.last_rtcp_at,
            last_sender_report_at=max(reported, default=None),
            last_stun_at=transport.last_stun_at,
            last_data_at=transport.last_data_at,
        )


def _or(at: float | None, otherwise: float) -> float:
    return otherwise if at is None else at
