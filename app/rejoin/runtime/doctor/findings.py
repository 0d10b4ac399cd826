"""The result of each check, a finding with an outcome, and the report of all. Pure."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rejoin.language import Message
from rejoin.runtime.doctor.rating import PlayNumbers


class Outcome(enum.Enum):
    """The outcome of a check; in order of severity."""

    OK = "ok"
    NOT_KNOWN = "not_known"
    """It was not looked at, because it does not apply or because something before it failed."""
    WARNING = "warning"
    """One can play, but not as well as one could."""
    FAILED = "failed"
    """Something does not work."""


INSTALL_AGAIN: Final = Message("Install Rejoin again.")
_WEIGHTS: Final = tuple(Outcome)


@dataclass(frozen=True, slots=True)
class Finding:
    """`check`: the name of the check. `found`: one sentence or two. `advice`: what to do; empty
    where there is nothing to do."""

    check: str
    outcome: Outcome
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The findings of a run, causes before their effects.

    `play`: the numbers of ten seconds of play, if a game was played. `cancelled`: the person did
    not wait for the rest.
    """

    findings: tuple[Finding, ...]
    play: PlayNumbers | None = None
    cancelled: bool = False

    @property
    def outcome(self) -> Outcome:
        """The worst of all; OK if no check found anything wrong."""
        worst = max(
            (finding.outcome for finding in self.findings), key=_WEIGHTS.index, default=Outcome.OK
        )
        return Outcome.OK if worst is Outcome.NOT_KNOWN else worst

    @property
    def cause(self) -> Finding | None:
        """The first of the worst findings; None where nothing is wrong."""
        worst = self.outcome
        if worst is Outcome.OK:
            return None
        return next(finding for finding in self.findings if finding.outcome is worst)

    @property
    def advice(self) -> str:
        """One thing to do; empty where nothing is wrong."""
        return "" if self.cause is None else self.cause.advice


@dataclass(frozen=True, slots=True)
class Began:
    """A check began. `left_s`: how long it and the rest usually take; it may take longer."""

    check: str
    left_s: float


Update = Began | Finding
"""Progress of a running test."""
OnUpdate = Callable[[Update], None]


def ok(check: str, found: str) -> Finding:
    return Finding(check, Outcome.OK, found)


def warning(check: str, found: str, advice: str) -> Finding:
    return Finding(check, Outcome.WARNING, found, advice)


def failed(check: str, found: str, advice: str) -> Finding:
    return Finding(check, Outcome.FAILED, found, advice)


def not_known(check: str, found: str) -> Finding:
    return Finding(check, Outcome.NOT_KNOWN, found)


def not_loaded(check: str, sentence: str) -> Finding:
    """A package or a library is missing; `sentence`: from `rejoin.parts`, with what to do."""
    _, _, to_do = sentence.partition(". ")
    return failed(check, sentence, to_do or INSTALL_AGAIN)
