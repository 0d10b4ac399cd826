"""The result of each point of the contract."""

from __future__ import annotations

from dataclasses import dataclass

from rejoin.errors import RejoinError


@dataclass(frozen=True, slots=True)
class Kept:
    """It holds."""


@dataclass(frozen=True, slots=True)
class Broken:
    """It does not hold; `sentence` says what was seen."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Advice:
    """No rule is broken, but somebody should look."""

    sentence: str


@dataclass(frozen=True, slots=True)
class NotChecked:
    """`reason`: why it could not be checked."""

    reason: str


Outcome = Kept | Broken | Advice | NotChecked


@dataclass(frozen=True, slots=True)
class Finding:
    """`name`: the point's. `says`: what must hold. `rule`: its number in docs/backend.md, or ""."""

    name: str
    says: str
    rule: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Report:
    """All findings. `left_running`: sessions that were started and could not be ended."""

    url: str
    findings: tuple[Finding, ...]
    left_running: int = 0

    @property
    def good(self) -> bool:
        """Whether nothing that was checked is broken, and nothing was left running."""
        return not self.left_running and not any(
            isinstance(finding.outcome, Broken) for finding in self.findings
        )


class _EndsPointError(RejoinError):
    """Ends a point."""

    code = "check"


class BrokenError(_EndsPointError):
    """A point does not hold."""


class AdviceError(_EndsPointError):
    """A point holds, but somebody should look."""


class NotCheckedError(_EndsPointError):
    """A point could not be checked."""
