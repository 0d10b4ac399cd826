"""Connections made before they are needed."""

from __future__ import annotations

import asyncio
import re

from rejoin.rtc.prepared_connection import (
    PreparedConnection,
    PreparedConnections,
)


async def _keys(prepared: PreparedConnection) -> tuple[set[str], set[str]]:
    """The offer's ICE credentials and fingerprints."""
    await prepared.pc.setLocalDescription()
    sdp = prepared.pc.localDescription.sdp
    await prepared.pc.close()
    ice = set(re.findall(r"a=ice-(?:ufrag|pwd):(\S+)", sdp))
    return ice, set(re.findall(r"a=fingerprint:sha-256 (\S+)", sdp))


def test_each_is_used_once_and_no_two_share_a_key() -> None:
    async def offers() -> list[tuple[set[str], set[str]]]:
        prepared = PreparedConnections()
        prepared.prepare()
        prepared.prepare()
        popped = [prepared.pop(), prepared.pop()]
        prepared.prepare()
        popped.append(prepared.pop())
        assert len({id(each.pc) for each in popped}) == 3
        return [await _keys(each) for each in popped]

    seen = asyncio.run(offers())
    for ice, fingerprints in seen:
        assert len(ice) == 2
        assert len(fingerprints) == 1
    assert len(set.union(*(ice for ice, _ in seen))) == 6
    assert len(set.union(*(fingerprints for _, fingerprints in seen))) == 3


def test_a_prepared_connection_has_no_task_and_no_socket() -> None:
    async def ready() -> None:
        prepared = PreparedConnections()
        prepared.prepare()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert prepared.pop().dtls.transport._connection._protocols == []

    asyncio.run(ready())
