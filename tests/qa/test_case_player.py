"""Whatever becomes of the process of a case is a result."""

from __future__ import annotations

import pickle
import sys
import threading
from pathlib import Path
from typing import IO

import pytest

from helpers.qa_results import PLAYING, RECORD
from rejoin.qa import case_player
from rejoin.qa.case_player import CasePlayer
from rejoin.qa.client_case import Job, surroundings_of
from rejoin.qa.messages import Playing
from rejoin.qa.verdicts import Verdict, Why
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.verify.scenario import Drop, ScenarioCase, Service

PROFILE = StudioProfile("http://127.0.0.1:1", "secret-token")
CASE = ScenarioCase("a case", Service(), (Drop("cut_3s", 1.0),), 10.0, "live", None, None, None)
JOB = Job("run", "test", CASE, 1, 0, 1, PROFILE, surroundings_of(PROFILE), 60.0)

SAYS = """
import pickle, sys, time
from rejoin.qa.messages import Done, SessionKnown
from helpers.qa_results import PLAYING, RECORD
job = pickle.load(sys.stdin.buffer)
out = sys.stdout.buffer
def say(message):
    pickle.dump(message, out)
    out.flush()
"""


class Scene:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._monkeypatch = monkeypatch
        self._program = folder / "program.py"
        self.sessions: list[str] = []
        self.played: list[Playing] = []
        self.known = threading.Event()

    def player(self, program: str) -> CasePlayer:
        """A player whose process runs this program."""
        paths = f"import sys; sys.path[:0] = {sys.path!r}"
        self._program.write_text(f"{paths}\n{SAYS}\n{program}\n", encoding="utf-8")
        command = (sys.executable, str(self._program))
        self._monkeypatch.setattr(case_player, "child_command", lambda name: command)

        def on_session(session_id: str) -> None:
            self.sessions.append(session_id)
            self.known.set()

        return CasePlayer(JOB, on_session, self.played.append)


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Scene:
    return Scene(monkeypatch, tmp_path)


def test_the_result_comes_through_with_the_session(scene: Scene) -> None:
    player = scene.player(
        'assert job.case.name == "a case"; say(SessionKnown("x"))\nsay(Done(RECORD))'
    )
    assert player.play(120.0) == RECORD
    assert scene.sessions == ["x"]


def test_how_the_game_goes_comes_through_however_long_it_takes(scene: Scene) -> None:
    player = scene.player("for _ in range(1500): say(PLAYING)\nsay(Done(RECORD))")
    assert player.play(120.0) == RECORD
    assert scene.played == [PLAYING] * 1500


def test_the_token_is_on_no_command_line(scene: Scene) -> None:
    program = 'assert job.profile.token == "secret-token"; assert "secret" not in str(sys.argv)'
    assert scene.player(f"{program}; say(Done(RECORD))").play(120.0) == RECORD


def test_a_process_that_ends_without_a_result_has_failed(scene: Scene) -> None:
    record = scene.player("sys.exit(7)").play(120.0)
    assert (record.verdict, record.why) == (Verdict.FAILED, Why.CLIENT)
    assert record.sentences == ("the client's process ended with exit code 7",)


@pytest.mark.parametrize(
    ("said", "verdict"),
    [('say(SessionKnown("x"))', Verdict.FAILED), ("", Verdict.INCONCLUSIVE)],
)
def test_a_case_that_hangs_is_ended_in_time(scene: Scene, said: str, verdict: Verdict) -> None:
    """Without a session there was no game that could have hung."""
    player = scene.player(f"{said}\nsys.stdin.buffer.read()")
    record = player.play(5.0)
    assert (record.verdict, record.why) == (verdict, Why.TIMEOUT)


def test_a_process_that_does_not_stop_is_killed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case_player, "END_WITHIN_S", 0.2)
    record = scene.player("time.sleep(600)").play(1.0)
    assert record.why is Why.TIMEOUT


def test_a_stopped_case_is_interrupted(scene: Scene) -> None:
    player = scene.player('say(SessionKnown("x"))\nsys.stdin.buffer.read()')

    def stop() -> None:
        assert scene.known.wait(60)
        player.stop()

    stopping = threading.Thread(target=stop)
    stopping.start()
    record = player.play(120.0)
    stopping.join()
    assert (record.verdict, record.why) == (Verdict.INCONCLUSIVE, Why.INTERRUPTED)


def test_a_case_that_was_stopped_before_does_not_start(scene: Scene) -> None:
    player = scene.player("sys.exit(7)")
    player.stop()
    assert player.play(120.0).why is Why.INTERRUPTED


def test_a_case_that_is_stopped_before_it_has_its_job_is_interrupted(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = scene.player("sys.exit(7)")

    def stopped_before(job: Job, file: IO[bytes]) -> None:
        player.stop()
        file.write(b"x")

    monkeypatch.setattr(pickle, "dump", stopped_before)
    assert player.play(120.0).why is Why.INTERRUPTED


def test_memory_is_taken_from_one_arena_unless_the_tester_says_otherwise(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = """
import os
from dataclasses import replace
say(Done(replace(RECORD, run=os.environ["MALLOC_ARENA_MAX"])))
"""
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    assert scene.player(program).play(60.0).run == "1"
    monkeypatch.setenv("MALLOC_ARENA_MAX", "3")
    assert scene.player(program).play(60.0).run == "3"
