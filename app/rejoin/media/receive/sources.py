"""Which RTP sources of a connection were received, which ended with a BYE, and which one plays."""

from __future__ import annotations

from collections.abc import Callable, Iterable

MAX_SOURCES = 256
"""Hosts have two or three sources. Beyond this number the oldest are forgotten."""


class ReceivedSources:
    """The sources (SSRCs) of all media of one connection; RTX streams are not sources.

    A BYE says that one source ended (RFC 3550, 6.6), not that the host is gone: it may have
    stopped its sound, or changed an SSRC. Only when every received source ended is nothing left.
    """

    def __init__(self, on_all_ended: Callable[[], None]) -> None:
        """`on_all_ended()`: the last source that still played said BYE."""
        self._on_all_ended = on_all_ended
        self._playing: set[int] = set()

    def on_rtp(self, ssrc: int) -> None:
        """A packet of this source: it plays, even if it said BYE before."""
        if ssrc not in self._playing and len(self._playing) >= MAX_SOURCES:
            self._playing.clear()
        self._playing.add(ssrc)

    def on_bye(self, ssrcs: Iterable[int]) -> None:
        """These sources ended; some of them may never have been received."""
        ending = self._playing.intersection(ssrcs)
        self._playing -= ending
        if ending and not self._playing:
            self._on_all_ended()


PLAYS_S = 0.250
"""A source whose last packet is less than this old still plays."""


class PlayingSource:
    """The source that plays in one media section, which may get another SSRC in mid-stream.

    A single packet must not end the stream that plays: it may be a late one of the source before
    it, or a stray one.
    """

    def __init__(self) -> None:
        self.ssrc: int | None = None
        self._left: int | None = None
        self._newcomer: tuple[int, float] | None = None
        """Another source, and when its first packet came."""

    def takes(self, ssrc: int, now: float, heard_at: float) -> bool:
        """Whether a packet of this source is to be played; if so, this source plays from now on.

        Another source takes over with its second packet. The source replaced last comes back only
        after a silence of the playing one. `heard_at`: when the playing source's last packet
        arrived.
        """
        if ssrc == self.ssrc:
            return True
        if self.ssrc is not None and now - heard_at < PLAYS_S:
            if ssrc == self._left:
                return False
            newcomer, self._newcomer = self._newcomer, (ssrc, now)
            if newcomer is None or newcomer[0] != ssrc or now - newcomer[1] >= PLAYS_S:
                return False
        self._left, self.ssrc, self._newcomer = self.ssrc, ssrc, None
        return True
