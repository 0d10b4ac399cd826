"""Pages of the service's lists that one process has read, for all others.

The reader holds a lease, by the database's clock. After its end another process may take it; a
reader that has lost its lease records nothing more. Pages are numbered without gaps.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from rejoin.backend.service import ListedStream, StreamId
from rejoin.backend.store.budgets import BudgetStore
from rejoin.backend.store.schema import LIST_READER, LISTED_PAGE

GONE_S: Final = 3.0
"""A reader that has recorded nothing for this long has ended, or needs no lists any more."""
KEPT_S: Final = 120.0
_MOST: Final = 200
"""Pages that are fetched at once."""

_MINE: Final = (
    LIST_READER.c.lists == bindparam("of_lists"),
    LIST_READER.c.owner == bindparam("of_owner"),
)
_RENEW: Final = update(LIST_READER).where(*_MINE).values(renewed_at=bindparam("now"))
_NEXT: Final = (
    update(LIST_READER)
    .where(*_MINE)
    .values(renewed_at=bindparam("now"), page=LIST_READER.c.page + 1)
    .returning(LIST_READER.c.page)
)
_RECORD: Final = insert(LISTED_PAGE)
_FORGET: Final = delete(LISTED_PAGE).where(
    LISTED_PAGE.c.lists == bindparam("of_lists"), LISTED_PAGE.c.written_at < bindparam("before")
)
_READER: Final = select(LIST_READER).where(LIST_READER.c.lists == bindparam("of_lists"))
_PAGES: Final = (
    select(LISTED_PAGE)
    .where(LISTED_PAGE.c.lists == bindparam("of_lists"), LISTED_PAGE.c.number > bindparam("after"))
    .order_by(LISTED_PAGE.c.number)
    .limit(_MOST)
)
_PASS: Final = (
    select(LISTED_PAGE)
    .where(
        LISTED_PAGE.c.lists == bindparam("of_lists"),
        LISTED_PAGE.c.number > bindparam("after"),
        LISTED_PAGE.c.number <= bindparam("until"),
    )
    .order_by(LISTED_PAGE.c.number)
)
_TWO: Final = 2
_ENDS: Final = (
    select(LISTED_PAGE.c.number, LISTED_PAGE.c.written_at)
    .where(
        LISTED_PAGE.c.lists == bindparam("of_lists"),
        LISTED_PAGE.c.ending.is_not(None),
    )
    .order_by(LISTED_PAGE.c.number.desc())
    .limit(_TWO)
)


@dataclass(frozen=True, slots=True)
class RecordedPage:
    """`complete`: None while the pass goes on, else whether it listed everything."""

    number: int
    items: tuple[ListedStream, ...]
    complete: bool | None


@dataclass(frozen=True, slots=True)
class RecordedPass:
    """All that a pass listed, and how many seconds ago it ended."""

    items: tuple[ListedStream, ...]
    complete: bool
    age_s: float


@dataclass(frozen=True, slots=True)
class Newer:
    """The pages recorded since. If some of them are already deleted, `pages` starts with the newest
    pass. `is_read`: whether a process still reads."""

    pages: tuple[RecordedPage, ...]
    from_the_beginning: bool
    is_read: bool


class ListPages:
    """The pages of one stream group's lists. `owner`: this process. Each call raises
    StoreUnavailableError after `within_s`."""

    def __init__(self, budgets: BudgetStore, lists: str, owner: str) -> None:
        """`budgets`: of the same database, whose clock it reads."""
        self._budgets = budgets
        self._database = budgets.database
        self._lists = lists
        self._owner = owner

    async def lead(self, *, within_s: float) -> bool:
        """Begin a pass as the reader; False while another process is that."""

        def work(connection: Connection) -> bool:
            now = self._budgets.now(connection)
            dialect = postgresql if self._database.is_shared else sqlite
            new: Any = dialect.insert(LIST_READER).values(
                lists=self._lists, owner=self._owner, renewed_at=now, page=0, pass_page=1
            )
            taken = connection.execute(
                new.on_conflict_do_update(
                    index_elements=["lists"],
                    set_={
                        "owner": self._owner,
                        "renewed_at": now,
                        "pass_page": LIST_READER.c.page + 1,
                    },
                    where=(LIST_READER.c.owner == self._owner)
                    | (LIST_READER.c.renewed_at < now - GONE_S)
                    # a clock that was set back
                    | (LIST_READER.c.renewed_at > now + GONE_S),
                )
            )
            return taken.rowcount > 0

        return await self._database.run(work, within_s=within_s)

    async def renew(self, *, within_s: float) -> bool:
        """Stay the reader; False if it is another process now."""

        def work(connection: Connection) -> bool:
            now = self._budgets.now(connection)
            return connection.execute(_RENEW, self._mine() | {"now": now}).rowcount > 0

        return await self._database.run(work, within_s=within_s)

    async def record(
        self, items: Sequence[ListedStream], complete: bool | None, *, within_s: float
    ) -> bool:
        """One more page; False, and nothing is recorded, if another process is the reader now.
        `complete`: with the last page of a pass."""
        content = json.dumps(
            [
                (each.stream.stream_group, each.stream.stream_session, each.status, each.user_id)
                for each in items
            ]
        )

        def work(connection: Connection) -> bool:
            now = self._budgets.now(connection)
            number = connection.scalar(_NEXT, self._mine() | {"now": now})
            if number is None:
                return False
            connection.execute(
                _RECORD,
                {
                    "lists": self._lists,
                    "number": number,
                    "written_at": now,
                    "items": content,
                    "ending": None if complete is None else int(complete),
                },
            )
            if complete is not None:
                connection.execute(_FORGET, {"of_lists": self._lists, "before": now - KEPT_S})
            return True

        return await self._database.run(work, within_s=within_s)

    async def release(self, *, within_s: float) -> None:
        """Another process may read at once, if this one is the reader."""

        def work(connection: Connection) -> None:
            connection.execute(_RENEW, self._mine() | {"now": 0.0})

        await self._database.run(work, within_s=within_s)

    async def last_pass(self, *, ended_within_s: float, within_s: float) -> RecordedPass | None:
        """The newest pass that has ended, if that is not too long ago."""

        def work(connection: Connection) -> RecordedPass | None:
            now = self._budgets.now(connection)
            wanted = {"of_lists": self._lists}
            ends = connection.execute(_ENDS, wanted).all()
            if not ends or abs(now - ends[0].written_at) > ended_within_s:
                return None
            begin = ends[1].number if len(ends) == _TWO else 0
            rows = connection.execute(
                _PASS, wanted | {"after": begin, "until": ends[0].number}
            ).all()
            if len(rows) != ends[0].number - begin:
                return None  # where it began is no longer kept
            pages = [_page_of(row) for row in rows]
            items = tuple(item for page in pages for item in page.items)
            return RecordedPass(items, bool(pages[-1].complete), now - ends[0].written_at)

        return await self._database.run(work, within_s=within_s)

    async def newer(self, after: int | None, *, within_s: float) -> Newer:
        """The pages after this one; None: those of the newest pass."""

        def work(connection: Connection) -> Newer:
            now = self._budgets.now(connection)
            wanted = {"of_lists": self._lists}
            reader = connection.execute(_READER, wanted).one_or_none()
            if reader is None:
                return Newer((), after is None, is_read=False)
            is_read = abs(now - reader.renewed_at) <= GONE_S
            if after is not None:
                rows = connection.execute(_PAGES, wanted | {"after": after}).all()
                if (rows[0].number if rows else reader.page + 1) == after + 1:
                    return Newer(tuple(map(_page_of, rows)), False, is_read)
            # Not following yet, or away for longer than pages are kept.
            rows = connection.execute(_PAGES, wanted | {"after": reader.pass_page - 1}).all()
            return Newer(tuple(map(_page_of, rows)), True, is_read)

        return await self._database.run(work, within_s=within_s)

    def _mine(self) -> dict[str, object]:
        return {"of_lists": self._lists, "of_owner": self._owner}


def _page_of(row: Any) -> RecordedPage:
    items = tuple(
        ListedStream(StreamId(group, session), status, user_id)
        for group, session, status, user_id in json.loads(row.items)
    )
    return RecordedPage(row.number, items, None if row.ending is None else bool(row.ending))
