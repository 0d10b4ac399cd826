"""The sign-in of a game (bearer tokens of the command line are tested in `cli/test_bearer`)."""

from __future__ import annotations

import pytest

from helpers.keyrings import MemoryKeyring
from rejoin.core.ticket import BackendAddress
from rejoin.runtime import game_sign_in
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling import openid_client
from rejoin.signaling.openid import OpenIdMethod, Tokens

METHOD = OpenIdMethod("https://id.example", "rejoin", "openid")
PROFILE = StudioProfile.from_address(BackendAddress("https://play.example", "ours"), None)
REACT = StudioProfile.from_address(
    BackendAddress("https://play.example", "aws-react", stream_group="sg-1"), None
)


@pytest.mark.parametrize("broken", [False, True])
async def test_a_new_sign_in_is_used_whether_or_not_it_can_be_kept(
    monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    keyring = MemoryKeyring(broken=broken)
    monkeypatch.setattr("keyring.get_keyring", lambda: keyring)
    tokens = Tokens("CANARY-new", 300.0, "CANARY-refresh")
    profile, signed_in = await game_sign_in.kept(PROFILE, METHOD, tokens)
    assert (profile.token, profile.token_is_saved) == ("CANARY-new", not broken)
    assert signed_in.lasts_s == 300.0
    found = await game_sign_in.saved(PROFILE)
    assert (found is None) is broken


async def test_only_our_own_dialect_says_how_players_sign_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def ask(backend_url: str, http: object) -> OpenIdMethod | None:
        return METHOD

    monkeypatch.setattr(openid_client, "ask_how_to_sign_in", ask)
    assert await game_sign_in.method_of(PROFILE) == METHOD
    assert await game_sign_in.method_of(REACT) is None
