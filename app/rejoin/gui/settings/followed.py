"""The settings that a window begins with, and the file in which it follows them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rejoin.runtime.player_settings import PlayerSettings


@dataclass(frozen=True, slots=True)
class FollowedSettings:
    """`path`: the file; None: it is not followed. `now`: what counts at the start, the command line
    included. `fixed`: the fields that the command line has given, which no file changes."""

    path: Path | None = None
    now: PlayerSettings = PlayerSettings()  # noqa: RUF009 frozen
    fixed: frozenset[str] = frozenset()
