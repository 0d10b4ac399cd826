"""Which plays a run has, and what it does about caps, failures and interruptions."""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.qa_results import PLAYED, PLAYING
from rejoin.errors import BadInputError, RejoinError
from rejoin.qa import campaign, results
from rejoin.qa.campaign import (
    Campaign,
    Caps,
    Choice,
    How,
    Target,
    plays_of,
)
from rejoin.qa.client_case import Job, surroundings_of, utc_now
from rejoin.qa.ledger import Ledger
from rejoin.qa.messages import Playing
from rejoin.qa.results import CaseRecord
from rejoin.qa.verdicts import Judgement, Verdict, Why
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.aws_samples import StreamChoice
from rejoin.signaling.dialects import AWS_BUNDLE
from rejoin.verify.scenario import Drop, Scenario, ScenarioCase, Service

PROFILE = StudioProfile("http://127.0.0.1:1", "token")
ENDED = replace(PLAYED, session_ended=True)
"""A game whose session was ended."""


def a_case(name: str, profile: str = "cut_3s", duration_s: float = 10.0) -> ScenarioCase:
    drops = (Drop(profile, 1.0),)
    return ScenarioCase(name, Service(60.0), drops, duration_s, "live", None, None, None)


def scenario(*names: str) -> Scenario:
    return Scenario("test", "For tests.", tuple(a_case(name) for name in names))


class World:
    """Takes the place of processes: what becomes of plays, and what was said to the guardian."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[Job] = []
        self.limits: list[float] = []
        self.guarded: dict[str, str] = {}
        self.closed = 0
        self.verdicts: dict[str, list[Verdict]] = {}
        self.session_ended = True
        self.begun = threading.Event()
        self.hold: threading.Event | None = None
        self.at_once = 0
        self.most_at_once = 0
        self.entries: list[int] = []

    def target(self, profile: StudioProfile = PROFILE) -> Target:
        return Target(profile, surroundings_of(profile), self.folder / "qa")

    def run(
        self, of: Scenario, choice: Choice | None = None, how: How | None = None
    ) -> tuple[CaseRecord, ...]:
        return Campaign(of, self.target(), choice or Choice(), how or How()).play_all(
            lambda record: None
        )


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = World(tmp_path)
    lock = threading.Lock()

    class Player:
        def __init__(
            self,
            job: Job,
            on_session: Callable[[str], None],
            on_playing: Callable[[Playing], None],
        ) -> None:
            self.job, self.on_session, self.on_playing = job, on_session, on_playing
            self.stopped = threading.Event()

        def play(self, timeout_s: float) -> CaseRecord:
            with lock:
                world.started.append(self.job)
                world.limits.append(timeout_s)
                world.entries.append(len(Ledger(world.folder / "qa").entries()))
                world.at_once += 1
                world.most_at_once = max(world.most_at_once, world.at_once)
            self.on_session(f"session {self.job.index}")
            self.on_playing(PLAYING)
            world.begun.set()
            if world.hold is not None:
                while not (world.hold.wait(0.01) or self.stopped.is_set()):
                    pass
            with lock:
                world.at_once -= 1
                planned = world.verdicts.get(self.job.case.name, [])
                verdict = planned.pop(0) if planned else Verdict.PASSED
            if self.stopped.is_set():
                stopped = Judgement(Verdict.INCONCLUSIVE, Why.INTERRUPTED)
                return self.job.record(stopped, utc_now(), 1.0)
            played = replace(ENDED, session_ended=world.session_ended)
            return self.job.record(Judgement(verdict, Why.EXPECTATION), utc_now(), 1.0, played)

        def stop(self) -> None:
            self.stopped.set()

    class Guard:
        def __init__(self, charge: object) -> None:
            del charge

        def session_began(self, key: str, session_id: str) -> None:
            world.guarded[key] = session_id

        def session_over(self, key: str) -> None:
            world.guarded.pop(key)

        def close(self) -> None:
            world.closed += 1

    monkeypatch.setattr(campaign, "CasePlayer", Player)
    monkeypatch.setattr(campaign, "Guardian", Guard)
    yield world
    assert world.closed in (0, 1)


def test_how_each_game_goes_is_said_with_its_name(world: World) -> None:
    heard: list[tuple[str, Playing]] = []
    run = Campaign(scenario("a", "b"), world.target(), Choice(repeat=2), How())
    records = run.play_all(lambda record: None, lambda play, now: heard.append((play.name, now)))
    assert heard == [(record.name, PLAYING) for record in records]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 20])
def test_all_shards_together_have_each_play_once(count: int) -> None:
    of = scenario(*"abcde")
    shards = [plays_of(of, Choice(3, (which, count))) for which in range(1, count + 1)]
    found = Counter(
        (play.case.name, play.repetition, play.index) for shard in shards for play in shard
    )
    assert len(found) == 15
    assert set(found.values()) == {1}
    assert {index for _, _, index in found} == set(range(15))
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


def test_each_case_is_played_as_often_as_asked_with_another_seed_each_time(world: World) -> None:
    records = world.run(scenario("a", "b"), Choice(repeat=2, seed=5))
    assert [(record.case, record.repetition, record.seed) for record in records] == [
        ("a", 1, 5),
        ("a", 2, 6),
        ("b", 1, 5),
        ("b", 2, 6),
    ]
    assert world.most_at_once == 1


def test_a_case_that_fails_and_passes_is_flaky(world: World) -> None:
    world.verdicts = {"a": [Verdict.FAILED, Verdict.PASSED], "b": [Verdict.FAILED, Verdict.FAILED]}
    summary = results.summarize(world.run(scenario("a", "b"), Choice(repeat=2)))
    assert (summary.flaky, summary.failed) == (("a",), ("b",))


def test_plays_run_at_the_same_time(world: World) -> None:
    world.hold = threading.Event()
    threading.Timer(0.3, world.hold.set).start()
    assert len(world.run(scenario(*"abcd"), how=How(parallel=2))) == 4
    assert world.most_at_once == 2


def test_an_entry_is_in_the_ledger_before_a_session_starts_and_gone_when_it_is_over(
    world: World,
) -> None:
    world.run(scenario("a", "b"))
    assert world.entries == [1, 1]
    assert Ledger(world.folder / "qa").entries() == ()
    assert world.guarded == {}
    assert world.closed == 1


def test_a_session_that_was_not_ended_stays_with_guardian_and_ledger(world: World) -> None:
    world.session_ended = False
    world.run(scenario("a"))
    [entry] = Ledger(world.folder / "qa").left_over()
    assert entry.session_id == "session 0"
    assert world.guarded == {entry.key: "session 0"}


def test_the_id_of_a_session_that_is_a_secret_is_not_in_the_ledger(world: World) -> None:
    world.session_ended = False
    profile = StudioProfile(
        "http://127.0.0.1:1", None, dialect=AWS_BUNDLE, choice=StreamChoice("sg-1")
    )
    Campaign(scenario("a"), world.target(profile), Choice(), How()).play_all(lambda record: None)
    [entry] = Ledger(world.folder / "qa").left_over()
    assert entry.session_id is None
    assert list(world.guarded.values()) == ["session 0"], "the guardian knows it"


def test_the_cap_on_sessions_leaves_the_rest_inconclusive(world: World) -> None:
    records = world.run(scenario(*"abc"), how=How(caps=Caps(sessions=2)))
    assert [(record.verdict, record.why) for record in records][2] == (
        Verdict.INCONCLUSIVE,
        Why.CAP,
    )
    assert len(world.started) == 2


def test_the_cap_on_minutes_counts_what_would_be_played(world: World) -> None:
    records = world.run(scenario(*"abc"), how=How(caps=Caps(minutes=0.1)))
    assert {record.why for record in records} == {Why.CAP}
    assert world.started == []


def test_what_cannot_be_tried_starts_no_session(world: World) -> None:
    of = Scenario(
        "test",
        "For tests.",
        (a_case("kill", "server_kill"), a_case("cut"), a_case("window", "cut_until_window")),
    )
    other = replace(of, cases=(*of.cases[:2], replace(of.cases[2], service=Service(10.0))))
    records = world.run(other)
    assert [record.verdict for record in records] == [
        Verdict.SKIPPED,
        Verdict.PASSED,
        Verdict.SKIPPED,
    ]
    assert [job.case.name for job in world.started] == ["cut"], (
        "the first session has shown that the service's connection timeout is another"
    )


def test_results_and_traces_are_in_a_folder(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    records = world.run(scenario("a", "b: c"), how=How(folder=folder, timeout_s=7.0))
    assert results.read(folder / results.FILE) == records
    assert [job.file("traces", "jsonl") for job in world.started] == [
        folder / "traces" / "0000-a.jsonl",
        folder / "traces" / "0001-b--c.jsonl",
    ]
    assert world.limits == [7.0, 7.0]
    (tmp_path / "file").touch()
    with pytest.raises(RejoinError, match=r"cannot be (made|written)"):
        world.run(scenario("a"), how=How(folder=tmp_path / "file"))


def test_an_interrupted_run_stops_its_plays_and_starts_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.hold = threading.Event()
    joined = campaign._join

    def interrupt(threads: list[threading.Thread]) -> None:
        monkeypatch.setattr(campaign, "_join", joined)
        world.begun.wait(60)
        raise KeyboardInterrupt

    monkeypatch.setattr(campaign, "_join", interrupt)
    with pytest.raises(KeyboardInterrupt):
        world.run(scenario(*"abc"))
    assert len(world.started) == 1
    assert world.closed == 1, "the guardian ends what is left"


def test_a_ledger_that_cannot_be_written_ends_the_run(world: World) -> None:
    (world.folder / "qa").write_text("in the way")
    with pytest.raises(RejoinError, match="ledger"):
        world.run(scenario("a"))
    assert world.started == []


def test_a_disk_that_is_full_ends_the_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Campaign, record: CaseRecord) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Campaign, "_keep", full)
    with pytest.raises(OSError, match="No space"):
        world.run(scenario("a", "b"))
    assert len(world.started) == 1


def test_a_defect_ends_the_run_as_well(world: World) -> None:
    """A run whose plays have gone missing must not pass."""

    def report(record: CaseRecord) -> None:
        raise ZeroDivisionError

    run = Campaign(scenario("a", "b"), world.target(), Choice(), How())
    with pytest.raises(ZeroDivisionError):
        run.play_all(report)
    assert len(world.started) == 1


def test_a_disk_that_is_full_when_a_session_is_known_does_not_end_its_play(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Ledger, entry: object, session_id: str) -> None:
        raise BadInputError("No space left on device")

    monkeypatch.setattr(Ledger, "session_known", full)
    [record] = world.run(scenario("a"))
    assert record.verdict is Verdict.PASSED
    assert world.guarded == {}


def test_a_run_says_before_what_it_is_about_to_do(tmp_path: Path) -> None:
    target = Target(PROFILE, surroundings_of(PROFILE), tmp_path)
    how = How(parallel=2, caps=Caps(7, 30.0))
    said = Campaign(scenario("a", "b"), target, Choice(repeat=3), how).announcement()
    assert said.endswith(
        "6 plays at 127.0.0.1:1, about 1 min; at most 7 sessions and 30 minutes of play."
    )


def test_a_folder_that_is_gone_in_mid_run_is_a_sentence(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    run = Campaign(scenario("a", "b"), world.target(), Choice(), How(folder=folder))
    with pytest.raises(BadInputError, match=r"results\.jsonl cannot be written: No such file"):
        run.play_all(lambda record: shutil.rmtree(folder))
    assert len(world.started) == 2


def test_two_runs_at_once_do_not_empty_each_other_s_results(world: World, tmp_path: Path) -> None:
    how = How(folder=tmp_path / "out")

    def second(record: CaseRecord) -> None:
        with pytest.raises(BadInputError, match="Another run writes into"):
            Campaign(scenario("b"), world.target(), Choice(), how).play_all(lambda record: None)

    records = Campaign(scenario("a"), world.target(), Choice(), how).play_all(second)
    assert results.read(tmp_path / "out" / results.FILE) == records
