"""The settings that a window begins with, and the file in which it follows them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rejoin.runtime.player_settings import SETTINGS, PlayerSettings
from rejoin.runtime.setting_kinds import Value


@dataclass(frozen=True, slots=True)
class FollowedSettings:
    """`path`: the file; None: it is not followed. `now`: what counts at the start, the command line
    included. `fixed`: the fields that the command line has given, which no file changes."""

    path: Path | None = None
    now: PlayerSettings = PlayerSettings()  # noqa: RUF009 frozen
    fixed: frozenset[str] = frozenset()

    def fixed_values(self) -> dict[str, Value]:
        """What the command line has given, by key: for `page.SettingsPage`."""
        known = {setting.name: key for key, setting in SETTINGS.items()}
        return {known[name]: getattr(self.now, name) for name in sorted(self.fixed)}
