"""A fleet on Dask against an emulator, one of whose batches is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator

import psutil
import pytest

from rejoin.emulator.service.control import BlockingEmulatorControl
from rejoin.qa.client_case import Job, surroundings_of
from rejoin.qa.fleet.cluster import Cluster, opened
from rejoin.qa.fleet.players import Signal
from rejoin.qa.fleet.run import Fleet, Plan
from rejoin.qa.verdicts import Verdict, Why
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.studio.process import studio_process
from rejoin.verify.scenario import Drop, ScenarioCase, Service

pytestmark = pytest.mark.live

CASE = ScenarioCase(
    "drop", Service(30.0, 3.0), (Drop("ip_change", 0.5),), 8.0, "live", None, True, None
)


@contextlib.contextmanager
def emulator() -> Iterator[StudioProfile]:
    with studio_process(notice_silent_client_s=3.0, connection_timeout_s=30.0) as there:
        BlockingEmulatorControl(there.control_url, there.control_token).change_settings(
            modelled_media=True, relay_ports=(0, 0), fps=10
        )
        yield StudioProfile(there.backend_url, there.player_token, NetworkRules(loopback_only=True))


class KillsOne:
    """A cluster that kills the process of one batch right before the faults begin."""

    def __init__(self, there: Cluster) -> None:
        self._there = there
        self.places = there.places
        self.listen = there.listen
        self.submit = there.submit

    def give(self, run: str, signal_: Signal) -> None:
        if signal_ == "begin":
            first, _ = batch_processes()
            os.kill(first, signal.SIGKILL)
        self._there.give(run, signal_)


def batch_processes() -> list[int]:
    """Of the fleet that this test plays."""
    return [
        process.pid
        for process in psutil.Process().children(recursive=True)
        if "rejoin.qa.fleet.batch_process" in process.cmdline()
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="it kills by a signal")
def test_players_rejoin_and_those_of_a_killed_process_are_results() -> None:
    with emulator() as profile, opened(None, 2) as there:
        where = surroundings_of(profile)
        jobs = tuple(
            Job(
                run="test-fleet",
                scenario="test",
                case=CASE,
                repetition=number + 1,
                index=number,
                seed=number,
                profile=profile,
                surroundings=where,
                start_within_s=120.0,
                modelled=True,
                alone=False,
            )
            for number in range(4)
        )
        plan = Plan("test-fleet", jobs, 5.0, guarded=False)
        found = Fleet(plan, KillsOne(there), lambda result: None).play()
        assert batch_processes() == []
    by_batch: dict[int, set[tuple[Verdict, Why]]] = {}
    for each in found.in_order():
        by_batch.setdefault(each.batch, set()).add((each.record.verdict, each.record.why))
    assert set(map(frozenset, by_batch.values())) == {
        frozenset({(Verdict.PASSED, Why.AS_EXPECTED)}),
        frozenset({(Verdict.FAILED, Why.CLIENT)}),
    }
    rejoined = [each.record.played for each in found.in_order() if each.record.played is not None]
    assert [each.reconnects >= 1 for each in rejoined] == [True, True]
    assert {each.memory_mb for each in rejoined} == {None}, "it is that of all together"
    assert len(found.costs) == 1
