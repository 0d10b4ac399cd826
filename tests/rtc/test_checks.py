from __future__ import annotations

import asyncio
import errno

import pytest
from aioice import stun
from aioice.candidate import candidate_priority

from helpers.gathered_connection import PASSWORD, gathered_connection
from helpers.waiting import eventually


async def test_a_check_is_an_ice_binding_request_and_its_answer_gives_the_round_trip() -> None:
    async with gathered_connection() as there:
        assert there.transport.checks.send()
        request = there.sent[0]
        username = f"host:{there.connection.local_username}"
        assert request.attributes["USERNAME"] == username
        assert {"PRIORITY", "ICE-CONTROLLING", "MESSAGE-INTEGRITY", "FINGERPRINT"} <= set(
            request.attributes
        )
        assert "USE-CANDIDATE" not in request.attributes
        assert request.check_message_integrity(PASSWORD.encode())
        there.now += 0.040
        there.answer(request)
        assert there.transport.checks.rtt_s == pytest.approx(0.040)
        assert there.transport.checks.proved_sent_at == 100.0
        assert there.transport.last_stun_at == pytest.approx(100.040)
        assert there.transport.last_packet_at == pytest.approx(100.040)


async def test_checks_for_a_stalled_connection_nominate_the_pair_again() -> None:
    async with gathered_connection() as there:
        there.transport.checks.start()
        for _ in range(6000):
            if there.sent:
                break
            await asyncio.sleep(0.01)
        there.transport.checks.stop()
        assert "USE-CANDIDATE" in there.sent[0].attributes


@pytest.mark.parametrize("nominate", [False, True])
async def test_a_check_from_a_new_port_ranks_with_the_pair_that_was_chosen(nominate: bool) -> None:
    """Also one that does not nominate: the host remembers the priority of the first."""
    async with gathered_connection() as there:
        assert there.transport.checks.send(nominate=nominate)
        assert there.sent[0].attributes["PRIORITY"] == candidate_priority(1, "host")


async def test_each_check_has_its_own_round_trip_and_late_answers_count() -> None:
    async with gathered_connection() as there:
        there.transport.checks.send()
        there.now += 0.1
        there.transport.checks.send()
        there.now = 102.0
        there.answer(there.sent[1])
        assert there.transport.checks.proved_sent_at == pytest.approx(100.1)
        there.answer(there.sent[0])
        assert there.transport.checks.proved_sent_at == pytest.approx(100.1)
        assert there.transport.checks.rtt_s == pytest.approx(1.9 + 0.1 / 8)
        assert there.transport.checks.answered == 2


async def test_forged_misdirected_repeated_and_old_answers_prove_nothing() -> None:
    async with gathered_connection() as there:
        there.transport.checks.send()
        there.answer(there.sent[0], password="x" * 22)
        there.answer(there.sent[0], address=("127.0.0.1", 1))
        assert there.transport.last_packet_at is None
        there.now += 6
        there.transport.checks.send()
        there.answer(there.sent[0])
        assert there.transport.checks.answered == 0
        there.answer(there.sent[1])
        there.answer(there.sent[1])
        assert there.transport.checks.answered == 1


async def test_an_authenticated_error_response_is_a_sign_of_life_but_proves_no_check() -> None:
    async with gathered_connection() as there:
        there.transport.checks.send()
        there.answer(there.sent[0], kind=stun.Class.ERROR)
        assert there.transport.last_packet_at == 100.0
        assert there.transport.checks.proved_sent_at is None


async def test_consent_checks_never_end_a_connection_that_gets_no_answers() -> None:
    async with gathered_connection() as there:
        consent = asyncio.ensure_future(there.connection.query_consent())
        await eventually(lambda: there.transport.checks.sent >= 2)
        assert not consent.done()
        assert not there.connection._closing
        there.transport.outgoing.mute()
        sent = there.transport.checks.sent
        await asyncio.sleep(1.5)
        assert there.transport.checks.sent == sent
        consent.cancel()


async def test_checks_are_frequent_until_stopped_even_while_muted() -> None:
    async with gathered_connection() as there:
        there.transport.outgoing.mute()
        there.transport.checks.start()
        there.transport.checks.start()
        for _ in range(6000):
            if len(there.sent) >= 7:
                break
            await asyncio.sleep(0.01)
        assert len(there.sent) >= 7
        there.transport.checks.stop()
        sent = len(there.sent)
        await asyncio.sleep(0.4)
        assert len(there.sent) == sent


async def test_started_again_it_checks_at_once_and_often_again() -> None:
    async with gathered_connection() as there:
        there.transport.checks.start()
        for _ in range(6000):
            if len(there.sent) >= 7:
                break
            await asyncio.sleep(0.01)
        sent = len(there.sent)
        there.transport.checks.start()
        await asyncio.sleep(0)
        assert len(there.sent) == sent + 1, "not after a quarter of a second"


async def test_five_checks_are_a_tenth_of_a_second_apart_and_then_a_quarter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    real_sleep = asyncio.sleep

    async def sleep(delay_s: float) -> None:
        pauses.append(delay_s)
        await real_sleep(0)

    async with gathered_connection() as there:
        monkeypatch.setattr("rejoin.rtc.checks.asyncio.sleep", sleep)
        there.transport.checks.start()
        while len(pauses) < 8:
            await real_sleep(0)
        there.transport.checks.stop()
        monkeypatch.undo()
        assert len(there.sent) == len(pauses), "one check before each pause"
    assert pauses[:8] == [0.100] * 4 + [0.250] * 4


async def test_checks_are_unanswered_from_the_first_one_after_the_newest_answer() -> None:
    async with gathered_connection() as there:
        checks = there.transport.checks
        seen = []
        for _ in range(4):
            checks.send()
            there.now += 1.0
        seen.append(checks.unanswered_since_at)
        for answered in (1, 0, 3):  # the second of them is late, and says nothing
            there.answer(there.sent[answered])
            seen.append(checks.unanswered_since_at)
        assert seen == [100.0, 102.0, 102.0, None]
        for _ in range(12):
            checks.send()
            there.now += 1.0
        assert checks.unanswered_since_at == 104.0, "longer than an answer is waited for"


async def test_the_system_refuses_to_send_until_a_check_leaves() -> None:
    async with gathered_connection() as there:
        checks, protocol = there.transport.checks, there.protocol
        leave = protocol.transport.sendto

        def refuse(*_: object) -> None:
            protocol.error_received(OSError(errno.ENETUNREACH, "no"))

        protocol.transport.sendto = refuse
        checks.send()
        there.now += 0.5
        checks.send()
        refused_since_at = checks.sends_fail_since_at
        protocol.transport.sendto = leave
        checks.send()
        assert (refused_since_at, checks.sends_fail_since_at) == (100.0, None)
