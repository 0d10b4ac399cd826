"""A trace: one record for each event, command, change of state, fault, and act of a tester.

Live and simulated runs write the same records; the same invariants are checked on both, and both
print as the same timeline. A field that may hold a secret is declared with `repr=False`, and such
fields never enter a record.
"""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

from rejoin.core import commands, engine, events
from rejoin.core.model import ConnectionSample, HealthLevel, Policy
from rejoin.core.phases import (
    AwaitingService,
    Backoff,
    ConfirmingEnd,
    Ended,
    Goodbye,
    Idle,
    Live,
    Lost,
    Offering,
    State,
    verdict_of,
)
from rejoin.core.retry import FailureKind
from rejoin.core.trace_names import COMMANDS, EVENTS, STATES
from rejoin.service_model.status import PENDING_CLIENT_RECONNECTION

SCHEMA = 4
KINDS = ("event", "command", "state", "fault", "service", "tester")
Kind = Literal["event", "command", "state", "fault", "service", "tester"]


class OtherVersionError(ValueError):
    """The record was written with another version of the schema."""


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a trace. `at` is boot time; `data` holds JSON values only."""

    at: float
    kind: Kind
    name: str
    data: dict[str, Any]


def of_event(event: events.Event, at: float) -> Record:
    return Record(at, "event", EVENTS[type(event)], _plain_fields(event))


def of_command(command: commands.Command, at: float) -> Record:
    return Record(at, "command", COMMANDS[type(command)], _plain_fields(command))


def of_state(state: State, at: float, policy: Policy) -> Record:
    """The phase, until when it waits, and the deadlines.

    `last_start_at`: no create request starts later (Rule 5 of `engine`); only during an episode.
    """
    phase, facts = state.phase, state.facts
    data: dict[str, Any] = {"episode": facts.episodes}
    if isinstance(phase, Live) and facts.health is not None:
        data["health"] = facts.health.level.value
    if facts.sample is not None:
        data["last_rtp_at"] = facts.sample.last_rtp_at
    if facts.window.shown_at is not None:
        data["shown_deadline_at"] = facts.window.shown_at
    if facts.window.checking_since_at is not None:
        data["deadline_checking"] = True
    if not isinstance(phase, Idle | Ended):
        data["until_at"] = phase.until_at
        data["last_start_at"] = engine.last_start_at(state, policy)
    verdict = verdict_of(state)
    if verdict is not None:
        data["verdict"] = verdict.value
    if isinstance(phase, ConfirmingEnd):
        data["fallback"] = phase.fallback.kind.value
    if isinstance(phase, Ended):
        data["ending"] = phase.ending.kind.value
    return Record(at, "state", STATES[type(phase)], data)


def of_service(status: str, at: float, window_ends_at: float | None) -> Record:
    """The true state of the service; only known of an emulated or modelled one."""
    return Record(at, "service", status, {"window_ends_at": window_ends_at})


def of_fault(name: str, at: float, **data: Any) -> Record:
    """A fault that a test or the demo caused on purpose."""
    return Record(at, "fault", name, data)


def of_tester(name: str, at: float, **data: Any) -> Record:
    """An act of a tester, or a finding for one; a name of `trace_names.TESTER`."""
    return Record(at, "tester", name, data)


def to_line(record: Record) -> str:
    """The record as one line of JSON, without a newline."""
    return json.dumps(
        {"v": SCHEMA, "at": round(record.at, 6), "kind": record.kind, "name": record.name}
        | ({"data": record.data} if record.data else {}),
        separators=(",", ":"),
    )


_LONGEST_WHOLE = 16
"""Characters; more than any count here needs."""
_LARGEST_AT = 1e11
"""Seconds; no boot time is larger. A comparison with it refuses NaN, too."""


def from_line(line: str) -> Record:
    """Read one line. Raises ValueError if it is not a record, OtherVersionError if not of SCHEMA.

    `qa.trace_schema` checks `data`; here only finite numbers are ensured.
    """
    try:
        raw = json.loads(line, parse_int=_whole, parse_float=_finite, parse_constant=_finite)
    except RecursionError:
        raise ValueError("a trace record is nested too deeply") from None
    if not isinstance(raw, dict) or isinstance(raw.get("v"), bool):
        raise ValueError("not a record of a Rejoin trace")
    if isinstance(raw.get("v"), int) and raw["v"] != SCHEMA:
        raise OtherVersionError(f"a trace record of version {raw['v']}, not {SCHEMA}")
    if raw.get("v") != SCHEMA:
        raise ValueError("not a record of a Rejoin trace")
    at, kind, name, data = raw.get("at"), raw.get("kind"), raw.get("name"), raw.get("data", {})
    if (
        isinstance(at, bool)
        or not isinstance(at, (int, float))
        or not -_LARGEST_AT <= at <= _LARGEST_AT
        or kind not in KINDS
        or not isinstance(name, str)
        or not isinstance(data, dict)
    ):
        raise ValueError("a field of a trace record is missing or wrong")
    return Record(float(at), kind, name, data)


def _whole(digits: str) -> int:
    if len(digits) > _LONGEST_WHOLE:
        raise ValueError("an integer of a trace is too large")
    return int(digits)


def _finite(text: str) -> float:
    """Also called for NaN and Infinity, which Python's JSON accepts."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number of a trace is not finite")
    return number


_SAMPLE_FIELDS = {entry.name: entry for entry in fields(ConnectionSample)}
_MAY_BE_UNKNOWN = {
    "rtt_s",
    "proved_sent_at",
    "unanswered_since_at",
    "sends_fail_since_at",
    "video_missing",
    "sound_loss",
}


def sample_of(record: Record) -> ConnectionSample:
    """The sample in a record of `Sampled`. Raises ValueError if there is none, or a wrong one.

    Unknown fields are ignored; missing ones have their defaults.
    """
    raw = record.data.get("sample")
    if record.name != EVENTS[events.Sampled] or not isinstance(raw, dict):
        raise ValueError("this record holds no sample")
    known: dict[str, Any] = {}
    for name in _SAMPLE_FIELDS.keys() & raw.keys():
        value = raw[name]
        if value is None and name in _MAY_BE_UNKNOWN:
            known[name] = None
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{name} of a sample is not a number")
        elif not math.isfinite(value):
            raise ValueError(f"{name} of a sample is not finite")
        else:
            known[name] = value
    try:
        return ConnectionSample(**known)
    except TypeError:
        raise ValueError("a field of a sample is missing") from None


def _plain_fields(value: Any) -> dict[str, Any]:
    return {entry.name: _plain(getattr(value, entry.name)) for entry in fields(value) if entry.repr}


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if is_dataclass(value):
        return _plain_fields(value)
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, (tuple, frozenset, set, list)):
        return [_plain(item) for item in value]
    return value


# --- the timeline of an episode -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an episode, and when it was reached (boot time)."""

    name: str
    at: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """One episode, from its fault (or from the last media, if no fault was caused) to its end.

    `outcome` is "live", "healed", "ended" or "open".
    """

    episode: int
    steps: tuple[Step, ...]
    outcome: str

    @property
    def began_at(self) -> float:
        """When the fault was caused, or else when the first step was reached."""
        fault_at = self.at("fault")
        return self.steps[0].at if fault_at is None else fault_at

    def at(self, name: str) -> float | None:
        """When a step, one of STEPS, was first reached; None if it was not."""
        assert name in STEPS, name
        return next((step.at for step in self.steps if step.name == name), None)

    def lines(self) -> Iterator[str]:
        """The timeline for a terminal: time since the beginning, time since the step before."""
        before = self.steps[0].at
        for step in self.steps:
            since_ms = (step.at - self.began_at) * 1000
            took_ms = (step.at - before) * 1000
            yield f"  {since_ms:9.1f} ms  {'+' + format(took_ms, '.1f'):>9}  {step.name}"
            before = step.at


STEPS = (
    "fault",
    "last media",
    "stalled",
    "lost",
    "service noticed",
    "committed",
    "offer made",
    "request sent",
    "queued",
    "answer received",
    "connected",
    "first frame",
    "input open",
    "live again",
)
"""The names of steps in a timeline, in their usual order."""


_EVENT_STEPS = {
    EVENTS[events.OfferMade]: "offer made",
    EVENTS[events.RequestWritten]: "request sent",
    EVENTS[events.AnswerArrived]: "answer received",
    EVENTS[events.ConnectionOpened]: "connected",
    EVENTS[events.FirstFrameDecoded]: "first frame",
    EVENTS[events.InputOpened]: "input open",
}


def _is_queued(refused: Record) -> bool:
    failure = refused.data.get("failure")
    return isinstance(failure, dict) and failure.get("kind") == FailureKind.QUEUED.value


_COMMITTED = {STATES[phase] for phase in (Goodbye, Offering, Backoff, AwaitingService)}


def timelines(records: Iterable[Record]) -> tuple[Timeline, ...]:
    """Every episode of a trace, in order."""
    found: list[Timeline] = []
    reader = _EpisodeReader()
    for record in records:
        reader.read(record)
        if reader.finished is not None:
            found.append(reader.finished)
            reader.finished = None
    if reader.open:
        found.append(reader.close("open"))
    return tuple(found)


class _EpisodeReader:
    """Reads records and collects the steps of one episode after another."""

    def __init__(self) -> None:
        self.finished: Timeline | None = None
        self._before: list[Step] = []
        self._steps: list[Step] | None = None
        self._episode = 0
        self._before_this_client = 0
        """Episodes of clients that crashed; each client counts its own from 1."""
        self._requested = False

    @property
    def open(self) -> bool:
        return self._steps is not None

    def read(self, record: Record) -> None:
        if record.kind == "fault":
            self._fault(record)
        elif record.kind == "state":
            self._state(record)
        elif record.kind == "event":
            self._event(record)

    def _fault(self, record: Record) -> None:
        if self._steps is None:
            self._before = [Step("fault", record.at)]

    def _state(self, record: Record) -> None:
        if record.name == STATES[Live]:
            level = record.data.get("health")
            if self._steps is not None:
                self._add("live again", record.at)
                self.finished = self.close("live" if self._requested else "healed")
            elif level == HealthLevel.STALLED.value:
                if not any(step.name == "stalled" for step in self._before):
                    self._before.append(Step("stalled", record.at))
            elif level == HealthLevel.HEALTHY.value and self._before:
                self._before = [step for step in self._before if step.name == "fault"]
            return
        if record.name == STATES[Ended]:
            if self._steps is not None:
                self.finished = self.close("ended")
            return
        if record.data.get("episode", 0) > self._episode:
            self._begin(record)
        if self._steps is None:
            return
        if record.name == STATES[Lost]:
            self._add("lost", record.at)
        elif record.name in _COMMITTED:
            self._add("committed", record.at)

    def _begin(self, record: Record) -> None:
        self._episode = int(record.data["episode"])
        self._steps = list(self._before)
        self._before = []
        self._requested = False
        last_rtp_at = record.data.get("last_rtp_at")
        if isinstance(last_rtp_at, (int, float)):
            self._steps.append(Step("last media", float(last_rtp_at)))
        self._add("lost", record.at)

    def _event(self, record: Record) -> None:
        if record.name == EVENTS[events.RejoinRequested]:
            # Its first episode is the one that was open, or a new one.
            self._before_this_client += self._episode - self.open
            self._episode = int(self.open)
            return
        if record.name == EVENTS[events.StatusArrived]:
            view = record.data.get("view")
            status = view.get("status") if isinstance(view, dict) else None
            if status == PENDING_CLIENT_RECONNECTION:
                self._noticed(record.at)
            return
        name = _EVENT_STEPS.get(record.name)
        if record.name == EVENTS[events.ReconnectFailed] and _is_queued(record):
            name = "queued"
        if self._steps is None or name is None:
            return
        if record.name == EVENTS[events.RequestWritten]:
            self._requested = True
        # Only the newest attempt counts: the steps of former ones are removed.
        if record.name == EVENTS[events.OfferMade]:
            of_attempt = {*_EVENT_STEPS.values(), "queued"}
            self._steps = [step for step in self._steps if step.name not in of_attempt]
        self._add(name, record.at)

    def _noticed(self, at: float) -> None:
        if self._steps is None:
            if not any(step.name == "service noticed" for step in self._before):
                self._before.append(Step("service noticed", at))
        else:
            self._add("service noticed", at)

    def _add(self, name: str, at: float) -> None:
        assert self._steps is not None
        if not any(step.name == name for step in self._steps):
            self._steps.append(Step(name, at))

    def close(self, outcome: str) -> Timeline:
        assert self._steps is not None
        steps = tuple(sorted(self._steps, key=lambda step: step.at))
        self._steps = None
        return Timeline(self._before_this_client + self._episode, steps, outcome)


class Recorder:
    """Turns a run of the engine into records.

    Samples, twenty per second, are left out unless `samples` is set: then the detector can be
    scored on the trace.
    """

    def __init__(
        self, sink: Callable[[Record], None], policy: Policy, *, samples: bool = False
    ) -> None:
        self._sink = sink
        self._policy = policy
        self._samples = samples
        self._last: tuple[object, ...] | None = None

    def event(self, event: events.Event, at: float) -> None:
        if isinstance(event, events.WakeupDue):
            return
        if self._samples or not isinstance(event, events.Sampled):
            self._sink(of_event(event, at))

    def command(self, command: commands.Command, at: float) -> None:
        self._sink(of_command(command, at))

    def state(self, state: State, at: float) -> None:
        """A state is recorded when its phase, health, shown deadline or verdict changes."""
        live, facts = isinstance(state.phase, Live), state.facts
        key = (
            type(state.phase),
            facts.health.level if live and facts.health is not None else None,
            None if live else facts.window.shown_at,
            verdict_of(state),
        )
        if key != self._last:
            self._last = key
            self._sink(of_state(state, at, self._policy))
