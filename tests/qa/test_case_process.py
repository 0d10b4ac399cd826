"""The program of one case: it says what it knows, and ends its game when it is abandoned."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import pickle
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.qa_results import PLAYING, RECORD
from rejoin.child_program import child_command
from rejoin.core.trace import Record
from rejoin.errors import BadInputError, RejoinError
from rejoin.qa import client_case
from rejoin.qa.case_process import EXIT_ABANDONED, _played, _until_abandoned
from rejoin.qa.client_case import Job, surroundings_of
from rejoin.qa.messages import Done, FromCase, Playing, SessionKnown
from rejoin.qa.results import CaseRecord
from rejoin.qa.verdicts import Verdict, Why
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.aws_samples import StreamChoice
from rejoin.signaling.dialects import AWS_BUNDLE
from rejoin.verify.scenario import Drop, ScenarioCase, Service

PROFILE = StudioProfile("http://127.0.0.1:1", "token")
CASE = ScenarioCase("a case", Service(), (Drop("cut_3s", 1.0),), 10.0, "live", None, None, None)
TRACE = [Record(1.0, "event", "SessionStarted", {"view": {"session_id": "the-session"}})]

Play = Callable[[Job, Callable[[str], None]], object]


def a_job(profile: StudioProfile = PROFILE, folder: Path | None = None) -> Job:
    surroundings = surroundings_of(profile)
    return Job("run", "test", CASE, 1, 0, 1, profile, surroundings, 60.0, False, folder)


def plays(
    monkeypatch: pytest.MonkeyPatch, error: Exception | None = None, *, for_ever: bool = False
) -> list[str]:
    """What becomes of the game; returns what happened to it."""
    happened: list[str] = []

    async def play(
        job: Job,
        on_session: Callable[[str], None],
        *,
        on_playing: Callable[[Playing], None],
    ) -> tuple[CaseRecord, list[Record]]:
        on_playing(PLAYING)
        on_session("the-session")
        on_session("the-session")
        if error is not None:
            raise error
        try:
            if for_ever:
                await asyncio.Event().wait()
        finally:
            happened.append("ended")
        return RECORD, TRACE

    monkeypatch.setattr(client_case, "play", play)
    return happened


async def test_a_result_and_the_session_are_said_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plays(monkeypatch)
    said: list[FromCase] = []
    record = await _played(a_job(folder=tmp_path), said.append)
    assert said == [PLAYING, SessionKnown("the-session")]
    assert record == replace(RECORD, attachments={"trace": "traces/0000-a-case.jsonl"})
    assert "the-session" in (tmp_path / "traces" / "0000-a-case.jsonl").read_text()


async def test_a_session_that_is_a_secret_is_not_in_the_trace(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plays(monkeypatch)
    bundle = StudioProfile(
        "http://127.0.0.1:1", None, dialect=AWS_BUNDLE, choice=StreamChoice("sg-1")
    )
    await _played(a_job(bundle, tmp_path), lambda message: None)
    file = tmp_path / "traces" / "0000-a-case.jsonl"
    assert "the-session" not in file.read_text()
    assert "SessionStarted" in file.read_text()


async def test_a_game_that_cannot_be_played_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    plays(monkeypatch, RejoinError("It is not possible."))
    record = await _played(a_job(), lambda message: None)
    assert (record.verdict, record.why) == (Verdict.FAILED, Why.CLIENT)
    assert record.sentences == ("It is not possible.",)


async def test_an_abandoned_process_ends_its_game(monkeypatch: pytest.MonkeyPatch) -> None:
    happened = plays(monkeypatch, for_ever=True)
    said: list[FromCase] = []
    reading, writing = os.pipe()
    with open(reading, "rb") as stdin:
        running = asyncio.ensure_future(_until_abandoned(a_job(), said.append, stdin))
        while not said:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        os.close(writing)
        assert await running == EXIT_ABANDONED
    assert happened == ["ended"]
    assert not any(isinstance(message, Done) for message in said)


async def test_the_result_is_the_last_message(monkeypatch: pytest.MonkeyPatch) -> None:
    plays(monkeypatch)
    said: list[FromCase] = []
    reading, writing = os.pipe()
    with open(reading, "rb") as stdin:
        assert await _until_abandoned(a_job(), said.append, stdin) == 0
        os.close(writing)
        await asyncio.to_thread(_drained, stdin)
    assert said[-1] == Done(RECORD)


def _drained(stdin: io.BufferedReader) -> None:
    """The thread that watches reads to the end; afterwards nothing is left to read."""
    assert stdin.read() == b""


@pytest.mark.parametrize("whole", [True, False])
def test_the_process_ends_by_itself_without_a_word(whole: bool) -> None:
    """With a job, while its standard input is open; without one, as soon as that ends."""
    kill = replace(CASE, drops=(Drop("server_kill", 1.0),))  # skipped, so that nothing is played
    process = subprocess.Popen(
        child_command("qa-case"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        if whole:
            pickle.dump(replace(a_job(), case=kill), process.stdin)
            process.stdin.flush()
            assert pickle.load(process.stdout).record.verdict is Verdict.SKIPPED
        else:
            process.stdin.write(pickle.dumps(a_job())[:100])
            process.stdin.close()
        assert process.wait(120) == (0 if whole else EXIT_ABANDONED)
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    "error",
    [BadInputError("The file cannot be written."), OSError(errno.ENOSPC, "No space left")],
)
async def test_a_file_that_cannot_be_written_says_nothing_about_the_game(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    plays(monkeypatch, error)
    record = await _played(a_job(), lambda message: None)
    assert (record.verdict, record.why) == (Verdict.INCONCLUSIVE, Why.FILE)
    assert "written" in record.sentences[0]


async def test_another_error_of_the_system_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    plays(monkeypatch, OSError(errno.EBADF, "Bad file descriptor"))
    with pytest.raises(OSError, match="Bad file"):
        await _played(a_job(), lambda message: None)


async def test_a_trace_that_cannot_be_written_is_missing_and_no_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plays(monkeypatch)
    (tmp_path / "traces").touch()
    assert await _played(a_job(folder=tmp_path), lambda message: None) == RECORD
    assert "the trace is missing" in caplog.text
