"""Opaque tokens: what the identity provider says of them, remembered for a while."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from rejoin.backend.introspection import REMEMBERED_S, Introspection, IntrospectionSettings
from rejoin.backend.sign_in import SignedIn

SETTINGS = IntrospectionSettings(
    "https://issuer.example/introspect", "id:1", "s &", "https://issuer.example", "us", "games"
)
ACTIVE = {"active": True, "sub": "player-1", "aud": ["us"], "games": "demo"}


class Provider:
    def __init__(self, answer: Any = ACTIVE) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.now = 0.0

    async def fetch(self, url: str, *, form: dict[str, str], headers: dict[str, str]) -> Any:
        self.asked.append(form["token"])
        assert url == SETTINGS.url
        said = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode()
        assert said == "id%3A1:s%20%26"
        return self.answer

    def check(self) -> Introspection:
        return Introspection(
            SETTINGS, clock=lambda: self.now, wall=lambda: 1000.0, fetch=self.fetch
        )


async def test_an_active_token_is_its_player_and_is_asked_about_once_in_a_while() -> None:
    provider = Provider()
    check = provider.check()
    expected = SignedIn("https://issuer.example\0player-1", frozenset({"demo"}))
    for _ in range(3):
        assert await check("token") == expected
    assert provider.asked == ["token"]
    provider.now = REMEMBERED_S + 1
    provider.answer = {"active": False}
    assert await check("token") is None
    assert await check("token") is None
    assert provider.asked == ["token", "token"]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"active": "true", "sub": "x", "aud": "us"},
        {**ACTIVE, "aud": "somebody else"},
        {**ACTIVE, "aud": None},
        {**ACTIVE, "iss": "https://another.example"},
        {**ACTIVE, "exp": 999},
        {**ACTIVE, "sub": ""},
        {**ACTIVE, "sub": 5},
    ],
)
async def test_what_is_not_an_active_token_for_us_is_nobody(answer: Any) -> None:
    assert await Provider(answer).check()("token") is None


async def test_a_program_that_signs_in_as_itself_counts_by_its_client_id() -> None:
    found = await Provider({"active": True, "client_id": "ci", "aud": "us"}).check()("token")
    assert found is not None
    assert found.owner == "https://issuer.example\0client\0ci"


async def test_a_token_of_any_length_is_not_sent_on() -> None:
    provider = Provider()
    assert await provider.check()("x" * 20_000) is None
    assert provider.asked == []
