"""A case at a backend that is only known by its URL: a studio in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from conftest import LogRecords
from rejoin.core.trace import from_line, to_line
from rejoin.netem.link import Direction
from rejoin.qa import client_case
from rejoin.qa.client_case import Job, play, surroundings_of
from rejoin.qa.game_proof import Rests, Says
from rejoin.qa.results import CaseRecord
from rejoin.qa.trace_schema import check
from rejoin.qa.verdicts import Verdict, Why
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.aws_samples import StreamChoice
from rejoin.signaling.dialects import AWS_REACT
from rejoin.studio.process import studio_process
from rejoin.verify.scenario import Drop, ScenarioCase, Service

SERVICE = Service(connection_timeout_s=30.0, notice_silent_client_s=0.5)


def test_where_is_played_is_known_by_options_or_arns() -> None:
    choice = StreamChoice("arn:aws:gameliftstreams:us-west-2:123456789012:streamgroup/sg-1", "a-9")
    profile = StudioProfile(
        "https://studio.example:8443/x", "token", dialect=AWS_REACT, choice=choice
    )
    found = surroundings_of(profile, build="7")
    assert (found.backend, found.region, found.application, found.build, found.dialect) == (
        "studio.example:8443",
        "us-west-2",
        "a-9",
        "7",
        "aws-react",
    )
    given = surroundings_of(profile, region="eu-west-1", application="a-1")
    assert (given.region, given.application) == ("eu-west-1", "a-1")


async def test_a_fault_of_a_host_is_skipped_without_a_game() -> None:
    profile = StudioProfile("http://127.0.0.1:1", "token")
    record, trace = await play(a_job(profile, "server_kill"), lambda session_id: None)
    assert (record.verdict, record.why) == (Verdict.SKIPPED, Why.HOST_FAULT)
    assert trace == []


def a_job(
    profile: StudioProfile, name: str, *, reconnects: bool | None = True, duration_s: float = 12.0
) -> Job:
    drops = (Drop(name, 1.0),)
    case = ScenarioCase(name, SERVICE, drops, duration_s, "live", None, reconnects, None)
    return Job("run", "test", case, 1, 0, 1, profile, surroundings_of(profile), 60.0)


@pytest.fixture(scope="module")
def profile() -> Iterator[StudioProfile]:
    with studio_process(notice_silent_client_s=0.5, connection_timeout_s=30.0) as studio:
        network = NetworkRules(loopback_only=True)
        yield StudioProfile(studio.backend_url, studio.player_token, network=network)


async def played(job: Job) -> CaseRecord:
    sessions: list[str] = []
    record, trace = await play(job, sessions.append)
    assert record.sentences == ()
    assert record.verdict is Verdict.PASSED
    assert record.played is not None
    assert record.played.session_ended
    assert record.played.connection_timeout_s == 30.0
    assert len(set(sessions)) == 1
    for each in trace:
        check(from_line(to_line(each)))
    return record


@pytest.mark.live
@pytest.mark.parametrize(
    ("name", "reconnects"),
    [
        ("http_reset_after_success", True),
        ("ip_change", True),
        ("crash_relaunch", True),
        ("two_instances", False),
        ("clock_jump", True),
        ("nat_rebind", False),
        ("home_wifi", False),
    ],
)
async def test_a_fault_at_the_client_has_the_verdict_of_the_relay(
    profile: StudioProfile, name: str, reconnects: bool
) -> None:
    record = await played(a_job(profile, name, reconnects=reconnects))
    assert record.played is not None
    [fault] = record.played.faults
    assert fault.profile == name
    figures = record.played.injector
    if name == "nat_rebind":
        assert figures.rebound == 1
    if name == "home_wifi":
        assert figures.delayed > 100
    if reconnects:
        assert [each.outcome for each in record.played.episodes] == ["live"]
        steps = [step.name for step in record.played.episodes[0].steps]
        assert steps[-1] == "live again"
        calls, proof = record.played.episodes[0].calls, record.played.episodes[0].proof
        assert calls is not None
        assert calls.tries >= 1
        assert (calls.lost_answers > 0) == (name == "http_reset_after_success")
        assert proof is not None
        assert (record.played.proof, proof.rests_on) == ("strip", Rests.STRIP), proof
        assert proof.says is Says.WENT_ON, proof
    assert fault.memory_mb is not None
    assert record.played.memory_mb is not None
    assert record.played.memory_mb > 10.0


@pytest.mark.live
async def test_a_drop_that_the_play_did_not_wait_for_is_open_and_no_end(
    profile: StudioProfile,
) -> None:
    job = a_job(profile, "cut_forever", reconnects=False, duration_s=4.0)
    record = await played(replace(job, case=replace(job.case, ends="trying")))
    assert record.played is not None
    assert [each.outcome for each in record.played.episodes] == ["open"]


@pytest.mark.live
async def test_fates_of_a_game_are_exactly_those_of_the_model(
    profile: StudioProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rejoin.injector.injector import Injector
    from rejoin.injector.seeds import chance_of, network_profiles
    from rejoin.netem.link import Fate, Link

    made: list[Injector] = []
    fates: list[tuple[Direction, int, float, Fate]] = []

    class Watched(Injector):
        def __init__(self, seed: int) -> None:
            super().__init__(seed)
            made.append(self)
            self.paths.on_fate = lambda *fate: fates.append(fate)

    monkeypatch.setattr(client_case, "Injector", Watched)
    began: list[float] = []
    begin = Link.__init__

    def noted(link: Link, profile: object, began_at: float, *args: object, **more: object) -> None:
        began.append(began_at)
        begin(link, profile, began_at, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Link, "__init__", noted)
    job = replace(a_job(profile, "bursty_10_medium", reconnects=None, duration_s=6.0), seed=7)
    await played(job)
    monkeypatch.undo()
    again = Link(network_profiles()["bursty_10_medium"], began[0], chance_of(7), window_s=30.5)
    assert len(fates) > 500
    assert any(fate.dropped for *_, fate in fates)
    assert all(again.decide(way, size, now) == fate for way, size, now, fate in fates)


@pytest.mark.live
async def test_a_fault_that_could_not_be_put_in_is_no_success(
    profile: StudioProfile, monkeypatch: pytest.MonkeyPatch, expected_logs: LogRecords
) -> None:
    def broken(*arguments: object) -> None:
        raise ValueError("a defect")

    monkeypatch.setattr(client_case, "plan_of", broken)
    job = a_job(profile, "cut_3s", reconnects=False, duration_s=3.0)
    record, _ = await play(job, lambda session_id: None)
    assert (record.verdict, record.why) == (Verdict.FAILED, Why.CLIENT)
    assert record.sentences == ("a fault could not be put in: a defect",)
    assert len(expected_logs.records) == 1


@pytest.mark.live
async def test_a_backend_that_is_away_is_inconclusive() -> None:
    from helpers.ports import free_port

    away = StudioProfile(
        f"http://127.0.0.1:{free_port()}", "token", network=NetworkRules(loopback_only=True)
    )
    record, _ = await play(a_job(away, "cut_3s"), lambda session_id: None)
    assert (record.verdict, record.why) == (Verdict.INCONCLUSIVE, Why.NETWORK)


@pytest.mark.live
async def test_a_sign_in_that_is_refused_is_inconclusive(profile: StudioProfile) -> None:
    wrong = replace(profile, token="wrong")
    record, _ = await play(a_job(wrong, "cut_3s"), lambda session_id: None)
    assert (record.verdict, record.why) == (Verdict.INCONCLUSIVE, Why.SIGN_IN)


@pytest.mark.live
async def test_a_case_for_another_service_is_skipped_and_its_session_ended(
    profile: StudioProfile,
) -> None:
    job = a_job(profile, "cut_until_window")
    other = replace(job, case=replace(job.case, service=Service(10.0)))
    record, _ = await play(other, lambda session_id: None)
    assert (record.verdict, record.why) == (Verdict.SKIPPED, Why.SERVICE_DIFFERS)
    assert record.played is not None
    assert record.played.session_ended
