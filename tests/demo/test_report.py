"""The report: success or failure, the printed lines, and the files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rejoin.core.model import Ending, EndingKind
from rejoin.core.trace import Step, Timeline, from_line, of_fault
from rejoin.demo import report
from rejoin.demo.continuity import Continuity
from rejoin.demo.options import DemoOptions
from rejoin.demo.report import DemoResult, failure_of
from rejoin.emulator.service.faults import FaultKind
from rejoin.errors import BadInputError, RejoinError
from rejoin.service_model.status import StatusReason

CLOSED = Ending(EndingKind.CLOSED_FOR_NOW)
KILLED = Ending(EndingKind.GAME_ENDED, StatusReason("internalError"))
GOOD = Continuity(last_tick=100, first_tick=160, gap_s=1.0)
OTHER_GAME = Continuity(last_tick=100, first_tick=12, gap_s=1.0)


def episode(outcome: str, *, caused: bool = True, number: int = 1) -> Timeline:
    steps = (Step("fault" if caused else "last media", 10.0), Step("lost", 11.0))
    return Timeline(number, steps, outcome)


@pytest.mark.parametrize(
    ("options", "episodes", "continuity", "ending", "word"),
    [
        (DemoOptions(), (episode("live"),), (GOOD,), CLOSED, None),
        (DemoOptions(), (episode("healed"),), (), CLOSED, None),
        (DemoOptions(drops=0), (), (), CLOSED, None),
        (DemoOptions(), (), (), CLOSED, "before the connection dropped"),
        (DemoOptions(), (episode("healed", caused=False),), (), CLOSED, "before the connection"),
        (DemoOptions(), (episode("ended"),), (), KILLED, "Only 0 of 1 drops"),
        (DemoOptions(drops=2), (episode("live"),), (GOOD,), CLOSED, "Only 1 of 2 drops"),
        (DemoOptions(), (episode("live"),), (OTHER_GAME,), CLOSED, "different game"),
        (DemoOptions(), (episode("live"),), (), CLOSED, "pictures do not show"),
        (DemoOptions(fault=FaultKind.KILL), (episode("ended"),), (), KILLED, None),
        (DemoOptions(fault=FaultKind.KILL), (), (), KILLED, None),
        (DemoOptions(fault=FaultKind.KILL), (episode("open"),), (), CLOSED, "reason was not shown"),
        (
            DemoOptions(fault=FaultKind.KILL),
            (episode("ended"),),
            (),
            Ending(EndingKind.UNCONFIRMED),
            "reason was not shown",
        ),
    ],
)
def test_success_or_the_reason_for_the_failure(
    options: DemoOptions,
    episodes: tuple[Timeline, ...],
    continuity: tuple[Continuity, ...],
    ending: Ending,
    word: str | None,
) -> None:
    failure = failure_of(options, episodes, continuity, ending)
    if word is None:
        assert failure is None
    else:
        assert failure is not None
        assert word in failure


def test_the_printed_report(tmp_path: Path) -> None:
    options = DemoOptions(out=tmp_path, notice_silent_client_s=1.5)
    result = DemoResult(
        options, (), (episode("live"),), (GOOD, OTHER_GAME), KILLED, ("live.png", "back.png")
    )
    lines = list(report.lines(result))
    assert "not AWS" in lines[0]
    assert "after 1.5 s (assumed)" in lines[0]
    assert lines[1] == "Drop 1: live"
    assert "Game ticks 101-159 missing, state continued: yes" in lines
    assert "Game ticks 101-11 missing, state continued: NO" in lines
    assert f"Screenshots in {tmp_path}: live.png, back.png" in lines
    assert lines[-1] == "Ended: game_ended (internalError)"


def test_the_folder_is_created_and_stays_empty(tmp_path: Path) -> None:
    report.make_folder(tmp_path / "new" / "folder")
    assert list((tmp_path / "new" / "folder").iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(BadInputError, match="cannot be written to"):
        report.make_folder(tmp_path / "file" / "folder")


def test_report_and_trace_are_read_back(tmp_path: Path) -> None:
    record = of_fault("silence", 5.0)
    result = DemoResult(
        DemoOptions(), (record,), (episode("live"),), (GOOD,), CLOSED, failure="It failed."
    )
    report.write(tmp_path, result)
    written = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert written["episodes"] == [
        {"episode": 1, "outcome": "live", "steps_ms": {"fault": 0.0, "lost": 1000.0}}
    ]
    assert written["continuity"][0] == {
        "last_tick": 100,
        "first_tick": 160,
        "gap_s": 1.0,
        "missing_ticks": 59,
        "continued": True,
    }
    assert (written["version"], written["notice_silent_client_s"]) == (2, 5.0)
    assert written["failure"] == "It failed."
    (line,) = (tmp_path / "trace.jsonl").read_text(encoding="utf-8").splitlines()
    assert from_line(line) == record


def test_a_report_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "report.json").mkdir()
    with pytest.raises(RejoinError, match=r"The report could not be written: .*\.$"):
        report.write(tmp_path, DemoResult(DemoOptions(), (), (), (), CLOSED))
