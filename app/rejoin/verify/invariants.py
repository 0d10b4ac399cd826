"""The invariants of a reconnect, judged on a trace, whoever wrote it: simulated or live.

I1: an answer is applied only to the connection whose offer it answers.
I2: no create request starts after the last moment for one, and none is given up before it.
I3: one offer, one attempt: neither an offer nor a number is used for two.
I4: at most one create call is in flight.
I5: every state that is not the end has a time at which it goes on by itself.
I6: the end has a reason.
I8: the deadline that is shown is not later than the service's own (where the trace tells it).
I9: nothing is left open at the end.

I7 (who can be saved is saved) is about what did not happen: it takes a world that knows
(`simulate`), or a scenario that expects it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rejoin.core.trace import Record

_CLOCK_S = 1e-3
"""Less than this is rounding."""


def violations(records: Iterable[Record]) -> tuple[str, ...]:
    """What breaks an invariant, in order of time; empty where nothing does."""
    judge = _Judge()
    for record in records:
        judge.look(record)
    return tuple(judge.found)


class _Judge:
    def __init__(self) -> None:
        self.found: list[str] = []
        self._sha: dict[int, str] = {}
        self._connection_of: dict[int, int] = {}
        self._attempt_of: dict[int, int] = {}
        self._sha_sent: dict[str, int] = {}
        self._last_event: Record | None = None
        self._in_flight: tuple[int, int, int, float] | None = None
        self._open: set[int] = set()
        self._last_start_at: float | None = None
        self._window_ends_at: float | None = None
        self._live = False

    def look(self, record: Record) -> None:
        match record.kind:
            case "event":
                self._event(record)
            case "command":
                self._command(record)
            case "state":
                self._state(record)
            case "service":
                self._window_ends_at = record.data.get("window_ends_at")
            case "fault":
                pass

    def _say(self, rule: str, at: float, what: str) -> None:
        self.found.append(f"{rule} at {at:.3f}: {what}")

    def _event(self, record: Record) -> None:
        self._last_event = record
        data = record.data
        if record.name == "RejoinRequested":
            # Another life: what the one before had open went with it, and connections are numbered
            # anew. Attempts are not.
            self._open.clear()
            self._attempt_of.clear()
            self._sha.clear()
            self._in_flight = None
            self._last_start_at = None
        if record.name == "OfferMade":
            self._sha[data["connection"]] = data["sha256"]
        elif record.name in ("AnswerArrived", "ReconnectFailed"):
            done = (data["attempt"], data["try_number"])
            if self._in_flight is not None and self._in_flight[:2] == done:
                self._in_flight = None

    def _command(self, record: Record) -> None:
        data = record.data
        connection = data.get("connection", 0)
        match record.name:
            case "MakeOffer":
                self._open.add(connection)
            case "CloseConnection":
                self._open.discard(connection)
                if self._in_flight is not None and self._in_flight[2] == connection:
                    self._in_flight = None
            case "StartSession":
                self._use(record.at, connection, data["attempt"])
            case "Reconnect":
                self._reconnect(record)
            case "ApplyAnswer":
                self._apply(record.at, connection)
            case "Finish":
                if not data["ending"].get("kind"):
                    self._say("I6", record.at, "it ended without a reason")
                if self._open:
                    self._say("I9", record.at, f"connections {sorted(self._open)} stay open")
            case _:
                pass

    def _reconnect(self, record: Record) -> None:
        data: dict[str, Any] = record.data
        connection, attempt = data["connection"], data["attempt"]
        if self._last_start_at is not None and record.at > self._last_start_at + _CLOCK_S:
            late_s = record.at - self._last_start_at
            self._say("I2", record.at, f"a create request starts {late_s:.3f} s too late")
        self._use(record.at, connection, attempt)
        if self._in_flight is not None and record.at < self._in_flight[3]:
            self._say("I4", record.at, "two create calls are in flight")
        guard_at = record.at + data["budget_s"]
        self._in_flight = (attempt, data["try_number"], connection, guard_at)

    def _use(self, at: float, connection: int, attempt: int) -> None:
        if self._attempt_of.setdefault(connection, attempt) != attempt:
            self._say("I3", at, f"the offer of connection {connection} is sent in two attempts")
        if self._connection_of.setdefault(attempt, connection) != connection:
            self._say("I3", at, f"attempt {attempt} sends two offers")
        sha = self._sha.get(connection)
        if sha is not None and self._sha_sent.setdefault(sha, attempt) != attempt:
            self._say("I3", at, "the same offer is sent in two attempts")

    def _apply(self, at: float, connection: int) -> None:
        event = self._last_event
        if event is None:
            self._say("I1", at, "an answer comes from nowhere")
        elif event.name == "AnswerArrived":
            asked = self._connection_of.get(event.data["attempt"])
            if asked != connection:
                self._say("I1", at, f"the answer to connection {asked} is given to {connection}")
        elif event.name in ("StatusArrived", "SessionStarted"):
            sha = event.data["view"].get("signal_request_sha256")
            if sha not in (None, self._sha.get(connection)):
                self._say("I1", at, f"the answer to another offer is given to {connection}")
        else:
            self._say("I1", at, f"an answer comes with {event.name}")

    def _state(self, record: Record) -> None:
        data = record.data
        self._last_start_at = data.get("last_start_at")
        if record.name not in ("Idle", "Ended") and data.get("until_at") is None:
            self._say("I5", record.at, f"{record.name} would wait for ever")
        if record.name == "Ended" and not data.get("ending"):
            self._say("I6", record.at, "it ended without a reason")
        early = self._last_start_at is not None and record.at < self._last_start_at - _CLOCK_S
        if record.name == "ConfirmingEnd" and data.get("fallback") == "unconfirmed" and early:
            self._say("I2", record.at, "trying was given up too early")
        shown_at, ends_at = data.get("shown_deadline_at"), self._window_ends_at
        if (
            record.name not in ("Live", "Ended")
            and data.get("episode")
            and not data.get("deadline_checking")
            and shown_at is not None
            and ends_at is not None
            and shown_at > ends_at + _CLOCK_S
        ):
            self._say("I8", record.at, f"the deadline is shown {shown_at - ends_at:.3f} s too late")
