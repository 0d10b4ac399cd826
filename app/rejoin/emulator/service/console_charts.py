"""Charts of the last minute in the terminal view: a host's bitrate and frames, and their loss.

One column is one second. Nothing is drawn where there was no connection.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

COLUMNS: Final = 60
_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_SHOWN: Final = 3
"""How many sessions have charts: the newest ones that are connected."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Of one connection. `bytes`, `frames`: sent so far. `loss`: 0 to 1. None: not known yet."""

    at: float
    connection: int
    bytes: int
    frames: int
    loss: float | None
    rtt_s: float | None


@dataclass(frozen=True, slots=True)
class Second:
    """The values of one second; None where a value is not known."""

    bitrate_bps: float | None = None
    fps: float | None = None
    loss: float | None = None
    rtt_s: float | None = None


class Charts:
    """Collects state documents of the control API; `lines` draws the newest connected sessions."""

    def __init__(self) -> None:
        self._sessions: dict[str, deque[Sample]] = {}

    def add(self, state: Mapping[str, Any]) -> None:
        """Take one state document."""
        now = float(state["now"])
        present = set()
        for session in state["sessions"]:
            name = str(session["session"])
            present.add(name)
            sample = _sample(session["game_state"], now)
            if sample is None:
                continue
            samples = self._sessions.setdefault(name, deque())
            samples.append(sample)
            while samples[0].at < now - COLUMNS - 1:
                samples.popleft()
        for gone in self._sessions.keys() - present:
            del self._sessions[gone]

    def lines(self, state: Mapping[str, Any]) -> Iterator[str]:
        """A heading and a chart for each figure, of the sessions that are connected now."""
        now, shown = float(state["now"]), 0
        for session in state["sessions"]:
            history = self._sessions.get(str(session["session"]))
            connected = session["status"] in ("CONNECTED", "PENDING_CLIENT_RECONNECTION")
            if history is None or not connected or shown == _SHOWN:
                continue
            shown += 1
            yield f"{session['session']}, the last minute"
            yield from _drawn(seconds(history, now))


def seconds(samples: Sequence[Sample], now: float) -> list[Second]:
    """The last COLUMNS whole seconds before now, the oldest first."""
    found = []
    for column in range(COLUMNS, 0, -1):
        began, ended = now - column, now - column + 1
        within = [each for each in samples if began <= each.at <= ended]
        newest = within[-1] if within else None
        before = [each for each in samples if each.at < began and began - each.at < 1]
        first = before[-1] if before else (within[0] if within else None)
        if newest is None or first is None:
            found.append(Second())
            continue
        same = first.connection == newest.connection
        took_s = newest.at - first.at
        rates = same and took_s > 0
        found.append(
            Second(
                (newest.bytes - first.bytes) * 8 / took_s if rates else None,
                (newest.frames - first.frames) / took_s if rates else None,
                newest.loss,
                newest.rtt_s,
            )
        )
    return found


def sparkline(values: Sequence[float | None], top: float) -> str:
    """One character for each value from 0 to `top`; a space where there is none."""
    drawn = []
    for value in values:
        if value is None:
            drawn.append(" ")
            continue
        share = min(max(value / top, 0.0), 1.0) if top > 0 else 0.0
        drawn.append(_BLOCKS[max(0, math.ceil(share * len(_BLOCKS)) - 1)])
    return "".join(drawn)


def _drawn(found: Sequence[Second]) -> Iterator[str]:
    yield _line("bitrate", [each.bitrate_bps for each in found], "Mbit/s", 1e-6, least=1e6)
    yield _line("pictures", [each.fps for each in found], "a second", 1.0, least=30.0)
    yield _line("lost", [each.loss for each in found], "%", 100.0, least=0.02)
    yield _line("round trip", [each.rtt_s for each in found], "ms", 1000.0, least=0.02)


def _line(
    name: str, values: Sequence[float | None], unit: str, factor: float, *, least: float
) -> str:
    """A chart from 0 to the largest value, or to `least` where all are smaller."""
    known = [value for value in values if value is not None]
    top = max([least, *known])
    newest = "-" if not known or values[-1] is None else f"{known[-1] * factor:.1f}"
    return f"  {name:<10} {sparkline(values, top)} {newest:>6} {unit} (top {top * factor:.3g})"


def _sample(game: Any, now: float) -> Sample | None:
    media = game.get("media") if isinstance(game, Mapping) else None
    if not isinstance(media, Mapping) or not game.get("connected"):
        return None
    return Sample(
        now,
        int(media["connection"]),
        int(media["bytes"]),
        int(media["frames"]),
        media.get("loss"),
        media.get("rtt_s"),
    )
