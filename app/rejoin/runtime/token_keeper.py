"""Renews the bearer token of a running game: before it expires, and at once when the backend
refuses it.

The refresh before expiry runs in the background: calls go on with the token that is still valid.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

from rejoin.clock import Clock, boot_s
from rejoin.errors import RejoinError
from rejoin.runtime.token_sources import TokenSource
from rejoin.signaling.openid import ProviderUnreachableError, SignInEndedError
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.token_keeper")

EARLY_S: Final = 60.0
"""How long before its expiry a token is replaced; a quarter of its lifetime if that is shorter."""
LEAST_S: Final = 5.0
"""Between two refreshes before expiry."""
_LONGEST_SLEEP_S: Final = 15.0
"""A wait is cut into pieces: timers of an event loop stand still while the machine sleeps."""
_LONGEST_BACKOFF_S: Final = 60.0
_TRIES: Final = 2
"""Limit of one refresh that the engine waits for, if the provider is not reached."""


class TokenKeeper:
    """The token of one player's clients. Use it on the engine's loop."""

    def __init__(
        self,
        source: TokenSource,
        use: Callable[[str], None],
        *,
        lasts_s: float | None,
        clock: Clock = boot_s,
    ) -> None:
        """`use`: gives a new token to the clients. `lasts_s`: how long their present token is still
        valid; None: not known."""
        self._source = source
        self._use = use
        self._clock = clock
        self._next_at = self._due_at(lasts_s)
        self._fetching: asyncio.Task[RejoinError | None] | None = None
        self._keeping: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """From now on replace the token before it expires."""
        self._keeping = spawn(self._keep(), name="keep token")

    async def refresh(self) -> None:
        """Get a new token now. Raises RejoinError; then the old token stays in use."""
        for left in range(_TRIES - 1, -1, -1):
            try:
                await self._fetch()
                return
            except ProviderUnreachableError:
                if not left:
                    raise

    async def close(self) -> None:
        await cancel(self._keeping, self._fetching)
        await self._source.aclose()

    async def _fetch(self) -> None:
        """One call at a time, whose token all callers share."""
        if self._fetching is None:
            self._fetching = spawn(self._fetch_once(), name="fetch token")
        error = await asyncio.shield(self._fetching)
        if error is not None:
            raise error

    async def _fetch_once(self) -> RejoinError | None:
        """Fetch once; returns an expected failure, if there was one."""
        try:
            tokens = await self._source.fetch()
        except RejoinError as error:
            return error
        finally:
            self._fetching = None
        self._next_at = self._due_at(tokens.lasts_s)
        self._use(tokens.bearer)
        return None

    def _due_at(self, lasts_s: float | None) -> float | None:
        if lasts_s is None:
            return None
        return self._clock() + max(LEAST_S, lasts_s - min(EARLY_S, lasts_s / 4))

    async def _keep(self) -> None:
        with contextlib.suppress(RejoinError):
            await self._source.prepare()
        backoff_s = LEAST_S
        while True:
            now = self._clock()
            if self._next_at is None or self._next_at > now:
                left_s = _LONGEST_SLEEP_S if self._next_at is None else self._next_at - now
                await asyncio.sleep(min(left_s, _LONGEST_SLEEP_S))
                continue
            try:
                await self._fetch()
                backoff_s = LEAST_S
            except SignInEndedError as error:
                _log.warning("the sign-in token will expire: %s", error)
                self._next_at = None
            except RejoinError as error:
                _log.info("the sign-in token could not be refreshed: %s", error)
                self._next_at = self._clock() + backoff_s
                backoff_s = min(2 * backoff_s, _LONGEST_BACKOFF_S)
