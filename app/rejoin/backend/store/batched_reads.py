"""Reads of single rows, batched: while one statement runs, new reads wait for the next.

In a quiet moment a read costs what it costs alone. When a Region drops everybody, ten thousand
clients ask for their row in the same seconds, and a hundred rows cost little more than one.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection

from rejoin.backend.store.database import LONGEST_S, Database, StoreUnavailableError
from rejoin.tasks import spawn

_Value = TypeVar("_Value")

AT_ONCE: Final = 128
"""Keys of one statement, at most."""

Load = Callable[[Connection, Sequence[str]], Mapping[str, _Value]]
"""Loads the rows with these keys, by key; missing rows are left out."""


def parameters(keys: Sequence[str]) -> list[str]:
    """The keys as parameters of an IN. The last key is repeated up to the next power of two, so
    that the database prepares few statements."""
    wanted = 1 << (len(keys) - 1).bit_length()
    return [*keys, *itertools.repeat(keys[-1], wanted - len(keys))]


class BatchedReads(Generic[_Value]):
    """Reads by key with one `Load`. A read begins after it was asked for: what another transaction
    has committed until then is seen."""

    def __init__(self, database: Database, load: Load[_Value], *, urgent: bool = False) -> None:
        """`urgent`: before all transactions that are not (`Database.run`)."""
        self._database = database
        self._load = load
        self._urgent = urgent
        self._asked: dict[str, list[asyncio.Future[_Value | None]]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def get(self, key: str, *, within_s: float) -> _Value | None:
        """The value; None if there is no such row. Raises StoreUnavailableError."""
        answer: asyncio.Future[_Value | None] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(key, []).append(answer)
        if self._reading is None or self._reading.done():
            self._reading = spawn(self._read(), name="reads")
        try:
            async with asyncio.timeout(max(0.0, within_s)):
                return await answer
        except TimeoutError:
            raise StoreUnavailableError("The backend's database did not answer in time.") from None

    async def _read(self) -> None:
        while self._asked:
            keys = tuple(self._asked)[:AT_ONCE]
            waiting = {key: self._asked.pop(key) for key in keys}
            if all(each.done() for asked in waiting.values() for each in asked):
                continue  # nobody waits any more
            found: Mapping[str, _Value] = {}
            failure: Exception | None = None

            def work(connection: Connection, keys: Any = keys) -> Mapping[str, _Value]:
                return self._load(connection, keys)

            try:
                found = await self._database.run(work, within_s=LONGEST_S, urgent=self._urgent)
            except Exception as error:  # a defect of ours, too: nobody waits for ever
                failure = error
            for key, asked in waiting.items():
                for each in asked:
                    if each.done():
                        continue
                    if failure is None:
                        each.set_result(found.get(key))
                    elif isinstance(failure, StoreUnavailableError):
                        each.set_exception(StoreUnavailableError(str(failure)))
                    else:
                        each.set_exception(failure)
