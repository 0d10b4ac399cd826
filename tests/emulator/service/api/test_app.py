"""Requests to the API: signatures, limits, throttling, injected faults and retries."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ReadTimeoutError,
)

from helpers.emulated_api import GROUP, SETTINGS, boto_client, emulated_api
from helpers.fake_host import offer
from rejoin.emulator.service.api.app import BODY_LIMIT_BYTES
from rejoin.emulator.service.faults import ApiFault, ApiFaultKind
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.errors import BadInputError


@pytest.mark.parametrize(
    "params",
    [
        {"ConnectionTimeoutSeconds": 3601},
        {"SessionLengthSeconds": 86401},
        {"Protocol": "Telepathy"},
        {"UserId": "spaces are not allowed"},
        {"ClientToken": "has a space in it".ljust(32, "x")},
        {"AdditionalEnvironmentVariables": {"1st": "starts with a digit"}},
        {"Locations": ["a location with a name that is too long"]},
        {"AdditionalLaunchArgs": ["x"] * 101},
    ],
    ids=lambda params: str(next(iter(params))),
)
async def test_limits_are_those_of_the_model(params: dict[str, Any]) -> None:
    # boto3 checks types and lower limits itself and leaves these to the service.
    async with emulated_api() as on:
        message = await on.refused(on.start(**params), "ValidationException")
        assert next(iter(params)) in message


async def test_each_operation_has_its_own_rate_limit() -> None:
    async with emulated_api(EmulatorSettings(requests_per_s=3.0)) as on:
        arn = (await on.start())["Arn"]
        for _ in range(3):
            await on.get(arn)
        await on.refused(on.get(arn), "ThrottlingException")
        await on.call("list_stream_sessions", Identifier=GROUP)
        await on.timers.advance(0.5)
        await on.get(arn)


async def test_wrong_credentials_and_signatures_are_refused() -> None:
    async with emulated_api() as on:
        settings = on.service.settings
        wrong = {
            "UnrecognizedClientException": replace(settings, access_key_id="AKIASOMEONEELSE00000"),
            "InvalidSignatureException": replace(settings, secret_access_key="wrong"),
        }
        for code, keys in wrong.items():
            client = boto_client(on.port, keys)
            with pytest.raises(ClientError) as caught:
                await asyncio.to_thread(client.get_stream_group, Identifier=GROUP)
            client.close()
            assert caught.value.response["Error"]["Code"] == code
            assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        unsigned = await raw(on.port, f"GET /streamgroups/{GROUP} HTTP/1.1\r\nHost: x\r\n\r\n")
        assert unsigned.startswith(b"HTTP/1.1 403")
        assert b"MissingAuthenticationToken" in unsigned


async def raw(port: int, request: str, *more: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        with contextlib.suppress(ConnectionError):
            writer.write(request.encode())
            for part in more:
                writer.write(part)
            await writer.drain()
        return await reader.read(4096)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_odd_requests_get_an_error() -> None:
    async with emulated_api() as on:
        path = f"/streamgroups/{GROUP}/streamsessions"
        for method in ("GET", "OPTIONS", "BREW"):
            nowhere = await raw(on.port, f"{method} /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
            assert nowhere.startswith(b"HTTP/1.1 404")
            assert b"UnknownOperationException" in nowhere
        too_much = await raw(
            on.port,
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {BODY_LIMIT_BYTES + 1}\r\n\r\n",
            b"x" * (BODY_LIMIT_BYTES + 1),
        )
        assert too_much.startswith(b"HTTP/1.1 413")
        await on.refused(on.start(SignalRequest="half a \ud800 pair"), "ValidationException")


async def test_api_faults() -> None:
    async with emulated_api() as on:
        arn = await on.active()
        on.faults.arm(ApiFault(ApiFaultKind.THROTTLE, "GetStreamSession", retry_after_s=3))
        with pytest.raises(on.boto.exceptions.ThrottlingException) as caught:
            await on.get(arn)
        assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "3"
        assert (await on.status(arn))[0] == "ACTIVE"
        on.faults.arm(ApiFault(ApiFaultKind.INTERNAL, times=2))
        await on.refused(on.get(arn), "InternalServerException")
        await on.refused(on.create(arn, "an offer"), "InternalServerException")
        await on.create(arn, "an offer")
        on.faults.arm(ApiFault(ApiFaultKind.HANG, times=None))
        impatient = boto_client(on.port, on.service.settings, read_timeout=0.2)
        with pytest.raises(ReadTimeoutError):
            await asyncio.to_thread(
                impatient.get_stream_session, Identifier=GROUP, StreamSessionIdentifier=arn
            )
        impatient.close()
        on.faults.arm(ApiFault(ApiFaultKind.NONE))
        assert (await on.status(arn))[0] == "ACTIVE"


async def test_a_call_can_be_done_and_its_answer_lost() -> None:
    async with emulated_api() as on:
        token = "r" * 32
        on.faults.arm(ApiFault(ApiFaultKind.RESET, "StartStreamSession"))
        with pytest.raises(ConnectionClosedError):
            await on.start(ClientToken=token)
        [session] = on.service.sessions()
        assert (await on.start(ClientToken=token))["Arn"] == session.arn
        await on.timers.advance(1)
        on.faults.arm(ApiFault(ApiFaultKind.RESET, "TerminateStreamSession"))
        with pytest.raises(ConnectionClosedError):
            await on.call(
                "terminate_stream_session", Identifier=GROUP, StreamSessionIdentifier=session.arn
            )
        await on.timers.advance(1)
        assert await on.status(session.arn) == ("TERMINATED", "apiTerminated")


async def test_an_answer_can_be_malformed() -> None:
    async with emulated_api() as on:
        arn = await on.active()
        on.faults.arm(ApiFault(ApiFaultKind.MALFORMED, times=2))
        # boto3 reads a body that is no JSON as an empty one: nothing is raised, all is missing.
        with pytest.raises(KeyError, match="SignalResponse"):
            await on.create(arn, "second")
        assert "Arn" not in await on.get(arn)
        assert (await on.get(arn))["SignalRequest"] == offer("second")  # it had been done
        with pytest.raises(BadInputError, match="no such operation"):
            on.faults.arm(ApiFault(ApiFaultKind.MALFORMED, "StartEngine"))


async def test_a_retry_by_the_sdk_is_one_call() -> None:
    async with emulated_api() as on:
        on.faults.arm(ApiFault(ApiFaultKind.SLOW, "StartStreamSession", delay_s=4.0))
        patient = boto_client(
            on.port,
            on.service.settings,
            read_timeout=2.0,
            retries={"total_max_attempts": 2, "mode": "standard"},
        )
        started = await asyncio.to_thread(
            patient.start_stream_session,
            Identifier=GROUP,
            Protocol="WebRTC",
            SignalRequest=offer("sent twice"),
            ApplicationIdentifier=SETTINGS.application_id,
        )
        patient.close()
        assert started["ResponseMetadata"]["RetryAttempts"] == 1
        assert [session.arn for session in on.service.sessions()] == [started["Arn"]]
