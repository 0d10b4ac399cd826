"""Applies the player's saved settings to a game's profile.

A game's own entry takes precedence, and a link's game stays on the internet whatever the settings
say.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from rejoin.core.ticket import BackendAddress
from rejoin.errors import BadInputError
from rejoin.runtime.player_settings import PlayerSettings
from rejoin.runtime.studio_profile import StudioProfile, network_rules

_log = logging.getLogger("rejoin.home")

DEFAULT_NETWORK = "internet"


def new_game(
    profile: StudioProfile, address: BackendAddress, settings: PlayerSettings
) -> StudioProfile:
    """The profile of a new game: 4:4:4 colour, network and reports come from the settings where its
    entry leaves them open. For a game that came from no link the player alone decides about
    reports."""
    by_player = not address.public_only
    if by_player and address.network == DEFAULT_NETWORK:
        profile = replace(profile, network=network_rules(settings.scope))
    return replace(
        profile,
        allow_444=profile.allow_444 or settings.allow_444,
        takes_reports=profile.takes_reports or (by_player and settings.send_reports),
    )


def with_saved_relay(profile: StudioProfile, file: str | Path | None) -> StudioProfile:
    """With the TURN servers of the setting `network.turn_file`, unless it has some of its own.
    Raises BadInputError, with its sentence, if they cannot be used."""
    if file is None or profile.ice_servers_file is not None:
        return profile
    found = replace(profile, ice_servers_file=Path(file))
    found.ice_servers()
    return found


def with_relay_if_any(profile: StudioProfile, file: str | None) -> StudioProfile:
    """For a rejoin, which no file may prevent: without a relay if its own servers, or those of the
    setting, are unusable; that is logged."""
    try:
        if profile.ice_servers_file is not None:
            profile.ice_servers()
            return profile
        return with_saved_relay(profile, file)
    except BadInputError as error:
        _log.warning("%s The game goes on without a relay.", error)
        return replace(profile, ice_servers_file=None)
