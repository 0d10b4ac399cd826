"""Results as one HTML file: nothing in it is loaded from anywhere, and it reads on a phone.

This module makes the values; `resources/report/report.html` is the template (Jinja2, with
escaping). uPlot draws the charts; its code is part of the page.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template

from rejoin import assets
from rejoin.qa import attached, measured
from rejoin.qa.drops import KINDS, OUTCOMES, PROOFS, causes, ending, lasted_s, ordered, proof_text
from rejoin.qa.report_charts import charts
from rejoin.qa.report_text import plain, redacted
from rejoin.qa.results import CaseRecord, EpisodeResult, Group, grouped, verdict_of
from rejoin.version import VERSION

TEMPLATE: Final = "report/report.html"
MOST_EMBEDDED: Final = 24 << 20
"""Bytes of pictures and clips that are put into the page; a larger page opens slowly. Other files
stay beside the results, and the page names them."""
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_MP4: Final = b"ftyp"
_PICTURE_KINDS: Final = ("before", "after", "clip")


@dataclass(frozen=True, slots=True)
class _Step:
    """`from_share`, `share`: of the whole episode, in percent: the time since the step before."""

    name: str
    at_ms: float
    since_ms: float | None
    from_share: float
    share: float


@dataclass(frozen=True, slots=True)
class _File:
    """`url`: its content, as a data URL; None: it is not part of the page, only named."""

    path: str
    size: int
    url: str | None


@dataclass(frozen=True, slots=True)
class _Drop:
    episode: EpisodeResult
    outcome: str
    ending: str
    causes: Any
    steps: tuple[_Step, ...]
    pictures: dict[str, _File]
    proof: str | None
    """That it is the same game; None where the player was not back."""


@dataclass(frozen=True, slots=True)
class _Play:
    number: int
    record: CaseRecord
    proof: str
    drops: tuple[_Drop, ...]
    charts: dict[str, Any] | None
    others: tuple[_File, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of a page, shown to the person who is about to share it."""

    drops: int = 0
    pictures: int = 0
    clips: int = 0
    beside: int = 0
    """The number of pictures and clips that did not fit into the page."""
    charts: int = 0


@dataclass(slots=True)
class _Room:
    """How many bytes may still be put into the page, and what was."""

    left: int
    shown: dict[str, int] = field(default_factory=lambda: {"picture": 0, "clip": 0, "beside": 0})

    def file(self, folder: Path | None, record: CaseRecord, kind: str) -> _File | None:
        """The file of this kind, in the page if there is room."""
        path = attached.file_of(folder, record, kind)
        if path is None:
            return None
        shown = plain(record.attachments[kind], given=True)
        content = attached.read(path) if path.stat().st_size <= self.left else None
        is_clip = kind.startswith("clip ")
        if content is None:
            self.shown["beside"] += 1
            return _File(shown, path.stat().st_size, None)
        if content[4:8] != _MP4 if is_clip else not content.startswith(_PNG):
            return None  # somebody else's file
        self.left -= len(content)
        self.shown["clip" if is_clip else "picture"] += 1
        media = "video/mp4" if is_clip else "image/png"
        url = f"data:{media};base64,{base64.b64encode(content).decode()}"
        return _File(shown, len(content), url)


def page(
    records: Sequence[CaseRecord],
    folder: Path | None,
    *,
    fail_on_flaky: bool = False,
    for_support: bool = False,
    most_embedded: int = MOST_EMBEDDED,
) -> tuple[str, Contents]:
    """The whole file, and what is in it. `folder`: of the results, where the files of plays are."""
    groups = grouped(redacted(record, for_support=for_support) for record in records)
    room = _Room(most_embedded)
    pictures = {
        (id(record), kind): file
        for kinds in (_PICTURE_KINDS[:2], _PICTURE_KINDS[2:])  # clips take what room is left
        for record in ordered(groups)
        for kind in _kinds(record, kinds)
        if (file := room.file(folder, record, kind)) is not None
    }
    plays = [
        _play(number, record, folder, pictures)
        for number, record in enumerate(ordered(groups), start=1)
    ]
    contents = Contents(
        drops=sum(len(play.drops) for play in plays),
        pictures=room.shown["picture"],
        clips=room.shown["clip"],
        beside=room.shown["beside"],
        charts=sum(play.charts is not None for play in plays),
    )
    scripts = _scripts(with_charts=bool(contents.charts))
    text = _template().render(
        verdict=verdict_of(groups, fail_on_flaky=fail_on_flaky).value,
        groups=groups,
        numbers={id(play.record): play.number for play in plays},
        plays=plays,
        kinds=KINDS,
        facts=_facts,
        style=_style(with_charts=bool(contents.charts)),
        scripts=scripts,
        hashes=[_hash(script) for script in scripts],
        licence=assets.text("report/uPlot-LICENSE.txt") if contents.charts else "",
        version=VERSION,
        for_support=for_support,
        contents=contents,
    )
    return text, contents


def _kinds(record: CaseRecord, kinds: Iterable[str]) -> Iterable[str]:
    episodes = record.played.episodes if record.played is not None else ()
    return [f"{kind} {episode.number}" for episode in episodes for kind in kinds]


def _play(
    number: int,
    record: CaseRecord,
    folder: Path | None,
    pictures: dict[tuple[int, str], _File],
) -> _Play:
    played = record.played
    drops: list[_Drop] = []
    drawn = None
    if played is not None:
        for episode in played.episodes:
            found = {
                kind: file
                for kind in _PICTURE_KINDS
                if (file := pictures.get((id(record), f"{kind} {episode.number}"))) is not None
            }
            why = causes(episode, played.faults)
            outcome = OUTCOMES.get(episode.outcome, episode.outcome)
            proved = None if episode.proof is None else plain(proof_text(episode.proof))
            drops.append(
                _Drop(episode, outcome, ending(episode), why, _steps(episode), found, proved)
            )
        lines = measured.read(attached.file_of(folder, record, "statistics"))
        trace = measured.read_trace(attached.file_of(folder, record, "trace")) if lines else ()
        live_at = measured.live_at(trace)
        if live_at is not None:
            drawn = charts(lines, live_at, played.episodes, played.faults)
    others = tuple(
        _File(plain(path, given=True), 0, None)
        for kind, path in sorted(record.attachments.items())
        if kind.split()[0] not in _PICTURE_KINDS
    )
    proof = "" if played is None else PROOFS.get(played.proof, played.proof)
    return _Play(number, record, proof, tuple(drops), drawn, others)


def _steps(episode: EpisodeResult) -> tuple[_Step, ...]:
    first = min((step.at_s for step in episode.steps), default=0.0)
    whole = max(lasted_s(episode) - first, 1e-9)
    found: list[_Step] = []
    before: float | None = None
    for step in episode.steps:
        since = None if before is None else step.at_s - before
        begin = step.at_s if before is None else before
        found.append(
            _Step(
                step.name,
                step.at_s * 1000,
                None if since is None else since * 1000,
                round((begin - first) / whole * 100, 2),
                round((step.at_s - begin) / whole * 100, 2),
            )
        )
        before = step.at_s
    return tuple(found)


def _facts(group: Group) -> list[tuple[str, str]]:
    """Names and values that say where and what was played."""
    around = group.surroundings
    runs = ", ".join(sorted({record.run for record in group.records}))
    every = (
        ("Build", around.build),
        ("Region", around.region),
        ("Backend", around.backend),
        ("Protocol of the backend", around.dialect),
        ("Application", around.application),
        ("Client", f"Rejoin {around.client} on {around.system}"),
        ("Run", runs),
        ("Begun", min((record.started_at for record in group.records), default="")),
    )
    return [(name, value) for name, value in every if value]


# --- the files of the page ------------------------------------------------------------------------


@cache
def _template() -> Template:
    environment = Environment(
        loader=FunctionLoader(assets.text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["id"] = id
    return environment.get_template(TEMPLATE)


def _style(*, with_charts: bool) -> str:
    names = ["report/base.css", "report/report.css"]
    return "".join(map(assets.text, [*names, *(["report/uPlot.min.css"] if with_charts else [])]))


def _scripts(*, with_charts: bool) -> list[str]:
    names = [*(["report/uPlot.iife.min.js"] if with_charts else []), "report/report.js"]
    return [assets.text(name) for name in names]


def _hash(script: str) -> str:
    """As a content security policy names a script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
