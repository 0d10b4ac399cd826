"""A sign-in token that is refused in mid-reconnect is replaced, and the same offer sent again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from conftest import LogRecords
from helpers.headless_scene import Scene, playing, small
from rejoin.core.model import EndingKind, Stage
from rejoin.emulator.service.faults import FaultKind
from rejoin.errors import RejoinError
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime import token_keeper
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.aws_samples import StreamChoice
from rejoin.signaling.dialects import AWS_REACT, OURS, Dialect
from rejoin.signaling.openid import SignInEndedError, Tokens
from rejoin.studio.serve import studio

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]


@dataclass
class Provider:
    """Gives `token`, or fails with `error`."""

    token: str = field(repr=False)
    error: RejoinError | None = None
    lasts_s: float | None = None
    asked: int = 0
    closed: bool = False

    async def prepare(self) -> None:
        return

    async def fetch(self) -> Tokens:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return Tokens(self.token, self.lasts_s)

    async def aclose(self) -> None:
        self.closed = True


def names(it: Scene) -> list[str]:
    return [record.name for record in it.records]


async def drop(dialect: Dialect, provider: Provider) -> tuple[Scene, list[tuple[str, str]]]:
    """A game whose token is no longer taken when it sends the first offer of a reconnect; also the
    ClientTokens and offers that it sent."""
    sent: list[tuple[str, str]] = []
    settings = small(0.0)
    async with studio(settings, dialect=dialect) as there:
        provider.token = there.player_token
        profile = StudioProfile(
            there.backend_url,
            there.player_token,
            NetworkRules(loopback_only=True),
            dialect,
            StreamChoice(settings.stream_group_ids[0], settings.application_id),
        )
        async with playing(profile, there, token_source=provider) as it:
            await it.live()
            client: Any = it.player._client
            reconnect = client.reconnect

            async def expires_first(*arguments: Any, **named: Any) -> str:
                if not sent:
                    client.use_token("CANARY-token-that-has-expired")
                sent.append((named["token"], named["signal_request"]))
                answer: str = await reconnect(*arguments, **named)
                return answer

            client.reconnect = expires_first
            await it.fault(FaultKind.SILENCE)
            if provider.error is None:
                await it.live(episode=1)
            else:
                await it.until(lambda shown: shown.stage is Stage.ENDED)
    return it, sent


@pytest.mark.parametrize("dialect", [OURS, AWS_REACT], ids=lambda dialect: dialect.name)
async def test_a_token_that_expires_in_a_drop_costs_no_game(dialect: Dialect) -> None:
    provider = Provider("")
    it, sent = await drop(dialect, provider)
    assert provider.asked >= 1
    assert provider.closed
    assert "RefreshSignIn" in names(it)
    assert len(sent) == 2
    same = sent[0] == sent[1]
    assert same == dialect.forwards_token, "the same bytes, or where that is no retry a new offer"


async def test_a_sign_in_that_is_over_says_so(expected_logs: LogRecords) -> None:
    provider = Provider("", SignInEndedError("The sign-in is over."))
    it, _ = await drop(OURS, provider)
    assert it.ended().kind is EndingKind.SIGN_IN_NEEDED
    assert "The sign-in is over." in "".join(expected_logs.lines)


async def test_a_token_is_replaced_before_it_expires_and_nobody_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(token_keeper, "LEAST_S", 0.1)
    provider, settings = Provider(""), small(0.0)
    provider.lasts_s = 600.0
    async with studio(settings) as there:
        provider.token = there.player_token
        rules = NetworkRules(loopback_only=True)
        profile = StudioProfile(there.backend_url, there.player_token, rules)
        async with playing(profile, there, token_source=provider, token_lasts_s=0.1) as it:
            await it.live()
            await it.until(lambda shown: provider.asked == 1)
            assert it.player.snapshot.stage is Stage.LIVE
        assert "RefreshSignIn" not in names(it)
