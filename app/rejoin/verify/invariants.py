"""The invariants of a reconnect: each stated once, in one line, with the code that checks it.

`violations` checks a whole trace, simulated or live. The explorer and the simulator know more than
a trace holds (messages under way, the true state of the service) and call the same checks. I7 is
about something that did not happen, FENCE, HEAL, KEEP and TURN need the state of the backend or of
a call, LEAVE, UPLINK, PICTURE and FRAME that of the path, END that of the backend, and OVER its
dialect: a trace alone does not show them.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rejoin.core import commands, events, phases
from rejoin.core.retry import FailureKind
from rejoin.core.trace import Record
from rejoin.core.trace_names import COMMANDS, EVENTS, STATES
from rejoin.service_model.status import ACTIVE

CLOCK_S = 1e-3
"""Times in a trace are rounded: what is late by less than this is not late."""
SAVABLE_S = 5.0
"""A game counts as savable once network and backend worked this long while the service would have
accepted a create call."""
OWED_S = 7.0
"""I7 applies after this time: a client may wait 4 s before its next request, which takes 2.5 s."""
HOPELESS_S = 20.0
"""I7 is violated if everything worked for this long and the client is still not back."""
APART_S = 0.250
"""PACE: create calls of one session lie at least this far apart."""
MANY_CALLS, MANY_CALLS_S = 30, 30.0
"""PACE: the backoff lets no more calls than this start in this time, however its draws fall."""
PLACE_KEPT_S = 2.0
"""TURN: how long a place is kept after the Retry-After that came with it."""
FAR_S = 1e5
"""A timer that is due later than this counts as none."""


class Invariant(enum.Enum):
    """Every invariant. The value is the statement, as docs/testing.md has it."""

    I1 = "an answer is applied only to the connection whose offer it answers"
    I2 = "no create request starts after the last moment for one; trying does not end before it"
    I3 = "one offer, one attempt: an offer is sent in one attempt, an attempt sends one offer"
    I4 = "at most one create call is in flight"
    I5 = "every state but Idle and Ended has a timer"
    I6 = "the end has a reason; the game is reported as ended only if the service said so"
    I7 = "when network and backend work for 7 s while the service accepts, the player plays again"
    I8 = "the deadline that is shown is not later than the service's own"
    I9 = "no connection stays open at the end"
    FENCE = "no older attempt reaches the service after a newer one"
    HEAL = "the old connection does not become live again while a create call is under way"
    KEEP = "the old connection is not closed before the new one plays"
    LEAVE = "a goodbye is heard within 1 s and two round trips once the path works"
    UPLINK = "nobody plays for longer than 8 s while nothing that is sent arrives"
    PICTURE = (
        "a lost picture that stands still for 11 s, apart from single frames, is reconnected; \
one that is not sent never is"
    )
    FRAME = "an old connection that heals has a frame within 0.15 s and a round trip of its RTP"
    PACE = (
        "create calls lie 250 ms apart, and at most 30 of them start within 30 s, apart from those \
that the backend put into its queue"
    )
    TURN = "a client with a place in the backend's queue asks again before the place lapses"
    END = "an end that the player asked for is made within 25 s once the studio answers, and not \
given up while the game goes on"
    HOLD = "an answer without a packet of its connection moves no shown deadline later"
    OVER = "what the server says is over is not asked for again, where no status can say so"


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that was violated, and how."""

    invariant: Invariant
    detail: str

    def at(self, at: float) -> str:
        """The sentence for a report."""
        return f"{self.invariant.name} at {at:.3f}: {self.detail}"


# --- one check for each invariant -----------------------------------------------------------------


def answer_applied(answered: object, offered: object, connection: int) -> Violation | None:
    """I1. `answered`: the offer that the answer is for; `offered`: the offer of `connection`."""
    if answered == offered:
        return None
    detail = f"the answer to {answered} is applied to connection {connection}, which sent {offered}"
    return Violation(Invariant.I1, detail)


def create_started(at: float, last_start_at: float | None, slack_s: float) -> Violation | None:
    """I2, first half: a create request starts at `at`."""
    if last_start_at is None or at <= last_start_at + slack_s:
        return None
    detail = f"a create request starts {at - last_start_at:.3f} s too late"
    return Violation(Invariant.I2, detail)


def tries_ended(at: float, last_start_at: float | None, slack_s: float) -> Violation | None:
    """I2, second half: the client stops trying at `at`, without knowing how the game ended.

    If it stops as the backend is too busy, `at` is when the Retry-After would have been over.
    """
    if last_start_at is None or at >= last_start_at - slack_s:
        return None
    return Violation(Invariant.I2, "trying ended before the last moment for a request")


def offer_sent(sent: Iterable[tuple[int, object]], attempt: int, offer: object) -> Violation | None:
    """I3. `sent`: (attempt, offer) of every request before this one."""
    for other_attempt, other_offer in sent:
        if other_attempt == attempt and other_offer != offer:
            return Violation(Invariant.I3, f"attempt {attempt} sends two offers")
        if other_attempt != attempt and other_offer == offer:
            detail = f"attempts {other_attempt} and {attempt} send the same offer"
            return Violation(Invariant.I3, detail)
    return None


def call_started(at: float, in_flight_until_at: float | None) -> Violation | None:
    """I4. `in_flight_until_at`: when the budget of an unfinished call before this one is over."""
    if in_flight_until_at is None or at >= in_flight_until_at:
        return None
    return Violation(Invariant.I4, "two create calls are in flight")


def timer_set(phase: str, at: float, until_at: float | None) -> Violation | None:
    """I5, for a phase that is neither Idle nor Ended."""
    if until_at is not None and until_at <= at + FAR_S:
        return None
    return Violation(Invariant.I5, f"{phase} has no timer and would wait forever")


def reason_given(reason: object) -> Violation | None:
    """I6, first half. `reason` is empty if the end has none."""
    return None if reason else Violation(Invariant.I6, "the end has no reason")


def end_confirmed(terminal: bool) -> Violation | None:
    """I6, second half: the client reports the game as ended. `terminal`: the last status it got."""
    if terminal:
        return None
    return Violation(Invariant.I6, "the game is reported as ended without the service saying so")


def enough_time(at: float, deadlines: Iterable[float | None]) -> bool:
    """Whether I7 applies at `at`: `OWED_S` is left until each of the deadlines."""
    return all(end_at is None or end_at - at >= OWED_S for end_at in deadlines)


def not_saved(detail: str) -> Violation:
    """I7. The caller knows that the game could have been saved (`RecoveryWatch`, the explorer)."""
    return Violation(Invariant.I7, detail)


def deadline_shown(shown_at: float | None, ends_at: float | None) -> Violation | None:
    """I8. `ends_at`: the true end of the service's window. None: nothing shown, or no window."""
    if shown_at is None or ends_at is None or shown_at <= ends_at + CLOCK_S:
        return None
    detail = f"the deadline is shown {shown_at - ends_at:.3f} s too late"
    return Violation(Invariant.I8, detail)


def all_closed(still_open: Iterable[int]) -> Violation | None:
    """I9, at the end."""
    left = sorted(still_open)
    return Violation(Invariant.I9, f"connections {left} stay open") if left else None


def in_order(attempt: int, newest: int) -> Violation | None:
    """FENCE. `newest`: the highest attempt that reached the service so far."""
    if attempt >= newest:
        return None
    return Violation(Invariant.FENCE, f"attempt {attempt} reaches the service after {newest}")


def healed(connection: int, *, create_under_way: bool) -> Violation | None:
    """HEAL, when the old `connection` becomes live again."""
    if not create_under_way:
        return None
    detail = f"{connection} is live again while a create call is under way"
    return Violation(Invariant.HEAL, detail)


def closed_early(connection: int) -> Violation:
    """KEEP, when the `connection` that is shown is closed before a new one plays."""
    return Violation(Invariant.KEEP, f"{connection} is closed before another one plays")


def lasted(invariant: Invariant, what: str, for_s: float, most_s: float) -> Violation | None:
    """LEAVE, UPLINK, PICTURE, FRAME and END: `what` has lasted for `for_s`."""
    if for_s <= most_s + CLOCK_S:
        return None
    return Violation(invariant, f"{what} for {for_s:.3f} s, more than {most_s:.3f} s")


def given_up() -> Violation:
    """END, when the client stops asking for the end of a game that goes on."""
    return Violation(Invariant.END, "the end of a game that goes on is given up")


def interrupted() -> Violation:
    """PICTURE, when a picture that the host does not send leads to a reconnect."""
    return Violation(Invariant.PICTURE, "a picture that is not sent is reconnected")


def calls_apart(at: float, sent_at: tuple[float, ...]) -> Violation | None:
    """PACE, when a create call starts at `at`. `sent_at`: those before it, in order."""
    if sent_at and at - sent_at[-1] < APART_S - CLOCK_S:
        detail = f"a create call starts {at - sent_at[-1]:.3f} s after the one before it"
        return Violation(Invariant.PACE, detail)
    if len(sent_at) >= MANY_CALLS and at - sent_at[-MANY_CALLS] < MANY_CALLS_S:
        return Violation(Invariant.PACE, f"more than {MANY_CALLS} create calls in {MANY_CALLS_S} s")
    return None


def place_lapsed(at: float, kept_until_at: float, last_start_at: float | None) -> Violation | None:
    """TURN, while a client may ask again. `kept_until_at`: of its place, by what it was told."""
    if at <= kept_until_at + CLOCK_S:
        return None
    if last_start_at is not None and kept_until_at > last_start_at:
        return None  # its time was up before
    return Violation(Invariant.TURN, f"its place has lapsed {at - kept_until_at:.3f} s ago")


def deadline_held(before_at: float | None, shown_at: float | None) -> Violation | None:
    """HOLD, after a status that confirms an answer, before a packet of its connection arrived."""
    if before_at is None or shown_at is None or shown_at <= before_at + CLOCK_S:
        return None
    detail = f"the shown deadline moves {shown_at - before_at:.3f} s later without a packet"
    return Violation(Invariant.HOLD, detail)


def asked_after_the_end(asked_at: float, over_at: float) -> Violation:
    """OVER, when a create call starts after the server said that the game is over."""
    detail = f"a create call {asked_at - over_at:.3f} s after the server said that the game is over"
    return Violation(Invariant.OVER, detail)


class RecoveryWatch:
    """I7 in a run: for how long everything that a player needs to get back has worked.

    `savable`: network and backend worked for `SAVABLE_S` while the service accepted the player.
    """

    def __init__(self, now: float) -> None:
        self.savable = False
        self._owed = False
        self._working_since_at = now
        self._accepting_since_at: float | None = None

    def update(self, now: float, *, working: bool, accepting: bool) -> None:
        """`working`: network, host and backend work. `accepting`: the player does not play, and the
        service would accept a create call."""
        if not working:
            self._working_since_at = now
        if not accepting:
            self._accepting_since_at = None
            return
        if self._accepting_since_at is None:
            self._accepting_since_at = now
        lasted_s = now - max(self._accepting_since_at, self._working_since_at)
        self.savable = self.savable or lasted_s >= SAVABLE_S
        self._owed = self._owed or lasted_s >= OWED_S

    def violation(self, now: float, *, over: bool) -> Violation | None:
        """For a client that is not live at `now`. `over`: it has ended."""
        hopeless = now - self._working_since_at >= HOPELESS_S
        if not (self._owed and (over or hopeless)):
            return None
        return not_saved("a game that could be saved was not")


# --- a whole trace --------------------------------------------------------------------------------


def violations(records: Iterable[Record]) -> tuple[str, ...]:
    """Every violation in a trace as a sentence, in order of time; empty when there is none."""
    checker = _TraceChecker()
    for record in records:
        checker.read(record)
    return tuple(checker.found)


_CUT_A_BACKOFF_SHORT = (EVENTS[events.TryNowRequested], EVENTS[events.NetworkFound])
_HEARD = (EVENTS[events.FirstPacketArrived], EVENTS[events.ConnectionOpened])


class _TraceChecker:
    """Reads a trace record by record and calls the checks."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._digests: dict[int, str] = {}
        """SHA-256 of the offer of each connection."""
        self._sent: set[tuple[int, object]] = set()
        """(attempt, connection) of every request since the program was started."""
        self._digests_sent: set[tuple[int, object]] = set()
        """(attempt, SHA-256 of the offer) of every request, before a crash as well."""
        self._last_event: Record | None = None
        self._in_flight: tuple[int, int, int, float] | None = None
        """Attempt, try, connection and end of the budget of the create call under way."""
        self._open: set[int] = set()
        self._last_start_at: float | None = None
        self._window_ends_at: float | None = None
        self._created_at: tuple[float, ...] = ()
        """When create calls started, since the player or a network last cut a backoff short."""
        self._put_off = False
        """Whether the newest create call was put into the backend's queue."""
        self._shown_at: float | None = None
        self._heard = False
        """Whether a packet of the connection whose answer was applied last has arrived."""

    def read(self, record: Record) -> None:
        match record.kind:
            case "event":
                self._event(record)
            case "command":
                self._command(record)
            case "state":
                self._state(record)
            case "service":
                self._window_ends_at = record.data.get("window_ends_at")
            case "fault" | "tester":
                pass

    def _add(self, at: float, violation: Violation | None) -> None:
        if violation is not None:
            self.found.append(violation.at(at))

    def _event(self, record: Record) -> None:
        self._last_event = record
        name, data = record.name, record.data
        if name == EVENTS[events.RejoinRequested]:
            # The program was started again: its former connections are gone, and connections are
            # numbered from 1 again. Attempt numbers go on.
            self._open.clear()
            self._sent.clear()
            self._digests.clear()
            self._in_flight = None
            self._last_start_at = None
            self._created_at = ()
            self._put_off = False
        elif name in _CUT_A_BACKOFF_SHORT:
            self._created_at = self._created_at[-1:]
        elif name in _HEARD:
            self._heard = True
        elif name == EVENTS[events.OfferMade]:
            self._digests[data["connection"]] = data["sha256"]
        elif name in (EVENTS[events.AnswerArrived], EVENTS[events.ReconnectFailed]):
            failure = data.get("failure", {})
            self._put_off = failure.get("kind") == FailureKind.QUEUED.value
            done = (data["attempt"], data["try_number"])
            if self._in_flight is not None and self._in_flight[:2] == done:
                self._in_flight = None

    def _command(self, record: Record) -> None:
        name, data = record.name, record.data
        connection = data.get("connection", 0)
        if name == COMMANDS[commands.MakeOffer]:
            self._open.add(connection)
        elif name == COMMANDS[commands.CloseConnection]:
            self._open.discard(connection)
            if self._in_flight is not None and self._in_flight[2] == connection:
                self._in_flight = None
        elif name == COMMANDS[commands.StartSession]:
            self._send(record.at, connection, data["attempt"])
        elif name == COMMANDS[commands.Reconnect]:
            self._reconnect(record)
        elif name == COMMANDS[commands.ApplyAnswer]:
            self._heard = False
            self._add(record.at, self._apply(connection))
        elif name == COMMANDS[commands.Finish]:
            self._add(record.at, reason_given(data["ending"].get("kind")))
            self._add(record.at, all_closed(self._open))

    def _reconnect(self, record: Record) -> None:
        at, data = record.at, record.data
        connection, attempt = data["connection"], data["attempt"]
        newest = self._created_at[-1:]
        if self._put_off:
            self._created_at, self._put_off = self._created_at[:-1], False
        self._add(at, calls_apart(at, newest) or calls_apart(at, self._created_at))
        self._created_at = (*self._created_at, at)[-MANY_CALLS:]
        self._add(at, create_started(at, self._last_start_at, CLOCK_S))
        self._send(at, connection, attempt)
        self._add(at, call_started(at, None if self._in_flight is None else self._in_flight[3]))
        self._in_flight = (attempt, data["try_number"], connection, at + data["budget_s"])

    def _send(self, at: float, connection: int, attempt: int) -> None:
        violation = offer_sent(self._sent, attempt, connection)
        self._sent.add((attempt, connection))
        digest = self._digests.get(connection)
        if digest is not None:
            violation = violation or offer_sent(self._digests_sent, attempt, digest)
            self._digests_sent.add((attempt, digest))
        self._add(at, violation)

    def _apply(self, connection: int) -> Violation | None:
        event = self._last_event
        if event is None:
            return Violation(Invariant.I1, "an answer is applied before any event")
        data: dict[str, Any] = event.data
        if event.name == EVENTS[events.AnswerArrived]:
            attempt = data["attempt"]
            sent_on = next((own for other, own in self._sent if other == attempt), None)
            return answer_applied(sent_on, connection, connection)
        if event.name in (EVENTS[events.StatusArrived], EVENTS[events.SessionStarted]):
            digest = data["view"].get("signal_request_sha256")
            if digest is None:
                return None
            return answer_applied(digest, self._digests.get(connection), connection)
        return Violation(Invariant.I1, f"an answer is applied after {event.name}")

    def _state(self, record: Record) -> None:
        at, name, data = record.at, record.name, record.data
        self._last_start_at = data.get("last_start_at")
        before_at, self._shown_at = self._shown_at, data.get("shown_deadline_at")
        if name == STATES[phases.Connecting] and not self._heard and self._says_active():
            self._add(at, deadline_held(before_at, self._shown_at))
        if name == STATES[phases.Ended]:
            self._add(at, reason_given(data.get("ending")))
            return
        if name != STATES[phases.Idle]:
            self._add(at, timer_set(name, at, data.get("until_at")))
        if name == STATES[phases.ConfirmingEnd] and data.get("fallback") == "unconfirmed":
            self._add(at, tries_ended(at, self._last_start_at, CLOCK_S))
        if name == STATES[phases.ConfirmingEnd] and data.get("fallback") == "busy":
            self._add(at, tries_ended(self._retry_after_at(), self._last_start_at, CLOCK_S))
        if (
            name != STATES[phases.Live]
            and data.get("episode")
            and not data.get("deadline_checking")
        ):
            self._add(at, deadline_shown(data.get("shown_deadline_at"), self._window_ends_at))

    def _retry_after_at(self) -> float:
        """When the Retry-After of the refusal that has just arrived is over."""
        event = self._last_event
        if event is None or event.name != EVENTS[events.ReconnectFailed]:
            return math.inf
        return event.at + (event.data.get("failure", {}).get("retry_after_s") or 0.0)

    def _says_active(self) -> bool:
        """Whether the last event is a status that confirms an answer, and says nothing more."""
        event = self._last_event
        if event is None or event.name != EVENTS[events.StatusArrived]:
            return False
        view = event.data["view"]
        return view.get("status") == ACTIVE and view.get("remaining") is None
