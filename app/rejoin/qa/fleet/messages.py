"""The messages of a batch to the run, as JSON: placed, all live, a result, the cost."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from rejoin.qa import results
from rejoin.qa.client_case import Job
from rejoin.qa.results import CaseRecord

Media = Literal["modelled", "real"]
SCHEMA: Final = 1
FILE: Final = "fleet.jsonl"


@dataclass(frozen=True, slots=True)
class Batch:
    """`run`: unique. `starts_after_s`: of each job, when its game is started after all batches were
    placed. `limit_s`: how long one player may take. `guarded`: the sessions cost somebody money."""

    run: str
    number: int
    jobs: tuple[Job, ...]
    starts_after_s: tuple[float, ...]
    limit_s: float
    guarded: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """The batch waits on its place."""

    batch: int


@dataclass(frozen=True, slots=True)
class AllLive:
    """Each player of the batch is live, or will not be."""

    batch: int
    live: int


@dataclass(frozen=True, slots=True)
class Result:
    """A player is done; `index` in the fleet."""

    batch: int
    index: int
    record: CaseRecord


@dataclass(frozen=True, slots=True)
class Cost:
    """What the process of a batch used from its first start to its last end."""

    batch: int
    players: int
    took_s: float
    cpu_s: float
    grew_bytes: int | None
    """By how much its memory grew at most; None where the system does not say."""


FromBatch = Placed | AllLive | Result | Cost
_KINDS: Final[dict[str, type[Any]]] = {
    "placed": Placed,
    "all_live": AllLive,
    "result": Result,
    "cost": Cost,
}


def to_text(message: FromBatch) -> str:
    """One line of JSON."""
    kind = next(name for name, each in _KINDS.items() if isinstance(message, each))
    if isinstance(message, Result):
        line = results.to_line(message.record)
        fields: dict[str, Any] = {"batch": message.batch, "index": message.index, "record": line}
    else:
        fields = asdict(message)
    return json.dumps({"kind": kind, **fields})


def from_text(text: str) -> FromBatch:
    """Read what `to_text` wrote, by the same version. Raises ValueError."""
    fields = json.loads(text)
    kind = fields.pop("kind")
    if kind == "result":
        fields["record"] = results.from_line(fields["record"])
    found: FromBatch = _KINDS[kind](**fields)
    return found


def to_line(result: Result, media: Media) -> str:
    """One line of `fleet.jsonl`: the result of a player, with the kind of media that it played."""
    return json.dumps(
        {
            "version": SCHEMA,
            "media": media,
            "player": result.index,
            "batch": result.batch,
            "result": json.loads(results.to_line(result.record)),
        },
        separators=(",", ":"),
    )
