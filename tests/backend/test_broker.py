"""The broker over real HTTP: fencing, calls in flight, long polls, answers, ends."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import pytest

from helpers.backend_caller import caller, problem_of, until
from helpers.fake_stream_service import (
    FakeStreamService,
    answer_to,
    new_offer,
    new_token,
)
from rejoin.backend.service import ServiceFault
from rejoin.backend.store import Store
from rejoin.signaling.wire import ProblemCode, sha256_hex


def test_the_same_start_twice_is_one_session_and_one_call() -> None:
    async def run() -> None:
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

    asyncio.run(run())


def test_a_start_with_unknown_outcome_is_asked_again_with_the_same_token() -> None:
    async def run() -> None:
        service = FakeStreamService()
        service.fail("start", ServiceFault.TIMED_OUT, ServiceFault.THROTTLED)
        async with caller(service) as call:
            token, offer = new_token(), new_offer()
            answer = await call.start(token=token, offer=offer)
            problem_of(answer, ProblemCode.SERVICE_TIMEOUT, 504)
            answer = await call.start(token=token, offer=offer)
            problem_of(answer, ProblemCode.THROTTLED, 429)
            assert (await call.start(token=token, offer=offer)).status_code == 201
            assert [used for name, used in service.calls if name == "start"] == [token] * 3

    asyncio.run(run())


def test_the_answer_to_the_start_is_there_when_the_host_is() -> None:
    async def run() -> None:
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

    asyncio.run(run())


def test_attempts_are_fenced_and_an_offer_is_for_one_attempt() -> None:
    async def run() -> None:
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
                answer = await call.reconnect(
                    session_id, attempt, token=other_token, offer=other_offer
                )
                assert problem_of(answer, code, 409)["retryable"] is False
            assert (await call.reconnect(session_id, 6)).status_code == 200
            assert service.count("create") == 2

    asyncio.run(run())


def test_a_retry_after_an_unknown_outcome_brings_the_same_client_token() -> None:
    async def run() -> None:
        service = FakeStreamService()
        service.fail("create", ServiceFault.TIMED_OUT)
        async with caller(service) as call:
            session_id = await call.started()
            token, offer = new_token(), new_offer()
            answer = await call.reconnect(session_id, 2, token=token, offer=offer)
            problem_of(answer, ProblemCode.SERVICE_TIMEOUT, 504)
            answer = await call.reconnect(session_id, 2, token=token, offer=offer)
            assert answer.json()["signal_response"] == answer_to(offer)
            assert [used for name, used in service.calls if name == "create"] == [token, token]

    asyncio.run(run())


def test_the_same_attempt_asked_twice_at_once_is_one_call() -> None:
    async def run() -> None:
        service = FakeStreamService(create_gate=asyncio.Event())
        assert service.create_gate is not None
        async with caller(service) as call:
            session_id = await call.started()
            token, offer = new_token(), new_offer()
            asked = [
                asyncio.ensure_future(call.reconnect(session_id, 2, token=token, offer=offer))
                for _ in range(3)
            ]
            await until(lambda: service.creating == 1)
            service.create_gate.set()
            answers = await asyncio.gather(*asked)
            assert [answer.status_code for answer in answers] == [200] * 3
            assert len({answer.text for answer in answers}) == 1
            assert service.count("create") == 1

    asyncio.run(run())


def test_one_create_call_at_a_time_whatever_is_asked_for() -> None:
    async def run() -> None:
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
            # Attempts 3 and 4 were never made; the newest one's answer is what is kept.
            assert service.most_creating == 1
            assert service.count("create") == 2
            seen = await call.get_status(session_id)
            assert seen["signal_response"] == answer.json()["signal_response"]

    asyncio.run(run())


def test_a_client_that_hangs_up_does_not_end_its_call() -> None:
    async def run() -> None:
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

    asyncio.run(run())


def test_the_budget_ends_the_wait_for_a_slow_service() -> None:
    async def run() -> None:
        service = FakeStreamService(create_gate=asyncio.Event())
        assert service.create_gate is not None
        async with caller(service) as call:
            session_id = await call.started()
            begun = time.monotonic()
            answer = await call.reconnect(session_id, 2, budget_ms=700)
            problem_of(answer, ProblemCode.SERVICE_TIMEOUT, 504)
            assert time.monotonic() - begun < 6
            service.create_gate.set()

    asyncio.run(run())


@pytest.mark.usefixtures("nothing_left_behind")
def test_a_backend_that_stops_leaves_no_call_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rejoin.backend.broker.FINISH_PATIENCE_S", 0.05)

    async def run() -> None:
        service = FakeStreamService(create_gate=asyncio.Event())
        async with caller(service, sockets=True) as call:
            session_id = await call.started()
            answer = await call.reconnect(session_id, 2, budget_ms=600)
            problem_of(answer, ProblemCode.SERVICE_TIMEOUT, 504)
            assert service.creating == 1
        assert service.creating == 0

    asyncio.run(run())


def test_a_service_that_shows_only_the_first_request_does_not_mix_answers_up() -> None:
    async def run() -> None:
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

    asyncio.run(run())


def test_a_new_request_shown_with_the_old_answer_is_shown_without() -> None:
    async def run() -> None:
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

    asyncio.run(run())


def test_remaining_time_counts_from_the_last_call_that_reported_connected() -> None:
    async def run() -> None:
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

    asyncio.run(run())


def test_a_pending_session_that_was_never_seen_connected_has_no_known_remaining_time() -> None:
    async def run() -> None:
        service = FakeStreamService(status="PENDING_CLIENT_RECONNECTION")
        async with caller(service) as call:
            session_id = await call.started()
            seen = await call.get_status(session_id)
            assert seen["remaining"] is None
            assert seen["connection_timeout_s"] == 30

    asyncio.run(run())


def test_the_age_of_knowledge_grows_during_a_long_poll() -> None:
    async def run() -> None:
        service = FakeStreamService(status="CONNECTED")
        async with caller(service) as call:
            session_id = await call.started()
            await call.get_status(session_id)
            service.status = "PENDING_CLIENT_RECONNECTION"
            begun = time.monotonic()
            seen = await call.get_status(
                session_id, known="PENDING_CLIENT_RECONNECTION", wait_s=0.6
            )
            took_s = time.monotonic() - begun
            assert seen["remaining"]["age_s"] >= 0.5
            assert took_s >= 0.5

    asyncio.run(run())


def test_a_long_poll_ends_when_a_newer_attempt_begins() -> None:
    """Somebody else came in between two polls, and the status is the same again."""

    async def run() -> None:
        service = FakeStreamService(status="CONNECTED")
        async with caller(service) as call:
            session_id = await call.started()
            waiting = asyncio.ensure_future(
                call.get_status(session_id, known="CONNECTED", wait_s=30)
            )
            await asyncio.sleep(0.05)
            assert not waiting.done()
            await call.reconnect(session_id, 2)
            seen = await asyncio.wait_for(waiting, 20)
            assert seen["attempt"] == 2

    asyncio.run(run())


def test_a_long_poll_outlives_one_failed_poll_but_reports_a_lasting_failure() -> None:
    async def run() -> None:
        service = FakeStreamService(status="CONNECTED")
        async with caller(service) as call:
            session_id = await call.started()

            async def disturb(*faults: ServiceFault) -> None:
                await asyncio.sleep(0.3)
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
                    f"/v1/sessions/{session_id}", params={"known": "CONNECTED", "wait_s": 0.8}
                ),
                disturb(*[ServiceFault.THROTTLED] * 9),
            )
            problem_of(answer, ProblemCode.THROTTLED, 429)

    asyncio.run(run())


def test_a_long_poll_ends_when_the_client_hangs_up() -> None:
    async def run() -> None:
        service = FakeStreamService(status="CONNECTED")
        async with caller(service, sockets=True) as call:
            session_id = await call.started()
            poll = asyncio.ensure_future(call.get_status(session_id, known="CONNECTED", wait_s=25))
            await until(lambda: service.count("get_status") >= 2)
            poll.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await poll
            await asyncio.sleep(0.5)
            count = service.count("get_status")
            await asyncio.sleep(0.5)
            assert service.count("get_status") == count

    asyncio.run(run())


def test_ending_twice_is_no_failure_and_ending_too_early_is_a_conflict() -> None:
    async def run() -> None:
        service = FakeStreamService(status="ACTIVATING")
        async with caller(service) as call:
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

    asyncio.run(run())


def test_a_restarted_backend_keeps_its_sessions(tmp_path: Path) -> None:
    path = str(tmp_path / "backend.sqlite3")

    async def run() -> None:
        service = FakeStreamService()
        store = Store(path)
        token, offer = new_token(), new_offer()
        async with caller(service, store=store, sockets=True) as call:
            session_id = await call.started()
            first = await call.reconnect(session_id, 2, token=token, offer=offer)
        store.close()
        store = Store(path)
        async with caller(service, store=store, sockets=True) as call:
            problem_of(await call.reconnect(session_id, 1), ProblemCode.STALE_ATTEMPT, 409)
            again = await call.reconnect(session_id, 2, token=token, offer=offer)
            assert again.json() == first.json()
            assert (await call.reconnect(session_id, 3)).status_code == 200
        store.close()

    asyncio.run(run())
