"""Practice drops as the window sees them: named faults that a tester injects into this client.

A player's window has no port (`WindowOptions.practice` is None): only `rejoin practice` makes one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from rejoin.language import mark

MOST_LOSS_PERCENT: Final = 60
MOST_DELAY_MS: Final = 1000
"""Each way, on top of what the path has."""
MOST_SEED: Final = 999_999
NO_TIMEOUT: Final = mark(
    "The backend does not report its connection timeout, which this fault depends on."
)
MOST_NOTE: Final = 200
"""Characters of a marker's note."""


@dataclass(frozen=True, slots=True)
class Held:
    """The values of the sliders, which apply to the path until `lift`."""

    loss_percent: int = 0
    delay_ms: int = 0

    @property
    def is_on(self) -> bool:
        return self.loss_percent > 0 or self.delay_ms > 0


@dataclass(frozen=True, slots=True)
class PracticeFinding:
    """The finding after a drop: `rests_on` and `says` are the words of a result's proof."""

    rests_on: str
    says: str


@dataclass(frozen=True, slots=True)
class PracticeState:
    """The current state. `fault`: name of the running one; "": none. `seed`: its random seed.
    `finding`: of the last drop. `problem`: why the last fault did not begin, not translated yet."""

    fault: str = ""
    seed: int = 1
    held: Held = Held()
    finding: PracticeFinding | None = None
    problem: str = ""

    @property
    def is_on(self) -> bool:
        """Whether any fault is."""
        return bool(self.fault) or self.held.is_on


class PracticePort(Protocol):
    """Thread-safe; every call returns at once."""

    @property
    def faults(self) -> tuple[str, ...]:
        """The names, in the order in which they are offered."""

    @property
    def keeps_pictures(self) -> bool:
        """Whether a marker may keep a picture of the game."""

    def state(self) -> PracticeState:
        """What is true now."""

    def begin(self, fault: str, seed: int) -> None:
        """Begin a fault, in place of the running one."""

    def hold(self, held: Held, seed: int) -> None:
        """Set the path to these values until `lift`, in place of earlier ones."""

    def lift(self) -> None:
        """End all faults, named or held."""

    def mark(self, at: float, note: str, picture: str) -> None:
        """Set a marker at boot time `at`. `picture`: the name of its file; "" if none is kept."""
