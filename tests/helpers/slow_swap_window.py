"""A game in a window that the card draws: `python -m helpers.slow_swap_window URL TOKEN S API`.

Runs with `slow_swap.c` preloaded. S: seconds; API: a `CardApi`. Prints one JSON object a line:
`{"live": true}` once pictures are painted, and the `Figures` of the given time after it. Closes the
window when standard input ends.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import threading
from dataclasses import asdict, dataclass

from rejoin.clock import boot_s
from rejoin.gui import application, surface_choice
from rejoin.gui.card_api import CardApi
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.renderer_choice import Renderer
from rejoin.gui.rhi_surface import RhiSurface
from rejoin.gui.surface_choice import PictureOptions
from rejoin.gui.window_options import WindowOptions
from rejoin.media.audio.output import NullOutput
from rejoin.media.statistics import StreamStatistics
from rejoin.media.video.picture import Picture, PictureSlot
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.player import Player, PlayerOptions
from rejoin.runtime.stream_thread import END_TIMEOUT_S, StreamThread
from rejoin.runtime.studio_profile import StudioProfile

TITLE = "Rejoin with slow swaps"
_WARM_PICTURES = 10
_AFTERWARDS_S = 2.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened in that time, and in the two seconds without new pictures after it."""

    decoded: int
    packets: int
    samples: int
    """Of sound, per channel."""
    concealed: int
    """Of those, the ones that conceal lost packets."""
    painted: int
    replaced: int
    swaps: int
    most_behind: int
    """How many pictures were newer than the one painted, at most."""
    most_at_once: int
    """Swaps that ran at the same time."""
    painted_afterwards: int
    swaps_afterwards: int


class CountingSlot(PictureSlot):
    """Counts pictures, and how many newer ones there are when one is painted."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped = False
        self.most_behind = 0
        self._puts = 0
        self._numbers: dict[int, int] = {}
        """By RTP timestamp."""

    def put(self, picture: Picture) -> None:
        if self.stopped:
            return
        self._puts += 1
        self._numbers[picture.rtp_timestamp] = self._puts
        super().put(picture)

    def count_painted(self, picture: Picture, at: float, took_s: float = 0.0) -> None:
        super().count_painted(picture, at, took_s)
        behind = self._puts - self._numbers[picture.rtp_timestamp]
        self.most_behind = max(self.most_behind, behind)


@dataclass(frozen=True, slots=True)
class _Counters:
    at: float
    stream: StreamStatistics
    painted: int
    swaps: int


class Measuring:
    """Waits for the game, measures it, stops its pictures, and prints the figures."""

    def __init__(self, slot: CountingSlot, for_s: float) -> None:
        self._library = ctypes.CDLL(os.environ["LD_PRELOAD"])
        self._slot = slot
        self._for_s = for_s
        self._counts: list[_Counters] = []
        self._closed = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        sys.stdin.read()
        self._closed.set()

    def after_refresh(self, window: RejoinWindow) -> None:
        if self._closed.is_set():
            window.close()
        stream = window.bridge.statistics()
        if stream is None or self._slot.painted.pictures < _WARM_PICTURES:
            return
        swaps = self._library.slow_swap_count()
        now = _Counters(boot_s(), stream, self._slot.painted.pictures, swaps)
        match self._counts:
            case []:
                assert isinstance(window.layers.view.surface, RhiSurface)
                self._counts.append(now)
                self._slot.most_behind = 0
                print(json.dumps({"live": True}), flush=True)
            case [first] if now.at - first.at >= self._for_s:
                self._counts.append(now)
                self._slot.stopped = True
            case [first, second] if now.at - second.at >= _AFTERWARDS_S:
                self._counts.append(now)
                print(json.dumps(asdict(self._figures(first, second, now))), flush=True)

    def _figures(self, first: _Counters, second: _Counters, last: _Counters) -> Figures:
        before, after = first.stream, second.stream
        return Figures(
            decoded=after.frames_decoded - before.frames_decoded,
            packets=after.packets_received - before.packets_received,
            samples=after.audio_total_samples - before.audio_total_samples,
            concealed=after.audio_concealed_samples - before.audio_concealed_samples,
            painted=second.painted - first.painted,
            replaced=after.pictures_replaced - before.pictures_replaced,
            swaps=second.swaps - first.swaps,
            most_behind=self._slot.most_behind,
            most_at_once=self._library.slow_swap_most_at_once(),
            painted_afterwards=last.painted - second.painted,
            swaps_afterwards=last.swaps - second.swaps,
        )


def main() -> None:
    url, token, for_s, api = sys.argv[1:]
    vars(surface_choice)["default_api"] = lambda: CardApi(api)
    slot = CountingSlot()
    profile = StudioProfile(url, token, NetworkRules(loopback_only=True))
    player = Player(profile, PlayerOptions(slot=slot, audio=NullOutput()))
    stream = StreamThread(player.run)
    stream.start()
    application.run(
        player,
        WindowOptions(title=TITLE, picture=PictureOptions(Renderer.CARD)),
        after_refresh=Measuring(slot, float(for_s)).after_refresh,
        start=True,
    )
    stream.join(END_TIMEOUT_S)


if __name__ == "__main__":
    main()
