"""Numbers of a connection, in the one form that window, reports and files read, and their sums."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, fields

from rejoin.core.model import ConnectionNumber

RATE_WINDOW_S = 1.0


FREEZE_INTERVALS = 30
FREEZE_LEAST_S = 0.150


@dataclass(frozen=True, slots=True)
class PeerStatistics:
    """One connection in numbers, named as in W3C's webrtc-stats where it has a name for them.

    Rates are over the last second, `loss` (0..1) over the last three, and `decode_ms` (a frame) and
    `jitter_buffer_ms` (a frame, from its first packet to its turn) too. What was not shown is
    counted once, by its reason: `frames_broken` (packets missing), `frames_held_back` (needs a lost
    one), `frames_undecoded` (too many waited), `frames_failed`, `pictures_replaced` (a newer one
    came before it was painted), `pictures_unwatched` (the window is minimised); `frames_dropped` is
    W3C's: received whole and not made a picture.

    `last_*_at`: boot time of the newest packet of a kind that proved to be the host's, None before
    the first; they tell apart a host without media (checks and reports go on) and a path that is
    gone.
    """

    connection: ConnectionNumber
    connected: bool = False
    candidate_pair: str | None = None
    """Kinds of the nominated pair's candidates, ours first, and the protocol; no address."""
    codec: str | None = None
    profile: str | None = None
    decoder: str | None = None
    """What decodes: "software", or the hardware by FFmpeg's name (cuda, d3d11va, ...)."""
    width: int = 0
    height: int = 0
    received_fps: float = 0.0
    decoded_fps: float = 0.0
    painted_fps: float = 0.0
    bitrate_bps: float = 0.0
    available_bitrate_bps: int | None = None
    """What the host was told that the path carries; None where it does not take that."""
    queue_s: float = 0.0
    """How long packets wait before the bottleneck of the path."""
    loss: float = 0.0
    rtt_s: float | None = None
    jitter_s: float = 0.0
    decode_ms: float = 0.0
    jitter_buffer_ms: float = 0.0
    frame_age_s: float = 0.0
    """Of the newest painted picture, from its last packet to the painting."""
    frames_received: int = 0
    frames_decoded: int = 0
    frames_painted: int = 0
    key_frames_received: int = 0
    key_frames_decoded: int = 0
    frames_dropped: int = 0
    frames_broken: int = 0
    frames_held_back: int = 0
    frames_undecoded: int = 0
    frames_failed: int = 0
    hardware_failures: int = 0
    """How often the hardware decoder failed and software took over."""
    pictures_replaced: int = 0
    pictures_unwatched: int = 0
    freeze_count: int = 0
    total_freezes_duration_s: float = 0.0
    total_decode_time_s: float = 0.0
    total_scale_time_s: float = 0.0
    """Spent by the decoder's thread on pictures that are painted in another size."""
    total_paint_time_s: float = 0.0
    """Spent by the window's thread on painting each picture for the first time."""
    packets_received: int = 0
    packets_lost: int = 0
    packets_discarded: int = 0
    packets_failed: int = 0
    """Forged, repeated on the way, or of a kind that something failed at; all dropped."""
    feedback_failed: int = 0
    """Reports and requests of ours that could not be written."""
    packets_recovered: int = 0
    retransmitted_packets_received: int = 0
    bytes_received: int = 0
    nack_count: int = 0
    pli_count: int = 0
    checks_sent: int = 0
    checks_answered: int = 0
    audio_packets_received: int = 0
    audio_packets_lost: int = 0
    audio_packets_concealed: int = 0
    audio_total_samples: int = 0
    """W3C's totalSamplesReceived: what came out of the decoder while this connection was shown, of
    each channel, at 48 kHz; its rate is that of the sound played."""
    audio_concealed_samples: int = 0
    """Those of them that stand for lost packets."""
    audio_buffer_s: float = 0.0
    audio_held_s: float = 0.0
    """How much longer sound waits than it has to, so that it is not before its picture."""
    audio_late_s: float | None = None
    """By how much sound comes after its picture (negative: before), with what the sound device says
    of itself; None while not known, and where no device plays it."""
    controls_sent: int = 0
    bad_messages: int = 0
    receive_buffer_bytes: int | None = None
    """What the kernel granted of the 4 MiB asked for; None where it does not tell."""
    last_rtp_at: float | None = None
    last_rtcp_at: float | None = None
    last_sender_report_at: float | None = None
    last_stun_at: float | None = None
    last_data_at: float | None = None
    """Of the data channels: messages, acknowledgements and heartbeats."""


def columns() -> tuple[str, ...]:
    """The names of all numbers, in order: a file's header."""
    return tuple(field.name for field in fields(PeerStatistics))


def row(statistics: PeerStatistics) -> tuple[str, ...]:
    """All numbers as text, in the order of `columns`; what is not known is empty."""
    return tuple(_text(getattr(statistics, name)) for name in columns())


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case float():
            return f"{value:.6g}"
        case _:
            return str(value)


class Freezes:
    """W3C's freezeCount and totalFreezesDuration, over decoded frames.

    An interval is a freeze when it is at least max(3 d, d + 150 ms) long, d being the mean of the
    thirty before it.
    """

    def __init__(self) -> None:
        self.count = 0
        self.duration_s = 0.0
        self._intervals: deque[float] = deque(maxlen=FREEZE_INTERVALS)
        self._shown_at: float | None = None

    def shown(self, now: float) -> None:
        """A frame is handed on now."""
        before, self._shown_at = self._shown_at, now
        if before is None:
            return
        interval_s = now - before
        if self._intervals:
            mean_s = sum(self._intervals) / len(self._intervals)
            if interval_s >= max(3 * mean_s, mean_s + FREEZE_LEAST_S):
                self.count += 1
                self.duration_s += interval_s
        self._intervals.append(interval_s)


class Rates:
    """Counters to rates over the last second; `add` at each sample."""

    def __init__(self, window_s: float = RATE_WINDOW_S) -> None:
        self._window_s = window_s
        self._history: deque[tuple[float, tuple[float, ...]]] = deque()

    def add(self, now: float, counters: tuple[float, ...]) -> None:
        self._history.append((now, counters))
        while len(self._history) > 2 and now - self._history[1][0] >= self._window_s:
            self._history.popleft()

    def per_second(self, index: int) -> float:
        """How fast the counter at this place rises; 0 before there are two samples."""
        if len(self._history) < 2:
            return 0.0
        (then, before), (now, after) = self._history[0], self._history[-1]
        return (after[index] - before[index]) / (now - then) if now > then else 0.0

    def per_other(self, index: int, other: int) -> float:
        """How much of the counter at `index` for each of that at `other`; 0 without any."""
        if len(self._history) < 2:
            return 0.0
        before, after = self._history[0][1], self._history[-1][1]
        each = after[other] - before[other]
        return (after[index] - before[index]) / each if each > 0 else 0.0


class LoopLag:
    """How late our own event loop runs, told from samples that should come `every_s`.

    A loop that stalls for 100 ms looks exactly like a host that went silent: the detector
    discounts this.
    """

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._sampled_at: float | None = None

    def sampled(self, now: float) -> float:
        """A sample is taken now; by how much it comes too late, in seconds."""
        before, self._sampled_at = self._sampled_at, now
        return 0.0 if before is None else max(0.0, now - before - self._every_s)
