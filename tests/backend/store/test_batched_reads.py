"""Reads that are asked for while one runs are done together, and each sees what was committed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from sqlalchemy import Connection

from rejoin.backend.store.batched_reads import AT_ONCE, BatchedReads, parameters
from rejoin.backend.store.database import Database, StoreUnavailableError, Work


class Rows(Database):
    """A database whose reads wait for `go` and fail while `down`."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[tuple[str, ...]] = []
        self.values = {"a": 1, "b": 2}
        self.go = asyncio.Event()
        self.go.set()
        self.down = False
        self.batched = BatchedReads(self, self._load)

    def _load(self, _: Connection, keys: Sequence[str]) -> Mapping[str, int]:
        self.reads.append(tuple(keys))
        return {key: self.values[key] for key in keys if key in self.values}

    async def run(  # type: ignore[override]
        self, work: Work[Mapping[str, int]], *, within_s: float, **_: bool
    ) -> Mapping[str, int]:
        found = work(None)  # type: ignore[arg-type]
        await self.go.wait()
        if self.down:
            raise StoreUnavailableError("The backend's database cannot be used at the moment.")
        return found


async def test_reads_that_are_asked_for_meanwhile_are_one_statement() -> None:
    rows = Rows()
    rows.go.clear()
    first = asyncio.ensure_future(rows.batched.get("a", within_s=60.0))
    await asyncio.sleep(0.01)
    rows.values["a"] = 10  # committed after the first read began
    others = [asyncio.ensure_future(rows.batched.get(key, within_s=60.0)) for key in "abca"]
    await asyncio.sleep(0.01)
    rows.go.set()
    assert await first == 1
    assert await asyncio.gather(*others) == [10, 2, None, 10]
    assert rows.reads == [("a",), ("a", "b", "c")]


async def test_a_statement_has_a_bounded_number_of_keys() -> None:
    rows = Rows()
    rows.values = {str(each): each for each in range(2 * AT_ONCE + 5)}
    asked = [rows.batched.get(key, within_s=60.0) for key in rows.values]
    assert await asyncio.gather(*asked) == list(rows.values.values())
    assert [len(each) for each in rows.reads] == [AT_ONCE, AT_ONCE, 5]


async def test_who_has_no_time_left_is_refused_and_the_others_are_answered() -> None:
    rows = Rows()
    rows.go.clear()
    late = asyncio.ensure_future(rows.batched.get("a", within_s=0.0))
    patient = asyncio.ensure_future(rows.batched.get("a", within_s=60.0))
    with pytest.raises(StoreUnavailableError):
        await late
    rows.go.set()
    assert await patient == 1


async def test_what_nobody_waits_for_any_more_is_not_read() -> None:
    rows = Rows()
    rows.go.clear()
    first = asyncio.ensure_future(rows.batched.get("a", within_s=60.0))
    await asyncio.sleep(0)
    gone = asyncio.ensure_future(rows.batched.get("b", within_s=60.0))
    await asyncio.sleep(0.01)
    gone.cancel()
    await asyncio.sleep(0)
    rows.go.set()
    await first
    await asyncio.sleep(0.01)
    assert rows.reads == [("a",)]


async def test_a_failure_is_everybodys_of_that_statement_alone() -> None:
    rows = Rows()
    rows.down = True
    outcomes = await asyncio.gather(
        *(rows.batched.get(key, within_s=60.0) for key in "ab"), return_exceptions=True
    )
    assert [type(each) for each in outcomes] == [StoreUnavailableError] * 2
    rows.down = False
    assert await rows.batched.get("b", within_s=60.0) == 2


async def test_a_defect_keeps_nobody_waiting_and_later_reads_are_made() -> None:
    rows = Rows()
    rows.go.clear()
    first = asyncio.ensure_future(rows.batched.get("a", within_s=60.0))
    await asyncio.sleep(0.01)
    broken = [
        asyncio.ensure_future(rows.batched.get(key, within_s=60.0)) for key in ("b", "\ud800")
    ]
    await asyncio.sleep(0.01)
    values, rows.values = rows.values, None  # type: ignore[assignment]
    rows.go.set()
    assert await first == 1
    for each in broken:
        with pytest.raises(TypeError):
            await each
    rows.values = values
    assert await rows.batched.get("b", within_s=60.0) == 2


def test_parameters_are_padded_to_a_power_of_two() -> None:
    for count in range(1, 130):
        keys = [str(each) for each in range(count)]
        padded = parameters(keys)
        assert padded[:count] == keys
        assert set(padded) == set(keys)
        assert len(padded).bit_count() == 1
        assert count <= len(padded) < max(2, 2 * count)
