"""The broker: fencing, calls in flight, long polls, answers, ends. First by its values, then over
HTTP, where clients hang up and backends restart."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from helpers.backend_caller import caller, problem_of, until
from helpers.fake_stream_service import (
    GOOD_TOKEN,
    OTHER_TOKEN,
    PLENTY,
    FakeStreamService,
    answer_to,
    new_offer,
    new_token,
)
from helpers.poll_rate import PollRate, Rates, rates
from helpers.stores import flights_of, fresh_tag, opened
from rejoin.backend.broker import ServiceCalls, SessionBroker
from rejoin.backend.create_order import Believed, Claimed
from rejoin.backend.create_turns import Turn
from rejoin.backend.refused import Reason, RefusedError
from rejoin.backend.requests import Caller, Offer, SessionReport
from rejoin.backend.routes import AppRules, build_app
from rejoin.backend.service import ServiceFault
from rejoin.backend.serving import serving
from rejoin.backend.store.attempt_writes import Offered
from rejoin.backend.store.clock_agreement import AGREE_S
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.backend.store.flights import FlightStore
from rejoin.backend.store.session_rows import StoredSession
from rejoin.backend.store.sessions import (
    SessionStore,
)
from rejoin.backend.window_ends import CreateOutcome
from rejoin.clock import boot_s
from rejoin.service_model.fence import Claim
from rejoin.signaling.wire import ProblemCode, sha256_hex


class Rig:
    """A broker on a service in memory. `here` is False once the client has hung up."""

    def __init__(self, store: SessionStore) -> None:
        self.service = FakeStreamService()
        self.store = store
        self.broker = SessionBroker(
            ServiceCalls.alone(self.service, rates(200), boot_s), store, flights_of(store), boot_s
        )
        self.here = True

    def by(self, owner: str = "player", *, within_s: float = 9.0) -> Caller:
        return Caller(owner, boot_s() + within_s, self._gone)

    async def _gone(self) -> bool:
        return not self.here

    async def started(self) -> str:
        view = await self.broker.start(self.by(), fresh(1), None)
        return view.session_id

    async def poll(self, session_id: str, wait_s: float, known: str) -> SessionReport:
        """Poll until the status differs from `known`."""
        return await self.broker.polls.poll(
            self.by(), session_id, wait_s, lambda _, view: view.status != known
        )


def fresh(attempt: int) -> Offer:
    return Offer(attempt, new_offer(), new_token())


@contextlib.contextmanager
def refused(reason: Reason) -> Iterator[pytest.ExceptionInfo[RefusedError]]:
    with pytest.raises(RefusedError) as caught:
        yield caught
    assert caught.value.reason is reason


@pytest.fixture
def rig() -> contextlib.AbstractAsyncContextManager[Rig]:
    return made()


@contextlib.asynccontextmanager
async def made() -> AsyncIterator[Rig]:
    async with opened() as store:
        yield Rig(store)


# --- by its values ------------------------------------------------------------------------------


async def test_a_session_exists_for_its_owner_only(rig: Rig) -> None:
    session_id = await rig.started()
    stranger = rig.by("somebody else")
    with refused(Reason.SESSION_UNKNOWN):
        await rig.broker.polls.poll(stranger, session_id, 0.0, lambda _, __: True)
    with refused(Reason.SESSION_UNKNOWN):
        await rig.broker.reconnect(stranger, session_id, fresh(2))
    with refused(Reason.SESSION_UNKNOWN):
        await rig.broker.terminate(stranger, session_id)
    assert rig.service.calls == [("start", rig.service.calls[0][1])]


async def test_an_id_that_is_made_up_displaces_no_memory(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rejoin.backend.session_memory.MAX_REMEMBERED", 1)
    session_id = await rig.started()
    memory = rig.broker.polls.memory_of(session_id)
    with refused(Reason.SESSION_UNKNOWN):
        await rig.broker.reconnect(rig.by(), "made-up", fresh(2))
    with refused(Reason.SESSION_UNKNOWN):
        await rig.broker.polls.poll(rig.by(), "made-up", 0.0, lambda _, __: True)
    with refused(Reason.SESSION_UNKNOWN):
        await rig.broker.terminate(rig.by(), "made-up")
    assert rig.broker.polls.memory_of(session_id) is memory


async def test_a_start_token_starts_one_session(rig: Rig) -> None:
    offer = fresh(1)
    first = await rig.broker.start(rig.by(), offer, None)
    again = await rig.broker.start(rig.by(), offer, None)
    assert again.session_id == first.session_id
    assert rig.service.count("start") == 1
    with refused(Reason.START_TOKEN_REUSED):
        await rig.broker.start(rig.by(), Offer(1, new_offer(), offer.token), None)


async def test_a_start_that_surely_failed_is_forgotten_and_one_with_unknown_outcome_is_not(
    rig: Rig,
) -> None:
    for fault, reason in (
        (ServiceFault.NOT_FOUND, Reason.APPLICATION_UNKNOWN),
        (ServiceFault.THROTTLED, Reason.THROTTLED),
        (ServiceFault.TIMED_OUT, Reason.TIMED_OUT),
    ):
        rig.service.fail("start", fault)
        offer = fresh(1)
        with refused(reason):
            await rig.broker.start(rig.by(), offer, None)
        claim, _ = await rig.store.begin_start(
            owner_hash="player",
            key=offer.token,
            offered=Offered(1, offer.sha256, "client-token"),
            tag=fresh_tag(),
            within_s=9.0,
        )
        assert claim is (Claim.NEW if fault.outcome_known else Claim.REPEATED)


async def test_while_the_outcome_of_a_start_is_unknown_nothing_else_is_possible(rig: Rig) -> None:
    _, row = await rig.store.begin_start(
        owner_hash="player",
        key=new_token(),
        offered=Offered(1, "sha-1", "client-token"),
        tag=fresh_tag(),
        within_s=9.0,
    )
    with refused(Reason.STILL_STARTING):
        await rig.broker.polls.poll(rig.by(), row.id, 0.0, lambda _, __: True)
    with refused(Reason.STILL_STARTING):
        await rig.broker.reconnect(rig.by(), row.id, fresh(2))
    with refused(Reason.STILL_STARTING):
        await rig.broker.terminate(rig.by(), row.id)
    assert rig.service.calls == []


async def test_the_fence_refuses_older_attempts_and_used_offers_before_the_service_is_called(
    rig: Rig,
) -> None:
    session_id = await rig.started()
    newest = fresh(5)
    assert await rig.broker.reconnect(rig.by(), session_id, newest) == answer_to(
        newest.signal_request
    )
    with refused(Reason.ATTEMPT_STALE):
        await rig.broker.reconnect(rig.by(), session_id, fresh(4))
    with refused(Reason.OFFER_REUSED):
        await rig.broker.reconnect(
            rig.by(), session_id, Offer(6, newest.signal_request, new_token())
        )
    answer = await rig.broker.reconnect(rig.by(), session_id, newest)
    assert answer == answer_to(newest.signal_request), "the same attempt: the answer of before"
    assert rig.service.count("create") == 1


async def test_the_same_attempt_joins_the_call_in_flight_and_another_one_is_refused(
    rig: Rig,
) -> None:
    gate = rig.service.create_gate = asyncio.Event()
    session_id = await rig.started()
    offer = fresh(2)
    both = [
        asyncio.ensure_future(rig.broker.reconnect(rig.by(), session_id, offer)) for _ in range(2)
    ]
    await until(lambda: rig.service.creating == 1)
    with refused(Reason.ATTEMPT_IN_FLIGHT) as caught:
        await rig.broker.reconnect(rig.by(within_s=0.55), session_id, fresh(3))
    assert caught.value.retry_after_s == 1.0
    gate.set()
    assert await asyncio.gather(*both) == [answer_to(offer.signal_request)] * 2
    assert (rig.service.count("create"), rig.service.most_creating) == (1, 1)


async def test_each_of_several_callers_gets_the_refusal_of_the_call_they_joined(rig: Rig) -> None:
    session_id = await rig.started()
    offer = fresh(2)
    rig.service.fail("create", ServiceFault.THROTTLED)
    rig.service.retry_after_s = 2.5
    outcomes = await asyncio.gather(
        *(rig.broker.reconnect(rig.by(), session_id, offer) for _ in range(2)),
        return_exceptions=True,
    )
    for outcome in outcomes:
        assert isinstance(outcome, RefusedError)
        assert (outcome.reason, outcome.retry_after_s) == (Reason.THROTTLED, 2.5)
    assert outcomes[0] is not outcomes[1]


async def test_a_call_outlives_the_caller_that_stops_waiting_for_it(rig: Rig) -> None:
    gate = rig.service.create_gate = asyncio.Event()
    session_id = await rig.started()
    offer = fresh(2)
    with refused(Reason.TIMED_OUT):
        await rig.broker.reconnect(rig.by(within_s=0.5), session_id, offer)
    leaving = asyncio.ensure_future(rig.broker.reconnect(rig.by(), session_id, offer))
    await asyncio.sleep(0)
    leaving.cancel()
    gate.set()
    await until(lambda: rig.service.creating == 0)
    answer = await rig.broker.reconnect(rig.by(), session_id, offer)
    assert answer == answer_to(offer.signal_request)
    assert rig.service.count("create") == 1


async def test_a_long_poll_returns_the_first_news(rig: Rig) -> None:
    session_id = await rig.started()
    poll = asyncio.ensure_future(rig.poll(session_id, 20.0, known="ACTIVE"))
    await until(lambda: rig.service.count("get_status") >= 2)
    assert not poll.done()
    rig.service.status = "CONNECTED"
    assert (await asyncio.wait_for(poll, 60)).status == "CONNECTED"


async def test_a_poll_reads_the_store_once_before_its_call_and_once_after_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = await rig.started()
    calls_before = rig.service.count("get_status")
    find, reads = rig.store.find, list[int]()

    async def noted(session: str, owner: str, **how: Any) -> StoredSession | None:
        reads.append(rig.service.count("get_status") - calls_before)
        return await find(session, owner, **how)

    monkeypatch.setattr(rig.store, "find", noted)
    await rig.poll(session_id, 20.0, known="CONNECTED")
    assert reads == [0, 1]


async def test_a_long_poll_without_news_returns_what_it_has(rig: Rig) -> None:
    session_id = await rig.started()
    began_at = boot_s()
    assert (await rig.poll(session_id, 0.3, known="ACTIVE")).status == "ACTIVE"
    assert boot_s() - began_at >= 0.3


async def test_a_long_poll_stops_once_its_client_has_hung_up(rig: Rig) -> None:
    session_id = await rig.started()
    rig.here = False
    await asyncio.wait_for(rig.poll(session_id, 20.0, known="ACTIVE"), 60)
    assert rig.service.count("get_status") == 1


async def test_a_long_poll_survives_a_failure_that_may_pass_but_not_as_its_first_poll(
    rig: Rig,
) -> None:
    session_id = await rig.started()
    rig.service.fail("get_status", ServiceFault.TIMED_OUT)
    with refused(Reason.TIMED_OUT):
        await rig.poll(session_id, 20.0, known="ACTIVE")
    poll = asyncio.ensure_future(rig.poll(session_id, 20.0, known="ACTIVE"))
    await until(lambda: rig.service.count("get_status") >= 2)
    rig.service.fail("get_status", ServiceFault.TIMED_OUT)
    rig.service.status = "CONNECTED"
    assert (await asyncio.wait_for(poll, 60)).status == "CONNECTED"
    assert not rig.service.faults["get_status"], "one poll in between has failed"

    before = rig.service.count("get_status")
    poll = asyncio.ensure_future(rig.poll(session_id, 20.0, known="CONNECTED"))
    await until(lambda: rig.service.count("get_status") > before)
    rig.service.fail("get_status", ServiceFault.ACCESS_DENIED)
    with refused(Reason.ACCESS_DENIED):
        await asyncio.wait_for(poll, 60)


async def test_an_ended_session_is_known_without_a_call(rig: Rig) -> None:
    session_id = await rig.started()
    rig.service.status, rig.service.reason = "TERMINATED", "applicationExit"
    await rig.poll(session_id, 20.0, known="TERMINATED")
    before = list(rig.service.calls)
    view = await rig.poll(session_id, 20.0, known="TERMINATED")
    assert (view.status, view.reason) == ("TERMINATED", "applicationExit")
    with refused(Reason.ENDED) as caught:
        await rig.broker.reconnect(rig.by(), session_id, fresh(2))
    assert caught.value.session_status == "TERMINATED"
    await rig.broker.terminate(rig.by(), session_id)
    assert rig.service.calls == before


async def test_a_refusal_by_the_service_is_explained_by_the_status(rig: Rig) -> None:
    session_id = await rig.started()
    rig.service.status = "CONNECTED"
    rig.service.fail("create", ServiceFault.CONFLICT)
    with refused(Reason.CONFLICT) as caught:
        await rig.broker.reconnect(rig.by(), session_id, fresh(2))
    assert caught.value.session_status == "CONNECTED"
    rig.service.fail("create", ServiceFault.CONFLICT)
    rig.service.fail("get_status", ServiceFault.TIMED_OUT)
    with refused(Reason.CONFLICT) as caught:
        await rig.broker.reconnect(rig.by(), session_id, fresh(3))
    assert caught.value.session_status is None


async def test_terminating_is_refused_only_while_the_session_goes_on(rig: Rig) -> None:
    session_id = await rig.started()
    rig.service.status = "ACTIVATING"
    rig.service.fail("terminate", ServiceFault.INVALID)
    with refused(Reason.CONFLICT) as caught:
        await rig.broker.terminate(rig.by(), session_id)
    assert caught.value.session_status == "ACTIVATING"
    rig.service.status = "TERMINATING"
    rig.service.fail("terminate", ServiceFault.CONFLICT, ServiceFault.NOT_FOUND)
    await rig.broker.terminate(rig.by(), session_id)
    await rig.broker.terminate(rig.by(), session_id)


async def test_a_poll_beyond_the_poll_rate_is_refused_with_a_time_to_wait(
    rig: Rig,
) -> None:
    session_id = await rig.started()
    slow = PollRate(boot_s, 0.001, boot_s() + 60)
    broker = SessionBroker(
        ServiceCalls.alone(rig.service, Rates(slow, slow), boot_s),
        rig.store,
        flights_of(rig.store),
        boot_s,
    )
    with refused(Reason.POLL_RATE) as caught:
        await broker.polls.poll(rig.by(), session_id, 0.0, lambda _, __: True)
    assert caught.value.retry_after_s == 1.0


@dataclass
class NoQueue:
    """In place of the turns: each has the same, and what is believed of each game is kept.
    `learned`: whether each call with this turn found a game that lives."""

    turn: Turn | None = None
    believed: list[Believed] = field(default_factory=list)
    learned: list[bool] = field(default_factory=list)

    def take_at_once(self) -> bool:
        return False

    async def wait(
        self, _session: str, _attempt: int, belief: Believed, **_: object
    ) -> Turn | None:
        self.believed.append(belief)
        return self.turn

    def called(self, outcome: CreateOutcome) -> None:
        assert self.turn is not None
        assert outcome.took_s >= 0
        assert -3600 < outcome.shown_s <= 0, "counted from the beginning of the call"
        apart_s = self.turn.latest_at - self.turn.shown_at
        assert outcome.latest_s - outcome.shown_s == pytest.approx(apart_s)
        self.learned.append(outcome.taken)


@pytest.mark.parametrize(
    ("fault", "status", "learned"),
    [
        (None, "ACTIVE", [True]),
        (ServiceFault.CONFLICT, "TERMINATED", [False]),
        (ServiceFault.INVALID, "ERROR", [False]),
        (ServiceFault.NOT_FOUND, "ACTIVE", [False]),
        (ServiceFault.CONFLICT, "CONNECTED", []),
        (ServiceFault.THROTTLED, "ACTIVE", []),
    ],
)
async def test_what_a_create_call_shows_of_its_game_is_learned(
    rig: Rig, fault: ServiceFault | None, status: str, learned: list[bool]
) -> None:
    session_id = await rig.started()
    rig.broker.turns = turns = NoQueue(Turn(boot_s(), boot_s() + 60.0))  # type: ignore[assignment]
    if fault is not None:
        rig.service.fail("create", fault)
    rig.service.status = status
    with contextlib.suppress(RefusedError):
        await rig.broker.reconnect(rig.by(), session_id, fresh(2))
    assert rig.service.count("create") == 1
    assert turns.learned == learned


@dataclass
class QuietMoment(NoQueue):
    """In place of the turns, with nobody who waits. `held`: turns that can be taken at once."""

    held: int = 1

    def take_at_once(self) -> bool:
        if not self.held:
            return False
        self.held -= 1
        return True

    def put_back(self) -> None:
        self.held += 1


async def test_in_a_quiet_moment_the_flight_begins_with_the_claim(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = await rig.started()
    rig.broker.turns = turns = QuietMoment()  # type: ignore[assignment]

    async def take(*_: object, **__: object) -> None:
        raise AssertionError("the flight had begun")

    with monkeypatch.context() as patched:
        patched.setattr(FlightStore, "take", take)
        await rig.broker.reconnect(rig.by(), session_id, fresh(2))
    assert (turns.held, turns.believed) == (0, [])
    flights = flights_of(rig.store, "another process")
    taken = await flights.take(session_id, 2, lands_within_s=7.0, gone=None, within_s=60.0)
    assert taken is None, "the answer has ended the flight"


async def test_a_turn_that_a_claim_did_not_need_is_put_back(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = await rig.started()
    rig.broker.turns = turns = QuietMoment(held=2)  # type: ignore[assignment]
    offer = fresh(2)
    answer = await rig.broker.reconnect(rig.by(), session_id, offer)
    assert turns.held == 1
    assert await rig.broker.reconnect(rig.by(), session_id, offer) == answer
    with refused(Reason.ATTEMPT_STALE):
        await rig.broker.reconnect(rig.by(), session_id, fresh(1))
    with refused(Reason.SESSION_UNKNOWN):
        await rig.broker.reconnect(rig.by("somebody else"), session_id, fresh(3))

    async def fails(*_: object, **__: object) -> None:
        raise StoreUnavailableError("The backend's database cannot be used at the moment.")

    monkeypatch.setattr(rig.store.attempts, "claim", fails)
    with pytest.raises(StoreUnavailableError):
        await rig.broker.reconnect(rig.by(), session_id, fresh(3))
    assert turns.held == 1


async def test_in_a_quiet_moment_too_one_call_of_a_session_is_in_flight(rig: Rig) -> None:
    session_id = await rig.started()
    rig.broker.turns = turns = QuietMoment(held=2)  # type: ignore[assignment]
    gate = rig.service.create_gate = asyncio.Event()
    first = asyncio.ensure_future(rig.broker.reconnect(rig.by(), session_id, fresh(2)))
    await until(lambda: rig.service.count("create") == 1)
    second = asyncio.ensure_future(rig.broker.reconnect(rig.by(), session_id, fresh(3)))
    for _ in range(3000):
        if (await rig.store.get(session_id, within_s=60.0)).attempt == 3:
            break
        await asyncio.sleep(0.01)
    assert rig.service.count("create") == 1
    gate.set()
    await asyncio.gather(first, second)
    assert rig.service.count("create") == 2
    assert len(turns.believed) == 1, "the second one took its turn once the first had ended"


async def test_what_the_service_says_is_returned_even_when_it_cannot_be_stored(rig: Rig) -> None:
    session_id = await rig.started()

    async def fails(*_: object, **__: object) -> None:
        raise StoreUnavailableError("The backend's database cannot be used at the moment.")

    rig.store.attempts.answered = fails  # type: ignore[assignment, method-assign]
    rig.store.ended = fails  # type: ignore[assignment, method-assign]
    rig.service.place()
    view = await rig.poll(session_id, 0.0, known="")
    assert (view.status, view.signal_response) == ("ACTIVE", rig.service.held_response)
    rig.service.status, rig.service.reason = "TERMINATED", "applicationExit"
    view = await rig.poll(session_id, 20.0, known="ACTIVE")
    assert (view.status, view.reason) == ("TERMINATED", "applicationExit")
    row, _ = await rig.broker.polls.get_status(rig.by(), session_id)
    assert row.ended_status == "TERMINATED"


async def test_a_short_window_is_not_believed_where_another_process_saw_the_connection(
    url: str,
) -> None:
    short_s = 1.0

    async def believed_by(rig: Rig, attempt: int) -> Believed:
        rig.broker.turns = turns = NoQueue()  # type: ignore[assignment]
        claimed = Claimed(window_s=short_s, latest_s=short_s)
        offer = Offer(attempt, new_offer(), new_token(), claimed)
        await rig.broker.reconnect(rig.by(within_s=60.0), session_id, offer)
        return turns.believed[0]

    async with opened(url) as store:
        seer, other, later = (Rig(store) for _ in range(3))
        seer.service.connection_timeout_s = 3600.0
        session_id = await seer.started()
        for rig in (other, later):
            rig.service.streams = seer.service.streams
        seer.service.status = "CONNECTED"
        for attempt in range(2, 50):
            # A clock that is read slowly proves nothing: again, on a machine that is busy.
            for rig in (seer, other):
                await rig.broker.proofs.read_clock()
            asked_at = boot_s()
            seer.broker.polls.memory_of(session_id).noted_at = 0.0
            await seer.broker.polls.get_status(seer.by(within_s=60.0), session_id)
            await seer.broker.polls.finish()
            belief = await believed_by(other, attempt)
            if belief.shown_s > short_s:
                break
        assert belief.shown_s >= asked_at + 3600.0 - boot_s() - 2 * AGREE_S
        belief = await believed_by(later, 50)
        assert belief.shown_s == short_s, "it began after the proof"


# --- over HTTP ----------------------------------------------------------------------------------


async def test_the_same_start_twice_is_one_session_and_one_call() -> None:
    service = FakeStreamService()
    async with caller(service) as call:
        token, offer = new_token(), new_offer()
        first, second = await asyncio.gather(
            call.start(token=token, offer=offer), call.start(token=token, offer=offer)
        )
        third = await call.start(token=token, offer=offer)
        ids = {answer.json()["session_id"] for answer in (first, second, third)}
        assert len(ids) == 1
        assert service.count("start") == 1
        other = await call.start(token=token)
        problem_of(other, ProblemCode.REUSED_OFFER, 409)


async def test_a_start_with_unknown_outcome_is_tried_again_with_the_same_token() -> None:
    service = FakeStreamService()
    service.fail("start", ServiceFault.TIMED_OUT, ServiceFault.THROTTLED)
    async with caller(service) as call:
        token, offer = new_token(), new_offer()
        answer = await call.start(token=token, offer=offer)
        problem_of(answer, ProblemCode.SERVICE_TIMEOUT, 504)
        answer = await call.start(token=token, offer=offer)
        problem_of(answer, ProblemCode.THROTTLED, 429)
        assert (await call.start(token=token, offer=offer)).status_code == 201
        used = [used for name, used in service.calls if name == "start"]
        assert len(used) == 3
        assert len(set(used)) == 1
        assert token not in used, "the service gets a ClientToken of the backend's own"


async def test_the_answer_to_the_start_appears_with_the_host() -> None:
    service = FakeStreamService(status="ACTIVATING")
    async with caller(service) as call:
        offer = new_offer()
        session_id = (await call.start(offer=offer)).json()["session_id"]
        path = f"/v1/sessions/{session_id}/answer"
        content = problem_of(await call.http.get(path), ProblemCode.CONFLICT, 409)
        assert (content["session_status"], content["retryable"]) == ("ACTIVATING", True)

        async def later() -> None:
            await asyncio.sleep(0.3)
            service.place()

        answer, _ = await asyncio.gather(call.http.get(path, params={"wait_s": 8}), later())
        assert answer.json() == {
            "signal_request_sha256": sha256_hex(offer),
            "signal_response": answer_to(offer),
        }


async def test_attempts_are_fenced_and_an_offer_belongs_to_one_attempt() -> None:
    service = FakeStreamService()
    async with caller(service) as call:
        session_id = await call.started()
        token, offer = new_token(), new_offer()
        first = await call.reconnect(session_id, 5, token=token, offer=offer)
        assert first.json() == {
            "attempt": 5,
            "signal_request_sha256": sha256_hex(offer),
            "signal_response": answer_to(offer),
        }
        again = await call.reconnect(session_id, 5, token=token, offer=offer)
        assert again.json() == first.json()
        for attempt, other_token, other_offer, code in (
            (4, new_token(), new_offer(), ProblemCode.STALE_ATTEMPT),
            (5, new_token(), offer, ProblemCode.STALE_ATTEMPT),
            (5, token, new_offer(), ProblemCode.STALE_ATTEMPT),
            (6, new_token(), offer, ProblemCode.REUSED_OFFER),
        ):
            answer = await call.reconnect(session_id, attempt, token=other_token, offer=other_offer)
            assert problem_of(answer, code, 409)["retryable"] is False
        assert (await call.reconnect(session_id, 6)).status_code == 200
        assert service.count("create") == 2


async def test_a_retry_after_an_unknown_outcome_has_the_same_client_token() -> None:
    service = FakeStreamService()
    service.fail("create", ServiceFault.TIMED_OUT)
    async with caller(service) as call:
        session_id = await call.started()
        token, offer = new_token(), new_offer()
        answer = await call.reconnect(session_id, 2, token=token, offer=offer)
        problem_of(answer, ProblemCode.SERVICE_TIMEOUT, 504)
        answer = await call.reconnect(session_id, 2, token=token, offer=offer)
        assert answer.json()["signal_response"] == answer_to(offer)
        first, second = [used for name, used in service.calls if name == "create"]
        assert first == second != token


async def test_two_players_with_the_same_key_have_two_stream_sessions() -> None:
    service = FakeStreamService()
    offer, key = new_offer(), new_token()
    async with opened() as store:
        sessions = []
        for token in (GOOD_TOKEN, OTHER_TOKEN):
            async with caller(service, store=store, token=token) as call:
                sessions.append((await call.start(token=key, offer=offer)).json()["session_id"])
    assert len(set(sessions)) == 2
    assert len(service.streams) == 2


async def test_nobody_starts_a_session_that_nobody_plays() -> None:
    service = FakeStreamService()
    async with caller(service) as call:
        for text in ("NO_CLIENT_CONNECTION", " NO_CLIENT_CONNECTION\n"):
            problem_of(await call.start(offer=text), ProblemCode.INVALID_REQUEST, 400)
        session_id = await call.started()
        answer = await call.reconnect(session_id, 2, offer="NO_CLIENT_CONNECTION")
        problem_of(answer, ProblemCode.INVALID_REQUEST, 400)
        assert service.count("start") == 1
        assert service.count("create") == 0


async def test_the_same_attempt_sent_three_times_at_once_is_one_call() -> None:
    service = FakeStreamService(create_gate=asyncio.Event())
    assert service.create_gate is not None
    async with caller(service) as call:
        session_id = await call.started()
        token, offer = new_token(), new_offer()
        sent = [
            asyncio.ensure_future(call.reconnect(session_id, 2, token=token, offer=offer))
            for _ in range(3)
        ]
        await until(lambda: service.creating == 1)
        service.create_gate.set()
        answers = await asyncio.gather(*sent)
        assert [answer.status_code for answer in answers] == [200] * 3
        assert len({answer.text for answer in answers}) == 1
        assert service.count("create") == 1


async def test_one_create_call_at_a_time_however_many_attempts_arrive() -> None:
    service = FakeStreamService(create_gate=asyncio.Event())
    assert service.create_gate is not None
    async with caller(service) as call:
        session_id = await call.started()
        first = asyncio.ensure_future(call.reconnect(session_id, 2, budget_ms=20_000))
        await until(lambda: service.creating == 1)
        late = await call.reconnect(session_id, 3, budget_ms=1000)
        assert problem_of(late, ProblemCode.IN_FLIGHT, 409)["retryable"] is True
        assert late.headers["Retry-After"] == "1"

        waiting = asyncio.ensure_future(call.reconnect(session_id, 4, budget_ms=20_000))
        assert await call.attempt_becomes(session_id, 4)
        newest = asyncio.ensure_future(call.reconnect(session_id, 5, budget_ms=20_000))
        assert await call.attempt_becomes(session_id, 5)
        service.create_gate.set()
        assert (await first).status_code == 200
        problem_of(await waiting, ProblemCode.STALE_ATTEMPT, 409)
        answer = await newest
        assert answer.status_code == 200
        # Attempts 3 and 4 never reached the service; the answer to the newest one is kept.
        assert service.most_creating == 1
        assert service.count("create") == 2
        seen = await call.get_status(session_id)
        assert seen["signal_response"] == answer.json()["signal_response"]


async def test_a_client_that_hangs_up_does_not_end_its_call() -> None:
    service = FakeStreamService(create_gate=asyncio.Event())
    assert service.create_gate is not None
    async with caller(service, sockets=True) as call:
        session_id = await call.started()
        offer = new_offer()
        leaving = asyncio.ensure_future(call.reconnect(session_id, 2, offer=offer))
        await until(lambda: service.creating == 1)
        leaving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await leaving
        service.create_gate.set()
        await until(lambda: service.creating == 0)
        seen = await call.get_status(session_id)
        assert seen["signal_request_sha256"] == sha256_hex(offer)
        assert seen["signal_response"] == answer_to(offer)


async def test_the_budget_ends_the_wait_for_a_slow_service() -> None:
    service = FakeStreamService(create_gate=asyncio.Event())
    assert service.create_gate is not None
    async with caller(service) as call:
        session_id = await call.started()
        answer = await call.reconnect(session_id, 2, budget_ms=700)
        problem_of(answer, ProblemCode.SERVICE_TIMEOUT, 504)
        assert service.creating == 1, "the call to the service is not over"
        service.create_gate.set()


@pytest.mark.usefixtures("nothing_left_behind")
async def test_a_backend_that_stops_leaves_no_call_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rejoin.backend.broker.FINISH_PATIENCE_S", 0.05)

    service = FakeStreamService(create_gate=asyncio.Event())
    async with caller(service, sockets=True) as call:
        session_id = await call.started()
        answer = await call.reconnect(session_id, 2, budget_ms=600)
        problem_of(answer, ProblemCode.SERVICE_TIMEOUT, 504)
        assert service.creating == 1
    assert service.creating == 0


async def test_answers_are_not_mixed_up_where_the_service_shows_only_the_first_request() -> None:
    service = FakeStreamService(shows_first_only=True)
    async with caller(service) as call:
        first, second, third = new_offer(), new_offer(), new_offer()
        session_id = (await call.start(offer=first)).json()["session_id"]
        service.place()
        assert (await call.get_status(session_id))["signal_response"] == answer_to(first)
        await call.reconnect(session_id, 2, offer=second)
        seen = await call.get_status(session_id)
        assert seen["signal_request_sha256"] == sha256_hex(second)
        assert seen["signal_response"] == answer_to(second)
        service.fail("create", ServiceFault.TIMED_OUT)
        await call.reconnect(session_id, 3, offer=third)
        seen = await call.get_status(session_id)
        assert seen["attempt"] == 3
        assert seen["signal_request_sha256"] == sha256_hex(first)
        assert seen["signal_response"] == answer_to(first)


async def test_the_old_answer_is_not_reported_with_a_new_request() -> None:
    service = FakeStreamService(lags=True)
    async with caller(service) as call:
        first, second = new_offer(), new_offer()
        session_id = (await call.start(offer=first)).json()["session_id"]
        service.place()
        await call.get_status(session_id)
        service.fail("create answer", ServiceFault.TIMED_OUT)
        await call.reconnect(session_id, 2, offer=second)
        seen = await call.get_status(session_id)
        assert seen["signal_request_sha256"] == sha256_hex(second)
        assert seen["signal_response"] is None
        service.held_response = answer_to(second)
        assert (await call.get_status(session_id))["signal_response"] == answer_to(second)


async def test_remaining_time_counts_from_the_last_call_that_reported_connected() -> None:
    service = FakeStreamService(status="CONNECTED", connection_timeout_s=30)
    async with caller(service) as call:
        session_id = await call.started()
        connected = (await call.get_status(session_id))["remaining"]
        assert connected["at_least_s"] == 30
        service.status = "PENDING_CLIENT_RECONNECTION"
        await asyncio.sleep(0.3)
        pending = (await call.get_status(session_id))["remaining"]
        assert pending["at_least_s"] == 30
        assert pending["age_s"] >= connected["age_s"] + 0.3
        service.status = "ACTIVE"
        assert (await call.get_status(session_id))["remaining"] is None


async def test_a_pending_session_never_seen_connected_has_no_remaining_time() -> None:
    service = FakeStreamService(status="PENDING_CLIENT_RECONNECTION")
    async with caller(service) as call:
        session_id = await call.started()
        seen = await call.get_status(session_id)
        assert seen["remaining"] is None
        assert seen["connection_timeout_s"] == 30


async def test_the_age_of_the_remaining_time_grows_during_a_long_poll() -> None:
    service = FakeStreamService(status="CONNECTED")
    async with caller(service) as call:
        session_id = await call.started()
        await call.get_status(session_id)
        service.status = "PENDING_CLIENT_RECONNECTION"
        begun = time.monotonic()
        seen = await call.get_status(session_id, known="PENDING_CLIENT_RECONNECTION", wait_s=0.6)
        took_s = time.monotonic() - begun
        assert seen["remaining"]["age_s"] >= 0.5
        assert took_s >= 0.5


async def test_a_long_poll_ends_when_a_newer_attempt_begins() -> None:
    """Another client reconnected between two polls, and the status is the same again."""

    service = FakeStreamService(status="CONNECTED")
    async with caller(service) as call:
        session_id = await call.started()
        waiting = asyncio.ensure_future(call.get_status(session_id, known="CONNECTED", wait_s=30))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await call.reconnect(session_id, 2)
        seen = await asyncio.wait_for(waiting, 60)
        assert seen["attempt"] == 2


async def test_a_long_poll_outlives_one_failed_poll_but_reports_a_lasting_failure() -> None:
    service = FakeStreamService(status="CONNECTED")
    async with caller(service) as call:
        session_id = await call.started()

        async def disturb(*faults: ServiceFault) -> None:
            before = service.count("get_status")
            await until(lambda: service.count("get_status") > before)  # it has polled once
            service.fail("get_status", *faults)
            service.status = "PENDING_CLIENT_RECONNECTION"

        seen, _ = await asyncio.gather(
            call.get_status(session_id, known="CONNECTED", wait_s=8),
            disturb(ServiceFault.TIMED_OUT),
        )
        assert seen["status"] == "PENDING_CLIENT_RECONNECTION"

        service.status = "CONNECTED"
        answer, _ = await asyncio.gather(
            call.http.get(
                f"/v1/sessions/{session_id}", params={"known": "CONNECTED", "wait_s": 3.0}
            ),
            disturb(*[ServiceFault.THROTTLED] * 99),
        )
        problem_of(answer, ProblemCode.THROTTLED, 429)


async def test_a_long_poll_ends_when_the_client_hangs_up() -> None:
    service = FakeStreamService(status="CONNECTED")
    async with caller(service, sockets=True) as call:
        session_id = await call.started()
        poll = asyncio.ensure_future(call.get_status(session_id, known="CONNECTED", wait_s=25))
        await until(lambda: service.count("get_status") >= 2)
        poll.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await poll
        # On a busy machine the server hears of it later.
        for _ in range(12):
            count = service.count("get_status")
            await asyncio.sleep(1.5)
            if service.count("get_status") == count:
                break
        assert service.count("get_status") == count, "it would have gone on for 25 s"


async def test_ending_twice_is_no_failure_and_ending_too_early_is_a_conflict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # On a busy machine the status that explains a refusal may take longer than it may in a game.
    monkeypatch.setattr("rejoin.backend.broker.EXPLANATION_BUDGET_S", 60.0)
    service = FakeStreamService(status="ACTIVATING")
    async with caller(service) as call:
        call.http.headers["Rejoin-Budget-Ms"] = "60000"
        session_id = await call.started()
        path = f"/v1/sessions/{session_id}"
        for fault in (ServiceFault.CONFLICT, ServiceFault.INVALID):
            service.fail("terminate", fault)
            content = problem_of(await call.http.delete(path), ProblemCode.CONFLICT, 409)
            assert (content["session_status"], content["retryable"]) == ("ACTIVATING", True)
        service.status = "ACTIVE"
        assert (await call.http.delete(path)).status_code == 204
        for fault in (ServiceFault.CONFLICT, ServiceFault.NOT_FOUND):
            service.fail("terminate", fault)
            assert (await call.http.delete(path)).status_code == 204


async def test_a_restarted_backend_keeps_its_sessions(tmp_path: Path) -> None:
    path = str(tmp_path / "backend.sqlite3")

    service = FakeStreamService()
    token, offer = new_token(), new_offer()
    async with opened(path) as store, caller(service, store=store, sockets=True) as call:
        session_id = await call.started()
        first = await call.reconnect(session_id, 2, token=token, offer=offer)
    async with opened(path) as store, caller(service, store=store, sockets=True) as call:
        problem_of(await call.reconnect(session_id, 1), ProblemCode.STALE_ATTEMPT, 409)
        again = await call.reconnect(session_id, 2, token=token, offer=offer)
        assert again.json() == first.json()
        assert (await call.reconnect(session_id, 3)).status_code == 200


async def test_a_backend_that_ends_answers_long_polls_with_their_view() -> None:
    service = FakeStreamService(status="CONNECTED")
    async with opened() as store:
        app = build_app(service, store, [GOOD_TOKEN], rules=AppRules(quota=PLENTY))
        async with (
            httpx.AsyncClient(trust_env=False, timeout=30) as http,
            contextlib.AsyncExitStack() as stack,
        ):
            http.headers["Authorization"] = f"Bearer {GOOD_TOKEN}"
            port = await stack.enter_async_context(
                serving(app, "127.0.0.1", 0, stopping=app.state.stopping, close_patience_s=10)
            )
            url = f"http://127.0.0.1:{port}/v1/sessions"
            started = await http.post(
                url,
                headers={"Idempotency-Key": new_token()},
                json={"signal_request": new_offer(), "attempt": 1},
            )
            session_id = started.json()["session_id"]
            query: dict[str, str | float] = {"known": "CONNECTED", "wait_s": 25.0}
            headers = {"Rejoin-Budget-Ms": "30000"}
            polls = [
                asyncio.ensure_future(
                    http.get(f"{url}/{session_id}", params=query, headers=headers)
                )
                for _ in range(3)
            ]
            await asyncio.sleep(0.5)
            began_at = time.monotonic()
            await stack.aclose()
            answers = await asyncio.gather(*polls)
        assert time.monotonic() - began_at < 24.0, "before they end by themselves"
        assert [answer.status_code for answer in answers] == [200] * 3
        assert {answer.json()["status"] for answer in answers} == {"CONNECTED"}
