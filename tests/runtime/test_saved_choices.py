"""What the settings say of a game's profile, and what they leave alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rejoin.core.ticket import BackendAddress
from rejoin.errors import BadInputError
from rejoin.runtime.player_settings import PlayerSettings
from rejoin.runtime.saved_choices import new_game, with_relay_if_any, with_saved_relay
from rejoin.runtime.studio_profile import StudioProfile

TYPED = BackendAddress("https://games.example", "ours")
LAN = replace(TYPED, network="lan")
LINK = replace(TYPED, public_only=True)
ICE = '[{"urls": "turn:t.example", "username": "n", "credential": "c"}]'


def made(address: BackendAddress, settings: PlayerSettings) -> BackendAddress:
    profile = StudioProfile.from_address(address, "t" * 20)
    return new_game(profile, address, settings).backend_address()


@pytest.mark.parametrize(
    ("address", "scope", "network"),
    [
        (TYPED, "internet", "internet"),
        (TYPED, "lan", "lan"),
        (TYPED, "loopback", "loopback"),
        (LAN, "internet", "lan"),
        (LAN, "loopback", "lan"),
        (LINK, "lan", "internet"),
    ],
)
def test_the_scope_counts_where_the_entry_leaves_it_open(
    address: BackendAddress, scope: str, network: str
) -> None:
    assert made(address, PlayerSettings(scope=scope)).network == network


@pytest.mark.parametrize(
    ("address", "player", "takes"),
    [
        (TYPED, True, True),
        (TYPED, False, False),
        (LINK, True, False),
        (replace(LINK, takes_reports=True), True, True),
    ],
)
def test_a_links_studio_has_to_want_reports(
    address: BackendAddress, player: bool, takes: bool
) -> None:
    assert made(address, PlayerSettings(send_reports=player)).takes_reports is takes


def test_full_colour_is_offered_where_either_says_so() -> None:
    assert made(TYPED, PlayerSettings(allow_444=True)).allow_444
    assert made(replace(TYPED, allow_444=True), PlayerSettings()).allow_444
    assert not made(TYPED, PlayerSettings()).allow_444


def test_a_games_own_relay_goes_first(tmp_path: Path) -> None:
    own, saved = tmp_path / "own.json", tmp_path / "saved.json"
    own.write_text(ICE)
    saved.write_text(ICE)
    profile = StudioProfile.from_address(TYPED, None)
    assert with_saved_relay(profile, str(saved)).ice_servers_file == saved
    with_own = replace(profile, ice_servers_file=own)
    assert with_saved_relay(with_own, str(saved)).ice_servers_file == own
    assert with_relay_if_any(with_own, str(saved)).ice_servers_file == own
    assert with_relay_if_any(profile, str(saved)).ice_servers_file == saved
    assert with_saved_relay(profile, None) == profile
    saved.write_text("{}")
    with pytest.raises(BadInputError):
        with_saved_relay(profile, str(saved))
