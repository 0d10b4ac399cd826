"""How a game went for its player: drops, seconds lost, the worst minute, one piece of advice. Pure.

`PlayRecorder` collects this during a game: drops from snapshots, and measurements of each second.
Here a game begins with its first picture; times are boot time in seconds.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from rejoin.core.model import (
    ConnectionNumber,
    Ending,
    EndingKind,
    HardEvidence,
    Snapshot,
    Stage,
)
from rejoin.core.verdict import Verdict
from rejoin.service_model.status import CONNECTION_TIMEOUT, RECONNECTION_TIMEOUT

MINUTE_S: Final = 60.0
NOTABLE_S: Final = 1.0
"""A minute with less time than this without a moving picture is not a bad one."""
LOSSY: Final = 0.02
"""From this share of missing packets on, a minute or a game had loss worth naming."""
MOST_LOSS_OF: Final = 600
"""With fewer packets than this a share means nothing: about a second of video."""
FAR_S: Final = 0.1
"""From this mean round trip on keys and mouse feel late."""
SLOW: Final = 0.02
"""From this share of pictures that came too late for the screen on, this computer is too slow."""
SLOW_OF: Final = 600
"""With fewer pictures than this a share means nothing."""
END_NOTICED_S: Final = 10.0
"""The end of a game is known this long after its last packet, at the latest."""
_DROPPED: Final = frozenset({RECONNECTION_TIMEOUT, CONNECTION_TIMEOUT})
"""The service's reasons for ending a game to which no player came back."""
_HOST_CLOSED: Final = frozenset(
    {
        HardEvidence.DTLS_CLOSED,
        HardEvidence.CHANNEL_CLOSED,
        HardEvidence.SERVER_DISCONNECTED,
        HardEvidence.RTCP_BYE,
    }
)
HEALED_S: Final = 1.5
"""The freeze of a drop that healed is counted up to this long after it."""


class Advice(enum.Enum):
    """What a player can do next time; each has its own sentence in `gui/play_texts.py`."""

    OWN_NETWORK = "own_network"
    SIGN_IN_FIRST = "sign_in_first"
    PROXY = "proxy"
    STUDIO_AWAY = "studio_away"
    OTHER_NETWORK = "other_network"
    REPORT_HOST = "report_host"
    ONE_NETWORK = "one_network"
    LOSS = "loss"
    SLOW_COMPUTER = "slow_computer"
    FAR_HOST = "far_host"
    REPORT_UNKNOWN = "report_unknown"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Second:
    """Counters of one connection since its start, and its round trip now.

    `late`: pictures that were ready and never shown, as this computer was too slow. `frozen_s`: how
    long the picture stood still.
    """

    connection: ConnectionNumber
    packets_received: int = 0
    packets_lost: int = 0
    pictures: int = 0
    late: int = 0
    frozen_s: float = 0.0
    rtt_s: float | None = None


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of play, from 1. `lost_s`: without a connection; `frozen_s`: with one, and no
    moving picture."""

    number: int
    lost_s: float = 0.0
    frozen_s: float = 0.0
    packets_received: int = 0
    packets_lost: int = 0

    @property
    def still_s(self) -> float:
        return min(MINUTE_S, self.lost_s + self.frozen_s)

    @property
    def loss(self) -> float:
        """The share of packets that did not arrive; 0 where there were too few to say."""
        return _share(self.packets_lost, self.packets_lost + self.packets_received, MOST_LOSS_OF)


@dataclass(frozen=True, slots=True)
class PlayReport:
    """A whole game. `verdicts`: how many drops each was the verdict of, most first, without
    NOT_KNOWN. `worst`: the minute with the longest standstill, else with the most loss; None where
    none is worth naming. `returned`: drops that the player came back from."""

    played_s: float
    drops: int
    returned: int
    lost_s: float
    frozen_s: float
    loss: float
    rtt_s: float | None
    late: float
    worst: Minute | None
    verdicts: tuple[tuple[Verdict, int], ...]
    networks_changed: int
    """Drops that began with the address of this computer going away."""
    advice: Advice = Advice.NOTHING


Fits = Callable[[PlayReport], bool]


def _mostly(verdict: Verdict) -> Fits:
    """Of the drops whose fault is known, most had this one."""
    return lambda report: report.verdicts[:1] != () and report.verdicts[0][0] is verdict


RULES: Final[tuple[tuple[Advice, Fits], ...]] = (
    (Advice.SIGN_IN_FIRST, _mostly(Verdict.SIGN_IN_PAGE)),
    (Advice.PROXY, _mostly(Verdict.PROXY_REFUSES)),
    (Advice.ONE_NETWORK, lambda report: 0 < report.drops <= 2 * report.networks_changed),
    (Advice.OWN_NETWORK, _mostly(Verdict.NETWORK_GONE)),
    (Advice.OTHER_NETWORK, _mostly(Verdict.PATH_BROKEN)),
    (Advice.STUDIO_AWAY, _mostly(Verdict.SERVICE_SILENT)),
    (Advice.REPORT_HOST, _mostly(Verdict.HOST_SILENT)),
    (Advice.LOSS, lambda report: report.loss >= LOSSY),
    (Advice.REPORT_UNKNOWN, lambda report: report.drops > 0),
    (Advice.SLOW_COMPUTER, lambda report: report.late >= SLOW),
    (Advice.FAR_HOST, lambda report: report.rtt_s is not None and report.rtt_s >= FAR_S),
)
"""The first that fits is the advice: causes of lost connections come before causes of a worse
picture. If none fits there is no advice."""


def advised(report: PlayReport) -> PlayReport:
    """The same with its advice."""
    found = next((advice for advice, fits in RULES if fits(report)), Advice.NOTHING)
    return replace(report, advice=found)


@dataclass(slots=True)
class _Drop:
    """A drop that goes on."""

    began_at: float
    verdict: Verdict | None = None
    address_gone: bool = False
    host_closed: bool = False


def _is_the_end(drop: _Drop, ending: Ending | None, now: float) -> bool:
    """Whether the connection was lost because the game ended, and not the other way round."""
    if ending is None or ending.kind is not EndingKind.GAME_ENDED or ending.reason in _DROPPED:
        return False
    return drop.host_closed or now - drop.began_at < END_NOTICED_S


@dataclass(slots=True)
class PlayRecorder:
    """Follows one game. Memory grows by one small record a minute."""

    _began_at: float | None = None
    _ended_at: float | None = None
    _drop: _Drop | None = None
    _back_at: float | None = None
    _second: Second | None = None
    _drops: int = 0
    _returned: int = 0
    _lost_s: float = 0.0
    _networks_changed: int = 0
    _verdicts: Counter[Verdict] = field(default_factory=Counter)
    _minutes: dict[int, Minute] = field(default_factory=dict)
    _pictures: int = 0
    _late: int = 0
    _rtt_s: float = 0.0
    _rtts: int = 0

    def on_snapshot(self, snapshot: Snapshot, now: float) -> None:
        """The engine has published this at `now`."""
        stage = snapshot.stage
        if self._ended_at is not None:
            return
        if self._began_at is None:
            if stage is Stage.LIVE:
                self._began_at = now
            return
        match stage:
            case Stage.LIVE:
                self._close(now, returned=True)
            case Stage.LOST | Stage.RECONNECTING:
                self._follow(snapshot, now)
            case Stage.ENDING | Stage.ENDED:
                self._leave(snapshot, now)
                self._ended_at = now
            case Stage.IDLE | Stage.STARTING:
                pass

    def on_second(self, second: Second, now: float) -> None:
        """What was measured at `now`, about once a second."""
        began_at, before = self._began_at, self._second
        self._second = second
        if began_at is None or self._ended_at is not None:
            return
        if before is None or before.connection != second.connection:
            before = Second(second.connection)
        number = _minute_of(now - began_at)
        minute = self._minutes.get(number, Minute(number))
        in_drop = self._drop is not None or (
            self._back_at is not None and now - self._back_at < HEALED_S
        )
        frozen_s = 0.0 if in_drop else max(0.0, second.frozen_s - before.frozen_s)
        self._minutes[number] = replace(
            minute,
            frozen_s=minute.frozen_s + frozen_s,
            packets_received=minute.packets_received
            + max(0, second.packets_received - before.packets_received),
            packets_lost=minute.packets_lost + max(0, second.packets_lost - before.packets_lost),
        )
        self._pictures += max(0, second.pictures - before.pictures)
        self._late += max(0, second.late - before.late)
        if second.rtt_s is not None and not in_drop:
            self._rtt_s += second.rtt_s
            self._rtts += 1

    def report(self, now: float) -> PlayReport | None:
        """The game so far; None before its first picture."""
        if self._began_at is None:
            return None
        until_at = now if self._ended_at is None else self._ended_at
        minutes = self._minutes.values()
        received = sum(minute.packets_received for minute in minutes)
        lost = sum(minute.packets_lost for minute in minutes)
        verdicts = sorted(self._verdicts.items(), key=lambda found: (-found[1], found[0].value))
        return advised(
            PlayReport(
                played_s=max(0.0, until_at - self._began_at),
                drops=self._drops,
                returned=self._returned,
                lost_s=self._lost_s,
                frozen_s=sum(minute.frozen_s for minute in minutes),
                loss=_share(lost, lost + received, MOST_LOSS_OF),
                rtt_s=self._rtt_s / self._rtts if self._rtts else None,
                late=_share(self._late, self._pictures, SLOW_OF),
                worst=_worst(self._minutes),
                verdicts=tuple(verdicts),
                networks_changed=self._networks_changed,
            )
        )

    def _follow(self, snapshot: Snapshot, now: float) -> None:
        """The connection is lost: a drop begins or goes on."""
        if self._drop is None:
            began_at = now if snapshot.dropped_at is None else snapshot.dropped_at
            assert self._began_at is not None
            self._drop = _Drop(max(self._began_at, began_at))
            self._drops += 1
        if snapshot.verdict not in (None, Verdict.NOT_KNOWN):
            self._drop.verdict = snapshot.verdict
        self._drop.address_gone |= snapshot.cause is HardEvidence.ADDRESS_GONE
        self._drop.host_closed |= snapshot.cause in _HOST_CLOSED

    def _leave(self, snapshot: Snapshot, now: float) -> None:
        """The game is over. A connection that was closed because the game ended was no drop."""
        drop = self._drop
        if drop is None:
            return
        if _is_the_end(drop, snapshot.ending, now):
            self._drop, self._drops = None, self._drops - 1
            return
        if snapshot.verdict not in (None, Verdict.NOT_KNOWN):
            drop.verdict = snapshot.verdict
        self._close(now, returned=False)

    def _close(self, now: float, *, returned: bool) -> None:
        drop, self._drop = self._drop, None
        if drop is None:
            return
        self._back_at = now
        self._returned += returned
        self._networks_changed += drop.address_gone
        if drop.verdict is not None:
            self._verdicts[drop.verdict] += 1
        self._lost_s += max(0.0, now - drop.began_at)
        self._spread(drop.began_at, now)

    def _spread(self, from_at: float, until_at: float) -> None:
        """Add a drop's seconds to the minutes in which they lie."""
        assert self._began_at is not None
        at = from_at - self._began_at
        until = until_at - self._began_at
        while at < until:
            number = _minute_of(at)
            end = min(until, number * MINUTE_S)
            minute = self._minutes.get(number, Minute(number))
            self._minutes[number] = replace(minute, lost_s=minute.lost_s + end - at)
            at = end


def _minute_of(after_s: float) -> int:
    return int(max(0.0, after_s) // MINUTE_S) + 1


def _share(part: int, whole: int, least: int) -> float:
    return part / whole if whole >= least else 0.0


def _worst(minutes: dict[int, Minute]) -> Minute | None:
    """The first of equal ones."""
    if not minutes:
        return None
    longest = max(minutes.values(), key=lambda each: (each.still_s, -each.number))
    if longest.still_s >= NOTABLE_S:
        return longest
    lossiest = max(minutes.values(), key=lambda each: (each.loss, -each.number))
    return lossiest if lossiest.loss >= LOSSY else None
