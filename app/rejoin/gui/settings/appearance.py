"""The appearance that a player's settings ask for. Pure."""

from __future__ import annotations

from rejoin.gui.roles import Appearance, Motion, ThemeChoice
from rejoin.runtime.player_settings import PlayerSettings


def appearance_of(settings: PlayerSettings) -> Appearance:
    """For `theme.apply`."""
    return Appearance(
        ThemeChoice(settings.theme),
        settings.high_contrast,
        settings.text_size,
        Motion(settings.motion),
        settings.language,
    )
