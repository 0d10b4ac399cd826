"""A result of `rejoin qa run --backend`, for tests."""

from __future__ import annotations

from rejoin.core.model import Stage
from rejoin.injector.injector import Figures
from rejoin.qa.messages import Playing
from rejoin.qa.results import (
    CaseRecord,
    EpisodeResult,
    FaultResult,
    Played,
    StepResult,
    Surroundings,
)
from rejoin.qa.verdicts import Verdict, Why
from rejoin.terminal_charts import Sample

SURROUNDINGS = Surroundings(
    "backend.example", "ours", "eu-west-1", "a-123", "build 7", "0.1.0", "linux"
)
PLAYED = Played(
    ended="live",
    reason=None,
    reconnects=1,
    freezes_s=(1.25,),
    live_after_s=2.0,
    played_s=20.0,
    connection_timeout_s=60.0,
    session_ended=True,
    proof="session",
    faults=(FaultResult("cut_3s", 3.0, "a cut", 1),),
    episodes=(EpisodeResult(1, "live", 3.0, (StepResult("lost", 0.9),)),),
    injector=Figures(10, 2, {"cut": 3}, 0, {}, 0.1, 0.5, 0.9),
)
RECORD = CaseRecord(
    "run",
    "every-profile",
    "a cut",
    1,
    0,
    1,
    Verdict.PASSED,
    Why.AS_EXPECTED,
    (),
    "2026-11-30T10:00:00.000+00:00",
    25.0,
    SURROUNDINGS,
    PLAYED,
    {"trace": "traces/0000-a-cut.jsonl"},
)
PLAYING = Playing(Stage.LIVE, Sample(5.0, 1, 250_000, 150, 0.01, 0.02))
"""How a game goes, while it is played."""
