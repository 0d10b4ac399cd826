"""Tags that stand for players in logs and reports: HMACs with this database's key."""

from __future__ import annotations

from rejoin.backend.store.schema import owner_tag
from rejoin.backend.store.sessions import SessionStore


class OwnerTags:
    """Makes tags of players with the backend's secret, which is read once.

    A tag is the same in every process of the database. Without the key nobody can compute a
    player's tag or find the player of a tag.
    """

    def __init__(self, store: SessionStore) -> None:
        self._store = store
        self._server_key: bytes | None = None

    async def read_key(self) -> None:
        """Read the secret, if it is not known yet. Raises StoreUnavailableError."""
        if self._server_key is None:
            self._server_key = await self._store.server_key()

    async def of(self, owner_hash: str) -> str:
        """The player's tag: 32 hexadecimal digits. Raises StoreUnavailableError."""
        await self.read_key()
        return self.known(owner_hash) or ""

    def known(self, owner_hash: str) -> str | None:
        """The player's tag; None before the secret was read."""
        if self._server_key is None:
            return None
        return owner_tag(self._server_key, owner_hash)
