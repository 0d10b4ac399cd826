"""Results of cases: one record each, as a line of JSON with a schema.

All reports, comparisons and charts read these. `docs/result.schema.json` is made from the code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

from pydantic import ConfigDict, TypeAdapter, ValidationError

from rejoin.errors import BadInputError
from rejoin.injector.injector import Figures
from rejoin.qa.game_proof import DropProof
from rejoin.qa.verdicts import Verdict, Why

SCHEMA: Final = 1
FILE: Final = "results.jsonl"
_STRICT: Final = ConfigDict(extra="forbid", allow_inf_nan=False)
MAX_LINE: Final = 1 << 20
"""Characters; a result has a few thousand."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where and what was played; the same for all results of a run. Empty: not known.

    `backend`: its host and port. `region`, `application`, `build`: as the tester says, or as the
    identifiers of the dialect show it. `client`: Rejoin's version. `system`: the platform.
    """

    __pydantic_config__: ClassVar = _STRICT
    backend: str
    dialect: str
    region: str
    application: str
    build: str
    client: str
    system: str


@dataclass(frozen=True, slots=True)
class FaultResult:
    """One fault. `at_s`: after the game became live; None: it did not begin. `how`: what was done
    to the client. `seed`: which packets it met. `memory_mb`: of the client's process alone, right
    before it; None: not measured."""

    __pydantic_config__: ClassVar = _STRICT
    profile: str
    at_s: float | None
    how: str
    seed: int
    memory_mb: float | None = None


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step of an episode (`core.trace.STEPS`). `at_s`: after the episode's beginning."""

    __pydantic_config__: ClassVar = _STRICT
    name: str
    at_s: float


@dataclass(frozen=True, slots=True)
class CallCounts:
    """The create calls of one episode. `tries`: requests that were begun. `lost_answers`: requests
    that were written and whose answer never came. `refusals`: answers that were none (4xx, 5xx); a
    place in the backend's queue is none of them."""

    __pydantic_config__: ClassVar = _STRICT
    tries: int = 0
    lost_answers: int = 0
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class EpisodeResult:
    """One drop, from its fault to its end. `outcome`: live, healed, ended or open. `began_at_s`:
    after the game became live. `calls`: None: not counted. `proof`: that it is the same game; null
    where the player was not back. `clip_s`: where in its clip (the attachment "clip N") the drop
    began; None without one."""

    __pydantic_config__: ClassVar = _STRICT
    number: int
    outcome: str
    began_at_s: float
    steps: tuple[StepResult, ...]
    calls: CallCounts | None = None
    proof: DropProof | None = None
    clip_s: float | None = None


@dataclass(frozen=True, slots=True)
class CallResult:
    """A call to the backend whose answer named the request. `at_s`: after the play began. `call`:
    reconnect, or the HTTP method. `ids`: by the name of the header."""

    __pydantic_config__: ClassVar = _STRICT
    at_s: float
    call: str
    status: int | None
    ids: dict[str, str]


@dataclass(frozen=True, slots=True)
class Support:
    """What the support of AWS, or the studio's operators, ask for; no report has it without
    `--for-support`. `session_id`: as the backend gave it; None where that is a secret."""

    __pydantic_config__: ClassVar = _STRICT
    session_id: str | None
    calls: tuple[CallResult, ...]


@dataclass(frozen=True, slots=True)
class Played:
    """What was observed of a game that became live. `connection_timeout_s`: of the service; None:
    not reported. `session_ended`: whether it was ended at the service; False: it ends by itself.
    `proof`: what it rests on that it is the same game (`game_proof.Rests`), in the weakest case of
    its drops: "session" is the stream session alone.
    `memory_mb`: of the client's process alone, at the end of the play. `waited_share`: of the
    play, in which the client's main thread was ready to run and had no processor, since others had
    them. None: not measured.
    """

    __pydantic_config__: ClassVar = _STRICT
    ended: str
    reason: str | None
    reconnects: int
    freezes_s: tuple[float, ...]
    live_after_s: float
    played_s: float
    connection_timeout_s: float | None
    session_ended: bool
    proof: str
    faults: tuple[FaultResult, ...]
    episodes: tuple[EpisodeResult, ...]
    injector: Figures
    memory_mb: float | None = None
    waited_share: float | None = None


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """The result of one play of a case.

    `repetition`: from 1. `index`: of this play in the whole run, shards included. `started_at`: UTC
    in ISO 8601. `played`: None where the game did not become live. `attachments`: kind to the path
    in the folder of the results.
    """

    __pydantic_config__: ClassVar = _STRICT
    run: str
    scenario: str
    case: str
    repetition: int
    index: int
    seed: int
    verdict: Verdict
    why: Why
    sentences: tuple[str, ...]
    started_at: str
    took_s: float
    surroundings: Surroundings
    played: Played | None = None
    attachments: dict[str, str] = field(default_factory=dict)
    support: Support | None = None
    version: int = SCHEMA

    @property
    def name(self) -> str:
        """Unique among all plays of a run."""
        return play_name(self.case, self.repetition)

    def line(self) -> str:
        """One line for a terminal."""
        shown = self.verdict.value
        shown = shown.upper() if self.verdict is Verdict.FAILED else shown
        if self.played is None:
            return f"{shown:12}  {self.name}"
        played = self.played
        reason = f" ({played.reason})" if played.reason else ""
        freezes = ", ".join(f"{each:.2f}" for each in played.freezes_s)
        frozen = f", frozen {freezes} s" if freezes else ""
        return (
            f"{shown:12}  {self.name:24} {played.ended}{reason}, {played.reconnects} reconnects"
            f"{frozen}"
        )


_ADAPTER: Final = TypeAdapter(CaseRecord)
_BEGINS: Final = '{"run":'
"""Every line that `to_line` makes."""
_NO_RESULT: Final = "This is not a result of `rejoin qa run`."


def play_name(case: str, repetition: int) -> str:
    """The name of a play, unique in its run. `repetition`: from 1."""
    return case if repetition == 1 else f"{case} ({repetition})"


def to_line(record: CaseRecord) -> str:
    """The record as one line of JSON, without a newline. A half pair of surrogates, as in an
    argument that is not UTF-8, becomes a replacement character: no reader takes it."""
    line = json.dumps(asdict(record), separators=(",", ":"), ensure_ascii=False)
    whole = line.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return json.dumps(json.loads(whole), separators=(",", ":"))


def from_plain(values: dict[str, Any]) -> CaseRecord:
    """The record of what `dataclasses.asdict` makes of one."""
    return _ADAPTER.validate_python(values)


class DamagedError(BadInputError):
    """A line is not JSON."""


def from_line(line: str) -> CaseRecord:
    """Read one line. Raises BadInputError, which says where it does not conform; DamagedError where
    it is not JSON."""
    try:
        version = json.loads(line)["version"]
    except (ValueError, RecursionError):
        raise DamagedError(_NO_RESULT) from None
    except (KeyError, TypeError):
        raise BadInputError(_NO_RESULT) from None
    if version != SCHEMA:
        raise BadInputError(
            f"This result was written by another version of Rejoin; this one reads {SCHEMA}."
        )
    try:
        return _ADAPTER.validate_json(line)
    except ValidationError as error:
        where = ".".join(f"{part!a:.40}" for part in error.errors()[0]["loc"])
        raise BadInputError(f"This result does not conform to the schema: {where}.") from None


def read(path: Path, on_cut: Callable[[str], None] | None = None) -> tuple[CaseRecord, ...]:
    """The results in a file. Raises BadInputError, naming the line.

    A run that is killed while it writes leaves a last line that is cut off. It is left out, and
    `on_cut` gets a sentence that says so; without `on_cut` it is an error like any other.
    """
    found = []
    cut: BadInputError | None = None
    last = ""
    try:
        with path.open(encoding="utf-8-sig") as file:
            number = 0
            while line := file.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    raise BadInputError(f"Line {number} of {path.name} is too long for a result.")
                if not line.strip():
                    continue
                if cut is not None:
                    raise cut  # it is not the last line
                try:
                    found.append(from_line(line))
                except BadInputError as error:
                    cut, last = BadInputError(f"Line {number} of {path.name}: {error}"), line
                    if on_cut is None or not isinstance(error, DamagedError):
                        raise cut from None
    except UnicodeDecodeError:
        raise BadInputError(f"{path.name} is not a file of results: it is not text.") from None
    except OSError as error:
        raise BadInputError(f"{path.name} cannot be read: {error.strerror}.") from error
    if cut is not None and on_cut is not None:
        if not found and not last.startswith(_BEGINS):
            raise cut  # nothing says that it is a file of results at all
        on_cut(f"The last line of {path.name} is cut off and was left out: its play is missing.")
    return tuple(found)


def document() -> str:
    """The JSON Schema (2020-12) of one line."""
    schema: dict[str, Any] = {
        **_ADAPTER.json_schema(),
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "One line of results.jsonl: one play of a case of `rejoin qa run --backend`",
    }
    return json.dumps(schema, indent=1, sort_keys=True) + "\n"


# --- many results ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary of a run. `flaky`: cases that failed at least once and passed at least once; they
    are not in `failed`."""

    failed: tuple[str, ...]
    flaky: tuple[str, ...]
    inconclusive: tuple[str, ...]
    skipped: tuple[str, ...]
    passed: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """Of the whole run. A run in which no case passed or failed is inconclusive."""
        if self.failed:
            return Verdict.FAILED
        if self.inconclusive or not (self.passed or self.flaky):
            return Verdict.INCONCLUSIVE
        return Verdict.PASSED


def summarize(records: Iterable[CaseRecord]) -> Summary:
    """The verdict about each case, from all its plays."""
    verdicts: dict[str, set[Verdict]] = {}
    for record in records:
        verdicts.setdefault(record.case, set()).add(record.verdict)

    def of(kind: Verdict, *others: Verdict) -> tuple[str, ...]:
        return tuple(
            case
            for case, found in verdicts.items()
            if kind in found and not found.intersection(others)
        )

    failed_or_passed = (Verdict.FAILED, Verdict.PASSED)
    return Summary(
        failed=of(Verdict.FAILED, Verdict.PASSED),
        flaky=tuple(case for case, found in verdicts.items() if found.issuperset(failed_or_passed)),
        inconclusive=of(Verdict.INCONCLUSIVE, *failed_or_passed),
        skipped=of(Verdict.SKIPPED, *failed_or_passed, Verdict.INCONCLUSIVE),
        passed=of(Verdict.PASSED, Verdict.FAILED),
    )


@dataclass(frozen=True, slots=True)
class Group:
    """Results of the same scenario, build and backend."""

    scenario: str
    surroundings: Surroundings
    records: tuple[CaseRecord, ...]

    @property
    def summary(self) -> Summary:
        return summarize(self.records)


def grouped(records: Iterable[CaseRecord]) -> tuple[Group, ...]:
    """In the order of the first result of each."""
    found: dict[tuple[str, Surroundings], list[CaseRecord]] = {}
    for record in records:
        found.setdefault((record.scenario, record.surroundings), []).append(record)
    return tuple(Group(*key, tuple(listed)) for key, listed in found.items())


def verdict_of(groups: Iterable[Group], *, fail_on_flaky: bool = False) -> Verdict:
    """Of all groups together, by the rule of `Summary.verdict`."""
    summaries = [group.summary for group in groups]
    if any(each.failed or (fail_on_flaky and each.flaky) for each in summaries):
        return Verdict.FAILED
    says_something = any(each.passed or each.flaky for each in summaries)
    if any(each.inconclusive for each in summaries) or not says_something:
        return Verdict.INCONCLUSIVE
    return Verdict.PASSED
