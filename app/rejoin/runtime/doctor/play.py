"""Plays ten seconds at a backend without a window, and measures them; `rating` judges."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from rejoin.clock import boot_s
from rejoin.core import commands, events
from rejoin.core.model import Ending, Stage
from rejoin.core.trace import Record
from rejoin.core.trace_names import COMMANDS, EVENTS
from rejoin.input_events.events import PointerMove, View
from rejoin.media.audio.output import NullOutput
from rejoin.media.statistics import StreamStatistics
from rejoin.media.video.hardware import chosen
from rejoin.media.video.picture import Picture, PictureSlot
from rejoin.runtime.brief_game import END_WITHIN_S, brief_game
from rejoin.runtime.doctor import play_judging as judge
from rejoin.runtime.doctor.connection import BEFORE
from rejoin.runtime.doctor.findings import Finding, not_known
from rejoin.runtime.doctor.rating import Moments, PlayNumbers
from rejoin.runtime.doctor.run import Check
from rejoin.runtime.player import Player, PlayerOptions
from rejoin.runtime.studio_profile import StudioProfile

PLAY_S: Final = 10.0
LIVE_WITHIN_S: Final = 90.0
"""A game may have to be placed first."""
STARTS_AFTER_S: Final = 3.0
"""How long a game usually takes besides play; one that has to be placed takes longer."""
SETTLE_S: Final = 1.0
"""Counting begins this long after the first picture: a stream starts with a burst."""
MORE_S: Final = 5.0
"""How much longer to wait for missing input or for two statistics."""
POLL_EVERY_S: Final = 0.1

_STEPS: Final = {
    COMMANDS[commands.ApplyAnswer]: "answered",
    EVENTS[events.FirstPacketArrived]: "heard",
    EVENTS[events.ConnectionOpened]: "connected",
    EVENTS[events.FirstFrameDecoded]: "picture",
}
"""Trace records for the moments of `Moments`, of the first connection."""


class Times(PictureSlot):
    """A slot that keeps when each picture was decoded, and no picture."""

    def __init__(self) -> None:
        super().__init__()
        self.decoded_at: list[float] = []

    def put(self, picture: Picture) -> None:
        self.decoded_at.append(picture.decoded_at)
        super().put(picture)
        self.take()


@dataclass(slots=True)
class _Steps:
    began_at: float
    reached: dict[str, float] = field(default_factory=dict)

    def on_record(self, record: Record) -> None:
        step = _STEPS.get(record.name)
        if step is not None:
            self.reached.setdefault(step, record.at - self.began_at)

    def moments(self, input_s: float | None) -> Moments:
        return Moments(**self.reached, input=input_s)


@dataclass(frozen=True, slots=True)
class Played:
    """`ending`: why it ended by itself; None: it was played to the end of the time."""

    numbers: PlayNumbers
    ending: Ending | None = None


class PlayChecks:
    """Ten seconds of play, as checks that follow those of the connection."""

    def __init__(
        self,
        profile: Callable[[], StudioProfile | None],
        explain: Callable[[Ending], str],
        *,
        seconds: float = PLAY_S,
    ) -> None:
        """`profile`: what to play, once it is needed; None: nothing. `explain`: an ending in words
        for a person."""
        self._profile = profile
        self._explain = explain
        self._seconds = seconds
        self._played: Played | None = None

    @property
    def numbers(self) -> PlayNumbers | None:
        """The measurements; None before a game was played."""
        return None if self._played is None else self._played.numbers

    def checks(self) -> tuple[Check, ...]:
        within_s = LIVE_WITHIN_S + self._seconds + MORE_S + 2 * END_WITHIN_S
        return (
            Check("game", within_s, self._game, usual_s=self._seconds + STARTS_AFTER_S),
            Check("input", 1.0, self._input),
            Check("quality", 1.0, self._quality),
        )

    async def _game(self) -> Finding:
        profile = self._profile()
        if profile is None:
            return not_known("game", BEFORE)
        self._played = await play(profile, self._seconds)
        ending = self._played.ending
        return judge.game(self._played.numbers, "" if ending is None else self._explain(ending))

    async def _input(self) -> Finding:
        return judge.takes_input(self.numbers)

    async def _quality(self) -> Finding:
        return judge.quality(self.numbers)


async def play(profile: StudioProfile, seconds: float) -> Played:
    """Start a game, play it for this long after its first picture, and end it. Raises RejoinError
    for an unusable profile."""
    slot, steps = Times(), _Steps(boot_s())
    options = PlayerOptions(
        slot=slot, audio=NullOutput(), on_record=steps.on_record, hardware=chosen("auto")
    )
    player = Player(profile, options)
    measured: list[tuple[float, StreamStatistics]] = []
    input_s: float | None = None
    dropped = False
    late_s: list[float] = []
    async with brief_game(player) as running:
        while not running.done() and boot_s() - steps.began_at < LIVE_WITHIN_S + seconds + MORE_S:
            due_at = boot_s() + POLL_EVERY_S
            await asyncio.sleep(POLL_EVERY_S)
            late_s.append(max(0.0, boot_s() - due_at))
            snapshot = player.snapshot
            if input_s is None and snapshot.input_open:
                input_s = boot_s() - steps.began_at
                _move_a_little(player)
            picture_s = steps.reached.get("picture")
            if picture_s is None:
                late_s.clear()
                continue
            dropped = dropped or snapshot.stage in (Stage.LOST, Stage.RECONNECTING)
            played_s = boot_s() - steps.began_at - picture_s
            if played_s >= SETTLE_S and (found := player.statistics()) is not None:
                measured.append((boot_s(), found))
            complete = input_s is not None or snapshot.view_only is not None
            if played_s >= seconds + (0.0 if complete and len(measured) > 1 else MORE_S):
                break
        reason = player.snapshot.view_only
        ending = player.snapshot.ending
        bytes_sent = player.input_facts().bytes_sent
    numbers = numbers_of(measured, slot.decoded_at)
    numbers = replace(
        numbers,
        moments=steps.moments(input_s),
        busy_ms=busy_ms(late_s),
        no_input="" if reason is None else reason.value.replace("_", " "),
        input_bytes=bytes_sent,
        dropped=dropped,
    )
    return Played(numbers, ending)


def _move_a_little(player: Player) -> None:
    """Small pointer moves, which a game hardly notices and an input module encodes."""
    player.send_input(View(width=640, height=360))
    player.send_input(PointerMove(1, 0, 320, 180))
    player.send_input(PointerMove(-1, 0, 320, 180))


def numbers_of(
    measured: Sequence[tuple[float, StreamStatistics]], decoded_at: Sequence[float]
) -> PlayNumbers:
    """The numbers from a game's statistics, each with its time, and the times of its pictures."""
    if not measured:
        return PlayNumbers(pictures=len(decoded_at))
    (began_at, first), (ended_at, last) = measured[0], measured[-1]
    counted = [at for at in decoded_at if at >= began_at]
    received = last.packets_received - first.packets_received
    lost = max(0, last.packets_lost - first.packets_lost)
    repaired = last.packets_recovered - first.packets_recovered
    lasted_s = ended_at - began_at
    sent_bits = 8 * (last.bytes_received - first.bytes_received)
    return PlayNumbers(
        played_s=lasted_s,
        loss=lost / (received + lost) if received + lost > 0 else None,
        repaired=repaired / (received + lost) if received + lost > 0 else None,
        rtt_ms=_median_ms([each.rtt_s for _, each in measured if each.rtt_s is not None]),
        jitter_ms=_median_ms([each.jitter_s for _, each in measured]),
        bitrate_kbps=sent_bits / lasted_s / 1000 if lasted_s > 0 else None,
        late=late_share(counted),
        freezes=last.freeze_count - first.freeze_count,
        pictures=len(counted),
        decode_ms=statistics.median(each.decode_ms for _, each in measured),
        size=(last.width, last.height),
        path=last.candidate_pair or "",
    )


def _median_ms(seconds: Sequence[float]) -> float | None:
    return 1000 * statistics.median(seconds) if seconds else None


def busy_ms(late_s: Sequence[float]) -> float | None:
    """How late this program was woken up: the 95th percentile; None for fewer than twenty."""
    if len(late_s) < 20:
        return None
    return 1000 * sorted(late_s)[len(late_s) * 19 // 20]


def late_share(decoded_at: Sequence[float]) -> float | None:
    """The share of pictures that came more than two usual intervals after the one before, so that a
    screen showed that one again. None for fewer than ten."""
    gaps = [after - before for before, after in pairwise(decoded_at)]
    if len(gaps) < 10:
        return None
    usual = statistics.median(gaps)
    return sum(gap > 2 * usual for gap in gaps) / len(gaps)
