"""The verbs of `rejoin qa` as a tester meets them: lines, files and exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rejoin.core import judge, session
from rejoin.core.trace import Record
from rejoin.qa import diagram, traces
from rejoin.qa.verbs import qa


def invoke(*args: str) -> Result:
    # Not standalone: a verb's return value is the exit code, as `cli.main` has it.
    return CliRunner().invoke(qa, args, standalone_mode=False)


def test_worlds_are_counted() -> None:
    result = invoke("simulate", "--seeds", "40", "--jobs", "1")
    assert result.return_value == 0
    assert result.output.startswith("40 worlds, ")
    assert "0 worlds broke an invariant" in result.output


def test_a_broken_invariant_fails_and_says_how_to_see_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(judge, "violations", lambda records: ("I1 at 1.000: no",))
    result = invoke("simulate", "--seeds", "1", "--first", "7", "--jobs", "1")
    assert result.return_value == 1
    assert "I1 at 1.000: no" in result.output
    assert "rejoin qa simulate --seed 7" in result.output
    assert invoke("simulate", "--seed", "7").return_value == 1


def test_one_seed_tells_its_story_and_leaves_its_trace(tmp_path: Path) -> None:
    file = tmp_path / "seed.jsonl"
    result = invoke("simulate", "--seed", "17", "--trace", str(file))
    assert result.return_value == 0
    assert "seed 17: " in result.output
    assert "live again" in result.output
    again = invoke("trace", str(file))
    assert again.return_value == 0
    told = [line for line in result.output.splitlines() if line.startswith((" ", "episode"))]
    assert [line for line in again.output.splitlines() if line in told], "the same timeline"


def test_a_trace_of_one_seed_wants_the_seed(tmp_path: Path) -> None:
    result = invoke("simulate", "--trace", str(tmp_path / "x"))
    assert "--seed" in str(result.exception)


def test_a_trace_that_breaks_an_invariant_fails(tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    traces.write(file, [Record(1.0, "command", "ApplyAnswer", {"connection": 1})])
    result = invoke("trace", str(file))
    assert result.return_value == 1
    assert "No episode" in result.output
    assert "I1" in result.output


def test_a_generated_profile_is_scored() -> None:
    result = invoke("score", "--profile", "clean", "--hours", "0.01", "--drops", "2")
    assert result.return_value == 0
    heading, row = result.output.splitlines()
    assert heading.split()[:2] == ["hours", "drops"]
    assert row.split()[0] == "clean"


@pytest.mark.parametrize("args", [(), ("--profile", "nonsense")])
def test_nothing_to_score_is_said(args: tuple[str, ...]) -> None:
    result = invoke("score", *args)
    assert result.exception is not None


def test_a_scenario_is_played_and_leaves_its_traces(tmp_path: Path) -> None:
    result = invoke(
        "run", "outage-ladder", "--case", "a blink", "--case", "for ever", "--traces", str(tmp_path)
    )
    assert result.return_value == 0
    assert "2 cases, 0 failed." in result.output
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a-blink.jsonl", "for-ever.jsonl"]
    assert invoke("trace", str(tmp_path / "for-ever.jsonl")).return_value == 0


def test_a_scenario_that_is_not_met_fails(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('about = "x"\n[[cases]]\nname = "a"\nfor_s = 3\nends = "trying"\n')
    result = invoke("run", str(file))
    assert result.return_value == 1
    assert "it ended live and not trying" in result.output


def test_a_case_that_is_not_there_is_said() -> None:
    assert "no case z" in str(invoke("run", "outage-ladder", "--case", "z").exception)


def test_the_states_are_drawn_to_the_terminal_or_into_a_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(diagram, "ways", lambda: {("Idle", "Ended"): frozenset({"WakeupDue"})})
    assert "| Idle | Ended | its time was up |" in invoke("diagram").output
    page = tmp_path / "states.md"
    page.write_text(f"{diagram.BEGIN}\n{diagram.END}\n")
    assert invoke("diagram", "--write", str(page)).return_value == 0
    assert "its time was up" in page.read_text()


def test_every_order_of_events_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    result = invoke("check", "--states", "60")
    assert result.return_value == 0
    assert result.output.count("0 violations") == len(result.output.splitlines()) == 8
    monkeypatch.setattr(session, "next_wakeup", lambda state: None)
    broken = invoke("check", "--states", "60")
    assert broken.return_value == 1
    assert "I5: " in broken.output
