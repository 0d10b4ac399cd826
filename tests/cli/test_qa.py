"""`rejoin qa`: what its verbs print, the files that they write, and their exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from helpers.hostile import hostile_json
from rejoin.cli.qa import qa
from rejoin.core import engine, events
from rejoin.core.model import ConnectionNumber, ConnectionSample
from rejoin.core.trace import Record, of_event, of_fault, to_line
from rejoin.errors import BadInputError
from rejoin.qa import diagram, simulation, traces
from rejoin.verify import invariants


def invoke(*args: str) -> Result:
    # Not standalone: a verb returns its exit code, which `cli.main` uses.
    return CliRunner().invoke(qa, args, standalone_mode=False)


def test_simulated_games_are_counted() -> None:
    result = invoke("simulate", "--seeds", "40", "--jobs", "1")
    assert result.return_value == 0
    assert result.output.startswith("40 games, ")
    assert "0 games broke an invariant" in result.output


def test_each_seed_has_a_trace_where_a_folder_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    result = invoke(
        "simulate", "--seeds", "3", "--first", "5", "--jobs", "1", "--traces", str(folder)
    )
    assert result.return_value == 0
    assert sorted(file.name for file in folder.iterdir()) == [
        f"seed-0000000{seed}.jsonl" for seed in (5, 6, 7)
    ]
    one = invoke("simulate", "--seed", "5", "--traces", str(folder))
    assert isinstance(one.exception, click.UsageError)


def test_a_broken_invariant_fails_and_the_command_that_repeats_it_is_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(invariants, "violations", lambda records: ("I1 at 1.000: no",))
    result = invoke("simulate", "--seeds", "1", "--first", "7", "--jobs", "1")
    assert result.return_value == 1
    assert "I1 at 1.000: no" in result.output
    assert "rejoin qa simulate --seed 7" in result.output
    assert invoke("simulate", "--seed", "7").return_value == 1


def test_one_seed_prints_its_timeline_and_writes_its_trace(tmp_path: Path) -> None:
    file = tmp_path / "seed.jsonl"
    result = invoke("simulate", "--seed", "17", "--trace", str(file))
    assert result.return_value == 0
    assert "seed 17: " in result.output
    assert "live again" in result.output
    again = invoke("trace", str(file))
    assert again.return_value == 0
    printed = [line for line in result.output.splitlines() if line.startswith((" ", "episode"))]
    assert [line for line in again.output.splitlines() if line in printed], "the same timeline"


def test_a_trace_file_needs_a_seed(tmp_path: Path) -> None:
    result = invoke("simulate", "--trace", str(tmp_path / "x"))
    assert "--seed" in str(result.exception)


def test_a_trace_that_breaks_an_invariant_fails(tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    traces.write(file, [Record(1.0, "command", "ApplyAnswer", {"connection": 1})])
    result = invoke("trace", str(file))
    assert result.return_value == 1
    assert "No episode" in result.output
    assert "I1" in result.output


def test_a_trace_that_violates_the_schema_is_refused_in_one_sentence(
    tmp_path: Path,
) -> None:
    file = tmp_path / "strange.jsonl"
    for data in ({}, {"connection": "x"}, {"connection": 1, "more": [{}]}):
        traces.write(file, [Record(1.0, "command", "MakeOffer", data)])
        result = invoke("trace", str(file))
        assert isinstance(result.exception, BadInputError)
        assert "MakeOffer does not conform to the schema" in str(result.exception)


def test_a_generated_profile_is_scored() -> None:
    result = invoke("score", "--profile", "clean", "--hours", "0.01", "--drops", "2")
    assert result.return_value == 0
    heading, row = result.output.splitlines()
    assert heading.split()[:2] == ["hours", "drops"]
    assert row.split()[0] == "clean"


@pytest.mark.parametrize("args", [(), ("--profile", "nonsense")])
def test_without_anything_to_score_there_is_an_error(args: tuple[str, ...]) -> None:
    result = invoke("score", *args)
    assert result.exception is not None


def test_a_scenario_is_run_and_its_traces_are_written(tmp_path: Path) -> None:
    result = invoke(
        "run",
        "outage-ladder",
        "--case",
        "a short pause",
        "--case",
        "without end",
        "--traces",
        str(tmp_path),
    )
    assert result.return_value == 0
    assert "2 cases, 0 failed." in result.output
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "a-short-pause.jsonl",
        "without-end.jsonl",
    ]
    assert invoke("trace", str(tmp_path / "without-end.jsonl")).return_value == 0


def test_a_folder_for_traces_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = invoke("run", "outage-ladder", "--traces", str(tmp_path / "file" / "x"))
    assert isinstance(result.exception, BadInputError)
    assert "cannot be made" in str(result.exception)


def test_a_scenario_with_another_ending_fails(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('description = "x"\n[[cases]]\nname = "a"\nduration_s = 3\nends = "trying"\n')
    result = invoke("run", str(file))
    assert result.return_value == 1
    assert "it ended live, not trying" in result.output


def test_an_unknown_case_is_an_error() -> None:
    assert "no case z" in str(invoke("run", "outage-ladder", "--case", "z").exception)


def test_the_diagram_is_printed_or_written_into_a_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        diagram, "transitions", lambda: {("Idle", "Ended"): frozenset({"WakeupDue"})}
    )
    assert "| Idle | Ended | its time was up |" in invoke("diagram").output
    page = tmp_path / "states.md"
    page.write_text(f"{diagram.BEGIN}\n{diagram.END}\n")
    assert invoke("diagram", "--write", str(page)).return_value == 0
    assert "its time was up" in page.read_text()
    page.write_text("# Another page\n")
    assert isinstance(invoke("diagram", "--write", str(page)).exception, BadInputError)


def test_orders_of_events_are_explored(monkeypatch: pytest.MonkeyPatch) -> None:
    result = invoke("check", "--states", "60")
    assert result.return_value == 0
    assert result.output.count("0 violations") == len(result.output.splitlines()) == 11
    monkeypatch.setattr(engine, "next_wakeup", lambda state: None)
    broken = invoke("check", "--states", "60")
    assert broken.return_value == 1
    assert "I5: " in broken.output


def lines_of_a_game() -> list[dict[str, Any]]:
    """One record of every kind and name that a drop produces, and a sample."""
    _, outcome = simulation.run(17)
    sample = ConnectionSample(1.0, 1.0, 1.0, 1, 0.017, None, 0.0)
    sampled = of_event(events.Sampled(ConnectionNumber(1), sample), 1.0)
    cut = of_fault("cut", 1.0, outage_s=3.0)
    found = {(each.kind, each.name): each for each in (*outcome.records, sampled, cut)}
    return [json.loads(to_line(record)) for record in found.values()]


GAME = lines_of_a_game()


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(hostile_json(*GAME), min_size=1, max_size=4))
@example(['{"v":2,"at":1,"kind":"event","name":"x\\u001b[31m\\nrejoin: no","data":{}}'])
@example(['{"v":2,"at":1,"kind":"fault","name":"cut","data":{"\\n":1,"outage_s":"3"}}'])
@example(['{"v":2,"at":1,"kind":"command","name":"Reconnect","data":{"session_id":"s","attempt":1,'
          '"try_number":1,"connection":1,"budget_s":"5"}}'] * 2)  # fmt: skip
def test_any_trace_is_printed_or_refused_in_one_sentence(tmp_path: Path, lines: list[str]) -> None:
    file = tmp_path / "strange.jsonl"
    file.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    for verb in ("trace", "score"):
        result = invoke(verb, str(file))
        if result.exception is None:
            assert result.return_value in (0, 1)
            continue
        assert isinstance(result.exception, BadInputError), result.exception
        sentence = str(result.exception)
        assert sentence.isascii()
        assert sentence.isprintable()
        assert sentence.endswith(".")
