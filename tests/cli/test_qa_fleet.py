"""`rejoin qa fleet`: options, what is printed and written, and exit codes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from helpers.qa_results import PLAYED, RECORD
from rejoin.cli.qa import qa
from rejoin.errors import BadInputError, RejoinError
from rejoin.qa.fleet import cluster
from rejoin.qa.fleet import run as fleet_run
from rejoin.qa.fleet.messages import Cost
from rejoin.qa.fleet.messages import Result as PlayerResult
from rejoin.qa.fleet.run import Outcome, Plan
from rejoin.qa.verdicts import Verdict
from rejoin.studio import process
from rejoin.studio.address import Studio

URL = "http://127.0.0.1:1"


class Made:
    """The fleets that were played, and where."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []
        self.opened: list[tuple[str | None, int]] = []
        self.verdicts = [Verdict.PASSED]
        self.settings: dict[str, Any] = {}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    found = Made()

    @contextlib.contextmanager
    def opened(scheduler: str | None, workers: int) -> Iterator[None]:
        found.opened.append((scheduler, workers))
        yield

    class Fake:
        def __init__(
            self, plan: Plan, there: object, on_result: Callable[[PlayerResult], None]
        ) -> None:
            found.plans.append(plan)
            self._on_result = on_result

        def play(self) -> Outcome:
            outcome = Outcome(costs=[Cost(0, 2, 10.0, 1.0, None)])
            for index, verdict in enumerate(found.verdicts):
                result = PlayerResult(0, index, replace(RECORD, verdict=verdict, played=PLAYED))
                outcome.results[index] = result
                self._on_result(result)
            return outcome

    @contextlib.contextmanager
    def studio(**_: object) -> Iterator[Studio]:
        yield Studio(URL, "http://127.0.0.1:2", "http://127.0.0.1:3", "p", "c")

    class Control:
        def __init__(self, *_: object) -> None: ...

        def change_settings(self, **changes: object) -> None:
            found.settings = changes

    monkeypatch.setattr(cluster, "opened", opened)
    monkeypatch.setattr(fleet_run, "Fleet", Fake)
    monkeypatch.setattr(process, "studio_process", studio)
    monkeypatch.setattr("rejoin.emulator.service.control.BlockingEmulatorControl", Control)
    return found


def run(*args: str | Path, token: str | None = None) -> Result:
    secrets = {} if token is None else {"REJOIN_TOKEN": token}
    runner = CliRunner(env={"REJOIN_TOKEN": None})
    command = ("fleet", "outage-ladder", "--case", "three seconds", *map(str, args))
    return runner.invoke(qa, command, standalone_mode=False, obj=secrets)


def test_here_the_emulator_sends_modelled_media(made: Made, tmp_path: Path) -> None:
    result = run("--players", "4", "--workers", "3", "--seed", "7", "--results", tmp_path / "out")
    assert result.exception is None
    assert result.return_value == 0
    assert made.opened == [(None, 3)]
    (plan,) = made.plans
    assert [job.seed for job in plan.jobs] == [7, 8, 9, 10]
    assert all(job.modelled for job in plan.jobs)
    assert not plan.guarded
    assert plan.jobs[0].profile.network.loopback_only
    assert made.settings["modelled_media"] is True
    assert made.settings["relay_ports"] == (0, 0)
    assert "Media: modelled. No picture was encoded or decoded" in result.output
    assert "three seconds (modelled media)" in result.output
    assert "cost of a player: 5.0% of a processor" in result.output
    (line,) = (tmp_path / "out" / "fleet.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["media"] == "modelled"


def test_real_media_and_an_own_backend(made: Made) -> None:
    assert run("--media", "real").return_value == 0
    assert "modelled_media" not in made.settings
    assert not made.plans[0].jobs[0].modelled
    result = run(
        *("--backend", URL, "--network", "loopback", "--scheduler", "tcp://127.0.0.1:8786"),
        token="token",
    )
    assert result.exception is None
    assert made.opened[-1][0] == "tcp://127.0.0.1:8786"
    assert made.plans[1].guarded
    assert "plain text" not in result.output
    warned = run("--backend", URL, "--scheduler", "tcp://192.0.2.1:8786", token="token")
    assert "travels to Dask's workers in plain text: use tls://" in warned.stderr


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([Verdict.PASSED, Verdict.SKIPPED], 0),
        ([Verdict.PASSED, Verdict.FAILED], 1),
        ([Verdict.PASSED, Verdict.INCONCLUSIVE], 13),
        ([Verdict.SKIPPED], 13),
    ],
)
def test_the_exit_code_is_that_of_the_worst_player(
    made: Made, verdicts: list[Verdict], code: int
) -> None:
    made.verdicts = verdicts
    assert run().return_value == code


def test_a_fault_of_a_whole_process_is_left_out(made: Made, tmp_path: Path) -> None:
    cases = "".join(
        f'[[cases]]\nname = "{name}"\ndrops = [{{ profile = "{name}", at_s = 1 }}]\n'
        "duration_s = 5\n"
        for name in ("clock_jump", "cut_3s")
    )
    scenario = tmp_path / "two.toml"
    scenario.write_text(f'description = "Two."\n{cases}', encoding="utf-8")
    both = CliRunner().invoke(qa, ("fleet", str(scenario)), standalone_mode=False, obj={})
    assert both.exception is None
    assert "clock_jump is left out" in both.stderr
    assert [plan.jobs[0].case.name for plan in made.plans] == ["cut_3s"]
    none = CliRunner().invoke(
        qa, ("fleet", str(scenario), "--case", "clock_jump"), standalone_mode=False, obj={}
    )
    assert isinstance(none.exception, click.UsageError)
    assert len(made.plans) == 1


def test_what_cannot_be_used_is_a_sentence(made: Made, tmp_path: Path) -> None:
    assert isinstance(run("--scheduler", "tls://a:1").exception, click.UsageError)
    both = run("--scheduler", "tls://a:1", "--backend", URL, "--workers", "2", token="t")
    assert isinstance(both.exception, click.UsageError)
    many = run("--backend", URL, "--max-sessions", "1", token="t")
    assert isinstance(many.exception, click.UsageError)
    assert "--max-sessions is 1" in str(many.exception)
    assert not made.plans
    assert isinstance(run("--backend", URL).exception, BadInputError)
    (tmp_path / "file").touch()
    failed = run("--results", tmp_path / "file" / "out")
    assert isinstance(failed.exception, RejoinError | click.UsageError)
    unknown = CliRunner().invoke(
        qa, ("fleet", "outage-ladder", "--case", "none such"), standalone_mode=False, obj={}
    )
    assert "There is no case none such" in str(unknown.exception)
    one_of_two = run("--case", "three seconds", "--case", "none such")
    assert "There is no case none such" in str(one_of_two.exception)
    assert made.plans == []
