"""Connections made before they are needed."""

from __future__ import annotations

import asyncio
import re

import pytest

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


async def test_each_prepared_connection_is_used_once_and_has_its_own_keys() -> None:
    prepared = PreparedConnections()
    prepared.prepare()
    prepared.prepare()
    popped = [prepared.pop(), prepared.pop()]
    prepared.prepare()
    popped.append(prepared.pop())
    assert len({id(each.pc) for each in popped}) == 3
    seen = [await _keys(each) for each in popped]
    for ice, fingerprints in seen:
        assert len(ice) == 2
        assert len(fingerprints) == 1
    assert len(set.union(*(ice for ice, _ in seen))) == 6
    assert len(set.union(*(fingerprints for _, fingerprints in seen))) == 3


async def test_a_prepared_connection_has_no_task_and_no_socket() -> None:
    prepared = PreparedConnections()
    prepared.prepare()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert prepared.pop().dtls.transport._connection._protocols == []


async def test_444_is_in_the_offer_only_where_it_is_allowed() -> None:
    for allowed in (False, True):
        prepared = PreparedConnections(allow_444=allowed).pop()
        await prepared.pc.setLocalDescription()
        sdp = prepared.pc.localDescription.sdp
        await prepared.pc.close()
        assert ("profile-level-id=f4001f" in sdp) == prepared.allow_444 == allowed


@pytest.mark.parametrize("microphone", [True, False])
async def test_sound_of_ours_is_in_the_offer_only_where_it_is_wanted(microphone: bool) -> None:
    prepared = PreparedConnections(microphone=microphone).pop()
    try:
        audio = (await prepared.pc.createOffer()).sdp.split("m=video")[0]
        assert ("a=sendrecv" in audio) == microphone
        assert ("a=recvonly" in audio) != microphone
        assert prepared.microphone == microphone
    finally:
        await prepared.close()
