"""Drops on purpose: a fault in the player of a test, and the wait until the game is live again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from rejoin.clock import boot_s
from rejoin.core import commands
from rejoin.core.model import Snapshot, Stage
from rejoin.core.trace import Record, Timeline, of_fault
from rejoin.core.trace_names import COMMANDS
from rejoin.emulator.service.faults import Fault as EmulatorFault
from rejoin.errors import BadInputError
from rejoin.injector.faults import cut
from rejoin.injector.plans import AT_RUNNER, NOT_AT_CLIENT, Plan, plan_of
from rejoin.media.video.scene import AFTER_S
from rejoin.netem.network_profile import PLACES, Place
from rejoin.qa.game_proof import DropProof, Rests, Says
from rejoin.qa.live import HOST_FAULTS, not_the_same_game
from rejoin.signaling.dialects import OURS
from rejoin.testing.game_player import GamePlayer
from rejoin.testing.problems import GameFailedError, NothingSaidError
from rejoin.verify.detector_score import OUTAGE

BACK_WITHIN_S: Final = 90.0
NOTICED_WITHIN_S: Final = 10.0
"""How long to wait for a drop after the beginning of a fault that does not silence the path."""
SETTLED_AFTER_S: Final = 3.0
"""How long to wait for a drop after the end of an outage."""
_WATCHED_S: Final = AFTER_S + 0.5
"""For so long after a drop, pictures and heartbeats are waited for at another backend."""
_NOTICE_S: Final = 5.0
"""Assumed: how long a service takes to notice a silent client, for faults that end with the
window."""

Outcome = Literal["reconnected", "healed", "played on", "ended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """The outcome of one fault for the game.

    - `fault`: its name. `how`: what was done to the client, or by the host. `seed`: decides which
      packets it met.
    - `outcome`: "reconnected": live on a new connection. "healed": live on the old one, after the
      client had noticed. "played on": there was no drop. "ended": the game is over.
    - `steps`: seconds from the fault to each step of `rejoin.core.trace.STEPS` that was reached.
    - `reconnects`: how many connections were tried.
    - `same_game`: whether the earlier game goes on, as far as that is known. `proof`: the evidence
      for it: "game" (the emulated game's own counter), or a word of `qa.game_proof.Rests`. `says`:
      what that evidence says of the game, a word of `qa.game_proof.Says`.
    - `ended_because`: the service's reason, or what kind of end it was; None while it goes on.
    """

    fault: str
    how: str
    seed: int | None
    outcome: Outcome
    steps: dict[str, float] = field(default_factory=dict)
    reconnects: int = 0
    same_game: bool = False
    proof: str = "session"
    says: str = Says.NOT_KNOWN.value
    ended_because: str | None = None

    @property
    def back_after_s(self) -> float | None:
        """From the fault to the first picture; None where there was no drop, or the game ended."""
        if self.outcome not in ("reconnected", "healed"):
            return None
        return self.steps.get("live again")

    @property
    def lost_after_s(self) -> float | None:
        """From the fault until the client noticed; None: it did not."""
        return self.steps.get("lost")

    @property
    def frozen_s(self) -> float | None:
        """How long the picture stood still, from the last packet to the first new picture."""
        last, first = self.steps.get("last media"), self.steps.get("first frame")
        return None if last is None or first is None else first - last

    def __repr__(self) -> str:
        text = f"{self.fault}: {self.outcome}"
        if self.ended_because is not None:
            text += f" ({self.ended_because})"
        if self.back_after_s is not None:
            text += f" after {self.back_after_s:.2f} s"
        if self.reconnects:
            text += f", {self.reconnects} reconnects"
        if self.outcome != "ended":
            text += f", {'same game' if self.same_game else 'NOT THE SAME GAME'} ({self.proof})"
        return f"<Drop {text}>"


class Drops:
    """Causes drops of one player. A call causes one and waits for its outcome."""

    def __init__(self, player: GamePlayer) -> None:
        self._player = player

    def __call__(self, fault: str | float, *, within_s: float = BACK_WITHIN_S) -> Drop:
        """Cause a fault, wait until the game is live again or over, and lift the fault.

        `fault`: the name of a fault profile (docs/emulator.md), or a number: the seconds for which
        no packet passes. If the game is not live yet, the call waits for that first.

        Raises GameFailedError if the game is not back within `within_s`, NothingSaidError for a
        fault that cannot be caused there, BadInputError for an unknown fault.
        """
        player = self._player.live()
        before, state = player.snapshot, player.game_state()
        drops_before = len(player.episodes)
        at, plan, seed = self._begin(fault)
        try:
            noticed_s = within_s
            if not plan.is_outage:
                noticed_s = min(within_s, NOTICED_WITHIN_S)
            elif plan.outage_s is not None:
                noticed_s = min(within_s, plan.outage_s + SETTLED_AFTER_S)
            self._until(lambda now: now.episode > before.episode, noticed_s)
            if player.snapshot.episode > before.episode:
                left_s = max(0.0, at + within_s - boot_s())
                if not self._until(lambda now: now.stage is Stage.LIVE, left_s):
                    raise GameFailedError(
                        f"{plan.name}: the game was not back within {within_s:g} s: {player!r}."
                    )
        finally:
            self.lift()
        return self._drop(plan, seed, at, drops_before, state)

    def start(self, fault: str | float) -> None:
        """Cause a fault and return at once. The fault ends by itself, or at `lift`. Raises the same
        errors as a call."""
        self._player.live()
        self._begin(fault)

    def lift(self) -> None:
        """End every fault that is on at the client."""

        async def lift() -> None:
            self._player.injector.lift()

        self._player.loop.call(lift)

    def _until(self, reached: Any, within_s: float) -> bool:
        """Also true once the game is over."""

        def over_or_reached(now: Snapshot) -> bool:
            return now.stage is Stage.ENDED or reached(now)

        player = self._player
        return player.loop.call(lambda: player.client.until(over_or_reached, within_s))

    def _begin(self, fault: str | float) -> tuple[float, Plan, int | None]:
        """When it began, what it is, and the seed of a fault at the client."""
        if isinstance(fault, str):
            if fault not in PLACES:
                raise BadInputError(f"There is no fault profile {fault} (docs/emulator.md).")
            if PLACES[fault] is Place.HOST:
                return self._begin_at_host(fault)
        plan = self._plan(fault)
        player = self._player

        async def begin() -> tuple[float, int]:
            at, seed = boot_s(), player.injector.next_seed
            outage = {OUTAGE: plan.outage_s} if plan.is_outage else {}
            player.client.records.append(of_fault(plan.name, at, **outage))
            player.injector.start(*plan.faults)
            return at, seed

        at, seed = player.loop.call(begin)
        return at, plan, seed

    def _plan(self, fault: str | float) -> Plan:
        if not isinstance(fault, str):
            if not 0 < fault <= 3600:
                raise BadInputError("A cut lasts more than 0 and at most 3600 seconds.")
            how = f"nothing passes for {fault:g} s"
            return Plan(f"cut of {fault:g} s", (cut(fault),), how, True, fault)
        if fault in AT_RUNNER:
            raise BadInputError(
                f"{fault} is no drop of a running client: see `rejoin_player.crash`."
            )
        if fault == "http_queue" and self._player.studio.profile.dialect is not OURS:
            raise NothingSaidError("http_queue: only our own dialect has a queue.")
        plan = plan_of(fault, _NOTICE_S + self._player.connection_timeout_s())
        assert plan is not None, "faults of a host are caused there"
        return plan

    def _begin_at_host(self, name: str) -> tuple[float, Plan, None]:
        control = self._player.studio.control
        if control is None:
            raise NothingSaidError(f"{name}: {NOT_AT_CLIENT}.")
        at = control.inject(EmulatorFault(HOST_FAULTS[name]), self._player.emulated_session)
        self._player.client.records.append(of_fault(name, at))
        return at, Plan(name, (), "the emulated host causes it"), None

    def _drop(
        self,
        plan: Plan,
        seed: int | None,
        at: float,
        drops_before: int,
        state: dict[str, Any] | None,
    ) -> Drop:
        player = self._player
        ending = player.snapshot.ending
        records = player.trace
        # By their place: a client after a crash counts its own drops anew.
        found = player.episodes[drops_before:]
        outcome: Outcome = "played on"
        if ending is not None:
            outcome = "ended"
        elif found:
            outcome = "reconnected" if found[-1].outcome == "live" else "healed"
        same = ending is None
        proof, says = Rests.SESSION.value, Says.NOT_KNOWN
        if state is not None and same:
            same = not not_the_same_game(state, player.game_state())
            proof, says = "game", Says.WENT_ON if same else Says.BEGAN_ANEW
        elif found and same:
            seen = self._seen(found[-1])
            proof, says = seen.rests_on.value, seen.says
            same = says is not Says.BEGAN_ANEW
        return Drop(
            fault=plan.name,
            how=plan.how,
            seed=seed,
            outcome=outcome,
            steps={step.name: round(step.at - at, 4) for step in found[-1].steps} if found else {},
            reconnects=_reconnects(records, at),
            same_game=same,
            proof=proof,
            says=says.value,
            ended_because=None if ending is None else str(ending.reason or ending.kind.value),
        )

    def _seen(self, drop: Timeline) -> DropProof:
        """What was seen of the game before this drop and shortly after it."""
        back_at, watch = drop.at("live again"), self._player.watch
        if back_at is None or watch is None:
            return DropProof(Rests.SESSION, Says.NOT_KNOWN)
        self._until(lambda _: False, max(0.0, back_at + _WATCHED_S - boot_s()))
        return watch.proof(drop.began_at, back_at)


def _reconnects(records: Iterable[Record], since_at: float) -> int:
    return len(
        {
            record.data["attempt"]
            for record in records
            if record.name == COMMANDS[commands.Reconnect] and record.at >= since_at
        }
    )
