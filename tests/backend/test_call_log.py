"""A line for each call: who, what, how it ended and how long it took, and never a secret."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from helpers.backend_caller import caller
from helpers.fake_stream_service import GOOD_TOKEN, FakeStreamService, new_offer, new_token
from helpers.stores import opened
from rejoin.backend import aws_requests
from rejoin.backend.audit import LOGGER, Audit
from rejoin.backend.call_log import CALLS, Call, CallLog
from rejoin.backend.owner_tags import OwnerTags
from rejoin.backend.service import ServiceFault, StartedStream
from rejoin.backend.sign_in import static_tokens
from rejoin.backend.store.schema import secret_hash


async def test_each_call_has_its_line_and_starts_creates_and_ends_are_audited(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name in (LOGGER, CALLS):
        caplog.set_level(logging.INFO, name)
    service = FakeStreamService()
    offer, token = new_offer(), new_token()
    async with opened() as store, caller(service, store=store) as call:
        session_id = await call.started()
        again = await call.reconnect(session_id, 2, offer=offer, token=token)
        assert again.status_code == 200
        service.fail("create", ServiceFault.ACCESS_DENIED)
        assert (await call.reconnect(session_id, 3)).status_code == 403
        await call.get_status(session_id)
        ended = await call.http.delete(f"/v1/sessions/{session_id}")
        await call.http.get("/v1/health")
        await call.http.get("/v1/sessions/x", headers={"Authorization": "Bearer canary-wrong"})
        owner = static_tokens([GOOD_TOKEN])(GOOD_TOKEN)
        assert isinstance(owner, str)
        tag = await OwnerTags(store).of(secret_hash("owner", owner))
    lines = [record for record in caplog.records if record.name in (LOGGER, CALLS)]
    said = [
        (
            record.name == LOGGER,
            record.__dict__["operation"],
            record.__dict__["status"],
            record.__dict__["code"],
            record.__dict__["owner"],
        )
        for record in lines
    ]
    assert said == [
        (True, "start", 201, "", tag),
        (True, "reconnect", 200, "", tag),
        (True, "reconnect", 403, "FORBIDDEN", tag),
        (False, "status", 200, "", tag),
        (True, "terminate", 204, "", tag),
        (False, "health", 200, "", None),
        (True, "none", 401, "UNAUTHENTICATED", None),
    ]
    said_of = [record.__dict__.get("session") for record in lines[:5]]
    assert said_of == [session_id, session_id, None, session_id, session_id]
    assert lines[4].__dict__["request_id"] == ended.headers["X-Request-Id"]
    assert len({record.__dict__["request_id"] for record in lines}) == len(lines)
    refused = lines[-1]
    assert refused.__dict__["refused_in_a_minute"] == 1
    assert refused.__dict__["address"] == "127.x.x.x"
    assert "of this address" in refused.getMessage()
    assert all(record.__dict__["ms"] >= 0 for record in lines)
    text = "".join(f"{record.getMessage()} {record.__dict__}" for record in lines)
    for secret in (GOOD_TOKEN, "canary-wrong", offer, token, "127.0.0.1"):
        assert secret not in text


async def test_what_aws_called_the_requests_is_in_the_line_and_the_last_in_the_answer(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    service = FakeStreamService()
    start = service.start

    async def noting(**arguments: Any) -> StartedStream:
        for name in ("first", "second"):
            aws_requests.note({"ResponseMetadata": {"RequestId": name}})
        return await start(**arguments)

    monkeypatch.setattr(service, "start", noting)
    async with opened() as store, caller(service, store=store) as call:
        answer = await call.start()
        assert answer.headers["x-amzn-RequestId"] == "second"
        session_id = answer.headers["Location"].rpartition("/")[2]
        ended = await call.http.delete(f"/v1/sessions/{session_id}")
        assert "x-amzn-RequestId" not in ended.headers
    started, terminated = caplog.records
    assert started.__dict__["aws_requests"] == "first, second"
    assert "aws_requests" not in terminated.__dict__


def test_a_start_is_audited_even_where_nobody_can_be_told_apart(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    CallLog(Audit(lambda: 0.0)).answered(Call(), "start", 503, 0.1)
    [line] = caplog.records
    assert line.name == LOGGER
    assert line.__dict__["status"] == 503


async def test_the_id_of_a_session_that_is_not_there_is_text_of_a_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name in (LOGGER, CALLS):
        caplog.set_level(logging.INFO, name)
    async with caller(FakeStreamService()) as call:
        await call.http.get("/v1/sessions/canary-in-the-path")
        await call.http.post("/v1/sessions/canary-in-the-path/connections", json={})
    assert len(caplog.records) == 2
    assert "canary" not in "".join(str(record.__dict__) for record in caplog.records)
