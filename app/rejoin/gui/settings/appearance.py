"""The appearance that a player's settings ask for. Pure."""

from __future__ import annotations

from rejoin.gui.roles import Appearance, ThemeChoice
from rejoin.runtime.player_settings import PlayerSettings


def appearance_of(settings: PlayerSettings) -> Appearance:
    """For `theme.apply`."""
    return Appearance(
        ThemeChoice(settings.theme),
        settings.high_contrast,
        settings.text_size,
        settings.reduced_motion,
        settings.language,
    )
