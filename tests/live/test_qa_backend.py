"""`rejoin qa run --backend` at a studio in a process of its own, of which only the URL is known."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.ports import free_port
from helpers.programs import Done, Program, started
from rejoin.core.trace import from_line
from rejoin.emulator.service.control import BlockingEmulatorControl
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.qa import results, trace_schema
from rejoin.qa.ledger import Ledger
from rejoin.qa.verdicts import Verdict, Why
from rejoin.studio.address import Studio
from rejoin.studio.process import studio_process

pytestmark = pytest.mark.live

GAMES_S = 600.0
"""Only a hang takes this long, even on a slow machine."""
ENDED = frozenset({"TERMINATING", "TERMINATED"})
GROUP = EmulatorSettings().stream_group_ids[0]
APPLICATION = EmulatorSettings().application_id
SERVICE = "[service]\nconnection_timeout_s = 30\nnotice_silent_client_s = 0.5\n"


def a_scenario(folder: Path, *profiles: str, duration_s: float = 8.0) -> str:
    """A file with one case for each profile, which ends live."""
    cases = "".join(
        f'[[cases]]\nname = "{profile}"\nduration_s = {duration_s}\n'
        f'drops = [{{ profile = "{profile}", at_s = 1 }}]\n'
        for profile in profiles
    )
    file = folder / "mine.toml"
    file.write_text(f'description = "For a test."\n{SERVICE}{cases}', encoding="utf-8")
    return str(file)


class Scene:
    """A studio, and programs that play there, whose state is in one folder."""

    def __init__(self, studio: Studio, folder: Path) -> None:
        self.studio = studio
        self.state = folder / "state"
        self.control = BlockingEmulatorControl(studio.control_url, studio.control_token)
        self.environment = {
            "REJOIN_TOKEN": studio.player_token,
            "XDG_STATE_HOME": str(self.state),
        }

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.state / "rejoin" / "qa")

    def statuses(self) -> list[str]:
        return [session["status"] for session in self.control.state()["sessions"]]

    def arguments(self, *more: str) -> tuple[str, ...]:
        return ("qa", *more, "--backend", self.studio.backend_url, "--network", "loopback")

    def run(self, *more: str) -> Done:
        with started(*self.arguments(*more), environment=self.environment) as program:
            done = finished(program)
        done.assert_no_secrets()
        assert self.studio.player_token not in done.out + done.err
        for file in self.state.rglob("*"):
            if file.is_file():
                assert self.studio.player_token.encode() not in file.read_bytes()
        return done

    @contextmanager
    def playing(self, scenario: str) -> Iterator[Program]:
        """A run in the middle of its first game."""
        with started(*self.arguments("run", scenario), environment=self.environment) as program:
            wait(lambda: self.statuses() == ["CONNECTED"])
            wait(lambda: any(entry.session_id for entry in self.ledger.entries()))
            yield program


def finished(program: Program) -> Done:
    """Several games take longer than other programs."""
    out, err = program.process.communicate(timeout=GAMES_S)
    program.wait_until_gone()
    return Done(program.process.returncode, out, err)


def wait(reached: Callable[[], bool]) -> None:
    deadline_at = time.monotonic() + GAMES_S
    while not reached():
        assert time.monotonic() < deadline_at
        time.sleep(0.05)


@contextmanager
def a_scene(folder: Path, dialect: str = "ours") -> Iterator[Scene]:
    with studio_process(
        notice_silent_client_s=0.5, connection_timeout_s=30, dialect=dialect
    ) as studio:
        yield Scene(studio, folder)


def test_a_scenario_is_played_at_a_backend_that_is_only_a_url(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    scenario = a_scenario(tmp_path, "http_500", "server_kill", "ip_change")
    with a_scene(tmp_path) as scene:
        done = scene.run(
            *("run", scenario, "--results", str(folder), "--parallel", "2"),
            *("--region", "eu-west-1", "--build", "b7"),
        )
        assert (done.code, done.err) == (0, "")
        assert "2 cases passed, 0 failed" in done.out
        assert len(scene.statuses()) == 2
        assert ENDED.issuperset(scene.statuses())
        assert scene.ledger.entries() == ()
        again = scene.run("run", scenario, "--last-failed")
        assert "nothing to play" in again.out
        assert "Nothing is left over." in scene.run("sweep").out
    records = results.read(folder / results.FILE)
    assert [record.verdict for record in records if record.case == "server_kill"] == [
        Verdict.SKIPPED
    ]
    for record in records:
        assert (record.surroundings.region, record.surroundings.build) == ("eu-west-1", "b7")
    played = [record for record in records if record.played is not None]
    assert len(played) == 2
    for record in played:
        assert record.played is not None
        assert record.played.reconnects >= 1
        trace = (folder / record.attachments["trace"]).read_text(encoding="utf-8")
        for line in trace.splitlines():
            trace_schema.check(from_line(line))


def test_the_sample_server_of_aws_is_played_too(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    scenario = a_scenario(tmp_path, "ip_change", "http_queue")
    with a_scene(tmp_path, "aws-bundle") as scene:
        done = scene.run(
            *("run", scenario, "--results", str(folder), "--dialect", "aws-bundle"),
            *("--stream-group", GROUP, "--application", APPLICATION),
            *("--connection-timeout", "30"),
        )
        assert done.code == 0, done.out + done.err
        assert ENDED.issuperset(scene.statuses())
        [session] = scene.control.state()["sessions"]
        assert scene.ledger.entries() == ()
    first, second = results.read(folder / results.FILE)
    assert first.played is not None
    assert first.played.reconnects >= 1
    assert first.played.session_ended
    assert first.surroundings.application == APPLICATION
    assert second.why is Why.DIALECT
    assert session["status"] in ENDED


def test_a_network_that_is_not_there_is_inconclusive(tmp_path: Path) -> None:
    scenario = a_scenario(tmp_path, "cut_3s")
    url = f"http://127.0.0.1:{free_port()}"
    with started("qa", "run", scenario, "--backend", url, "--network", "loopback") as program:
        done = finished(program)
    assert done.code == 13
    assert "inconclusive: cut_3s" in done.out


@pytest.mark.skipif(not Path("/proc").exists(), reason="finds the processes in /proc")
def test_after_a_kill_the_guardian_ends_the_session(tmp_path: Path) -> None:
    """Neither the run nor the process of the case can end anything."""
    scenario = a_scenario(tmp_path, "clean", duration_s=600.0)
    with a_scene(tmp_path) as scene:
        with scene.playing(scenario) as program:
            case = the_one(program, "case_process")
            os.kill(program.process.pid, signal.SIGKILL)
            os.kill(case, signal.SIGKILL)
            wait(lambda: ENDED.issuperset(scene.statuses()))
            wait(lambda: scene.ledger.entries() == ())
            program.process.wait()
            program.wait_until_gone()
        assert len(scene.statuses()) == 1


@pytest.mark.skipif(not Path("/proc").exists(), reason="finds the processes in /proc")
def test_what_everybody_left_is_ended_by_a_sweep(tmp_path: Path) -> None:
    scenario = a_scenario(tmp_path, "clean", duration_s=600.0)
    with a_scene(tmp_path) as scene:
        with scene.playing(scenario) as program:
            for name in ("guardian_process", "case_process"):
                os.kill(the_one(program, name), signal.SIGKILL)
            os.kill(program.process.pid, signal.SIGKILL)
            program.process.wait()
            program.wait_until_gone()
        [entry] = scene.ledger.left_over()
        assert entry.case == "clean"
        assert not ENDED.intersection(scene.statuses())
        done = scene.run("sweep")
        assert done.code == 0
        assert "case clean: ended" in done.out
        assert ENDED.issuperset(scene.statuses())
        assert scene.ledger.entries() == ()


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C is a signal")
def test_after_ctrl_c_the_session_is_ended(tmp_path: Path) -> None:
    scenario = a_scenario(tmp_path, "clean", duration_s=600.0)
    with a_scene(tmp_path) as scene, scene.playing(scenario) as program:
        program.send(signal.SIGINT)
        done = finished(program)
        assert done.code == 130
        assert "Traceback" not in done.err
        assert ENDED.issuperset(scene.statuses())
        assert scene.ledger.entries() == ()


def the_one(program: Program, module: str) -> int:
    """The process of this program that runs a module of `rejoin.qa`."""
    [found] = [
        pid
        for pid in program.running()
        if f"rejoin.qa.{module}".encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    return found
