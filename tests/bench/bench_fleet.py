"""Fleets on one machine: players that rejoin; what a player costs, and its share of the emulator"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator

import psutil

from bench.measure import Measurement
from bench.process_usage import cpu_s, rss_mb
from rejoin.emulator.service.control import BlockingEmulatorControl
from rejoin.qa.client_case import Job, surroundings_of
from rejoin.qa.fleet.cluster import opened
from rejoin.qa.fleet.figures import figures
from rejoin.qa.fleet.messages import Media
from rejoin.qa.fleet.run import Fleet, Outcome, Plan
from rejoin.qa.verdicts import Verdict
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.studio.process import studio_process
from rejoin.verify.scenario import Drop, ScenarioCase, Service

SERVICE = Service(120.0, 5.0)
CASE = ScenarioCase("cut", SERVICE, (Drop("ip_change", 2.0),), 15.0, "live", None, True, None)
WORKERS = 2


def run(quick: bool) -> Iterator[Measurement]:
    fleets: tuple[tuple[int, Media], ...] = ((50, "modelled"), (5, "real"))
    if quick:
        fleets = ((2, "modelled"), (1, "real"))
    for players, media in fleets:
        yield from _measure(players, media)


def _measure(players: int, media: Media) -> Iterator[Measurement]:
    with _emulator(media) as (profile, process_id), opened(None, WORKERS) as there:
        plan = Plan(f"bench-{media}", _jobs(players, profile, media), 5.0, guarded=False)
        began_at, used_s, before_mb = time.monotonic(), cpu_s(process_id), rss_mb(process_id)
        outcome = Fleet(plan, there, lambda result: None).play()
        took_s, used_s = time.monotonic() - began_at, cpu_s(process_id) - used_s
        grew_mb = rss_mb(process_id) - before_mb
    conditions = (
        f"{WORKERS} processes of players and one emulator on {os.cpu_count()} processors, started "
        "5 a second; all lose their path 2 s after the last is live, and play 13 s more"
    )
    yield from _of_players(f"{players} with {media} media", outcome, conditions)
    name = f"{players} with {media} media: emulator, a player"
    yield Measurement(f"{name}: CPU", 100 * used_s / took_s / players, "% of a core", conditions)
    yield Measurement(f"{name}: memory kept at the end", grew_mb / players, "MB", conditions)


def _of_players(name: str, outcome: Outcome, conditions: str) -> Iterator[Measurement]:
    records = [result.record for result in outcome.in_order()]
    passed = sum(record.verdict is Verdict.PASSED for record in records)
    yield Measurement(f"{name}: rejoined", passed, "players", conditions)
    for figure in figures(records):
        for percent in (50, 90):
            title = f"{name}: {figure.name}, p{percent}"
            yield Measurement(title, figure.percentile(percent), "s", conditions)
    counted = sum(cost.players for cost in outcome.costs)
    share = sum(cost.cpu_s / cost.took_s for cost in outcome.costs) / max(1, counted)
    grown = sum(cost.grew_bytes or 0 for cost in outcome.costs) / max(1, counted)
    yield Measurement(f"{name}: client, a player: CPU", 100 * share, "% of a core", conditions)
    yield Measurement(f"{name}: client, a player: memory", grown / 1e6, "MB", conditions)


def _jobs(players: int, profile: StudioProfile, media: Media) -> tuple[Job, ...]:
    where = surroundings_of(profile)
    return tuple(
        Job(
            run=f"bench-{media}",
            scenario="bench",
            case=CASE,
            repetition=number + 1,
            index=number,
            seed=number + 1,
            profile=profile,
            surroundings=where,
            start_within_s=120.0,
            modelled=media == "modelled",
            alone=False,
        )
        for number in range(players)
    )


@contextlib.contextmanager
def _emulator(media: Media) -> Iterator[tuple[StudioProfile, int]]:
    """The profile that plays there, and the emulator's process."""
    with studio_process(
        notice_silent_client_s=SERVICE.notice_silent_client_s,
        connection_timeout_s=SERVICE.connection_timeout_s,
    ) as there:
        changes: dict[str, object] = {"relay_ports": (0, 0)}
        changes |= (
            {"modelled_media": True, "fps": 10}
            if media == "modelled"
            else {"width": 640, "height": 360, "fps": 30}
        )
        BlockingEmulatorControl(there.control_url, there.control_token).change_settings(**changes)
        (process,) = (each for each in psutil.Process().children() if "studio" in each.cmdline())
        profile = StudioProfile(
            there.backend_url, there.player_token, NetworkRules(loopback_only=True)
        )
        yield profile, process.pid
