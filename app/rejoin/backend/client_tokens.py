"""The service's ClientTokens: one for each attempt, made from owner, session and Idempotency-Key.

So two players with the same key never share a stream session. A token is stored with its attempt,
and is the same in every try, in every process and after a restart.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac

from rejoin.backend.requests import Offer
from rejoin.backend.store.attempt_writes import Offered
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.backend.store.session_rows import StoredSession
from rejoin.backend.store.sessions import SessionStore
from rejoin.backend.sweep import new_tag
from rejoin.tasks import spawn

START = "start"
"""In place of the session, for the attempt that starts it."""


class ClientTokens:
    """Makes ClientTokens and tags with the backend's secret, which is read once."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store
        self._server_key: bytes | None = None
        self._asking: asyncio.Task[bytes | StoreUnavailableError] | None = None

    async def offered(self, owner_hash: str, session: str, offer: Offer) -> Offered:
        """An attempt, as it is to be recorded. `session`: its id, or START."""
        said = "\0".join((owner_hash, session, offer.token)).encode()
        token = hmac.new(await self._key(), said, hashlib.sha256).hexdigest()
        return Offered(offer.attempt, offer.sha256, token)

    async def of(self, row: StoredSession, session: str, offer: Offer) -> str:
        """The ClientToken of the newest attempt, as it is stored; for an attempt that an older
        version of the program recorded, as for a new one."""
        if row.client_token is not None:
            return row.client_token
        return (await self.offered(row.owner_hash, session, offer)).client_token

    async def tag(self) -> str:
        """The UserId of a new stream session."""
        return new_tag(await self._key())

    async def _key(self) -> bytes:
        if self._server_key is None:
            if self._asking is None:  # of a thousand first calls one asks, for all of them
                self._asking = spawn(self._asked(), name="server_key")
            outcome = await asyncio.shield(self._asking)
            if isinstance(outcome, StoreUnavailableError):
                raise StoreUnavailableError(str(outcome))
            self._server_key = outcome
        return self._server_key

    async def _asked(self) -> bytes | StoreUnavailableError:
        try:
            return await self._store.server_key()
        except StoreUnavailableError as error:
            return error
        finally:
            self._asking = None
