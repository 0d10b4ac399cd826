"""Messages between a test run and its processes, pickled, through pipes of their own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rejoin.core.model import Stage
from rejoin.qa.results import CaseRecord
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.terminal_charts import Sample


@dataclass(frozen=True, slots=True)
class SessionKnown:
    """From a case: the session's id, which must be kept like a token where the dialect says so."""

    session_id: str


@dataclass(frozen=True, slots=True)
class Done:
    """From a case: its result."""

    record: CaseRecord


@dataclass(frozen=True, slots=True)
class Playing:
    """From a case, about once a second: how its game goes."""

    stage: Stage
    sample: Sample


FromCase = SessionKnown | Playing | Done


@dataclass(frozen=True, slots=True)
class Charge:
    """To the guardian: it guards the sessions of this profile, by the ledger in this folder."""

    profile: StudioProfile
    ledger_folder: Path


@dataclass(frozen=True, slots=True)
class Began:
    """To the guardian: a session runs; `key` of its entry in the ledger."""

    key: str
    session_id: str


@dataclass(frozen=True, slots=True)
class Over:
    """To the guardian: a session is over."""

    key: str


ToGuardian = Charge | Began | Over
