"""Keeps pictures around each drop, where the run allows it: a clip, and one before and one after.

The clip has the received units (`media/video/kept_units`); the pictures are those that a player
would have seen. Nothing is converted or written before the play is over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from rejoin.clock import Clock, boot_s
from rejoin.core.model import ConnectionNumber, Snapshot, Stage
from rejoin.core.trace import Timeline
from rejoin.errors import RejoinError
from rejoin.media.receive.jitter_buffer import EncodedFrame
from rejoin.media.video.kept_units import Clip, KeptUnits
from rejoin.media.video.mp4 import mp4_of, seconds_into
from rejoin.media.video.picture import Picture, PictureSlot
from rejoin.media.video.png import png_of

_log = logging.getLogger("rejoin.qa.pictures")

SETTLED_S: Final = 1.0
"""The picture after a drop is taken this long after it: by then the picture is sharp."""
PICTURE_PX: Final = 640
_NEAR_S: Final = 0.5
"""The largest difference between the times that trace and window give for the same drop."""


@dataclass(slots=True)
class _Stills:
    noticed_at: float
    before: Picture | None
    after: Picture | None = None


@dataclass(frozen=True, slots=True)
class WrittenClip:
    """`file`: kind to path, in the folder of the results. `drop_s`: where in the clip the drop
    began; None without a clip."""

    files: dict[str, str]
    drop_s: float | None


class KeptPictures:
    """For one play, on its event loop. `slot`: that of the client which plays now."""

    def __init__(self, slot: Callable[[], PictureSlot], clock: Clock = boot_s) -> None:
        self._slot = slot
        self._clock = clock
        self._units = KeptUnits()
        self._stills: list[_Stills] = []
        self._clips: tuple[Clip, ...] = ()
        self._was_live = False
        self._settling: asyncio.TimerHandle | None = None
        self._over = False

    def on_frame(self, connection: ConnectionNumber, frame: EncodedFrame) -> None:
        """`ClientHooks.on_frame`."""
        if not self._over:
            self._units.add(connection, frame)

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """What the window would show has changed."""
        live = snapshot.stage is Stage.LIVE
        if self._over or live == self._was_live:
            return
        self._was_live = live
        if live and self._stills:
            self._units.drop_over(self._clock())
            loop = asyncio.get_running_loop()
            self._settling = loop.call_later(SETTLED_S, self._take_after)
        elif not live:
            self._noticed()

    def client_replaced(self) -> None:
        """The client is about to be stopped; the next one plays in another slot."""
        if not self._over and self._was_live:
            self._was_live = False
            self._noticed()
        self._units.client_replaced()

    def finish(self) -> None:
        """The play is over: its end is no drop."""
        if self._over:
            return
        if self._was_live:
            self._take_after()
        self._over = True
        self._clips = self._units.finish()
        if self._units.without_clip:
            _log.warning(
                "%d drops have no clip: nothing was received around them, or it did not fit",
                self._units.without_clip,
            )

    def write(
        self, folder: Path, stem: str, timelines: Sequence[Timeline]
    ) -> dict[int, WrittenClip]:
        """Write what belongs to these episodes, by their numbers. Blocks for a second or so.

        `folder`: of the results. What cannot be written is left out, and a warning is logged.
        """
        found = {}
        for timeline in timelines:
            clip = next((each for each in self._clips if _is_of(each.noticed_at, timeline)), None)
            stills = next(
                (each for each in self._stills if _is_of(each.noticed_at, timeline)), None
            )
            written = _Writer(folder, stem, timeline.episode)
            drop_s = None
            if clip is not None and written.take("clip", "mp4", partial(mp4_of, clip.units)):
                drop_s = round(seconds_into(clip.units, timeline.began_at), 2)
            for kind in ("before", "after"):
                picture: Picture | None = getattr(stills, kind, None)
                if picture is not None:
                    written.take(kind, "png", partial(png_of, picture, PICTURE_PX))
            found[timeline.episode] = WrittenClip(written.files, drop_s)
        return found

    def _noticed(self) -> None:
        now = self._clock()
        self._units.drop_noticed(now)
        self._cancel_settling()
        self._stills.append(_Stills(now, self._slot().take()))

    def _take_after(self) -> None:
        self._cancel_settling()
        if self._stills and self._stills[-1].after is None:
            self._stills[-1].after = self._slot().take()

    def _cancel_settling(self) -> None:
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None


def _is_of(noticed_at: float, timeline: Timeline) -> bool:
    last = max(step.at for step in timeline.steps)
    return timeline.began_at - _NEAR_S <= noticed_at <= last + _NEAR_S


class _Writer:
    """The files of one episode."""

    def __init__(self, folder: Path, stem: str, episode: int) -> None:
        self.files: dict[str, str] = {}
        self._folder = folder
        self._name = f"pictures/{stem}-drop-{episode}"
        self._episode = episode

    def take(self, kind: str, suffix: str, content: Callable[[], bytes]) -> bool:
        name = f"{self._name}.{suffix}" if kind == "clip" else f"{self._name}-{kind}.{suffix}"
        file = self._folder / name
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content())
        except OSError as error:
            _log.warning("%s could not be written: %s", file.name, error.strerror)
            return False
        except RejoinError as error:
            _log.warning("%s", error)
            return False
        self.files[f"{kind} {self._episode}"] = name
        return True
