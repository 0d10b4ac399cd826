"""What came of the demo: success or failure, the printed report, report.json and trace.jsonl."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rejoin.core.model import Ending, EndingKind
from rejoin.core.trace import Record, Timeline, to_line
from rejoin.demo.continuity import Continuity
from rejoin.demo.options import DemoOptions
from rejoin.emulator.service.faults import FaultKind
from rejoin.errors import BadInputError, RejoinError

VERSION: Final = 2
"""Of the format of report.json."""


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Everything that the report is made from."""

    options: DemoOptions
    records: tuple[Record, ...]
    episodes: tuple[Timeline, ...]
    continuity: tuple[Continuity, ...]
    ending: Ending
    screenshots: tuple[str, ...] = ()
    failure: str | None = None
    """Why the demo failed, in one sentence."""


def failure_of(
    options: DemoOptions,
    episodes: tuple[Timeline, ...],
    continuity: tuple[Continuity, ...],
    ending: Ending,
) -> str | None:
    """Why the demo failed, in one sentence, or None; decided from what was recorded."""
    if options.drops == 0:
        return None
    if options.fault is FaultKind.KILL:
        shown = ending.kind is EndingKind.GAME_ENDED and ending.reason is not None
        return None if shown else "The game was killed, but the service's reason was not shown."
    # A drop that the demo did not cause (an overloaded machine) is reported and proves nothing.
    caused = [episode for episode in episodes if episode.at("fault") is not None]
    if not caused:
        return "The demo ended before the connection dropped."
    back = [episode for episode in caused if episode.outcome in ("live", "healed")]
    if len(back) < options.drops:
        return f"Only {len(back)} of {options.drops} drops ended with the game live again."
    if len(continuity) < sum(episode.outcome == "live" for episode in back):
        return "The pictures do not show whether the game went on."
    if not all(one.continued for one in continuity):
        return "The player came back into a different game: its state did not continue."
    return None


def lines(result: DemoResult) -> Iterator[str]:
    """The printed report."""
    options = result.options
    yield (
        f"Emulated service, not AWS. It notices a silent client after "
        f"{options.notice_silent_client_s:g} s (assumed); "
        f"connection timeout {options.connection_timeout_s} s."
    )
    for episode in result.episodes:
        yield f"Drop {episode.episode}: {episode.outcome}"
        yield from episode.lines()
    for one in result.continuity:
        yield (
            f"Game ticks {one.last_tick + 1}-{one.first_tick - 1} missing, "
            f"state continued: {'yes' if one.continued else 'NO'}"
        )
    if result.screenshots and options.out is not None:
        yield f"Screenshots in {options.out}: {', '.join(result.screenshots)}"
    ending = result.ending
    yield f"Ended: {ending.kind.value}" + (f" ({ending.reason})" if ending.reason else "")


def make_folder(folder: Path) -> None:
    """Make the folder and check that it can be written to. Raises BadInputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise BadInputError(
            f"The folder {folder} cannot be written to: {error.strerror}."
        ) from error


def write(folder: Path, result: DemoResult) -> None:
    """Write report.json and trace.jsonl. Raises RejoinError."""
    options = result.options
    report = {
        "version": VERSION,
        "service": "emulator",
        "notice_silent_client_s": options.notice_silent_client_s,
        "notice_is_assumed": True,
        "connection_timeout_s": options.connection_timeout_s,
        "fault": options.fault.value,
        "episodes": [
            {
                "episode": episode.episode,
                "outcome": episode.outcome,
                "steps_ms": {
                    step.name: round((step.at - episode.began_at) * 1000, 1)
                    for step in episode.steps
                },
            }
            for episode in result.episodes
        ],
        "continuity": [
            asdict(one) | {"missing_ticks": one.missing_ticks, "continued": one.continued}
            for one in result.continuity
        ],
        "ending": {"kind": result.ending.kind.value, "reason": result.ending.reason},
        "failure": result.failure,
    }
    try:
        (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        trace = "".join(to_line(record) + "\n" for record in result.records)
        (folder / "trace.jsonl").write_text(trace, encoding="utf-8")
    except OSError as error:
        raise RejoinError(f"The report could not be written: {error.strerror}.") from error
