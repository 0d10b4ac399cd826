"""The newest CONNECTED of a session, as another process finds it; on both databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from helpers.many_streams import ManyStreams, add_session
from helpers.stores import opened
from rejoin.backend.store.proofs import ProofStore
from rejoin.backend.store.sessions import SessionStore
from rejoin.clock import boot_s

SOON_S = 60.0


@dataclass
class Clocks:
    """Moved together by hand; `ahead_s`: how far the embedded database's clock is ahead."""

    now: float = 1000.0
    ahead_s: float = 1e9

    def boot(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now + self.ahead_s


async def pass_time(clocks: Clocks, seconds: int, *processes: ProofStore) -> None:
    for _ in range(seconds):
        clocks.now += 1.0
        for each in processes:
            await each.read_clock()


async def session_in(store: SessionStore) -> str:
    return await add_session(store, ManyStreams(), "me")


async def test_a_proof_is_found_by_another_process(url: str) -> None:
    async with opened(url) as store:
        session = await session_in(store)
        one = ProofStore(store.database, boot_s)
        two = ProofStore(store.database, lambda: boot_s() + 500.0)
        later = ProofStore(store.database, boot_s)
        assert await two.connected_at(session, within_s=SOON_S) is None
        for _ in range(20):  # on a busy machine, a reading may take too long to be trusted
            for each in (one, two):
                await each.read_clock()
            asked_at = boot_s()
            await one.note(session, asked_at, within_s=SOON_S)
            found = await two.connected_at(session, within_s=SOON_S)
            if found is not None:
                break
        assert found is not None
        assert asked_at + 500.0 - 0.6 <= found <= asked_at + 500.0
        assert await later.connected_at(session, within_s=SOON_S) is None
        settled_s = await later.settled_for_s(session, within_s=SOON_S)
        assert settled_s is not None


async def test_an_older_proof_does_not_replace_a_newer_one() -> None:
    clocks = Clocks()
    async with opened() as store:
        session = await session_in(store)
        one = ProofStore(store.database, clocks.boot, wall=clocks.wall)
        await pass_time(clocks, 20, one)
        await one.note(session, 1010.0, within_s=SOON_S)
        await one.note(session, 1008.0, within_s=SOON_S)
        assert await one.connected_at(session, within_s=SOON_S) == 1010.0
        assert await one.settled_for_s(session, within_s=SOON_S) == 10.0


async def test_the_databases_clock_is_trusted_while_it_agrees_with_ours() -> None:
    clocks = Clocks()
    async with opened() as store:
        one = ProofStore(store.database, clocks.boot, wall=clocks.wall)
        assert not one.trusts_clock()
        await pass_time(clocks, 20, one)
        assert one.trusts_clock()
        await pass_time(clocks, 20)  # nobody has read it for that long
        assert not one.trusts_clock()


@pytest.mark.parametrize("jump_s", [-3 * 86400.0, 3 * 86400.0, 2.0])
async def test_a_clock_three_days_off_makes_no_proof_newer(jump_s: float) -> None:
    clocks = Clocks()
    async with opened() as store:
        session = await session_in(store)
        one = ProofStore(store.database, clocks.boot, wall=clocks.wall)
        await pass_time(clocks, 20, one)
        await one.note(session, 1020.0, within_s=SOON_S)
        clocks.ahead_s += jump_s
        await pass_time(clocks, 3, one)
        assert await one.connected_at(session, within_s=SOON_S) is None
        # Nothing is written either, until the clock has been steady for a minute.
        await one.note(session, 1023.0, within_s=SOON_S)
        assert await one.connected_at(session, within_s=SOON_S) is None
        await pass_time(clocks, 90, one)
        await one.note(session, 1110.0, within_s=SOON_S)
        # A clock that was set back shows times again that it has shown before.
        expected = 1110.0 if jump_s > 0 else None
        assert await one.connected_at(session, within_s=SOON_S) == expected


async def test_a_clock_set_back_before_a_process_began_makes_no_proof_newer() -> None:
    clocks = Clocks()
    async with opened() as store:
        session = await session_in(store)
        one = ProofStore(store.database, clocks.boot, wall=clocks.wall)
        await pass_time(clocks, 20, one)
        await one.note(session, 1020.0, within_s=SOON_S)
        clocks.ahead_s -= 60.0
        later = ProofStore(store.database, clocks.boot, wall=clocks.wall)
        await pass_time(clocks, 80, later)
        assert await later.connected_at(session, within_s=SOON_S) is None
        await later.note(session, 1090.0, within_s=SOON_S)
        assert await later.connected_at(session, within_s=SOON_S) == 1090.0


async def test_a_database_that_is_gone_gives_no_reading(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened() as store:
        session = await session_in(store)
        one = ProofStore(store.database, boot_s)
        run: Callable[..., object] = store.database.run
        monkeypatch.setattr(store.database, "run", lambda work, *, within_s: run(work, within_s=0))
        await one.read_clock()
        monkeypatch.undo()
        asked_at = boot_s() - 100.0
        await one.note(session, asked_at, within_s=SOON_S)
        assert await one.connected_at(session, within_s=SOON_S) is None
