"""The queue of reconnects over all processes, in the order of `create_order`.

A process with waiting clients calls `exchange` several times a second: it writes new clients and
reads turns. The first process to call when a turn is free grants it to the next row, whichever
process that belongs to; that process finds it at its own next exchange. Rows that another
transaction holds are skipped. A process that has ended gets no turns, as it makes no exchanges.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, bindparam, case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ColumnElement

from rejoin.backend.call_rate import CallRate
from rejoin.backend.create_order import NO_DOUBT, Doubt, Waiting
from rejoin.backend.store.budgets import BudgetStore
from rejoin.backend.store.database import Database
from rejoin.backend.store.schema import CREATE_TURN, QUEUE_PROCESS

SEEN_S: Final = 2.0
"""A process without an exchange for this long has no clients any more."""
LONGEST_PLACE_S: Final = 90.0
"""The longest that a call waits, and that its place is kept afterwards."""
KEPT_S: Final = 3.0
"""How long a place is kept: until the next request (Retry-After is 1 s), and 2 s more."""
_MOST_AT_ONCE: Final = 50
_MOST_SWEPT: Final = 1000
_WAITS, _GRANTED, _SERVED = "waits", "granted", "served"


def _alive(seen_since: Any, seen_until: Any) -> Select[Any]:
    """Living processes. A process seen later than now ended before the clock was set back."""
    return select(QUEUE_PROCESS.c.owner).where(
        QUEUE_PROCESS.c.seen_at > seen_since, QUEUE_PROCESS.c.seen_at < seen_until
    )


def _present(shard: Any, now: Any, seen_since: Any, seen_until: Any) -> ColumnElement[bool]:
    """Rows whose client waits for an answer in a living process. Takes values or bind
    parameters."""
    return and_(
        CREATE_TURN.c.shard == shard,
        CREATE_TURN.c.state == _WAITS,
        CREATE_TURN.c.present_until_at > now,
        CREATE_TURN.c.owner.in_(_alive(seen_since, seen_until)),
    )


_ANYBODY: Final = select(1).where(
    select(1)
    .where(
        _present(
            bindparam("of_shard"),
            bindparam("now"),
            bindparam("seen_since"),
            bindparam("seen_until"),
        )
    )
    .exists()
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A client that reconnects. Seconds from now: `shown_s`, `latest_s` until the deadlines,
    `present_s` until its call times out. `guessed`: deadlines stored earlier stay."""

    session_id: str
    shown_s: float
    latest_s: float
    guessed: bool
    released: bool
    present_s: float


@dataclass(frozen=True, slots=True)
class Exchanged:
    """`granted`: sessions of this process whose turn has come. `spare`: turns to hold. `waits`:
    whether any process had a waiting client at the start. `rate`: the budget, at `now`."""

    granted: tuple[str, ...]
    spare: int
    waits: bool
    rate: CallRate
    now: float


@dataclass(frozen=True, slots=True)
class Lost:
    """`games`: whose latest deadline passed while they waited. `beyond_saving`: how many of them no
    order of the same calls could have saved."""

    games: int
    beyond_saving: int


@dataclass(frozen=True, slots=True)
class Queue:
    """All waiting games, with the database's time."""

    waiting: tuple[Waiting, ...]
    now: float


class TurnStore:
    """The queue of one shard. `owner`: this process. Each call raises StoreUnavailableError."""

    def __init__(self, budgets: BudgetStore, operation: str, owner: str) -> None:
        self._budgets = budgets
        self._database: Database = budgets.database
        self._operation = operation
        self._owner = owner
        self._here = CREATE_TURN.c.shard == budgets.shard

    async def exchange(
        self, arrivals: Sequence[Arrival], *, within_s: float, doubt: Doubt = NO_DOUBT
    ) -> Exchanged:
        """Record new clients, grant the free turns, and return the turns of this process. `doubt`:
        which games this process thinks are over."""

        def work(connection: Connection) -> Exchanged:
            now = self._budgets.now(connection)
            self._seen(connection, now)
            self._record(connection, arrivals, now)
            rate, now = self._budgets.locked(connection, self._operation)
            waits = self._anybody_waits(connection, now)
            free = min(_MOST_AT_ONCE, int(rate.left(now, self._budgets.quota) + 1e-6))
            spent = self._grant(connection, now, free, doubt) if waits else 0
            if spent:
                rate = rate.taken(now, self._budgets.quota, spent).rate
                self._budgets.write(connection, self._operation, rate)
            return Exchanged(self._granted(connection), 0, waits, rate, now)

        return await self._database.run(work, within_s=within_s, ahead=True)

    async def spare(self, count: int, *, within_s: float) -> Exchanged:
        """Up to `count` turns to hold for a quiet moment; none while anybody waits."""

        def work(connection: Connection) -> Exchanged:
            rate, now = self._budgets.locked(connection, self._operation)
            waits = self._anybody_waits(connection, now)
            turns = rate.taken(now, self._budgets.quota, 0, spare=0 if waits else count)
            if turns.delays_s:
                self._budgets.write(connection, self._operation, turns.rate)
            return Exchanged((), len(turns.delays_s), waits, turns.rate, now)

        return await self._database.run(work, within_s=within_s, ahead=True)

    async def queue(self, *, within_s: float) -> Queue:
        """All waiting games, for an estimate of places."""

        def work(connection: Connection) -> Queue:
            now = self._budgets.now(connection)
            rows = connection.execute(
                select(
                    CREATE_TURN.c.shown_at,
                    CREATE_TURN.c.latest_at,
                    CREATE_TURN.c.unreleased,
                    CREATE_TURN.c.session_id,
                ).where(
                    self._here, CREATE_TURN.c.state == _WAITS, CREATE_TURN.c.kept_until_at > now
                )
            )
            return Queue(
                tuple(
                    Waiting(shown, latest, not unreleased, session_id)
                    for shown, latest, unreleased, session_id in rows
                ),
                now,
            )

        return await self._database.run(work, within_s=within_s, ahead=True)

    async def sweep(self, *, within_s: float) -> Lost:
        """Delete games whose window is over and whose client no longer calls; each is counted once.
        Also delete rows of a process that ended before the clock was set back."""

        def work(connection: Connection) -> Lost:
            now = self._budgets.now(connection)
            gone = connection.execute(
                _unlocked(
                    select(
                        CREATE_TURN.c.session_id,
                        CREATE_TURN.c.state,
                        CREATE_TURN.c.latest_at,
                        CREATE_TURN.c.could_be_saved,
                    )
                    .where(self._here)
                    .where(
                        and_(CREATE_TURN.c.latest_at < now, CREATE_TURN.c.kept_until_at < now)
                        | and_(
                            CREATE_TURN.c.kept_until_at > now + LONGEST_PLACE_S,
                            CREATE_TURN.c.owner.not_in(_alive(now - SEEN_S, now + SEEN_S)),
                        )
                    )
                    .limit(_MOST_SWEPT)
                )
            ).all()
            connection.execute(
                delete(CREATE_TURN).where(
                    CREATE_TURN.c.session_id.in_([row.session_id for row in gone])
                )
            )
            connection.execute(
                delete(QUEUE_PROCESS).where(QUEUE_PROCESS.c.seen_at < now - 30 * SEEN_S)
            )
            over = [row for row in gone if row.latest_at < now]
            return Lost(
                sum(row.state == _WAITS for row in over),
                sum(not row.could_be_saved for row in over),
            )

        return await self._database.run(work, within_s=within_s, ahead=True)

    async def leave(self, *, within_s: float) -> None:
        """This process ends: its clients will call another one."""

        def work(connection: Connection) -> None:
            connection.execute(delete(QUEUE_PROCESS).where(QUEUE_PROCESS.c.owner == self._owner))

        await self._database.run(work, within_s=within_s, ahead=True)

    def _insert(self, table: Any) -> Any:
        return (postgresql if self._database.is_shared else sqlite).insert(table)

    def _seen(self, connection: Connection, now: float) -> None:
        beat = self._insert(QUEUE_PROCESS).values(owner=self._owner, seen_at=now)
        connection.execute(
            beat.on_conflict_do_update(
                index_elements=["owner"], set_={"seen_at": beat.excluded.seen_at}
            )
        )

    def _record(self, connection: Connection, arrivals: Sequence[Arrival], now: float) -> None:
        if not arrivals:
            return
        row, new = CREATE_TURN.c, self._insert(CREATE_TURN)
        new = new.values({column.name: bindparam(column.name) for column in CREATE_TURN.columns})
        put = new.excluded
        # A place that is no longer kept (after a jump of the clock, for example) begins anew.
        waits = and_(row.state == _WAITS, row.kept_until_at >= bindparam("clock"))
        # A drop whose window ends later is another one: its game can be lost again.
        another = and_(row.state == _SERVED, put.latest_at > row.latest_at + SEEN_S)
        kept = and_(waits, put.shown_at > row.shown_at, bindparam("guessed"))
        statement = new.on_conflict_do_update(
            index_elements=["session_id"],
            set_={
                "shard": put.shard,
                "owner": put.owner,
                "state": case((row.state == _GRANTED, _GRANTED), else_=_WAITS),
                # What another process has seen since the same drop counts too.
                "unreleased": and_(put.unreleased, ~and_(waits, ~row.unreleased)),
                "shown_at": case((kept, row.shown_at), else_=put.shown_at),
                "latest_at": case(
                    (and_(waits, put.latest_at > row.latest_at), row.latest_at),
                    else_=put.latest_at,
                ),
                "present_until_at": put.present_until_at,
                "kept_until_at": put.kept_until_at,
                "could_be_saved": and_(row.could_be_saved, ~another),
            },
        )
        connection.execute(
            statement,
            [
                {
                    "session_id": each.session_id,
                    "shard": self._budgets.shard,
                    "owner": self._owner,
                    "state": _WAITS,
                    "unreleased": not each.released,
                    "shown_at": now + each.shown_s,
                    "latest_at": now + max(each.shown_s, each.latest_s),
                    "present_until_at": now + each.present_s,
                    "kept_until_at": now + each.present_s + KEPT_S,
                    "could_be_saved": False,
                    "guessed": each.guessed,
                    "clock": now,
                }
                for each in sorted(arrivals, key=lambda each: each.session_id)
            ],
        )

    def _present(self, now: float) -> ColumnElement[bool]:
        return _present(self._budgets.shard, now, now - SEEN_S, now + SEEN_S)

    def _anybody_waits(self, connection: Connection, now: float) -> bool:
        wanted = {"of_shard": self._budgets.shard, "now": now}
        wanted |= {"seen_since": now - SEEN_S, "seen_until": now + SEEN_S}
        return connection.scalar(_ANYBODY, wanted) is not None

    def _grant(self, connection: Connection, now: float, free: int, doubt: Doubt) -> int:
        """Grant up to `free` turns to the next games; returns how many."""
        if free <= 0:
            return 0
        next_ones: list[str] = []
        for who, order in _orders(now, doubt):
            if len(next_ones) < free:
                found = and_(self._present(now), who)
                next_ones += self._next(connection, free - len(next_ones), found, order)
        if not next_ones:
            return 0
        connection.execute(
            update(CREATE_TURN)
            .where(CREATE_TURN.c.session_id.in_(next_ones))
            .values(state=_GRANTED)
        )
        # Mark the games that a maximum matching would give the same calls to.
        could = connection.scalars(
            _unlocked(
                select(CREATE_TURN.c.session_id)
                .where(self._here, ~CREATE_TURN.c.could_be_saved, _in_time(now))
                .order_by(CREATE_TURN.c.latest_at)
                .limit(len(next_ones))
            )
        ).all()
        connection.execute(
            update(CREATE_TURN)
            .where(CREATE_TURN.c.session_id.in_(could))
            .values(could_be_saved=True)
        )
        return len(next_ones)

    def _next(
        self,
        connection: Connection,
        count: int,
        who: ColumnElement[bool],
        order: Sequence[ColumnElement[Any]],
    ) -> list[str]:
        ids = select(CREATE_TURN.c.session_id).where(who).order_by(*order).limit(count)
        return list(connection.scalars(_unlocked(ids)))

    def _granted(self, connection: Connection) -> tuple[str, ...]:
        granted = connection.scalars(
            _unlocked(
                select(CREATE_TURN.c.session_id)
                .where(self._here)
                .where(CREATE_TURN.c.owner == self._owner, CREATE_TURN.c.state == _GRANTED)
            )
        ).all()
        if granted:
            connection.execute(
                update(CREATE_TURN)
                .where(CREATE_TURN.c.session_id.in_(granted))
                .values(state=_SERVED)
            )
        return tuple(granted)


def _unlocked(rows: Select[Any]) -> Select[Any]:
    """Without rows that another transaction holds: it may wait for the budget that we hold."""
    return rows.with_for_update(skip_locked=True, of=CREATE_TURN)


def _in_time(now: float) -> ColumnElement[bool]:
    return CREATE_TURN.c.latest_at >= now


def _orders(
    now: float, doubt: Doubt
) -> Iterator[tuple[ColumnElement[bool], Sequence[ColumnElement[Any]]]]:
    """Groups of games and the order within each, the same as `create_order.ordered`."""
    row = CREATE_TURN.c
    rank = (row.unreleased, row.shown_at, row.latest_at, row.session_id)
    if doubt.left_s <= 0:
        yield _in_time(now), rank
    else:
        doubtful = and_(row.shown_at < now + doubt.takes_s, row.latest_at < now + doubt.left_s)
        in_doubt = (row.unreleased, row.latest_at.desc(), row.shown_at, row.session_id)
        groups = [
            (and_(_in_time(now), ~doubtful), rank),
            (and_(_in_time(now), doubtful), in_doubt),
        ]
        yield from reversed(groups) if doubt.first else groups
    yield ~_in_time(now), rank
