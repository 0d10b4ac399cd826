"""Opaque tokens: what the identity provider says of them, remembered for a while."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from helpers.waiting import eventually
from rejoin.backend import introspection
from rejoin.backend.introspection import (
    QUESTIONS,
    REMEMBERED_S,
    Introspection,
    IntrospectionSettings,
)
from rejoin.backend.sign_in import SignedIn, SignInUnavailableError

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
        {"active": True, "aud": "us"},
        {"active": True, "aud": "us", "client_id": ""},
        {"active": True, "aud": "us", "client_id": "\ud800"},
        {"active": True, "aud": "us", "client_id": "a\0b"},
        {"active": True, "aud": "us", "client_id": ["a"]},
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


class SlowProvider(Provider):
    """Answers when `go` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def fetch(self, url: str, *, form: dict[str, str], headers: dict[str, str]) -> Any:
        answer = await super().fetch(url, form=form, headers=headers)
        await self.go.wait()
        return answer


async def test_a_flood_of_wrong_tokens_is_asked_about_a_few_at_a_time() -> None:
    provider = SlowProvider()
    check = provider.check()
    calls = [asyncio.ensure_future(check(f"token-{number}")) for number in range(3 * QUESTIONS)]
    calls += [asyncio.ensure_future(check("token-0")) for _ in range(5)]
    await eventually(lambda: len(provider.asked) >= QUESTIONS)
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(provider.asked) == QUESTIONS
    provider.go.set()
    assert all(found is not None for found in await asyncio.gather(*calls))
    assert provider.asked.count("token-0") == 1


async def test_who_waits_too_long_for_a_question_is_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(introspection, "TURN_WITHIN_S", 0.05)
    provider = SlowProvider()
    check = provider.check()
    calls = [asyncio.ensure_future(check(f"token-{number}")) for number in range(QUESTIONS)]
    await eventually(lambda: len(provider.asked) >= QUESTIONS)
    with pytest.raises(SignInUnavailableError):
        await check("one more")
    provider.go.set()
    await asyncio.gather(*calls)
    assert await check("one more") is not None, "it may be asked about again"
