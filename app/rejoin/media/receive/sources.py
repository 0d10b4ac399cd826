"""Which RTP sources of a connection were received, and which of them ended with a BYE."""

from __future__ import annotations

from collections.abc import Callable, Iterable


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
        self._playing.add(ssrc)

    def on_bye(self, ssrcs: Iterable[int]) -> None:
        """These sources ended; some of them may never have been received."""
        ending = self._playing.intersection(ssrcs)
        self._playing -= ending
        if ending and not self._playing:
            self._on_all_ended()
