"""The Web SDK bundle's routes over raw HTTP: its answers, and each of its weaknesses."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx

from conftest import LogRecords
from helpers.fake_stream_service import FakeStreamService, answer_to, new_offer
from helpers.sample_backends import APPLICATION, STREAM_GROUP, Wall, live_bundle
from rejoin.backend.service import ServiceFault


class Caller:
    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def post(self, call: str, **body: Any) -> httpx.Response:
        return await self.http.post(f"/api/{call}", json=body)

    async def create(self, **body: Any) -> httpx.Response:
        whole = {"StreamGroupId": STREAM_GROUP, "SignalRequest": new_offer(), **body}
        return await self.post("CreateStreamSession", **whole)

    async def token(self) -> str:
        answer = await self.create()
        assert answer.status_code == 200, answer.text
        assert list(answer.json()) == ["Token"]
        return str(answer.json()["Token"])


@contextlib.asynccontextmanager
async def caller(service: FakeStreamService, wall: Wall | None = None) -> AsyncIterator[Caller]:
    async with (
        live_bundle(service, wall=wall) as url,
        httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http,
    ):
        yield Caller(http)


async def test_each_status_as_the_sample_shows_it() -> None:
    service = FakeStreamService(status="ACTIVATING")
    async with caller(service) as call:
        token = await call.token()
        answer = await call.post("GetSignalResponse", Token=token)
        assert (answer.status_code, answer.json()) == (200, {"SignalResponse": ""})
        service.place()
        answer = await call.post("GetSignalResponse", Token=token)
        assert answer.json() == {"SignalResponse": service.held_response}
        for status in ("CONNECTED", "PENDING_CLIENT_RECONNECTION", "TERMINATED", "ERROR", "?"):
            service.status = status
            answer = await call.post("GetSignalResponse", Token=token)
            assert (answer.status_code, answer.json()) == (404, {})


async def test_after_600_s_the_answer_is_gone_and_after_a_day_the_token() -> None:
    service, wall = FakeStreamService(), Wall()
    async with caller(service, wall) as call:
        token = await call.token()
        service.place()
        wall.now += 600
        assert (await call.post("GetSignalResponse", Token=token)).status_code == 200
        wall.now += 1
        polls = service.count("get_status")
        assert (await call.post("GetSignalResponse", Token=token)).status_code == 404
        assert service.count("get_status") == polls
        offer = new_offer()
        answer = await call.post("ReconnectStreamSession", Token=token, SignalRequest=offer)
        assert answer.json() == {"SignalResponse": answer_to(offer)}
        wall.now += 86400
        for name in ("ReconnectStreamSession", "DestroyStreamSession"):
            answer = await call.post(name, Token=token, SignalRequest=offer)
            assert (answer.status_code, answer.json()) == (404, {})


async def test_every_failure_of_the_service_is_a_bare_502() -> None:
    service = FakeStreamService()
    async with caller(service) as call:
        token = await call.token()
        for fault in ServiceFault:
            for operation in ("start", "get_status", "create", "terminate"):
                service.fail(operation, fault)
            answers = [await call.create()]
            for name in ("GetSignalResponse", "ReconnectStreamSession", "DestroyStreamSession"):
                answers.append(await call.post(name, Token=token, SignalRequest="offer"))
            for answer in answers:
                assert (answer.status_code, answer.text) == (502, "{}")
                assert "Retry-After" not in answer.headers


async def test_every_call_has_a_new_client_token_so_a_repetition_is_a_second_call() -> None:
    service = FakeStreamService()
    async with caller(service) as call:
        token, offer = await call.token(), new_offer()
        for _ in range(2):
            answer = await call.post("ReconnectStreamSession", Token=token, SignalRequest=offer)
            assert answer.status_code == 200
        given = [token for name, token in service.calls if name in ("start", "create")]
        assert len(set(given)) == 3
        for one in given:
            uuid.UUID(one)


async def test_a_destroyed_session_is_unknown() -> None:
    service = FakeStreamService()
    async with caller(service) as call:
        token = await call.token()
        answer = await call.post("DestroyStreamSession", Token=token)
        assert (answer.status_code, answer.json()) == (200, {})
        assert service.status == "TERMINATED"
        assert (await call.post("DestroyStreamSession", Token=token)).status_code == 404


async def test_the_stream_group_and_application_of_the_request_are_used() -> None:
    service = FakeStreamService()
    async with caller(service) as call:
        arn = f"arn:aws:gameliftstreams:us-west-2:111122223333:streamgroup/{STREAM_GROUP}"
        for good in (
            {"StreamGroupId": arn},
            {"ApplicationIdentifier": APPLICATION},
            {"ApplicationIdentifier": "a-2", "Locations": ["us-west-2"], "UserId": "me"},
            {"AdditionalLaunchArgs": ["-x"], "AdditionalEnvironmentVariables": {"a": "b"}},
        ):
            assert (await call.create(**good)).status_code == 200
        starts = service.count("start")
        for bad in (
            {"StreamGroupId": "sg-other"},
            {"StreamGroupId": None},
            {"ApplicationIdentifier": "a-other"},
        ):
            assert (await call.create(**bad)).status_code == 502
        assert service.count("start") == starts


async def test_unknown_tokens_and_odd_bodies() -> None:
    async with caller(FakeStreamService()) as call:
        for name in ("GetSignalResponse", "ReconnectStreamSession", "DestroyStreamSession"):
            for body in ({"Token": "nobody's"}, {"Token": 7}, {}):
                answer = await call.post(name, **body)
                assert (answer.status_code, answer.json()) == (404, {})
            answer = await call.http.post(f"/api/{name}", content=b"{}")
            assert (answer.status_code, answer.json()) == (404, {})
            for content, status in (
                (b"{canary", 400),
                (b"[" * 50_000, 400),
                (b'{"Token": "\\ud800"}', 404),
                (b'{"Token": "a\\u0000b"}', 404),
                (b" " * 200_000, 413),
            ):
                answer = await call.http.post(
                    f"/api/{name}",
                    content=content,
                    headers={"Content-Type": "application/json"},
                )
                assert answer.status_code == status
                kind = "application/json" if status == 404 else "text/html"
                assert answer.headers["Content-Type"].startswith(kind)
                assert "canary" not in answer.text
        for method, path in (("GET", "/api/GetSignalResponse"), ("POST", "/v1/sessions")):
            answer = await call.http.request(method, path)
            assert answer.status_code == 404
            assert answer.headers["Content-Type"].startswith("text/html")


async def test_a_defect_of_ours_is_a_502_and_logged_without_what_was_sent(
    expected_logs: LogRecords,
) -> None:
    service = FakeStreamService()
    service.fail("start", RuntimeError("canary"))
    async with caller(service) as call:
        answer = await call.create()
        assert (answer.status_code, answer.text) == (502, "{}")
    assert len(expected_logs.lines) == 1
    assert "RuntimeError" in expected_logs.lines[0]
    assert "canary" not in expected_logs.lines[0]
