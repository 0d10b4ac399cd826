"""Results of two builds, for tests of comparisons."""

from __future__ import annotations

import random
from dataclasses import replace

from helpers.qa_results import PLAYED, RECORD, SURROUNDINGS
from rejoin.qa.results import CallCounts, CaseRecord, EpisodeResult, FaultResult, StepResult
from rejoin.qa.verdicts import Verdict

APART_S = 5.0
ONE_CALL = CallCounts(1, 0, 0)


def a_drop(
    number: int,
    *,
    noticed_s: float = 0.9,
    freeze_s: float = 1.3,
    calls: CallCounts | None = ONE_CALL,
    answered_s: float = 0.15,
    connected_s: float = 0.05,
    outcome: str = "live",
    has_fault: bool = True,
) -> EpisodeResult:
    """The drop of the fault with this number, from 0. `freeze_s`: without a picture."""
    media_s = -0.01
    steps = [
        StepResult("last media", media_s),
        *([StepResult("fault", 0.0)] if has_fault else []),
        StepResult("lost", round(media_s + noticed_s, 4)),
    ]
    end_s = round(media_s + freeze_s, 4)
    if outcome == "live":
        sent_s = media_s + noticed_s + 0.1
        steps += [
            StepResult("request sent", round(sent_s, 4)),
            StepResult("answer received", round(sent_s + answered_s, 4)),
            StepResult("connected", round(sent_s + answered_s + connected_s, 4)),
            StepResult("first frame", end_s),
        ]
    if outcome in ("live", "healed"):
        steps.append(StepResult("live again", end_s))
    return EpisodeResult(number + 1, outcome, (number + 1) * APART_S, tuple(steps), calls)


def a_play(
    *drops: EpisodeResult,
    case: str = "a cut",
    build: str = "b1",
    verdict: Verdict = Verdict.PASSED,
    memory_mb: tuple[float | None, ...] = (),
    waited_share: float | None = 0.05,
    index: int = 0,
) -> CaseRecord:
    """A play with these drops. `memory_mb`: before each fault, and at the end."""
    memory_mb = memory_mb or (None,) * (len(drops) + 1)
    faults = tuple(
        FaultResult("clock_jump", (number + 1) * APART_S, "a cut", 1, memory)
        for number, memory in enumerate(memory_mb[:-1])
    )
    played = replace(
        PLAYED,
        faults=faults,
        episodes=drops,
        memory_mb=memory_mb[-1],
        waited_share=waited_share,
    )
    return replace(
        RECORD,
        case=case,
        index=index,
        verdict=verdict,
        played=played,
        surroundings=replace(SURROUNDINGS, build=build),
    )


def a_build(
    plays: int,
    seed: int,
    *,
    build: str = "b1",
    slower_s: float = 0.0,
    lost: float = 0.0,
    leak_mb: float = 0.0,
    cases: tuple[str, ...] = ("a cut",),
) -> list[CaseRecord]:
    """Plays with a drop each. `slower_s`: until a drop is noticed; `lost`: the share of drops that
    lose an answer, which takes 1.5 s; `leak_mb`: what each drop leaves behind."""
    chance = random.Random(seed)
    found = []
    for number in range(plays):
        extra_s = chance.gammavariate(20, 0.01)
        is_lost = chance.random() < lost
        noticed_s = 0.9 + chance.uniform(0, 0.1) + slower_s
        drop = a_drop(
            0,
            noticed_s=noticed_s,
            freeze_s=noticed_s + 0.3 + extra_s + 1.5 * is_lost,
            calls=CallCounts(1 + is_lost, int(is_lost), 0),
        )
        # As measured: a step of the allocator or none, with a little noise.
        gained_mb = chance.choice((0.6, 5.8)) + chance.gauss(0, 0.15) + leak_mb
        found.append(
            a_play(
                drop,
                case=cases[number % len(cases)],
                build=build,
                memory_mb=(70.0, round(70.0 + gained_mb, 3)),
                index=number,
            )
        )
    return found
