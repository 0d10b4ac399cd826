"""Numbers of a connection: statistics for people, rates, and how late our own loop runs."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from rejoin.core.model import ConnectionNumber

RATE_WINDOW_S = 1.0


@dataclass(frozen=True, slots=True)
class PeerStatistics:
    """One connection in numbers, named as in W3C's webrtc-stats where it has a name for them.

    Rates are over the last second, `loss` (0..1) over the last three. `frames_dropped`: never
    decoded or never painted; `pictures_replaced`: overtaken in the slot. `receive_buffer_bytes`:
    what the kernel granted of the 4 MiB asked for; None where it does not tell. `last_*_at`: boot
    time of the newest packet of a kind that proved to be the host's, None before the first; they
    tell apart a host without media (checks and reports go on) and a path that is gone.
    """

    connection: ConnectionNumber
    connected: bool = False
    width: int = 0
    height: int = 0
    profile: str | None = None
    frames_received: int = 0
    frames_decoded: int = 0
    frames_dropped: int = 0
    frames_failed: int = 0
    key_frames_received: int = 0
    pictures_replaced: int = 0
    received_fps: float = 0.0
    decoded_fps: float = 0.0
    bitrate_bps: float = 0.0
    packets_received: int = 0
    packets_lost: int = 0
    bytes_received: int = 0
    loss: float = 0.0
    jitter_s: float = 0.0
    rtt_s: float | None = None
    nack_count: int = 0
    pli_count: int = 0
    checks_sent: int = 0
    checks_answered: int = 0
    audio_packets_received: int = 0
    audio_packets_lost: int = 0
    controls_sent: int = 0
    bad_messages: int = 0
    receive_buffer_bytes: int | None = None
    last_rtp_at: float | None = None
    last_rtcp_at: float | None = None
    last_sender_report_at: float | None = None
    last_stun_at: float | None = None
    last_data_at: float | None = None
    """Of the data channels: messages, acknowledgements and heartbeats."""


class Rates:
    """Counters to rates over the last second; `add` at each sample."""

    def __init__(self, window_s: float = RATE_WINDOW_S) -> None:
        self._window_s = window_s
        self._history: deque[tuple[float, tuple[int, ...]]] = deque()

    def add(self, now: float, counters: tuple[int, ...]) -> None:
        self._history.append((now, counters))
        while len(self._history) > 2 and now - self._history[1][0] >= self._window_s:
            self._history.popleft()

    def per_second(self, index: int) -> float:
        """How fast the counter at this place rises; 0 before there are two samples."""
        if len(self._history) < 2:
            return 0.0
        (then, before), (now, after) = self._history[0], self._history[-1]
        return (after[index] - before[index]) / (now - then) if now > then else 0.0


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
