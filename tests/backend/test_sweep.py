"""Old rows: the service says whether their stream session is over, and no clock."""

from __future__ import annotations

import logging

import pytest

from helpers.fake_stream_service import FIRST_STREAM, FakeStreamService
from helpers.poll_rate import PollRate
from helpers.stores import fresh_tag, opened, running_session
from rejoin.backend.audit import LOGGER
from rejoin.backend.service import ListedStream, ServiceFault, StreamId, StreamStatus
from rejoin.backend.store.attempt_writes import Offered
from rejoin.backend.store.sessions import KEPT_S
from rejoin.backend.stream_lists import StreamLists
from rejoin.backend.sweep import UNSTARTED_S, Unstarted, new_tag, sweep_lost_starts, sweep_old_rows
from rejoin.clock import boot_s


async def test_an_old_session_is_deleted_only_after_the_service_has_reported_its_end() -> None:
    now = [0.0]
    service = FakeStreamService(status="CONNECTED")
    async with opened(wall=lambda: now[0]) as store:
        _, row = await store.begin_start(
            owner_hash="me",
            key="k",
            offered=Offered(1, "sha-1", "ct"),
            tag=fresh_tag(),
            within_s=60.0,
        )
        await store.started(row.id, FIRST_STREAM, within_s=60.0)

        async def known() -> bool:
            return await store.find(row.id, "me", within_s=60.0) is not None

        await sweep_old_rows(service, store, PollRate(boot_s, 1000), Unstarted(boot_s))
        assert service.calls == []
        now[0] = KEPT_S + 1  # or a clock that is three days off
        service.fail("get_status", ServiceFault.THROTTLED)
        for _ in range(3):
            await sweep_old_rows(service, store, PollRate(boot_s, 1000), Unstarted(boot_s))
            assert await known()
        service.fail("get_status", ServiceFault.NOT_FOUND)
        await sweep_old_rows(service, store, PollRate(boot_s, 1000), Unstarted(boot_s))
        assert await known()
        await sweep_old_rows(service, store, PollRate(boot_s, 1000), Unstarted(boot_s))
        assert not await known()
        assert service.count("get_status") == 4


async def test_without_a_turn_nobody_is_asked_about() -> None:
    now = [0.0]
    service = FakeStreamService(status="TERMINATED")
    async with opened(wall=lambda: now[0]) as store:
        await running_session(store)
        now[0] = KEPT_S + 1
        await sweep_old_rows(
            service, store, PollRate(boot_s, 1.0, boot_s() + 600), Unstarted(boot_s)
        )
        assert service.calls == []


async def test_a_row_that_another_process_deletes_meanwhile_does_not_end_the_sweep() -> None:
    now = [0.0]
    async with opened(wall=lambda: now[0]) as store:
        rows = []
        for number in range(2):
            rows.append(await running_session(store, str(number)))
        now[0] = KEPT_S + 1

        class DeletesTheFirst(FakeStreamService):
            async def get_status(self, stream: StreamId, *, budget_s: float) -> StreamStatus:
                if stream.stream_session == "arn:0":
                    await store.forget(rows[0].id, within_s=60.0)
                return StreamStatus(status="TERMINATED")

        await sweep_old_rows(DeletesTheFirst(), store, PollRate(boot_s, 1000), Unstarted(boot_s))
        second = await store.find(rows[1].id, "me", within_s=60.0)
        assert second is not None
        assert second.ended_status == "TERMINATED"


async def test_a_leap_of_the_clock_deletes_no_start_that_is_on_its_way() -> None:
    wall, boot = [0.0], [0.0]
    service = FakeStreamService(status="CONNECTED")
    unstarted = Unstarted(lambda: boot[0])
    turns = PollRate(boot_s, 1000)
    async with opened(wall=lambda: wall[0]) as store:
        rows = []
        for number in range(2):
            _, row = await store.begin_start(
                owner_hash="me",
                key=f"k{number}",
                offered=Offered(1, f"sha-{number}", "ct"),
                tag=fresh_tag(),
                within_s=60.0,
            )
            rows.append(row.id)
        wall[0] = KEPT_S + 1
        await sweep_old_rows(service, store, turns, unstarted)
        await store.started(rows[0], FIRST_STREAM, within_s=60.0)  # the answer, or a list
        boot[0] = UNSTARTED_S
        await sweep_old_rows(service, store, turns, unstarted)
        assert await store.find(rows[0], "me", within_s=60.0) is not None
        assert await store.find(rows[1], "me", within_s=60.0) is None, "it never began"


def lists_of(service: FakeStreamService) -> StreamLists:
    return StreamLists(service, PollRate(boot_s, 1000), boot_s)


def listed(number: int, user_id: str, status: str = "CONNECTED") -> ListedStream:
    return ListedStream(StreamId("sg-1", f"arn:{number}"), status, user_id)


async def test_a_start_whose_answer_was_lost_is_joined_to_its_row() -> None:
    service = FakeStreamService()
    async with opened() as store:
        tag = new_tag(await store.server_key())
        _, row = await store.begin_start(
            owner_hash="me", key="k", offered=Offered(1, "sha-1", "ct"), tag=tag, within_s=60.0
        )
        theirs = listed(1, tag)
        service.listed = {theirs.stream: theirs}
        await sweep_lost_starts(service, store, lists_of(service))
        found = await store.find(row.id, "me", within_s=60.0)
        assert found is not None
        assert found.stream == theirs.stream
        await sweep_lost_starts(service, store, lists_of(service))
    assert service.ended == []


async def test_only_sessions_of_this_database_that_nobody_owns_are_ended_and_that_is_audited(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    service = FakeStreamService()
    async with opened() as store, opened() as another:
        orphan = listed(1, new_tag(await store.server_key()))
        kept = (
            listed(2, new_tag(await another.server_key())),
            listed(3, "a player of another program"),
            listed(4, ""),
            listed(5, new_tag(await store.server_key()), "TERMINATED"),
        )
        service.listed = {each.stream: each for each in (orphan, *kept)}
        service.fail("terminate", ServiceFault.THROTTLED)
        await sweep_lost_starts(service, store, lists_of(service))
        assert service.ended == []
        await sweep_lost_starts(service, store, lists_of(service))
    assert service.ended == [orphan.stream]
    audited = [record for record in caplog.records if record.name == LOGGER]
    assert [record.__dict__["operation"] for record in audited] == ["terminate"] * 2


async def test_a_list_that_cannot_be_had_ends_nothing() -> None:
    service = FakeStreamService()
    service.fail("list_page", ServiceFault.UNAVAILABLE)
    async with opened() as store:
        await sweep_lost_starts(service, store, lists_of(service))
    assert service.count("terminate") == 0


async def test_each_tag_is_new_and_names_no_player() -> None:
    async with opened() as store:
        key = await store.server_key()
    one, two = new_tag(key), new_tag(key)
    assert one != two
    assert len(one) <= 64
    assert one.startswith("rejoin-")
    assert key.hex() not in one
