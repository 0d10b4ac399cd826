"""Samples of a stream over a network profile, as `rtc.peer` would take them, without a real stream.

The host sends 60 video packets and 50 audio packets a second; `netem.link` decides the fate of
each. A lost video packet is requested again and delays its frame by a round trip. So the detector
can be scored on hours of a bad network within seconds. A real frame has more packets; for a
detector of silence this makes no difference.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from rejoin.core.model import ConnectionSample
from rejoin.netem.link import Chance, Direction, Link, NetworkProfile

_VIDEO_EVERY_S = 1 / 60
_AUDIO_EVERY_S = 1 / 50
_VIDEO_BYTES = 1100
_AUDIO_BYTES = 160
_SHARE_OF_BANDWIDTH = 0.8
"""The sender uses this share of the bandwidth."""
_NACK_DELAY_S = 0.030
"""From a missing packet to the NACK for it (`media.receive` first waits for reordered packets)."""

TimedSample = tuple[float, ConnectionSample]
"""When a sample was taken, and the sample."""


def samples(
    profile: NetworkProfile,
    *,
    chance: Chance,
    for_s: float,
    began_at: float = 0.0,
    every_s: float = 0.050,
    loss_window_s: float = 3.0,
    dark: Callable[[float], bool] = lambda at: False,
) -> Iterator[TimedSample]:
    """Samples of a stream over this path, from `began_at` on.

    `dark`: whether nothing passes at that time, whatever the profile does.
    """
    path = Link(profile, began_at, chance, window_s=None if profile.cut is None else for_s)
    sent = _Sent(profile, path, began_at, dark)
    last_packet_at = last_rtp_at = last_frame_at = began_at
    delay_s = sent.base_delay_s
    held_until = began_at
    frames = 0
    largest_gap_s = 0.0
    recent: deque[tuple[int, int]] = deque(maxlen=max(1, round(loss_window_s / every_s)))
    recent_packets = recent_lost = 0
    for index in range(1, round(for_s / every_s) + 1):
        now = began_at + index * every_s
        arrived, lost = 0, 0
        for sent_at, arrives_at, video in sent.until(now):
            if arrives_at is None:
                lost += 1
                if video:
                    held_until = sent_at + delay_s + 2 * delay_s + _NACK_DELAY_S
                continue
            arrived += 1
            largest_gap_s = max(largest_gap_s, arrives_at - last_packet_at)
            last_packet_at = last_rtp_at = arrives_at
            delay_s += (arrives_at - sent_at - delay_s) / 8
            if video:
                frames += 1
                last_frame_at = max(arrives_at, held_until)
        if len(recent) == recent.maxlen:
            recent_packets -= recent[0][0]
            recent_lost -= recent[0][1]
        recent.append((arrived + lost, lost))
        recent_packets += arrived + lost
        recent_lost += lost
        yield (
            now,
            ConnectionSample(
                last_packet_at=last_packet_at,
                last_rtp_at=last_rtp_at,
                last_frame_at=min(now, last_frame_at),
                frames_decoded=frames,
                frame_interval_s=_VIDEO_EVERY_S,
                rtt_s=2 * delay_s,
                loss=recent_lost / recent_packets if recent_packets else 0.0,
                largest_gap_s=largest_gap_s,
            ),
        )
        largest_gap_s = 0.0


class _Sent:
    """The host's packets in order of arrival; a lost packet counts from when it was sent."""

    def __init__(
        self, profile: NetworkProfile, path: Link, began_at: float, dark: Callable[[float], bool]
    ) -> None:
        lane = profile.stages[0].down
        self.base_delay_s = lane.delay_s
        bandwidth_bps = lane.bandwidth_bps
        self._video_bytes = _VIDEO_BYTES
        if bandwidth_bps is not None:
            share = int(_SHARE_OF_BANDWIDTH * bandwidth_bps * _VIDEO_EVERY_S / 8) - _AUDIO_BYTES
            self._video_bytes = max(1, min(_VIDEO_BYTES, share))
        self._path = path
        self._dark = dark
        self._video_at = began_at
        self._audio_at = began_at + _AUDIO_EVERY_S / 2
        self._under_way: deque[tuple[float, float, bool]] = deque()

    def until(self, now: float) -> Iterator[tuple[float, float | None, bool]]:
        """(sent, arrived or None if lost, whether it is video) of every packet decided by `now`."""
        under_way = self._under_way
        while (next_at := min(self._video_at, self._audio_at)) <= now:
            video = self._video_at <= self._audio_at
            if video:
                self._video_at += _VIDEO_EVERY_S
            else:
                self._audio_at += _AUDIO_EVERY_S
            size_bytes = self._video_bytes if video else _AUDIO_BYTES
            fate = self._path.decide(Direction.DOWN, size_bytes, next_at)
            if fate.dropped is not None or self._dark(next_at):
                yield next_at, None, video
            else:
                under_way.append((next_at, next_at + fate.delay_s, video))
        while under_way and under_way[0][1] <= now:
            yield under_way.popleft()
