"""Tags of players: stable within a database, different in another one, and no plain hash."""

from __future__ import annotations

import hashlib

from helpers.stores import opened
from rejoin.backend.owner_tags import OwnerTags
from rejoin.backend.store.schema import secret_hash

MINE = secret_hash("owner", "me")


async def test_a_tag_is_the_databases_own() -> None:
    async with opened() as store, opened() as other:
        tags = OwnerTags(store)
        assert tags.known(MINE) is None
        tag = await tags.of(MINE)
        assert tags.known(MINE) == tag == await OwnerTags(store).of(MINE)
        assert len(tag) == 32
        assert tag != await tags.of(secret_hash("owner", "you"))
        assert tag != await OwnerTags(other).of(MINE)
        assert tag not in (MINE[:32], hashlib.sha256(MINE.encode()).hexdigest()[:32])
