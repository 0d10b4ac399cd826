"""Markdown of results, as GitHub and GitLab show it: tables of all plays, and a card per drop.

Texts from results are escaped (`report_text`); the rest is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rejoin.qa.drops import KINDS, ORDER, OUTCOMES, PROOFS, causes, ending, ordered, proof_text
from rejoin.qa.report_text import code, markdown
from rejoin.qa.results import (
    CaseRecord,
    EpisodeResult,
    FaultResult,
    Group,
    Played,
    grouped,
    verdict_of,
)
from rejoin.qa.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class _Card:
    """`episode`: None: there was no drop, and the card is about a play that failed."""

    record: CaseRecord
    episode: EpisodeResult | None


def document(
    records: Sequence[CaseRecord], most_bytes: int | None = None, *, fail_on_flaky: bool = False
) -> str:
    """The whole text. Where it would be longer than `most_bytes`, cards are left out, those of what
    passed first, and then rows of tables; it says so."""
    groups = grouped(records)
    verdict = verdict_of(groups, fail_on_flaky=fail_on_flaky)
    head = [f"## Reconnection: {verdict.value}", "", *_overview(groups), ""]
    tables = [line for group in groups for line in _table(group)]
    cards = [_card_text(card) for card in _cards(groups)]
    room = _Room(most_bytes)
    room.take(head)
    room.take_lines(tables, "rows")
    if cards:
        room.take(["", "### Drops", ""])
    room.take_blocks(cards, "drops")
    return room.text()


class _Room:
    """Text up to a number of bytes."""

    _KEPT: Final = 400
    """Bytes for the sentences that say what was left out."""

    def __init__(self, most_bytes: int | None) -> None:
        self._left = None if most_bytes is None else most_bytes - self._KEPT
        self._parts: list[str] = []

    def take(self, lines: Sequence[str]) -> bool:
        """Whether it fitted."""
        part = "\n".join(lines) + "\n"
        size = len(part.encode())
        if self._left is not None:
            if size > self._left:
                return False
            self._left -= size
        self._parts.append(part)
        return True

    def take_lines(self, lines: Sequence[str], what: str) -> None:
        self.take_blocks([[line] for line in lines], what)

    def take_blocks(self, blocks: Sequence[Sequence[str]], what: str) -> None:
        for number, block in enumerate(blocks):
            if not self.take(block):
                self._left = 0
                left = len(blocks) - number
                self._parts.append(f"\n{left} more {what} do not fit here.\n\n")
                return

    def text(self) -> str:
        return "".join(self._parts)


def _overview(groups: Sequence[Group]) -> Iterator[str]:
    yield (
        "| Scenario | Build | Region | Backend | Client | Plays | "
        + " | ".join(f"{kind.capitalize()}" for kind in KINDS)
        + " |"
    )
    yield "|---" * 5 + "|--:" * (1 + len(KINDS)) + "|"
    for group in groups:
        around, summary = group.surroundings, group.summary
        names = (
            markdown(group.scenario),
            *(markdown(each, given=True) for each in (around.build, around.region)),
            markdown(around.backend),
            markdown(around.client, given=True),
        )
        counts = [len(group.records), *(len(getattr(summary, kind)) for kind in KINDS)]
        cells = [*(name or "–" for name in names), *map(str, counts)]
        yield f"| {' | '.join(cells)} |"


def _table(group: Group) -> Iterator[str]:
    yield ""
    yield f"### {code(group.scenario)}, {_build(group)}"
    yield ""
    if group.summary.flaky:
        yield f"Flaky, failed and passed: {', '.join(map(code, group.summary.flaky))}."
        yield ""
    yield "| Verdict | Case | End | Reconnects | Longest freeze | Reason |"
    yield "|---|---|---|--:|--:|---|"
    for record in sorted(group.records, key=lambda each: ORDER.index(each.verdict)):
        cells = (
            _shown(record.verdict),
            code(record.name),
            *_end(record),
            "; ".join(map(markdown, record.sentences)) or "–",
        )
        yield f"| {' | '.join(cells)} |"


def _build(group: Group) -> str:
    return markdown(group.surroundings.build, given=True) or "no build id"


def _end(record: CaseRecord) -> tuple[str, str, str]:
    """How the game ended, its reconnects, and the longest time without a picture."""
    played = record.played
    if played is None:
        return "not played", "–", "–"
    reason = f" ({markdown(played.reason)})" if played.reason else ""
    freeze = f"{max(played.freezes_s):.2f} s" if played.freezes_s else "–"
    return f"{markdown(played.ended)}{reason}", str(played.reconnects), freeze


def _shown(verdict: Verdict) -> str:
    return f"**{verdict.value}**" if verdict is Verdict.FAILED else verdict.value


# --- cards ----------------------------------------------------------------------------------------


def _cards(groups: Sequence[Group]) -> list[_Card]:
    """The cards, failures first: a bug report needs those."""
    found = []
    for record in ordered(groups):
        episodes = record.played.episodes if record.played is not None else ()
        found += [_Card(record, episode) for episode in episodes]
        if not episodes and record.verdict is Verdict.FAILED:
            found.append(_Card(record, None))
    return found


def _card_text(card: _Card) -> list[str]:
    record, episode = card.record, card.episode
    drop = "no drop" if episode is None else f"drop {episode.number}, {ending(episode)}"
    is_open = " open" if record.verdict is Verdict.FAILED else ""
    return [
        f"<details{is_open}>",
        f"<summary>{record.verdict.value}: {code(record.name)}, {drop}</summary>",
        "",
        *_what_happened(card),
        *([] if episode is None else _steps(episode)),
        "",
        "</details>",
        "",
    ]


def _what_happened(card: _Card) -> Iterator[str]:
    record, episode = card.record, card.episode
    played = record.played
    faults = () if played is None else played.faults
    if episode is not None:
        began = f"{episode.began_at_s:.2f} s after the game became live"
        outcome = OUTCOMES.get(episode.outcome) or markdown(episode.outcome)
        yield f"- Drop: {began}; {outcome}"
        yield from _cause(episode, faults)
    else:
        yield "- Drop: none was seen"
        yield from (f"- Done: {_fault(fault)}" for fault in faults)
    sentences = "; ".join(map(markdown, record.sentences))
    reason = f": {sentences}" if sentences else ""
    yield f"- Verdict on the play: {_shown(record.verdict)} ({record.why.value}){reason}"
    if played is not None:
        yield f"- Proof that it is the same game: {_proof(played, episode)}"
        yield f"- End of the play: {markdown(played.ended)}; reconnects: {played.reconnects}"
    around = record.surroundings
    where = [markdown(around.backend), markdown(around.application)]
    where += [markdown(around.region, given=True), markdown(around.build, given=True)]
    client = f"client {markdown(around.client, given=True)} on {markdown(around.system)}"
    yield f"- Where: {', '.join(filter(None, where))}; {client}"
    yield (
        f"- Play: scenario {code(record.scenario)}, seed {record.seed}, run {code(record.run)}, "
        f"begun {markdown(record.started_at)}"
    )
    for kind, path in sorted(record.attachments.items()):
        yield f"- {markdown(kind.capitalize())}: {code(path)}"


def _proof(played: Played, episode: EpisodeResult | None) -> str:
    proof = None if episode is None else episode.proof
    if proof is None:
        return PROOFS.get(played.proof) or markdown(played.proof)
    shown = proof_text(proof)
    return f"{shown} ({markdown(proof.detail)})" if proof.detail else shown


def _cause(episode: EpisodeResult, faults: Sequence[FaultResult]) -> Iterator[str]:
    """The last fault before the drop, and those that came during it."""
    found = causes(episode, faults)
    yield from (f"- Cause: {_fault(fault)}" for fault in found.before)
    yield from (f"- During the drop: {_fault(fault)}" for fault in found.during)
    if not found.before:
        yield "- Cause: no fault of the scenario came right before it"


def _fault(fault: FaultResult) -> str:
    at = "it did not begin" if fault.at_s is None else f"at {fault.at_s:.2f} s"
    return f"{code(fault.profile)} {at}: {markdown(fault.how)} (seed {fault.seed})"


def _steps(episode: EpisodeResult) -> Iterator[str]:
    yield ""
    yield "| Step | Since the drop began | Since the step before |"
    yield "|---|--:|--:|"
    before = None
    for step in episode.steps:
        since = "–" if before is None else f"{(step.at_s - before) * 1000:.1f} ms"
        yield f"| {markdown(step.name)} | {step.at_s * 1000:.1f} ms | {since} |"
        before = step.at_s
