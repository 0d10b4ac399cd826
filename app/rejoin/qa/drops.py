"""Describes a drop and its causes, in the words that every report uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rejoin.qa.game_proof import DropProof
from rejoin.qa.results import CaseRecord, EpisodeResult, FaultResult, Group
from rejoin.qa.verdicts import Verdict

OUTCOMES: Final = {
    "live": "the player was back over a new connection",
    "healed": "the old connection came back by itself",
    "ended": "the player did not come back",
    "open": "it was not over when the play ended",
}
PROOFS: Final = {
    "strip": "the counter in the picture, which the emulated game paints",
    "heartbeat": "the heartbeat of the game",
    "picture": "the picture before and after",
    "session": "the stream session alone is the same; no picture was compared",
}
ORDER: Final = (Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.SKIPPED, Verdict.PASSED)
"""Order of verdicts in a report: failures first."""
KINDS: Final = ("passed", "failed", "flaky", "inconclusive", "skipped")
AT_ONCE_S: Final = 0.002
"""A fault of a result and of its trace are the same within the rounding of both."""


@dataclass(frozen=True, slots=True)
class Causes:
    """The faults of a drop: the one right before it, if any, and those that came during it."""

    before: tuple[FaultResult, ...]
    during: tuple[FaultResult, ...]


def causes(episode: EpisodeResult, faults: Sequence[FaultResult]) -> Causes:
    """As the trace has it: the last fault before the drop is its first step."""
    began = next((step.at_s for step in episode.steps if step.name == "fault"), None)
    before, during = [], []
    for fault in faults:
        if fault.at_s is None:
            continue
        after = fault.at_s - episode.began_at_s
        if began is not None and abs(after - began) <= AT_ONCE_S:
            before.append(fault)
        elif 0 < after <= lasted_s(episode):
            during.append(fault)
    return Causes(tuple(before), tuple(during))


def lasted_s(episode: EpisodeResult) -> float:
    """From its beginning to its last step."""
    return max((step.at_s for step in episode.steps), default=0.0)


def ending(episode: EpisodeResult) -> str:
    """How it ended, and when."""
    state = {"live": "live again", "healed": "healed", "ended": "ended"}.get(episode.outcome)
    return "still open" if state is None else f"{state} after {lasted_s(episode):.2f} s"


def ordered(groups: Sequence[Group]) -> Iterator[CaseRecord]:
    """All plays, what failed first."""
    every = [record for group in groups for record in group.records]
    yield from sorted(every, key=lambda record: ORDER.index(record.verdict))


def proof_text(proof: DropProof) -> str:
    """The evidence that it is the same game, and what it says, in words."""
    shown = f"{PROOFS[proof.rests_on.value]}: {proof.says.value}"
    return shown if proof.similarity is None else f"{shown} (similarity {proof.similarity:.2f})"
