"""Every emulated operation, called by unmodified boto3, on a clock that only the tests move."""

from __future__ import annotations

import asyncio
import datetime
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError, WaiterError

from helpers.emulated_api import GROUP, SETTINGS, emulated_api
from helpers.fake_host import offer
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.emulator.service.used_offers import NO_CLIENT_CONNECTION
from rejoin.errors import BadInputError
from rejoin.tasks import spawn


async def test_the_whole_life_of_a_session() -> None:
    async with emulated_api() as on:
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


async def test_both_windows_run_out() -> None:
    async with emulated_api() as on:
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


async def test_placement_idle_session_length_and_the_end_of_the_game() -> None:
    async with emulated_api(EmulatorSettings(connection_timeout_s=10, idle_timeout_s=60.0)) as on:
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
        on.hosts.newest.listener.game_exited("closed by the player")
        assert await on.status(left) == ("TERMINATED", "applicationExit")

        killed = await on.active(SignalRequest=offer("killed"))
        on.hosts.newest.listener.game_exited("killed")
        assert await on.status(killed) == ("TERMINATED", "applicationExit")

        on.service.change_settings({"placement_s": 100.0})
        unplaced = (await on.start(SignalRequest=offer("unplaced")))["Arn"]
        message = await on.refused(
            on.call("terminate_stream_session", Identifier=GROUP, StreamSessionIdentifier=unplaced),
            "ValidationException",
        )
        assert "ACTIVATING" in message
        await on.timers.advance(76)
        assert await on.status(unplaced) == ("ERROR", "placementTimeout")


async def test_a_token_makes_a_call_happen_once() -> None:
    async with emulated_api() as on:
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
        # And later, by a caller that lost the answer.
        assert await on.create(arn, "one offer", ClientToken="c" * 40) == answers[0]


async def test_a_used_offer_is_refused() -> None:
    async with emulated_api() as on:
        arn = await on.active()
        message = await on.refused(on.create(arn, "the first offer"), "ValidationException")
        assert "used before" in message
        assert await on.status(arn) == ("ACTIVE", None)
        await on.refused(on.start(), "ValidationException")
        # The same credentials in another wrapping are the same offer.
        rewrapped = json.dumps({"sdp": json.loads(offer("the first offer"))["sdp"], "type": "x"})
        await on.refused(on.start(SignalRequest=rewrapped), "ValidationException")
        on.service.change_settings({"reused_offer_fails": "session"})
        await on.refused(on.create(arn, "the first offer"), "ValidationException")
        assert await on.status(arn) == ("ERROR", "invalidSignalRequest")
        started = await on.start()
        assert await on.status(started["Arn"]) == ("ERROR", "invalidSignalRequest")


async def test_a_bad_offer_ends_the_call_or_the_session() -> None:
    async with emulated_api() as on:
        arn = await on.active(SignalRequest=offer("bad"))
        assert await on.status(arn) == ("ERROR", "invalidSignalRequest")
        lives = await on.active(SignalRequest=offer("good"))
        on.service.change_settings({"bad_offer_fails": "call"})
        await on.refused(on.create(lives, "bad 2"), "ValidationException")
        assert await on.status(lives) == ("ACTIVE", None)
        on.service.change_settings({"bad_offer_fails": "session"})
        await on.refused(on.create(lives, "bad 3"), "ValidationException")
        assert await on.status(lives) == ("ERROR", "invalidSignalRequest")


async def test_a_session_without_a_client_waits_for_its_first() -> None:
    async with emulated_api() as on:
        arn = await on.active(SignalRequest=NO_CLIENT_CONNECTION)
        session = await on.get(arn)
        assert session["Status"] == "ACTIVE"
        assert "SignalResponse" not in session
        assert json.loads(await on.create(arn, "first client"))["sdp"] == "answer 1"
        on.hosts.newest.listener.client_connected(1)
        assert await on.status(arn) == ("CONNECTED", None)
        # Not an offer, so it may start a second session too.
        await on.active(SignalRequest=NO_CLIENT_CONNECTION)


async def test_ids_and_arns_are_found_and_others_are_not() -> None:
    async with emulated_api() as on:
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


async def test_listing_is_newest_first_filtered_and_paged() -> None:
    async with emulated_api() as on:
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


async def test_a_list_is_as_old_as_the_setting_says() -> None:
    async with emulated_api(EmulatorSettings(list_lag_s=5.0)) as on:
        arn = (await on.start(SignalRequest=offer("mine")))["Arn"]

        async def listed(status: str) -> list[str]:
            page = await on.call("list_stream_sessions", Identifier=GROUP, Status=status)
            return [item["Arn"] for item in page["Items"] if item["Status"] == status]

        await on.timers.advance(1)
        assert (await on.call("list_stream_sessions", Identifier=GROUP))["Items"] == []
        on.hosts.made[0].listener.client_connected(1)
        await on.timers.advance(4.5)
        assert (await listed("ACTIVE"), await listed("CONNECTED")) == ([arn], [])
        now = await on.call("get_stream_session", Identifier=GROUP, StreamSessionIdentifier=arn)
        assert now["Status"] == "CONNECTED"
        await on.timers.advance(1)
        assert (await listed("ACTIVE"), await listed("CONNECTED")) == ([], [arn])


async def test_a_page_goes_on_where_the_one_before_ended_whatever_changed_since() -> None:
    async with emulated_api() as on:
        arns = [
            (await on.start(SignalRequest=offer(f"number {number}")))["Arn"] for number in range(4)
        ]
        await on.timers.advance(1)
        first = await on.call(
            "list_stream_sessions", Identifier=GROUP, Status="ACTIVE", MaxResults=2
        )
        assert [item["Arn"] for item in first["Items"]] == [arns[3], arns[2]]
        on.hosts.made[1].listener.client_connected(1)  # the first one of the next page
        second = await on.call(
            "list_stream_sessions",
            Identifier=GROUP,
            Status="ACTIVE",
            MaxResults=2,
            NextToken=first["NextToken"],
        )
        assert [item["Arn"] for item in second["Items"]] == [arns[0]]
        assert "NextToken" not in second


async def test_the_account_lists_sessions_of_every_group() -> None:
    async with emulated_api(EmulatorSettings(stream_group_ids=("sg-1st", "sg-2nd"))) as on:
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


async def test_boto3s_waiters_wait() -> None:
    async with emulated_api() as on:
        started = await on.start()
        where = {"Identifier": GROUP, "StreamSessionIdentifier": started["Arn"]}
        waiter = await asyncio.to_thread(on.boto.get_waiter, "stream_session_active")
        wait = spawn(asyncio.to_thread(waiter.wait, **where), name="test:wait")
        expected = {"GetStreamSession": 1, "StartStreamSession": 1}
        while on.faults.describe()["api_calls"] != expected:  # noqa: ASYNC110 - it has no event
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


@pytest.mark.parametrize(
    ("setting", "error"), [("conflict", "ConflictException"), ("validation", "ValidationException")]
)
async def test_a_stream_group_that_is_not_active_refuses_sessions(setting: str, error: str) -> None:
    async with emulated_api() as on:
        on.service.change_settings({"wrong_status_error": setting})
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


@pytest.mark.parametrize(
    ("capacity", "limit_s"),
    [("always_on", 75), ("on_demand_linux", 90), ("on_demand_windows", 600)],
)
async def test_the_placement_timeout_depends_on_the_capacity(capacity: str, limit_s: int) -> None:
    async with emulated_api() as on:
        on.service.change_settings({"capacity": capacity, "placement_s": 1000.0})
        arn = (await on.start())["Arn"]
        await on.timers.advance(limit_s - 1)
        assert await on.status(arn) == ("ACTIVATING", None)
        await on.timers.advance(1)
        assert await on.status(arn) == ("ERROR", "placementTimeout")


async def test_every_reason_that_no_call_can_cause() -> None:
    async with emulated_api() as on:
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


async def test_what_a_start_requested_is_shown_again() -> None:
    async with emulated_api() as on:
        requested = {
            "AdditionalLaunchArgs": ["-windowed"],
            "AdditionalEnvironmentVariables": {"LEVEL": "3"},
            "PerformanceStatsConfiguration": {"SharedWithClient": True},
            "DisplayConfiguration": {"Resolution": {"Width": 1280, "Height": 720}},
            "RoleArn": "arn:aws:iam::111122223333:role/GameLiftStreams-stream",
        }
        arn = await on.active(Locations=["eu-central-1", "us-west-2"], **requested)
        session = await on.get(arn)
        assert {name: session[name] for name in requested} == requested
        assert (session["Location"], session["Protocol"]) == ("eu-central-1", "WebRTC")
        assert session["ApplicationArn"].endswith(f"application/{SETTINGS.application_id}")
        assert session["StreamGroupId"] == GROUP


@pytest.mark.parametrize(
    ("width", "height", "accepted"),
    [
        (1920, 1080, True),
        (1080, 1920, True),
        (320, 320, True),
        (4096, 506, True),
        (1280, 721, False),
        (1281, 720, False),
        (318, 720, False),
        (4098, 320, False),
        (1922, 1080, False),
        (4096, 508, False),
    ],
)
async def test_a_display_configuration_has_its_limits(
    width: int, height: int, accepted: bool
) -> None:
    display = {"Resolution": {"Width": width, "Height": height}}
    async with emulated_api() as on:
        if accepted:
            await on.active(DisplayConfiguration=display)
            host = on.hosts.newest
            assert host.settings.picture_size == (width, height)
            return
        # boto3 itself checks the model's limits of a side, and nothing else.
        with pytest.raises((ParamValidationError, ClientError), match="Resolution"):
            await on.start(DisplayConfiguration=display)


async def test_a_display_configuration_is_what_the_host_sends() -> None:
    async with emulated_api(EmulatorSettings(connection_timeout_s=10)) as on:
        await on.active(SignalRequest=offer("none"))
        assert on.hosts.newest.settings.picture_size == (1920, 1080)
        await on.active(SignalRequest=offer("empty"), DisplayConfiguration={})
        assert on.hosts.newest.settings.picture_size == (1920, 1080)
        display = {"Resolution": {"Width": 1600, "Height": 900}}
        await on.active(SignalRequest=offer("own"), DisplayConfiguration=display)
        host = on.hosts.newest
        assert host.settings.picture_size == (1600, 900)
        on.service.change_settings({"width": 640, "height": 360, "resolution_scale": 0.5})
        assert host.settings.picture_size == (800, 450)


@pytest.mark.parametrize(
    ("role", "accepted"),
    [
        ("GameLiftStreams-game", True),
        ("games/eu/GameLiftStreams-game", True),
        ("game", False),
        ("GameLiftStreams-/game", False),
        ("gameliftstreams-game", False),
    ],
)
async def test_a_role_has_the_documented_prefix(role: str, accepted: bool) -> None:
    async with emulated_api() as on:
        starting = on.start(RoleArn=f"arn:aws:iam::111122223333:role/{role}")
        if accepted:
            assert (await starting)["Status"] == "ACTIVATING"
        else:
            assert "RoleArn" in await on.refused(starting, "ValidationException")


@pytest.mark.parametrize(
    ("setting", "said"),
    [("terminated", "terminated"), ("status_reason", "applicationExit")],
)
async def test_a_disconnect_says_idle_or_terminated(setting: str, said: str) -> None:
    async with emulated_api() as on:
        on.service.change_settings({"disconnect_reason": setting})
        arn = await on.active()
        host = on.hosts.newest
        host.listener.client_connected(1)
        host.listener.game_exited("crashed")
        assert await on.status(arn) == ("TERMINATED", "applicationExit")
        await on.timers.advance(1)
        assert host.calls[-2:] == [f"disconnect {said}", "stop"]
