"""Checks opaque access tokens by asking the identity provider (RFC 7662); answers are cached.

The number of open questions is bounded, with one for each token: a flood of wrong tokens causes no
more threads here and no more calls there.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import quote

from rejoin.backend.issuer_calls import FetchJson, fetch_json
from rejoin.backend.openid_tokens import signed_in_by
from rejoin.backend.sign_in import SignedIn, SignInUnavailableError
from rejoin.backend.store.schema import secret_hash
from rejoin.clock import boot_s
from rejoin.tasks import spawn

_Kept = TypeVar("_Kept")

REMEMBERED_S: Final = 30.0
"""How long an answer is used again; a token that is revoked works this long at most."""
QUESTIONS: Final = 16
"""At the same time. A provider that answers in 50 ms is asked 320 times a second."""
TURN_WITHIN_S: Final = 3.0
"""A sign-in that waits longer for one of them is refused: sign-in is unavailable."""
_MOST_REMEMBERED: Final = 10_000
_MAX_TOKEN: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class IntrospectionSettings:
    """`client_id`, `client_secret`: this backend's at the provider. `issuer`: what the answers must
    name, or what is put in where they name none. `players_client_id`, `scopes`: what clients are to
    sign in with."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    issuer: str
    audience: str | None = None
    applications_claim: str | None = None
    players_client_id: str | None = None
    scopes: str = "openid"


class Introspection:
    """Checks tokens by asking: an `Authenticate`. `wall`: Unix time, for `exp`."""

    def __init__(
        self,
        settings: IntrospectionSettings,
        *,
        clock: Callable[[], float] = boot_s,
        wall: Callable[[], float] = time.time,
        fetch: FetchJson = fetch_json,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._wall = wall
        self._fetch = fetch
        self._players: dict[str, tuple[SignedIn, float]] = {}
        self._strangers: dict[str, float] = {}
        """Separate from the players, so that a flood of wrong tokens evicts no player."""
        self._questions: dict[str, asyncio.Task[SignedIn | SignInUnavailableError | None]] = {}
        self._turns = asyncio.Semaphore(QUESTIONS)

    async def __call__(self, token: str) -> SignedIn | None:
        """Raises SignInUnavailableError."""
        if len(token) > _MAX_TOKEN:
            return None
        digest = secret_hash("bearer", token)
        now = self._clock()
        player, until_at = self._players.get(digest, (None, 0.0))
        if player is not None and now < until_at:
            return player
        if now < self._strangers.get(digest, 0.0):
            return None
        question = self._questions.get(digest)
        if question is None:
            question = spawn(self._ask(token, digest), name="introspection")
            self._questions[digest] = question
            question.add_done_callback(lambda _: self._questions.pop(digest, None))
        outcome = await asyncio.shield(question)
        if isinstance(outcome, SignInUnavailableError):
            raise SignInUnavailableError(str(outcome))
        return outcome

    async def _ask(self, token: str, digest: str) -> SignedIn | SignInUnavailableError | None:
        try:
            async with asyncio.timeout(TURN_WITHIN_S):
                await self._turns.acquire()
        except TimeoutError:
            return SignInUnavailableError("Too many tokens have to be asked about.")
        try:
            answer = await self._fetch(
                self._settings.url,
                form={"token": token, "token_type_hint": "access_token"},
                headers={"Authorization": self._basic()},
            )
        except SignInUnavailableError as error:
            return error
        finally:
            self._turns.release()
        player = self._player_of(answer)
        until_at = self._clock() + REMEMBERED_S
        self._players.pop(digest, None)
        if player is None:
            _keep(self._strangers, digest, until_at)
        else:
            _keep(self._players, digest, (player, until_at))
        return player

    def _basic(self) -> str:
        """RFC 6749 2.3.1: both are form-encoded first."""
        both = f"{quote(self._settings.client_id, '')}:{quote(self._settings.client_secret, '')}"
        return "Basic " + base64.b64encode(both.encode()).decode()

    def _player_of(self, answer: Any) -> SignedIn | None:
        if not isinstance(answer, dict) or answer.get("active") is not True:
            return None
        expires = answer.get("exp")
        if isinstance(expires, (int, float)) and expires < self._wall():
            return None
        if answer.get("iss", self._settings.issuer) != self._settings.issuer:
            return None
        audience = answer.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if self._settings.audience is not None and self._settings.audience not in audiences:
            return None
        claims = {**answer, "iss": self._settings.issuer}
        return signed_in_by(claims, self._settings.applications_claim)


def _keep(memory: dict[str, _Kept], digest: str, value: _Kept) -> None:
    """Remember it, and forget the oldest beyond `_MOST_REMEMBERED`."""
    while len(memory) >= _MOST_REMEMBERED:
        del memory[next(iter(memory))]
    memory[digest] = value
