"""Unmodified boto3 against the API, on a clock that only the tests move."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ReadTimeoutError,
    WaiterError,
)

from helpers.fake_host import FakeHosts, offer
from helpers.manual_timers import ManualTimers
from rejoin.backend.serving import serving
from rejoin.emulator.service.api import BODY_LIMIT_BYTES, ApiFaults, build_app
from rejoin.emulator.service.sessions import NO_CLIENT_CONNECTION, StreamSessions
from rejoin.emulator.service.settings import ApiFault, ApiFaultKind, EmulatorSettings
from rejoin.errors import BadInputError
from rejoin.tasks import alive, spawn

SETTINGS = EmulatorSettings(connection_timeout_s=10, terminating_dwell_s=0.5)
GROUP = SETTINGS.stream_group_ids[0]
_making_clients = threading.Lock()


def boto_client(port: int, settings: EmulatorSettings, **config: Any) -> Any:
    """The client a studio would make, with an endpoint of ours; one try unless told."""
    options: dict[str, Any] = {"retries": {"total_max_attempts": 1}, "read_timeout": 10}
    with _making_clients:
        return boto3.client(
            "gameliftstreams",
            region_name=settings.region,
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id=settings.access_key_id,
            aws_secret_access_key=settings.secret_access_key,
            config=Config(**{**options, **config}),
        )


class Stage:
    """One emulator without media, and boto3 calls to it from another thread."""

    def __init__(
        self,
        service: StreamSessions,
        hosts: FakeHosts,
        timers: ManualTimers,
        faults: ApiFaults,
        port: int,
    ) -> None:
        self.service = service
        self.hosts = hosts
        self.timers = timers
        self.port = port
        self.faults = faults
        self.boto = boto_client(port, service.settings)

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        result = await asyncio.to_thread(getattr(self.boto, operation), **params)
        return dict(result)

    async def start(self, **params: Any) -> dict[str, Any]:
        return await self.call(
            "start_stream_session",
            **{
                "Identifier": GROUP,
                "Protocol": "WebRTC",
                "SignalRequest": offer("the first offer"),
                "ApplicationIdentifier": SETTINGS.application_id,
                **params,
            },
        )

    async def active(self, **params: Any) -> str:
        """Start, place, and return the session's ARN."""
        arn = str((await self.start(**params))["Arn"])
        await self.timers.advance(1)
        return arn

    async def get(self, arn: str) -> dict[str, Any]:
        return await self.call("get_stream_session", Identifier=GROUP, StreamSessionIdentifier=arn)

    async def status(self, arn: str) -> tuple[str, str | None]:
        session = await self.get(arn)
        return session["Status"], session.get("StatusReason")

    async def create(self, arn: str, words: str, **params: Any) -> str:
        result = await self.call(
            "create_stream_session_connection",
            Identifier=GROUP,
            StreamSessionIdentifier=arn,
            SignalRequest=offer(words),
            **params,
        )
        return str(result["SignalResponse"])

    async def refused(self, call: Any, error: str) -> str:
        """That this call fails with botocore's exception of this name; returns its message."""
        with pytest.raises(getattr(self.boto.exceptions, error)) as caught:
            await call
        return str(caught.value.response["Error"]["Message"])


@contextlib.asynccontextmanager
async def stage(settings: EmulatorSettings = SETTINGS) -> AsyncIterator[Stage]:
    hosts, timers = FakeHosts(), ManualTimers()
    service = StreamSessions(settings, hosts, timers=timers)
    faults = ApiFaults()
    async with serving(build_app(service, faults), "127.0.0.1", 0) as port:
        made = await asyncio.to_thread(Stage, service, hosts, timers, faults, port)
        try:
            yield made
        finally:
            await asyncio.to_thread(made.boto.close)
            await service.aclose()
    assert timers.waiting == 0
    assert alive() == frozenset()


def on_stage(test: Callable[[Stage], Any], settings: EmulatorSettings = SETTINGS) -> None:
    async def run() -> None:
        async with stage(settings) as made:
            await test(made)

    asyncio.run(run())


def test_the_whole_life_of_a_session() -> None:
    async def life(on: Stage) -> None:
        started = await on.start(Description="a test", UserId="player-1")
        arn = started["Arn"]
        assert arn.startswith(
            f"arn:aws:gameliftstreams:us-west-2:111122223333:streamsession/{GROUP}/"
        )
        assert started["Status"] == "ACTIVATING"
        assert "SignalResponse" not in started
        assert (started["ConnectionTimeoutSeconds"], started["SessionLengthSeconds"]) == (10, 43200)
        assert (started["Description"], started["UserId"]) == ("a test", "player-1")
        age = datetime.datetime.now(datetime.UTC) - started["CreatedAt"]
        assert abs(age.total_seconds()) < 60

        await on.timers.advance(1)
        session = await on.get(arn)
        assert session["Status"] == "ACTIVE"
        assert json.loads(session["SignalResponse"])["sdp"] == "answer 1"
        assert session["SignalRequest"] == offer("the first offer")

        listener = on.hosts.newest.listener
        listener.client_connected(1)
        assert await on.status(arn) == ("CONNECTED", None)
        assert "StreamingStartedAt" in await on.get(arn)

        await on.refused(on.create(arn, "too early an offer"), "ConflictException")
        listener.client_gone(1, graceful=False)
        assert await on.status(arn) == ("PENDING_CLIENT_RECONNECTION", None)

        # The offer that was refused for the status alone may come again.
        answer = await on.create(arn, "too early an offer")
        assert json.loads(answer)["sdp"] == "answer 2"
        session = await on.get(arn)
        assert (session["Status"], session["SignalResponse"]) == ("ACTIVE", answer)
        assert session["SignalRequest"] == offer("too early an offer")

        listener.client_connected(2)
        listener.client_gone(1, graceful=True)  # late news of the first connection
        assert await on.status(arn) == ("CONNECTED", None)

        await on.call("terminate_stream_session", Identifier=GROUP, StreamSessionIdentifier=arn)
        assert await on.status(arn) == ("TERMINATING", None)
        await on.timers.advance(1)
        assert await on.status(arn) == ("TERMINATED", "apiTerminated")
        assert "StreamingEndedAt" in await on.get(arn)
        assert on.hosts.newest.calls[-2:] == ["disconnect terminated", "stop"]
        await on.refused(on.create(arn, "after the end"), "ConflictException")
        await on.call("terminate_stream_session", Identifier=GROUP, StreamSessionIdentifier=arn)
        assert await on.status(arn) == ("TERMINATED", "apiTerminated")

    on_stage(life)


def test_both_windows_run_out() -> None:
    async def windows(on: Stage) -> None:
        nobody_came = await on.active()
        await on.timers.advance(10)
        assert await on.status(nobody_came) == ("TERMINATED", "connectionTimeout")

        gone = await on.active(SignalRequest=offer("second"), ConnectionTimeoutSeconds=20)
        on.hosts.newest.listener.client_connected(1)
        on.hosts.newest.listener.client_gone(1, graceful=False)
        await on.timers.advance(19.5)
        assert await on.status(gone) == ("PENDING_CLIENT_RECONNECTION", None)
        await on.timers.advance(1)
        assert await on.status(gone) == ("TERMINATED", "reconnectionTimeout")

        never_joined = await on.active(SignalRequest=offer("third"))
        on.hosts.newest.listener.client_connected(1)
        on.hosts.newest.listener.client_gone(1, graceful=False)
        await on.timers.advance(9)
        await on.create(never_joined, "fourth")
        await on.timers.advance(9.5)
        assert await on.status(never_joined) == ("ACTIVE", None)
        await on.timers.advance(1)
        assert await on.status(never_joined) == ("TERMINATED", "reconnectionTimeout")
        assert not any(host.running for host in on.hosts.made)

    on_stage(windows)


def test_placement_idle_length_and_the_games_own_end() -> None:
    async def ends(on: Stage) -> None:
        idle = await on.active()
        on.hosts.newest.listener.client_connected(1)
        await on.timers.advance(50)
        on.hosts.newest.listener.client_input()
        await on.timers.advance(50)
        assert await on.status(idle) == ("CONNECTED", None)
        await on.timers.advance(11)
        assert await on.status(idle) == ("TERMINATED", "idleTimeout")
        assert on.hosts.newest.calls[-2:] == ["disconnect idle", "stop"]

        short = await on.active(SignalRequest=offer("short"), SessionLengthSeconds=30)
        on.hosts.newest.listener.client_connected(1)
        await on.timers.advance(30)
        assert await on.status(short) == ("TERMINATED", "maxSessionLengthTimeout")

        left = await on.active(SignalRequest=offer("left"))
        on.hosts.newest.listener.game_exited(failed=False, detail="")
        assert await on.status(left) == ("TERMINATED", "applicationExit")

        killed = await on.active(SignalRequest=offer("killed"))
        on.hosts.newest.listener.game_exited(failed=True, detail="killed")
        assert await on.status(killed) == ("ERROR", "internalError")

        on.service.change_settings({"placement_s": 100.0})
        unplaced = (await on.start(SignalRequest=offer("unplaced")))["Arn"]
        message = await on.refused(
            on.call("terminate_stream_session", Identifier=GROUP, StreamSessionIdentifier=unplaced),
            "ValidationException",
        )
        assert "ACTIVATING" in message
        await on.timers.advance(76)
        assert await on.status(unplaced) == ("ERROR", "placementTimeout")

    on_stage(ends, EmulatorSettings(connection_timeout_s=10, idle_timeout_s=60.0))


def test_a_token_makes_a_call_happen_once() -> None:
    async def tokens(on: Stage) -> None:
        token = "t" * 32
        first = await on.start(ClientToken=token)
        again = await on.start(ClientToken=token)
        assert again["Arn"] == first["Arn"]
        await on.refused(on.start(ClientToken=token, UserId="another"), "ConflictException")
        await on.timers.advance(1)
        assert len(on.hosts.made) == 1

        arn, host = first["Arn"], on.hosts.newest
        host.listener.client_connected(1)
        host.listener.client_gone(1, graceful=False)
        host.hold = asyncio.Event()
        both = [
            spawn(on.create(arn, "one offer", ClientToken="c" * 40), name="test:create")
            for _ in range(2)
        ]
        await host.until("answer 2")
        assert await on.status(arn) == ("RECONNECTING", None)
        host.hold.set()
        answers = await asyncio.gather(*both)
        assert answers[0] == answers[1]
        assert host.calls.count("answer 2") == 1
        assert "answer 3" not in host.calls
        # And later still, by a caller who lost the answer.
        assert await on.create(arn, "one offer", ClientToken="c" * 40) == answers[0]

    on_stage(tokens)


def test_a_used_offer_is_refused() -> None:
    async def reuse(on: Stage) -> None:
        arn = await on.active()
        message = await on.refused(on.create(arn, "the first offer"), "ValidationException")
        assert "used before" in message
        assert await on.status(arn) == ("ACTIVE", None)
        await on.refused(on.start(), "ValidationException")
        # The same credentials in another wrapping are the same offer.
        rewrapped = json.dumps({"sdp": json.loads(offer("the first offer"))["sdp"], "type": "x"})
        await on.refused(on.start(SignalRequest=rewrapped), "ValidationException")
        on.service.change_settings({"reused_offer": "session"})
        await on.refused(on.create(arn, "the first offer"), "ValidationException")
        assert await on.status(arn) == ("ERROR", "invalidSignalRequest")
        started = await on.start()
        assert await on.status(started["Arn"]) == ("ERROR", "invalidSignalRequest")

    on_stage(reuse)


def test_a_bad_offer_ends_the_call_or_the_session() -> None:
    async def bad(on: Stage) -> None:
        arn = await on.active(SignalRequest=offer("bad"))
        assert await on.status(arn) == ("ERROR", "invalidSignalRequest")
        lives = await on.active(SignalRequest=offer("good"))
        on.service.change_settings({"bad_offer": "call"})
        await on.refused(on.create(lives, "bad 2"), "ValidationException")
        assert await on.status(lives) == ("ACTIVE", None)
        on.service.change_settings({"bad_offer": "session"})
        await on.refused(on.create(lives, "bad 3"), "ValidationException")
        assert await on.status(lives) == ("ERROR", "invalidSignalRequest")

    on_stage(bad)


def test_a_session_without_a_client_waits_for_its_first() -> None:
    async def no_client(on: Stage) -> None:
        arn = await on.active(SignalRequest=NO_CLIENT_CONNECTION)
        session = await on.get(arn)
        assert session["Status"] == "ACTIVE"
        assert "SignalResponse" not in session
        assert json.loads(await on.create(arn, "first client"))["sdp"] == "answer 1"
        on.hosts.newest.listener.client_connected(1)
        assert await on.status(arn) == ("CONNECTED", None)
        # Not an offer, so it may start a second session too.
        await on.active(SignalRequest=NO_CLIENT_CONNECTION)

    on_stage(no_client)


def test_ids_arns_and_what_is_not_there() -> None:
    async def ids(on: Stage) -> None:
        arn = await on.active()
        group_arn = f"arn:aws:gameliftstreams:us-west-2:111122223333:streamgroup/{GROUP}"
        by_id = await on.call(
            "get_stream_session", Identifier=GROUP, StreamSessionIdentifier=arn.split("/")[-1]
        )
        by_arn = await on.call(
            "get_stream_session", Identifier=group_arn, StreamSessionIdentifier=arn
        )
        assert by_id["Arn"] == by_arn["Arn"] == arn

        def get(group: str, session: str) -> Any:
            return on.call("get_stream_session", Identifier=group, StreamSessionIdentifier=session)

        await on.refused(get("sg-nothere", arn), "ResourceNotFoundException")
        await on.refused(get(GROUP, "nothere"), "ResourceNotFoundException")
        await on.refused(
            get(GROUP, arn.replace("us-west-2", "eu-west-1")), "ResourceNotFoundException"
        )
        await on.refused(get(GROUP, "not an id!"), "ValidationException")
        await on.refused(on.start(ApplicationIdentifier="a-nothere"), "ResourceNotFoundException")
        group = await on.call("get_stream_group", Identifier=group_arn)
        assert (group["Status"], group["Id"]) == ("ACTIVE", GROUP)
        application = await on.call("get_application", Identifier=SETTINGS.application_id)
        assert application["Status"] == "READY"

    on_stage(ids)


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
def test_limits_are_the_models(params: dict[str, Any]) -> None:
    # boto3 checks types and lower limits itself and leaves these to the service.
    async def limits(on: Stage) -> None:
        message = await on.refused(on.start(**params), "ValidationException")
        assert next(iter(params)) in message

    on_stage(limits)


def test_listing_is_newest_first_filtered_and_paged() -> None:
    async def listing(on: Stage) -> None:
        arns = [
            (await on.start(SignalRequest=offer(f"number {number}")))["Arn"] for number in range(5)
        ]
        await on.timers.advance(1)
        on.hosts.made[0].listener.client_connected(1)

        def pages(**params: Any) -> list[str]:
            paginator = on.boto.get_paginator("list_stream_sessions")
            return [
                item["Arn"]
                for page in paginator.paginate(Identifier=GROUP, **params)
                for item in page["Items"]
            ]

        assert await asyncio.to_thread(pages, PaginationConfig={"PageSize": 2}) == arns[::-1]
        assert await asyncio.to_thread(pages, Status="CONNECTED") == [arns[0]]
        await on.refused(
            on.call("list_stream_sessions", Identifier=GROUP, NextToken="made up"),
            "ValidationException",
        )
        await on.refused(
            on.call("list_stream_sessions", Identifier=GROUP, MaxResults=101),
            "ValidationException",
        )

    on_stage(listing)


def test_the_account_lists_sessions_of_every_group() -> None:
    async def listing(on: Stage) -> None:
        arns = [
            (await on.start(Identifier=group, SignalRequest=offer(group)))["Arn"]
            for group in ("sg-1st", "sg-2nd")
        ]

        def pages(operation: str, **params: Any) -> list[dict[str, Any]]:
            paginator = on.boto.get_paginator(operation)
            return [item for page in paginator.paginate(**params) for item in page["Items"]]

        everywhere = await asyncio.to_thread(
            pages, "list_stream_sessions_by_account", PaginationConfig={"PageSize": 1}
        )
        assert [item["Arn"] for item in everywhere] == arns[::-1]
        assert "SignalRequest" not in everywhere[0]  # a summary, as its shape has it
        one = await asyncio.to_thread(pages, "list_stream_sessions", Identifier="sg-1st")
        assert [item["Arn"] for item in one] == arns[:1]
        none = await asyncio.to_thread(
            pages, "list_stream_sessions_by_account", ExportFilesStatus="FAILED"
        )
        assert none == []
        await on.refused(
            on.call("list_stream_sessions_by_account", Status="SLEEPING"), "ValidationException"
        )
        groups = await asyncio.to_thread(
            pages, "list_stream_groups", PaginationConfig={"PageSize": 1}
        )
        assert [(group["Id"], group["Status"]) for group in groups] == [
            ("sg-1st", "ACTIVE"),
            ("sg-2nd", "ACTIVE"),
        ]
        [application] = await asyncio.to_thread(pages, "list_applications")
        assert (application["Id"], application["Status"]) == (SETTINGS.application_id, "READY")
        assert application["RuntimeEnvironment"]["Type"] == "UBUNTU"

    on_stage(listing, EmulatorSettings(stream_group_ids=("sg-1st", "sg-2nd")))


def test_botos_waiters_wait() -> None:
    async def waiting(on: Stage) -> None:
        started = await on.start()
        where = {"Identifier": GROUP, "StreamSessionIdentifier": started["Arn"]}
        waiter = await asyncio.to_thread(on.boto.get_waiter, "stream_session_active")
        wait = spawn(asyncio.to_thread(waiter.wait, **where), name="test:wait")
        asked = {"GetStreamSession": 1, "StartStreamSession": 1}
        while on.faults.describe()["api_calls"] != asked:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)
        assert not wait.done()
        await on.timers.advance(1)
        await wait
        assert await on.status(started["Arn"]) == ("ACTIVE", None)

        on.service.end_session("internalError")
        with pytest.raises(WaiterError, match="terminal failure"):
            await asyncio.to_thread(waiter.wait, **where)
        for name, identifier in (
            ("stream_group_active", GROUP),
            ("application_ready", SETTINGS.application_id),
        ):
            other = await asyncio.to_thread(on.boto.get_waiter, name)
            await asyncio.to_thread(other.wait, Identifier=identifier)

    on_stage(waiting)


@pytest.mark.parametrize(
    ("setting", "error"), [("conflict", "ConflictException"), ("validation", "ValidationException")]
)
def test_a_stream_group_that_is_not_active_takes_nobody(setting: str, error: str) -> None:
    async def inactive(on: Stage) -> None:
        on.service.change_settings({"wrong_state_error": setting})
        arn = await on.active()
        again = {"SignalRequest": offer("another"), "ClientToken": "t" * 32}
        for status in ("UPDATING_LOCATIONS", "ACTIVE_WITH_ERRORS", "EXPIRED"):
            on.service.change_settings({"stream_group_status": status})
            group = await on.call("get_stream_group", Identifier=GROUP)
            assert group["Status"] == status
            assert status in await on.refused(on.start(**again), error)
            assert status in await on.refused(on.create(arn, "a new offer"), error)
        assert await on.status(arn) == ("ACTIVE", None)
        on.service.change_settings({"stream_group_status": "ACTIVE"})
        await on.create(arn, "a new offer")  # neither the offer nor the token was used up
        await on.start(**again)

    on_stage(inactive)


@pytest.mark.parametrize(
    ("capacity", "limit_s"),
    [("always_on", 75), ("on_demand_linux", 90), ("on_demand_windows", 600)],
)
def test_placement_takes_as_long_as_its_capacity_may(capacity: str, limit_s: int) -> None:
    async def unplaced(on: Stage) -> None:
        on.service.change_settings({"capacity": capacity, "placement_s": 1000.0})
        arn = (await on.start())["Arn"]
        await on.timers.advance(limit_s - 1)
        assert await on.status(arn) == ("ACTIVATING", None)
        await on.timers.advance(1)
        assert await on.status(arn) == ("ERROR", "placementTimeout")

    on_stage(unplaced)


def test_every_reason_that_no_call_brings_about() -> None:
    async def reasons(on: Stage) -> None:
        for reason, status in (
            ("applicationExit", "TERMINATED"),
            ("internalError", "ERROR"),
            ("applicationLogS3DestinationError", "ERROR"),
            ("assumeRoleFailed", "ERROR"),
        ):
            arn = await on.active(SignalRequest=offer(reason))
            on.service.end_session(reason, arn)
            assert await on.status(arn) == (status, reason)
        with pytest.raises(BadInputError, match="no such stream session"):
            on.service.end_session("internalError")
        with pytest.raises(BadInputError, match="applicationExit"):
            on.service.end_session("boredom")

    on_stage(reasons)


def test_what_a_start_asked_for_is_shown_again() -> None:
    async def shown(on: Stage) -> None:
        asked = {
            "AdditionalLaunchArgs": ["-windowed"],
            "AdditionalEnvironmentVariables": {"LEVEL": "3"},
            "PerformanceStatsConfiguration": {"SharedWithClient": True},
            "DisplayConfiguration": {"Resolution": {"Width": 1280, "Height": 720}},
            "RoleArn": "arn:aws:iam::111122223333:role/stream",
        }
        arn = await on.active(Locations=["eu-central-1", "us-west-2"], **asked)
        session = await on.get(arn)
        assert {name: session[name] for name in asked} == asked
        assert (session["Location"], session["Protocol"]) == ("eu-central-1", "WebRTC")
        assert session["ApplicationArn"].endswith(f"application/{SETTINGS.application_id}")
        assert session["StreamGroupId"] == GROUP

    on_stage(shown)


def test_each_operation_is_throttled_on_its_own() -> None:
    async def throttled(on: Stage) -> None:
        arn = (await on.start())["Arn"]
        for _ in range(3):
            await on.get(arn)
        await on.refused(on.get(arn), "ThrottlingException")
        await on.call("list_stream_sessions", Identifier=GROUP)
        await on.timers.advance(0.5)
        await on.get(arn)

    on_stage(throttled, EmulatorSettings(requests_per_s=3.0))


def test_who_may_call() -> None:
    async def signed(on: Stage) -> None:
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

    on_stage(signed)


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


def test_odd_requests_get_errors_and_not_silence() -> None:
    async def odd(on: Stage) -> None:
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

    on_stage(odd)


def test_api_faults() -> None:
    async def faults(on: Stage) -> None:
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

    on_stage(faults)


def test_a_call_can_be_done_and_its_answer_lost() -> None:
    async def lost(on: Stage) -> None:
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

    on_stage(lost)


def test_an_answer_can_be_malformed() -> None:
    async def malformed(on: Stage) -> None:
        arn = await on.active()
        on.faults.arm(ApiFault(ApiFaultKind.MALFORMED, times=2))
        # boto3 reads a body that is no JSON as an empty one: nothing is raised, all is missing.
        with pytest.raises(KeyError, match="SignalResponse"):
            await on.create(arn, "second")
        assert "Arn" not in await on.get(arn)
        assert (await on.get(arn))["SignalRequest"] == offer("second")  # it had been done
        with pytest.raises(BadInputError, match="no such operation"):
            on.faults.arm(ApiFault(ApiFaultKind.MALFORMED, "StartEngine"))

    on_stage(malformed)


def test_a_retry_by_the_sdk_is_one_call() -> None:
    async def retried(on: Stage) -> None:
        on.faults.arm(ApiFault(ApiFaultKind.SLOW, "StartStreamSession", delay_s=1.0))
        patient = boto_client(
            on.port,
            on.service.settings,
            read_timeout=0.3,
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

    on_stage(retried)
