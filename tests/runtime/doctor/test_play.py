"""A short game: what is measured, and that the session is ended however it goes."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from helpers.headless_scene import small
from rejoin.core.model import ConnectionNumber
from rejoin.emulator.service.control import EmulatorControl
from rejoin.media.statistics import StreamStatistics
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.doctor import play as module
from rejoin.runtime.doctor.connection import BEFORE
from rejoin.runtime.doctor.findings import Outcome
from rejoin.runtime.doctor.play import PlayChecks, late_share, numbers_of, play
from rejoin.runtime.doctor.rating import PlayNumbers
from rejoin.runtime.doctor.run import run_checks
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.studio.serve import studio
from rejoin.tasks import spawn

FIRST = StreamStatistics(
    ConnectionNumber(1),
    candidate_pair="host-host udp",
    width=640,
    height=360,
    rtt_s=0.02,
    jitter_s=0.003,
    decode_ms=2.0,
    packets_received=1000,
    packets_lost=5,
    bytes_received=10_000,
    freeze_count=1,
)
LAST = replace(
    FIRST,
    rtt_s=0.04,
    packets_received=1900,
    packets_lost=105,
    packets_recovered=20,
    bytes_received=1_010_000,
)


ENDED = frozenset({"TERMINATING", "TERMINATED"})


def test_numbers_are_of_the_time_between_the_first_and_the_last_statistics() -> None:
    times = [at / 10 for at in range(200)]
    found = numbers_of([(10.0, FIRST), (14.0, LAST)], times)
    assert found == PlayNumbers(
        played_s=4.0,
        loss=0.1,
        repaired=0.02,
        rtt_ms=30.0,
        jitter_ms=3.0,
        bitrate_kbps=2000.0,
        late=0.0,
        freezes=0,
        pictures=100,
        decode_ms=2.0,
        size=(640, 360),
        path="host-host udp",
    )


def test_without_statistics_there_are_no_numbers() -> None:
    assert numbers_of([], [1.0, 2.0]) == PlayNumbers(pictures=2)
    one = numbers_of([(10.0, FIRST)], [])
    assert (one.loss, one.bitrate_kbps, one.late) == (None, None, None)


def test_pictures_are_late_after_two_intervals() -> None:
    even = [float(at) for at in range(21)]
    assert late_share(even) == 0.0
    assert late_share([*even, 21.9]) == 0.0
    assert late_share([*even[:-1], 21.5]) == 0.05
    assert late_share(even[:10]) is None


def test_a_busy_computer_wakes_up_late() -> None:
    assert module.busy_ms([0.001] * 19) is None
    assert module.busy_ms([0.001] * 99 + [9.0]) == 1.0
    assert module.busy_ms([0.001] * 90 + [0.05] * 10) == 50.0


async def test_without_a_profile_nothing_is_played() -> None:
    checks = PlayChecks(lambda: None, str)
    found = await run_checks(checks.checks(), lambda update: None)
    assert [each.outcome for each in found] == [Outcome.NOT_KNOWN] * 3
    assert found[0].found == BEFORE
    assert checks.numbers is None


async def statuses(control: EmulatorControl) -> list[str]:
    return [session["status"] for session in (await control.state())["sessions"]]


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left_behind")
async def test_a_game_is_played_measured_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MORE_S", 60.0)
    async with studio(small(5.0)) as there:
        profile = StudioProfile(
            there.backend_url, there.player_token, NetworkRules(loopback_only=True)
        )
        checks = PlayChecks(lambda: profile, str, seconds=2.5)
        found = await run_checks(checks.checks(), lambda update: None)
        async with EmulatorControl(there.control_url, there.control_token) as control:
            assert ENDED.issuperset(await statuses(control))
    numbers = checks.numbers
    assert numbers is not None
    steps = (
        numbers.moments.answered,
        numbers.moments.heard,
        numbers.moments.connected,
        numbers.moments.picture,
        numbers.moments.input,
    )
    assert None not in steps
    assert list(steps[:4]) == sorted(steps[:4], key=lambda at: at or 0)
    assert numbers.pictures > 0
    assert numbers.busy_ms is not None
    assert numbers.bitrate_kbps is not None
    assert numbers.bitrate_kbps > 0
    assert numbers.size[1] == small(5.0).height
    assert numbers.input_bytes > 0
    assert [each.check for each in found] == ["game", "input", "quality"]
    assert found[0].outcome is Outcome.OK
    assert found[1].outcome is Outcome.OK
    assert found[2].outcome is not Outcome.NOT_KNOWN


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left_behind")
async def test_a_game_that_is_cancelled_is_ended() -> None:
    async with studio(small(5.0)) as there:
        profile = StudioProfile(
            there.backend_url, there.player_token, NetworkRules(loopback_only=True)
        )
        async with EmulatorControl(there.control_url, there.control_token) as control:
            task = spawn(play(profile, 60.0), name="play")
            while await statuses(control) != ["CONNECTED"]:
                assert not task.done()
                await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert ENDED.issuperset(await statuses(control))


@pytest.mark.usefixtures("nothing_left_behind")
async def test_a_backend_that_is_gone_ends_the_game(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIVE_WITHIN_S", 60.0)
    profile = StudioProfile("http://127.0.0.1:9", "token", NetworkRules(loopback_only=True))
    found = await play(profile, 1.0)
    assert found.ending is not None
    assert found.numbers.moments.answered is None
