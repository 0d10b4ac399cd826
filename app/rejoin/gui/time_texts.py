"""Times in words and digits. Pure; the rules are those of `texts`."""

from __future__ import annotations

import math

from rejoin.language import tr


def clock_text(seconds: float) -> str:
    """1:12, 0:07, over an hour 1:02:03. Rounded down, so that "at least" is true. Not negative."""
    whole = max(0, math.floor(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, seconds_left = divmod(rest, 60)
    if hours:
        return f"{hours}:{minutes:02}:{seconds_left:02}"
    return f"{minutes}:{seconds_left:02}"


def about_text(seconds: float) -> str:
    """About 40 s, About 90 s, About 4 min: no finer than an estimate is, and never rounded down."""
    seconds = max(1.0, seconds)
    if seconds <= 60:
        return tr("About {seconds} s", seconds=_up(seconds, 5))
    if seconds <= 180:
        return tr("About {seconds} s", seconds=_up(seconds, 10))
    return tr("About {minutes} min", minutes=_up(seconds / 60, 1))


def _up(value: float, step: int) -> int:
    return math.ceil(value / step) * step
