"""The React starter's routes over raw HTTP: its answers, and each of its weaknesses."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from helpers.fake_stream_service import GOOD_TOKEN, OTHER_TOKEN, answer_to, new_offer
from helpers.sample_backends import APPLICATION, ARN, STREAM_GROUP, ArnStreamService, live_react
from rejoin import tasks
from rejoin.backend.aws_react import GATEWAY_S, build_react
from rejoin.backend.aws_samples import OfferedApplications
from rejoin.backend.service import ServiceFault
from rejoin.backend.sign_in import SignInUnavailableError

PATH = f"/session/{STREAM_GROUP}/{quote(ARN, safe='')}"


@contextlib.asynccontextmanager
async def caller(
    service: ArnStreamService, *, gateway_s: float = GATEWAY_S
) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        live_react(service, gateway_s=gateway_s) as url,
        httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {GOOD_TOKEN}"},
            timeout=30,
            trust_env=False,
        ) as http,
    ):
        yield http


def start_body(**changed: Any) -> dict[str, Any]:
    body = {"AppIdentifier": APPLICATION, "SGIdentifier": STREAM_GROUP, "SignalRequest": "offer"}
    return {**body, "Regions": ["us-west-2"], **changed}


def reconnect_body(offer: str) -> dict[str, str]:
    return {"SessionIdentifier": ARN, "SignalRequest": offer}


async def test_start_status_and_reconnect_as_the_starter_answers_them() -> None:
    service = ArnStreamService(status="ACTIVATING")
    async with caller(service) as call:
        shown = {
            "signalResponse": "",
            "arn": ARN,
            "region": "us-west-2",
            "status": "ACTIVATING",
        }
        answer = await call.post("/", json=start_body())
        assert (answer.status_code, answer.json()) == (200, shown)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert (await call.get(PATH)).json() == shown
        service.place()
        assert (await call.get(PATH)).json() == {
            **shown,
            "signalResponse": service.held_response,
            "status": "ACTIVE",
        }
        offer = new_offer()
        answer = await call.post("/reconnect", json=reconnect_body(offer))
        assert (answer.status_code, answer.json()) == (
            200,
            {"signalResponse": answer_to(offer)},
        )
        # Neither the reason nor the connection timeout is reported.
        service.status, service.reason = "TERMINATED", "reconnectionTimeout"
        answer = await call.get(PATH)
        assert answer.json()["status"] == "TERMINATED"
        assert "reconnectionTimeout" not in answer.text
        assert set(answer.json()) == set(shown)


async def test_every_failure_of_the_service_is_a_500_with_a_message() -> None:
    service = ArnStreamService()
    async with caller(service) as call:
        for fault in ServiceFault:
            for operation in ("start", "get_status", "create"):
                service.fail(operation, fault)
            for answer in (
                await call.post("/", json=start_body()),
                await call.get(PATH),
                await call.post("/reconnect", json=reconnect_body("offer")),
            ):
                assert answer.status_code == 500
                assert answer.json() == {"message": f"The service said {fault.value}."}
                assert "Retry-After" not in answer.headers


async def test_the_gateway_gives_up_and_the_function_continues() -> None:
    service = ArnStreamService()
    service.create_gate = asyncio.Event()
    async with caller(service, gateway_s=0.3) as call:
        offer = new_offer()
        async with asyncio.timeout(GATEWAY_S / 2):
            answer = await call.post("/reconnect", json=reconnect_body(offer))
        assert answer.status_code == 504
        assert answer.json() == {"message": "Endpoint request timed out"}
        assert service.creating == 1
        service.create_gate.set()
        # The call succeeded, but the client has no answer.
        assert (await call.get(PATH)).json()["signalResponse"] == answer_to(offer)
        assert service.creating == 0


@pytest.mark.usefixtures("nothing_left_behind")
async def test_a_function_that_never_ends_does_not_outlive_the_backend() -> None:
    service = ArnStreamService()
    service.create_gate = asyncio.Event()
    async with caller(service, gateway_s=0.1) as call:
        answer = await call.post("/reconnect", json=reconnect_body("offer"))
        assert answer.status_code == 504
        assert "react function" in tasks.alive()
    assert "react function" not in tasks.alive()


async def test_every_call_has_a_new_client_token_so_a_repetition_is_a_second_call() -> None:
    service = ArnStreamService()
    async with caller(service) as call:
        await call.post("/", json=start_body())
        for _ in range(2):
            answer = await call.post("/reconnect", json=reconnect_body("offer"))
            assert answer.status_code == 200
        given = [token for name, token in service.calls if name in ("start", "create")]
        assert len(set(given)) == 3
        for one in given:
            uuid.UUID(one)


async def test_without_a_sign_in_the_gateway_refuses_the_call() -> None:
    service = ArnStreamService()
    async with caller(service) as call:
        for header in ("", "Bearer", f"Bearer {OTHER_TOKEN}", f"Basic {GOOD_TOKEN}"):
            call.headers["Authorization"] = header
            for answer in (
                await call.post("/", json=start_body()),
                await call.get(PATH),
                await call.post("/reconnect", content=b"{canary"),
            ):
                assert answer.status_code == 401
                assert answer.json() == {"message": "Unauthorized"}
    assert service.calls == []


async def test_a_provider_that_does_not_answer_is_a_message_too() -> None:
    def silent(_: str) -> None:
        raise SignInUnavailableError("The identity provider does not answer.")

    offered = OfferedApplications(STREAM_GROUP, APPLICATION)
    app = build_react(ArnStreamService(), offered, "us-west-2", silent)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
        headers = {"Authorization": f"Bearer {GOOD_TOKEN}"}
        answer = await http.post("/", json=start_body(), headers=headers)
    assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})


async def test_the_stream_group_and_application_of_the_request_are_used() -> None:
    service = ArnStreamService()
    async with caller(service) as call:
        for good in ({"AppIdentifier": "a-2"}, {"AppIdentifier": None}, {"UserId": "me"}):
            assert (await call.post("/", json=start_body(**good))).status_code == 200
        starts = service.count("start")
        for bad in ({"SGIdentifier": "sg-other"}, {"AppIdentifier": "a-other"}):
            assert (await call.post("/", json=start_body(**bad))).status_code == 500
        assert service.count("start") == starts


async def test_malformed_requests_get_the_gateways_answers() -> None:
    async with caller(ArnStreamService()) as call:
        for method, path in (
            ("GET", "/"),
            ("POST", "/nothing"),
            ("DELETE", PATH),
            ("GET", "/session/sg-1"),
            ("GET", f"/session/sg-1/{ARN}"),
        ):
            answer = await call.request(method, path)
            assert answer.status_code == 403, path
            assert answer.json() == {"message": "Missing Authentication Token"}
        for content, status in (
            (b"{canary", 502),
            (b"", 500),
            (b"[]", 500),
            (b'{"SessionIdentifier": "canary"}', 500),
            (b" " * 400_000, 413),
        ):
            answer = await call.post("/reconnect", content=content)
            assert answer.status_code == status
            assert list(answer.json()) == ["message"]
            assert "canary" not in answer.text
        answer = await call.options(PATH, headers={"Authorization": ""})
        assert answer.status_code == 204
        assert answer.headers["Access-Control-Allow-Headers"] == "*"
