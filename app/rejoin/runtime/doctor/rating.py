"""Judges the numbers of a short game by a table of limits, each with its source. Pure.

A number beyond `fair` is a warning, beyond `poor` a failure. The advice of a row is for a player.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rejoin.language import Message, mark


class Grade(enum.Enum):
    """The grade of one number."""

    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"


@dataclass(frozen=True, slots=True)
class Moments:
    """When each step was reached, in seconds since the game was requested; None: it was not.

    `answered`: the service answered the offer. `heard`: the first authenticated packet of the game
    server (ICE). `connected`: the keys are agreed (DTLS). `picture`: the first picture was decoded.
    `input`: the game takes input.
    """

    answered: float | None = None
    heard: float | None = None
    connected: float | None = None
    picture: float | None = None
    input: float | None = None

    @property
    def to_picture_s(self) -> float | None:
        """From the answer to the first picture: the share of this computer and its network."""
        if self.answered is None or self.picture is None:
            return None
        return self.picture - self.answered


@dataclass(frozen=True, slots=True)
class PlayNumbers:
    """Ten seconds of play in numbers. None: not measured.

    `busy_ms`: how late this computer runs its own timers (95th percentile). `loss`: share of
    packets that nothing repaired, `repaired`: of those that were sent again. `late`: share of
    pictures that came more than two intervals after the one before. `freezes`: W3C's freezeCount.
    Counting starts a second after the first picture. `no_input`: why there is none, if known.
    `input_bytes`: what the input module sent.
    """

    moments: Moments = Moments()
    played_s: float = 0.0
    busy_ms: float | None = None
    loss: float | None = None
    repaired: float | None = None
    rtt_ms: float | None = None
    jitter_ms: float | None = None
    bitrate_kbps: float | None = None
    late: float | None = None
    freezes: int = 0
    pictures: int = 0
    decode_ms: float | None = None
    size: tuple[int, int] = (0, 0)
    path: str = ""
    """Kinds of the candidates, as `StreamStatistics.candidate_pair` has them."""
    no_input: str = ""
    input_bytes: int = 0
    dropped: bool = False
    """The connection was lost and had to be replaced."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A row: a number of `PlayNumbers`, its unit, and what it may be."""

    name: str
    unit: str
    fair: float
    poor: float
    source: str
    advice: str
    is_effect: bool = False
    """Names of rows above it: bad numbers there explain a bad one here."""


CABLE: Final = Message("Use a network cable, or move closer to the Wi-Fi router.")
LIMITS: Final = (
    Limit(
        mark("own delay"),
        "ms",
        10.0,
        30.0,
        "chosen: half an interval at 60 pictures a second, and two",
        Message("This computer is too busy to play well: close other programs."),
    ),
    Limit(
        mark("lost packets"),
        "%",
        2.0,
        5.0,
        "core/health, rule 1: below 2 % a stream counts as recovered, from 5 % on as degraded",
        Message("Packets are lost on the way. {advice}", advice=CABLE),
    ),
    Limit(
        mark("repaired packets"),
        "%",
        2.0,
        10.0,
        "chosen: each costs its picture a round trip",
        Message("Many packets have to be sent again. {advice}", advice=CABLE),
    ),
    Limit(
        mark("round trip"),
        "ms",
        80.0,
        200.0,
        "chosen: 80 ms are five pictures at 60 a second; at 200 ms a player sees every press late",
        Message(
            "The game server is far away, or the line is busy: stop downloads and VPNs, and ask "
            "the studio for a region nearer to you."
        ),
    ),
    Limit(
        mark("jitter"),
        "ms",
        30.0,
        50.0,
        "ITU-T Y.1541, classes 0 and 1: 50 ms of delay variation; the lower one is chosen",
        Message("Packets come unevenly. {advice} Stop downloads on the same line.", advice=CABLE),
    ),
    Limit(
        mark("late pictures"),
        "%",
        2.0,
        10.0,
        "chosen",
        Message(
            "Pictures come unevenly: close other programs, and stop downloads on the same line."
        ),
        is_effect=True,
    ),
    Limit(
        mark("decoding"),
        "ms",
        8.0,
        16.0,
        "media/video/hardware_probe: half an interval at 60 pictures a second; a whole one",
        Message(
            "This computer decodes slowly: close other programs, or limit the picture with "
            "`rejoin play --max-height 720`."
        ),
        is_effect=True,
    ),
    Limit(
        mark("freezes"),
        "",
        0.5,
        2.5,
        "W3C webrtc-stats, freezeCount; how many are too many in ten seconds is chosen",
        Message("The picture froze. {advice}", advice=CABLE),
        is_effect=True,
    ),
    Limit(
        mark("first picture"),
        "s",
        3.0,
        6.0,
        "core/model.Policy: connecting may take 5 s and 4 round trips; the lower one is chosen",
        Message(
            "The connection took long to come up. If it stays so, ask the administrator of your "
            "network to let UDP through to ports 33435 to 33465, which Amazon GameLift Streams "
            "uses."
        ),
    ),
)
"""The bitrate has no row: a game sends what
it needs, and a line that is too narrow shows as loss, jitter and late pictures."""


@dataclass(frozen=True, slots=True)
class Rated:
    """One number, as shown, and its grade."""

    limit: Limit
    value: float
    grade: Grade

    @property
    def text(self) -> str:
        digits = 1 if self.limit.unit in ("%", "s") else 0
        return f"{self.value:.{digits}f} {self.limit.unit}".rstrip()


def rated(numbers: PlayNumbers) -> tuple[Rated, ...]:
    """Every number that was measured, in the order of the table."""
    values: dict[str, float | None] = {
        "own delay": numbers.busy_ms,
        "lost packets": _percent(numbers.loss),
        "repaired packets": _percent(numbers.repaired),
        "round trip": numbers.rtt_ms,
        "jitter": numbers.jitter_ms,
        "late pictures": _percent(numbers.late),
        "decoding": numbers.decode_ms,
        "freezes": float(numbers.freezes) if numbers.pictures else None,
        "first picture": numbers.moments.to_picture_s,
    }
    found = []
    for limit in LIMITS:
        value = values[limit.name]
        if value is not None:
            found.append(Rated(limit, value, grade_of(limit, value)))
    return tuple(found)


def grade_of(limit: Limit, value: float) -> Grade:
    """The grade of a value in this row."""
    if value > limit.poor:
        return Grade.POOR
    return Grade.FAIR if value > limit.fair else Grade.GOOD


def worst_of(found: Sequence[Rated]) -> Rated | None:
    """The first of the worst numbers; None where all are good."""
    for grade in (Grade.POOR, Grade.FAIR):
        for each in found:
            if each.grade is grade:
                return each
    return None


def cause_of(found: Sequence[Rated]) -> Rated | None:
    """The number to improve: the worst one, or a bad one that explains it. None if all are good."""
    worst = worst_of(found)
    if worst is None or not worst.limit.is_effect:
        return worst
    causes = [each for each in found if not each.limit.is_effect and each.grade is not Grade.GOOD]
    return worst_of(causes) or worst


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
