"""Connections made before they are needed."""

from __future__ import annotations

import asyncio
import re

from rejoin.rtc.prepared_connection import (
    PreparedConnection,
    PreparedConnections,
)


async def _keys(blank: PreparedConnection) -> tuple[set[str], set[str]]:
    """The offer's ICE credentials and fingerprints."""
    await blank.pc.setLocalDescription()
    sdp = blank.pc.localDescription.sdp
    await blank.pc.close()
    ice = set(re.findall(r"a=ice-(?:ufrag|pwd):(\S+)", sdp))
    return ice, set(re.findall(r"a=fingerprint:sha-256 (\S+)", sdp))


def test_each_is_given_once_and_no_two_share_a_key() -> None:
    async def offers() -> list[tuple[set[str], set[str]]]:
        blanks = PreparedConnections()
        blanks.prepare()
        blanks.prepare()
        given = [blanks.take(), blanks.take()]
        blanks.prepare()
        given.append(blanks.take())
        assert len({id(each.pc) for each in given}) == 3
        return [await _keys(each) for each in given]

    seen = asyncio.run(offers())
    for ice, fingerprints in seen:
        assert len(ice) == 2
        assert len(fingerprints) == 1
    assert len(set.union(*(ice for ice, _ in seen))) == 6
    assert len(set.union(*(fingerprints for _, fingerprints in seen))) == 3


def test_what_is_ready_holds_no_task_and_no_socket() -> None:
    async def ready() -> None:
        blanks = PreparedConnections()
        blanks.prepare()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert blanks.take().dtls.transport._connection._protocols == []

    asyncio.run(ready())
