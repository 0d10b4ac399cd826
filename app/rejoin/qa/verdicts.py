"""Verdicts about a case that was played against a backend of somebody else.

Rule 1: a broken invariant, or an unmet expectation of the scenario, is failed.
Rule 2: a game that did not become live tested nothing. It is inconclusive, unless the client itself
        failed, or the host's packets arrived and it did not play.
Rule 3: an expectation that was not met is inconclusive where the backend was really not reached,
        the sign-in was refused, or calls were throttled, without a fault of ours; or where no
        packet of the host came for 3 s after an answer, although ours went out. A broken invariant
        never is: it holds on any network.
Rule 4: a player who is back in another game is failed, where the strip or a heartbeat says so.
        Pictures fail nothing.
Rule 5: a case that cannot be tried there at all is skipped, with the reason.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rejoin.core.events import AnswerArrived, FirstPacketArrived, StartFailed
from rejoin.core.model import Ending, EndingKind, Snapshot
from rejoin.core.trace import Record
from rejoin.core.trace_names import EVENTS
from rejoin.injector.http_faults import Outcome
from rejoin.injector.plans import NOT_AT_CLIENT
from rejoin.injector.seeds import network_profiles
from rejoin.netem.network_profile import PLACES, Place
from rejoin.qa.game_proof import DropProof, Says
from rejoin.service_model.status import ACTIVATING, PLACEMENT_TIMEOUT
from rejoin.verify import invariants
from rejoin.verify.scenario import LIVE, TRYING, Observed, ScenarioCase, unmet


class Verdict(enum.StrEnum):
    """The verdict of a case about reconnection."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    """No verdict: something outside of the tested system failed."""
    SKIPPED = "skipped"
    """It cannot be tried on this backend."""


class Why(enum.StrEnum):
    """The reason of a verdict, as a stable word for programs."""

    AS_EXPECTED = "as_expected"
    EXPECTATION = "expectation"
    """The scenario expects something else."""
    INVARIANT = "invariant"
    OTHER_GAME = "other_game"
    """The player was back, and the game had begun anew."""
    CLIENT = "client"
    """The client failed by itself, or its process ended."""
    TIMEOUT = "timeout"
    """It was not over in time."""
    CAPACITY = "capacity"
    QUOTA = "quota"
    SIGN_IN = "sign_in"
    NETWORK = "network"
    BACKEND = "backend"
    """The backend refused or failed the start."""
    CAP = "cap"
    """The caps on sessions and minutes were reached."""
    FILE = "file"
    """A file of this machine that the play needs could not be used or written."""
    INTERRUPTED = "interrupted"
    HOST_FAULT = "host_fault"
    SERVICE_DIFFERS = "service_differs"
    DIALECT = "dialect"


@dataclass(frozen=True, slots=True)
class Judgement:
    """`sentences`: what is wrong or missing; empty where the case passed."""

    verdict: Verdict
    why: Why
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Traffic:
    """When a datagram last arrived from the network, and when one of ours was last let through to
    it, in boot time; None: never."""

    arrived_at: float | None
    passed_at: float | None


NO_TRAFFIC: Final = Traffic(None, None)
HOST_ANSWERS_WITHIN_S: Final = 3.0

_START_FAILED: Final[dict[EndingKind, tuple[Why, str]]] = {
    EndingKind.SIGN_IN_NEEDED: (Why.SIGN_IN, "the backend does not accept the sign-in"),
    EndingKind.NOT_ALLOWED: (Why.SIGN_IN, "the backend does not allow this user to play"),
    EndingKind.BUSY: (Why.QUOTA, "the backend throttled the start"),
    EndingKind.BACKEND_UNREACHABLE: (Why.NETWORK, "the backend was not reached"),
    EndingKind.BACKEND_UNTRUSTED: (
        Why.NETWORK,
        "no secure connection to the backend: its certificate is not trusted, or it has no TLS",
    ),
    EndingKind.BACKEND_UNUSABLE: (Why.NETWORK, "something else answers in place of the backend"),
    EndingKind.BACKEND_FAILED: (Why.BACKEND, "the backend answered the start with an error"),
    EndingKind.STREAM_NOT_FOUND: (Why.BACKEND, "there is no such stream group or application"),
    EndingKind.NOT_FOUND: (Why.BACKEND, "the backend does not know the session that it started"),
    EndingKind.UNCONFIRMED: (Why.BACKEND, "what became of the start is not known"),
}
_STATUS_OF: Final = {
    401: Why.SIGN_IN,
    403: Why.SIGN_IN,
    407: Why.NETWORK,
    429: Why.QUOTA,
    511: Why.NETWORK,
}
_TROUBLE: Final = {
    Why.NETWORK: "the backend was not reached {times} times, without a fault of ours",
    Why.SIGN_IN: "the backend refused the sign-in {times} times",
    Why.QUOTA: "the backend throttled {times} calls, without a fault of ours",
}


def before_play(case: ScenarioCase, *, ours: bool) -> Judgement | None:
    """Why this case cannot be tried at all; None if it can. `ours`: the backend's dialect is."""
    for drop in case.drops:
        if PLACES.get(drop.profile) is Place.HOST:
            return _skipped(Why.HOST_FAULT, f"{drop.profile}: {NOT_AT_CLIENT}")
        if drop.profile == "http_queue" and not ours:
            return _skipped(Why.DIALECT, "http_queue: only our own dialect has a queue")
    return None


def before_faults(case: ScenarioCase, timeout_s: float | None) -> Judgement | None:
    """Why this case says nothing about a service with this connection timeout; None if it does.

    `timeout_s`: as the backend reports it, or as the tester says; None: neither.
    """
    assumed_s = case.service.connection_timeout_s
    if timeout_s is None:
        if not _depends_on_window(case):
            return None
        return _skipped(
            Why.SERVICE_DIFFERS,
            "the backend does not report its connection timeout, which the case depends on",
        )
    same = timeout_s == assumed_s
    if same or (timeout_s > assumed_s and not _depends_on_window(case)):
        return None
    return _skipped(
        Why.SERVICE_DIFFERS,
        f"the case is for a connection timeout of {assumed_s:g} s, and the backend's is "
        f"{timeout_s:g} s",
    )


def of_start(snapshot: Snapshot, records: Sequence[Record]) -> Judgement:
    """A game that did not become live."""
    ending = snapshot.ending
    if ending is not None:
        if ending.kind is EndingKind.OFFER_REFUSED and _refused_with(records) in _NO_SUCH_CALL:
            return _inconclusive(Why.BACKEND, "this URL has no call that starts a game")
        return _of_ending(ending)
    if snapshot.status == ACTIVATING:
        return _inconclusive(Why.CAPACITY, "the game was not placed in time")
    return _did_not_connect(records)


def of_play(
    case: ScenarioCase,
    observed: Observed,
    records: Sequence[Record],
    outcomes: Sequence[Outcome],
    traffic: Traffic = NO_TRAFFIC,
) -> Judgement:
    """A game that became live. `outcomes`: of its calls that met no fault since then."""
    broken = invariants.violations(records)
    missed = unmet(case, observed, timed=False)
    if broken:
        return Judgement(Verdict.FAILED, Why.INVARIANT, (*broken, *missed))
    if not missed:
        return Judgement(Verdict.PASSED, Why.AS_EXPECTED)
    for why, sentence in _TROUBLE.items():
        times = sum(_trouble_of(outcome) is why for outcome in outcomes)
        if times:
            return _inconclusive(why, sentence.format(times=times), *missed)
    if _host_unreached(records, traffic):
        sentence = "after the last answer no packet of the host arrived, although ours went out"
        return _inconclusive(Why.NETWORK, sentence, *missed)
    return Judgement(Verdict.FAILED, Why.EXPECTATION, missed)


def of_game(judgement: Judgement, proofs: Sequence[DropProof | None]) -> Judgement:
    """With what is known of the game after each drop: another game fails a play that passed, and
    one that would say nothing."""
    anew = [each for each in proofs if each is not None and each.says is Says.BEGAN_ANEW]
    if judgement.verdict not in (Verdict.PASSED, Verdict.INCONCLUSIVE) or not anew:
        return judgement
    sentences = tuple(f"the game began anew: {each.detail}" for each in anew)
    return Judgement(Verdict.FAILED, Why.OTHER_GAME, sentences)


def _host_unreached(records: Sequence[Record], traffic: Traffic) -> bool:
    answers = [record.at for record in records if record.name == EVENTS[AnswerArrived]]
    if not answers or traffic.passed_at is None:
        return False
    answered_at = max(answers)
    arrived = traffic.arrived_at is not None and traffic.arrived_at >= answered_at
    return not arrived and traffic.passed_at - answered_at >= HOST_ANSWERS_WITHIN_S


def _trouble_of(outcome: Outcome) -> Why | None:
    return Why.NETWORK if outcome.status is None else _STATUS_OF.get(outcome.status)


def _of_ending(ending: Ending) -> Judgement:
    kind = ending.kind
    if kind is EndingKind.GAME_ENDED:
        if ending.reason == PLACEMENT_TIMEOUT:
            return _inconclusive(Why.CAPACITY, "the service found no place for the game")
        said = ending.reason or ending.status or "no reason"
        return _inconclusive(Why.BACKEND, f"the game ended before it was live ({said})")
    if kind is EndingKind.COULD_NOT_CONNECT:
        return _inconclusive(Why.NETWORK, "no connection to the game server was made")
    if kind in _START_FAILED:
        return _inconclusive(*_START_FAILED[kind])
    return Judgement(Verdict.FAILED, Why.CLIENT, (f"it ended {kind.value} before it was live",))


_NO_SUCH_CALL: Final = (404, 405)


def _refused_with(records: Sequence[Record]) -> int | None:
    """The HTTP status of the last start that failed."""
    for record in reversed(records):
        if record.name == EVENTS[StartFailed]:
            failure = record.data.get("failure")
            return failure.get("http_status") if isinstance(failure, dict) else None
    return None


def _did_not_connect(records: Sequence[Record]) -> Judgement:
    arrived = any(record.name == EVENTS[FirstPacketArrived] for record in records)
    if arrived:
        sentence = "packets of the host arrived, and the game was not live in time"
        return Judgement(Verdict.FAILED, Why.CLIENT, (sentence,))
    return _inconclusive(Why.NETWORK, "no packet of the host arrived")


def _depends_on_window(case: ScenarioCase) -> bool:
    """Whether another connection timeout changes what the case is about."""
    if case.ends not in (LIVE, TRYING):
        return True
    for drop in case.drops:
        profile = drop.own or network_profiles().get(drop.profile)
        cut = None if profile is None else profile.cut
        if drop.profile == "sleep_past_window" or (
            cut is not None and cut.ends_after_window_s is not None
        ):
            return True
    return False


def _inconclusive(why: Why, *sentences: str) -> Judgement:
    return Judgement(Verdict.INCONCLUSIVE, why, sentences)


def _skipped(why: Why, sentence: str) -> Judgement:
    return Judgement(Verdict.SKIPPED, why, (sentence,))
