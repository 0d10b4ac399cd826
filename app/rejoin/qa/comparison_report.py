"""Reports of a comparison: lines for a terminal, Markdown, and JSON.

Names of builds come from results that somebody else may have written: they are made plain.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from rejoin.qa.budget import Excess
from rejoin.qa.comparison import LEVEL, UNSEEN, Compared, Comparison, Conclusion, Finding, Side
from rejoin.qa.figures import FOR_GOOD_S, Kind
from rejoin.qa.report_text import code, markdown, plain

JSON_VERSION: Final = 1
_FINDINGS: Final = {
    Finding.WORSE: "WORSE",
    Finding.BETTER: "better",
    Finding.SAME: "same",
    Finding.TOO_FEW: "too few",
    Finding.NOT_MEASURED: "not measured",
    Finding.NOT_COMPARABLE: "not compared",
}
_CONCLUSIONS: Final = {
    Conclusion.NO_WORSE: "no worse",
    Conclusion.WORSE: "worse",
    Conclusion.INCONCLUSIVE: "inconclusive",
}
_LEVEL: Final = (
    f"Over all figures together an unchanged build is called worse in {100 * LEVEL:g} % of "
    "comparisons at most. *Needed*: drops of each build at which such a difference is found in 8 "
    "of 10 comparisons."
)


def lines(comparison: Comparison) -> Iterator[str]:
    """For a terminal."""
    if comparison.before is not None:
        yield f"before: {_side(comparison.before)}"
    yield f"after:  {_side(comparison.after)}"
    for note in comparison.notes:
        yield plain(note)
    for each in comparison.compared:
        yield (
            f"  {_FINDINGS[each.finding]:12}  {each.figure.title:32}  {_values(each):28}"
            f"{_chance(each):12}{_asked(each)}"
        ).rstrip()
    for excess in comparison.excesses:
        yield f"  {_excess(excess)}"
    yield from _sentences(comparison)


def document(comparison: Comparison) -> str:
    """Markdown."""
    found = [f"## Compared: {_CONCLUSIONS[comparison.conclusion]}", ""]
    if comparison.before is not None:
        found.append(f"- Before: {_side_in_markdown(comparison.before)}")
    found.append(f"- After: {_side_in_markdown(comparison.after)}")
    found += [f"- {markdown(note)}" for note in comparison.notes]
    found += [f"- {markdown(sentence)}" for sentence in _sentences(comparison)]
    found.append("")
    if comparison.excesses:
        found += ["| Limit | At most | Found |", "|---|--:|--:|"]
        for excess in comparison.excesses:
            at_most = f"{excess.limit:g}" if excess.key != "least_drops" else "–"
            found.append(f"| {code(excess.key)} | {at_most} | {_found(excess)} |")
        found.append("")
    if comparison.compared:
        found.append(
            "| Finding | Figure | Before | After | Difference | By chance | Least | Needed |"
        )
        found.append("|---|---|--:|--:|--:|--:|--:|--:|")
        found += [_row(each) for each in comparison.compared]
        found += ["", _LEVEL, ""]
    return "\n".join(found)


def as_json(comparison: Comparison) -> str:
    """One JSON object, with the same members as `comparison.Comparison`, and the conclusion."""
    whole: dict[str, Any] = asdict(comparison)
    for each, compared in zip(comparison.compared, whole["compared"], strict=True):
        compared["figure"] = each.figure.key
        compared |= {"title": each.figure.title, "unit": each.figure.unit}
    whole = {"version": JSON_VERSION, "conclusion": comparison.conclusion, "level": LEVEL} | whole
    return json.dumps(whole, indent=1) + "\n"


# --- parts ----------------------------------------------------------------------------------------


def _side(side: Side) -> str:
    build = ", ".join(plain(each, given=True) for each in side.builds) or "no build id"
    nothing = f", {side.said_nothing} plays said nothing" if side.said_nothing else ""
    return f"{build}: {side.plays} plays, {side.drops} drops{nothing}"


def _side_in_markdown(side: Side) -> str:
    build = ", ".join(markdown(each, given=True) for each in side.builds) or "no build id"
    nothing = f"; {side.said_nothing} plays said nothing" if side.said_nothing else ""
    return f"{build}, {side.plays} plays, {side.drops} drops{nothing}"


def _values(each: Compared) -> str:
    if each.before is None or each.after is None:
        return "–"
    return f"{_number(each, each.before)} -> {_number(each, each.after)} {each.figure.unit}"


def _number(each: Compared, value: float) -> str:
    return f"{value:.2f}" if each.figure.kind is Kind.VALUES else f"{value:.1f}"


def _difference(each: Compared) -> str:
    return f"{'+' if each.difference >= 0 else '−'}{_number(each, abs(each.difference))}"


def _chance(each: Compared) -> str:
    return f"p {each.chance:.2g}" if each.finding is Finding.WORSE else ""


def _asked(each: Compared) -> str:
    """Why too few: what a larger number would show."""
    if each.finding is not Finding.TOO_FEW:
        return ""
    more = f"{each.least:g} {each.figure.unit} more"
    if each.needed is None:
        return f"how many drops would show {more} cannot be said"
    what = "plays" if each.figure.kind is Kind.PLAYS else "drops"
    return f"{more} would be seen in {each.needed} {what} of each build"


def _row(each: Compared) -> str:
    finding = f"**{_FINDINGS[each.finding].lower()}**"
    finding = finding if each.finding is Finding.WORSE else finding.strip("*")
    title = f"{each.figure.title}, {each.figure.unit}"
    if each.before is None or each.after is None:
        cells = [finding, title, "–", "–", "–", "–", f"{each.least:g}", "–"]
    else:
        cells = [
            finding,
            title,
            f"{_number(each, each.before)} ({each.of_before})",
            f"{_number(each, each.after)} ({each.of_after})",
            _difference(each),
            f"{each.chance:.2g}",
            f"{each.least:g}",
            "–" if each.needed is None else str(each.needed),
        ]
    if each.asked:
        cells[6] = f"{cells[6]} (asked)"
    return f"| {' | '.join(cells)} |"


def _excess(excess: Excess) -> str:
    if excess.key == "least_drops":
        return f"too few       fewer than {excess.limit:g} drops"
    if excess.found is None:
        return f"not measured  {excess.key}, which may be {excess.limit:g}"
    return f"OVER BUDGET   {excess.key}: {_found(excess)}, at most {excess.limit:g}"


def _found(excess: Excess) -> str:
    if excess.found == FOR_GOOD_S:
        return "for good, because games were lost"
    return "–" if excess.found is None else f"{excess.found:.3f}".rstrip("0").rstrip(".")


def _sentences(comparison: Comparison) -> Iterator[str]:
    over = [each.key for each in comparison.excesses if each.found is not None]
    worse = [each.figure.title for each in comparison.compared if each.finding is Finding.WORSE]
    if worse:
        yield f"Worse: {', '.join(worse)}."
    if over:
        yield f"Over the budget: {', '.join(over)}."
    match comparison.conclusion:
        case Conclusion.WORSE:
            return
        case Conclusion.NO_WORSE if comparison.before is None:
            yield "Within the budget."
        case Conclusion.NO_WORSE:
            yield "No worse."
        case Conclusion.INCONCLUSIVE:
            unseen = [
                each.figure.title
                for each in comparison.compared
                if each.asked and each.finding in UNSEEN
            ]
            unseen += [each.key for each in comparison.excesses]
            yield f"Inconclusive: nothing is known about: {', '.join(unseen)}."
