"""Long polls by lists: what a list is enough for, what a call must confirm, never a 429."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from helpers.backend_caller import until
from helpers.many_streams import OWNER, TIMEOUT_S, ManyStreams, add_session
from helpers.poll_rate import PollRate
from helpers.stores import newest_is, opened
from rejoin.backend.list_watch import ListWatch
from rejoin.backend.owner_rules import OwnerCalls, OwnerRules
from rejoin.backend.refused import Reason, RefusedError
from rejoin.backend.requests import Caller, SessionReport
from rejoin.backend.service import ServiceFault
from rejoin.backend.status_calls import StatusCalls
from rejoin.backend.status_polls import NOTE_EVERY_S, SETTLED_S, StatusPolls
from rejoin.backend.store.proofs import ProofStore
from rejoin.backend.store.sessions import SessionStore
from rejoin.backend.stream_lists import StreamLists
from rejoin.clock import boot_s

PENDING = "PENDING_CLIENT_RECONNECTION"
SPENT = 0.01
"""Calls a second of a budget that is used up: one session watched is more than it allows."""


@pytest.fixture(autouse=True)
def _lists_are_read_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rejoin.backend.list_watch.ROUND_S", 0.05)
    monkeypatch.setattr("rejoin.backend.stream_lists.OFTEN_S", 0.05)
    monkeypatch.setattr("rejoin.backend.status_polls._HERE_S", 0.2)


@dataclass
class Rig:
    """`per_s`: the budget of status calls; SPENT has no turn for minutes."""

    store: SessionStore
    per_s: float = SPENT
    service: ManyStreams = field(default_factory=ManyStreams)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    here: bool = True

    def __post_init__(self) -> None:
        spent_until_at = boot_s() + (600.0 if self.per_s == SPENT else 0.0)
        rate = PollRate(boot_s, self.per_s, spent_until_at)
        calls = StatusCalls(self.service, rate, boot_s)
        lists = StreamLists(self.service, PollRate(boot_s, 1000), boot_s)

        async def newest(session_ids: object) -> dict[str, int]:
            return await self.store.newest_attempts(tuple(session_ids), within_s=60.0)  # type: ignore[arg-type]

        self.watch = ListWatch(lists, rate, newest, boot_s, self.stopping)
        self.proofs = ProofStore(self.store.database, boot_s)
        owners = OwnerCalls(OwnerRules(outstanding={}), boot_s)
        self.polls = StatusPolls(
            self.store, self.proofs, calls, self.watch, boot_s, self.stopping, owners
        )

    async def add(self, name: str, status: str = "CONNECTED") -> str:
        return await add_session(self.store, self.service, name, status)

    async def _gone(self) -> bool:
        return not self.here

    async def poll(
        self, session_id: str, known: str | None, wait_s: float = 20.0, within_s: float = 60.0
    ) -> SessionReport:
        def has_news(first: SessionReport, view: SessionReport) -> bool:
            return known is None or view.status != known or view.attempt != first.attempt

        caller = Caller(OWNER, boot_s() + within_s, self._gone)
        return await self.polls.poll(
            caller, session_id, wait_s, has_news, known=known, by_lists=True
        )

    def begin(self, session_id: str, known: str | None) -> asyncio.Future[SessionReport]:
        return asyncio.ensure_future(self.poll(session_id, known))

    async def read_once(self) -> None:
        """Wait until lists that began after now have been read and reported."""
        passes = self.service.pages.count("TERMINATING")
        await until(lambda: self.service.pages.count("TERMINATING") > passes + 2)


@contextlib.asynccontextmanager
async def made(per_s: float = SPENT) -> AsyncIterator[Rig]:
    async with opened() as store:
        rig = Rig(store, per_s)
        await rig.proofs.read_clock()
        yield rig
        await rig.watch.finish()
        await rig.polls.finish()


async def test_a_hundred_who_wait_cost_no_call_each_and_all_hear_of_their_drop_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rejoin.backend.list_watch.ROUND_S", 0.2)
    monkeypatch.setattr("rejoin.backend.stream_lists.OFTEN_S", 0.2)
    async with made(per_s=20) as rig:
        names = [f"player-{number}" for number in range(100)]
        sessions = [await rig.add(name) for name in names]
        polls = [rig.begin(each, "CONNECTED") for each in sessions for _ in range(2)]
        quiet = -1
        for _ in range(60):  # the calls that are asked for before the first list has come
            if quiet == rig.service.count("get_status"):
                break
            quiet = rig.service.count("get_status")
            await rig.read_once()
        assert rig.service.count("get_status") == quiet, "nothing is new, so nobody calls"
        assert not any(each.done() for each in polls)
        rig.service.statuses = dict.fromkeys(rig.service.statuses, PENDING)
        views = await asyncio.wait_for(asyncio.gather(*polls), 30)
        assert {each.status for each in views} == {PENDING}
        called = [name for name in names if rig.service.polls_of(f"arn:{name}")]
        assert len(called) < 100, "there was no turn for each"


async def test_a_long_poll_that_is_over_is_answered_without_a_call() -> None:
    async with made() as rig:
        session = await rig.add("me")
        view = await rig.poll(session, "CONNECTED", wait_s=0.5)
        assert (view.status, view.attempt, view.remaining) == ("CONNECTED", 1, None)
        assert rig.service.count("get_status") == 0


async def test_pending_is_reported_as_it_is_listed_where_there_is_no_turn_for_a_call() -> None:
    async with made() as rig:
        session = await rig.add("me", PENDING)
        view = await asyncio.wait_for(rig.poll(session, "CONNECTED"), 30)
        assert view.status == PENDING
        assert rig.service.count("get_status") == 0


async def test_a_list_older_than_an_answer_sends_nobody_back() -> None:
    async with made() as rig:
        session = await rig.add("me")
        rig.service.shown["arn:me"] = PENDING
        rig.polls.answered(session)
        poll = rig.begin(session, "CONNECTED")
        await rig.read_once()
        assert not poll.done()
        rig.stopping.set()
        assert (await asyncio.wait_for(poll, 30)).status == "CONNECTED"


async def test_where_the_lists_end_first_as_the_backend_ends_a_poll_has_what_it_knows() -> None:
    async with made() as rig:
        poll = rig.begin(await rig.add("me"), "CONNECTED")
        await rig.read_once()
        assert not poll.done()
        rig.stopping.set()
        await rig.watch.finish()
        assert (await asyncio.wait_for(poll, 60)).status == "CONNECTED"


async def test_after_a_while_an_answer_is_older_than_any_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rejoin.backend.status_polls.SETTLED_S", 0.0)
    assert SETTLED_S > 0
    async with made() as rig:
        session = await rig.add("me", PENDING)
        rig.polls.answered(session)
        assert (await asyncio.wait_for(rig.poll(session, "CONNECTED"), 30)).status == PENDING


async def test_a_hint_that_a_call_contradicts_costs_one_call() -> None:
    async with made(per_s=0.9) as rig:
        session = await rig.add("me")
        rig.service.shown["arn:me"] = PENDING
        poll = rig.begin(session, "CONNECTED")
        await until(lambda: rig.service.count("get_status") == 1)
        await rig.read_once()
        assert not poll.done()
        assert rig.service.count("get_status") == 1
        rig.service.shown["arn:me"] = "RECONNECTING"  # another hint
        await until(lambda: rig.service.count("get_status") == 2)
        rig.service.statuses["arn:me"] = "RECONNECTING"
        rig.service.shown["arn:me"] = "ACTIVE"
        assert (await asyncio.wait_for(poll, 30)).status == "RECONNECTING"


@pytest.mark.parametrize("status", ["ACTIVE", "RECONNECTING", "TERMINATING"])
async def test_other_hints_wait_for_a_call(status: str) -> None:
    async with made() as rig:
        session = await rig.add("me", status)
        poll = rig.begin(session, PENDING)
        await rig.read_once()
        assert not poll.done()
        rig.here = False  # noticed the next time it asks for a turn
        assert (await asyncio.wait_for(poll, 30)).status == PENDING


async def test_an_end_is_confirmed_and_its_reason_known() -> None:
    async with made(per_s=0.9) as rig:
        session = await rig.add("me")
        poll = rig.begin(session, "CONNECTED")
        await rig.read_once()
        rig.service.statuses["arn:me"] = "TERMINATED"
        view = await asyncio.wait_for(poll, 30)
        assert (view.status, view.reason) == ("TERMINATED", "applicationExit")
        assert rig.service.count("get_status") == 1
        assert (await rig.poll(session, "CONNECTED")).status == "TERMINATED"
        assert rig.service.count("get_status") == 1


async def test_who_knows_no_status_gets_the_listed_one_but_activating() -> None:
    async with made() as rig:
        session = await rig.add("me")
        view = await asyncio.wait_for(rig.poll(session, None), 30)
        assert (view.status, rig.service.count("get_status")) == ("CONNECTED", 0)
        placing = await rig.add("new", "ACTIVATING")
        with pytest.raises(RefusedError) as caught:
            await rig.poll(placing, None, wait_s=0.5)
        assert caught.value.reason is Reason.POLL_RATE


async def test_a_game_that_is_placed_has_its_calls() -> None:
    """Its client concludes from ACTIVATING that no window has begun."""
    async with made(per_s=0.9) as rig:
        session = await rig.add("me", "ACTIVATING")
        poll = rig.begin(session, "ACTIVATING")
        await until(lambda: rig.service.count("get_status") >= 2)
        rig.service.statuses["arn:me"] = "ACTIVE"
        rig.service.shown["arn:me"] = "ACTIVATING"
        assert (await asyncio.wait_for(poll, 30)).status == "ACTIVE"


async def test_a_proof_ages_and_no_list_renews_it() -> None:
    async with made(per_s=0.9) as rig:
        session = await rig.add("me")
        first = await asyncio.wait_for(rig.poll(session, None), 30)
        assert first.remaining is not None
        assert first.remaining.at_least_s == TIMEOUT_S
        rig.begin(await rig.add("another"), "CONNECTED")
        await rig.read_once()
        again = await rig.poll(session, "CONNECTED", wait_s=0.5)
        assert again.remaining is not None
        assert again.remaining.age_s >= first.remaining.age_s + 0.5
        assert rig.service.polls_of("arn:me") == 1
        rig.stopping.set()


async def test_an_attempt_of_another_process_ends_a_long_poll() -> None:
    async with made() as rig:
        session = await rig.add("me")
        poll = rig.begin(session, "CONNECTED")
        await rig.read_once()
        assert not poll.done()
        await newest_is(rig.store, session, OWNER, 2)
        view = await asyncio.wait_for(poll, 30)
        assert (view.status, view.attempt) == ("CONNECTED", 2)


async def test_without_lists_each_has_its_calls(expected_logs: object) -> None:
    async with made(per_s=5) as rig:
        rig.service.fail("list_page", ServiceFault.ACCESS_DENIED)
        sessions = [await rig.add(str(number)) for number in range(8)]
        polls = [rig.begin(each, "CONNECTED") for each in sessions]
        await until(lambda: len({name for _, name in rig.service.calls}) == 8)
        rig.service.statuses = dict.fromkeys(rig.service.statuses, PENDING)
        views = await asyncio.wait_for(asyncio.gather(*polls), 60)
        assert {each.status for each in views} == {PENDING}


async def test_a_lasting_failure_of_a_call_is_reported() -> None:
    async with made(per_s=0.9) as rig:
        session = await rig.add("me", PENDING)
        rig.service.fail("get_status", ServiceFault.THROTTLED, ServiceFault.ACCESS_DENIED)
        with pytest.raises(RefusedError) as caught:
            await asyncio.wait_for(rig.poll(session, "CONNECTED"), 30)
        assert caught.value.reason is Reason.ACCESS_DENIED


async def test_a_proof_of_another_process_counts_and_one_from_before_we_began_does_not() -> None:
    async with made(per_s=200) as one:
        session = await one.add("me")
        two = Rig(one.store, 200, one.service)
        await two.proofs.read_clock()
        assert (await one.poll(session, None)).remaining is not None
        await one.polls.finish()
        late = Rig(one.store, 200, one.service)
        await late.proofs.read_clock()
        one.service.statuses["arn:me"] = PENDING
        view = await two.poll(session, None)
        assert view.remaining is not None
        assert view.remaining.at_least_s == TIMEOUT_S
        assert 0.0 <= view.remaining.age_s < 60.0
        assert (await late.poll(session, None)).remaining is None


async def test_an_answer_of_another_process_is_newer_than_a_list_too() -> None:
    async with made() as one:
        session = await one.add("me")
        one.service.shown["arn:me"] = PENDING
        two = Rig(one.store, SPENT, one.service)
        assert not two.polls.answered(session)  # the clock has not been read yet
        await two.proofs.read_clock()
        assert two.polls.answered(session)
        await two.store.attempts.answered(
            session,
            attempt=1,
            request_sha256="",
            answer="the answer",
            within_s=60.0,
            settles=True,
        )
        poll = one.begin(session, "CONNECTED")
        await one.read_once()
        assert not poll.done()
        one.stopping.set()
        assert (await asyncio.wait_for(poll, 30)).status == "CONNECTED"


async def test_connected_is_recorded_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    async with made(per_s=200) as rig:
        session = await rig.add("me")
        notes: list[float] = []

        async def note(_: str, asked_at: float, *, within_s: float) -> None:
            assert within_s > 0
            notes.append(asked_at)

        monkeypatch.setattr(rig.proofs, "note", note)
        poll = rig.begin(session, "CONNECTED")
        await until(lambda: len(notes) == 3)
        rig.stopping.set()
        await poll
        gaps = [later - earlier for earlier, later in itertools.pairwise(notes)]
        assert min(gaps) >= NOTE_EVERY_S
        assert rig.service.count("get_status") > 3


async def test_who_has_just_seen_connected_asks_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with made(per_s=200) as rig:
        session = await rig.add("me")
        asked: list[str] = []

        async def connected_at(session_id: str, *, within_s: float) -> None:
            asked.append(session_id)

        monkeypatch.setattr(rig.proofs, "connected_at", connected_at)
        monkeypatch.setattr("rejoin.backend.status_polls.NOTE_EVERY_S", 60.0)
        await rig.poll(session, None)
        rig.service.statuses["arn:me"] = PENDING
        assert (await rig.poll(session, None)).remaining is not None
        assert asked == []
        monkeypatch.setattr("rejoin.backend.status_polls.NOTE_EVERY_S", 0.0)
        rig.service.statuses["arn:me"] = "RECONNECTING"
        await rig.poll(session, None)
        await rig.poll(session, None)
        assert asked == [session], "once for each change of the status"
