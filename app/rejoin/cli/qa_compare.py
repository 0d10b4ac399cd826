"""`rejoin qa compare`: whether a build is worse than another, and whether it keeps a budget."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rejoin.cli import options
from rejoin.cli.exit_codes import FAILURE, INCONCLUSIVE, SUCCESS
from rejoin.cli.messages import say, warned_if_interrupted
from rejoin.cli.progress import Progress
from rejoin.cli.qa_report import results_file
from rejoin.errors import BadInputError
from rejoin.parts import needs

if TYPE_CHECKING:
    from rejoin.qa.comparison import Comparison
    from rejoin.qa.paired import Pairing
    from rejoin.qa.results import CaseRecord


def _least_effects(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> dict[str, float]:
    """FIGURE=NUMBER; the names of figures are checked by the verb."""
    found = {}
    for value in values:
        key, _, number = value.partition("=")
        try:
            found[key] = float(number)
        except ValueError:
            found[key] = math.nan
        if not 0 < found[key] < 1e6:
            raise click.BadParameter("It has to look like freeze_s=0.5: a figure and a number.")
    return found


_INTERRUPTED: Final = "Interrupted: nothing is written."


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions:
    """The arguments of `rejoin qa compare`."""

    paths: tuple[Path, ...]
    simulated: bool
    budget: Path | None
    least: Mapping[str, float]
    markdown: Path | None
    json: Path | None


@click.command(short_help="Compare two builds: what got worse?")
@click.argument(
    "paths",
    metavar="[BEFORE] AFTER",
    nargs=-1,
    required=True,
    type=options.EXISTING_PATH,
)
@click.option(
    "--simulated",
    is_flag=True,
    help="Compare two folders of traces of modelled runs, pair by pair.",
)
@click.option(
    "--budget", type=options.EXISTING_FILE, help="TOML file with limits that AFTER has to keep."
)
@click.option(
    "--least-effect",
    "least",
    metavar="FIGURE=NUMBER",
    multiple=True,
    callback=_least_effects,
    help="A difference that has to be seen, such as freeze_s=0.5 or lost_answers_per_100=5; may be "
    "repeated. Less than half of it is never called worse.",
)
@click.option("--markdown", type=options.FILE, help="Write the comparison to this file.")
@click.option("--json", type=options.FILE, help="Write the comparison as JSON to this file.")
@options.as_values(CompareOptions)
@needs("qa")
def compare(chosen: CompareOptions) -> int:
    """Compare the results BEFORE and AFTER of `rejoin qa run --backend`, or, with --simulated, two
    folders of traces that `rejoin qa simulate` or `rejoin qa run` wrote with the same seeds.

    Each is a results.jsonl or its folder. With a budget, AFTER alone is enough. Exit code: 0 no
    worse, 1 worse or over the budget, 2 they cannot be compared, 13 too little was played to
    detect the difference that was asked for.
    """
    if len(chosen.paths) > 2:
        raise click.UsageError("Two builds are compared: name BEFORE and AFTER.")
    if chosen.simulated:
        return _paired(chosen)
    if len(chosen.paths) == 1 and chosen.budget is None:
        raise click.UsageError("Name BEFORE and AFTER, or a --budget for AFTER alone.")
    with warned_if_interrupted(lambda: _INTERRUPTED), Progress("comparing", None) as progress:
        comparison = _compared(chosen, progress)
    from rejoin.qa import comparison_report as report

    for line in report.lines(comparison):
        say(line)
    _write(chosen, report.document(comparison), report.as_json(comparison))
    return _exit_code(comparison)


def _compared(chosen: CompareOptions, progress: Progress) -> Comparison:
    from rejoin.qa import budget, comparison, figures

    for key in chosen.least:
        if key not in figures.BY_KEY:
            known = ", ".join(figures.BY_KEY)
            raise click.UsageError(f"There is no figure {key!a:.60}. There are: {known}.")
    limits = None if chosen.budget is None else budget.load(chosen.budget)
    after = _read(chosen.paths[-1], progress)
    if len(chosen.paths) == 1:
        assert limits is not None
        if limits.freeze_s is not None and figures.OVER_BUDGET.key not in limits.limits:
            raise BadInputError(
                f"{budget.FREEZE} alone is no limit: say in {figures.OVER_BUDGET.key}, too, how "
                "many of 100 drops may stand still for longer (0: none)."
            )
        return comparison.only_budget(after, limits)
    return comparison.compare(
        _read(chosen.paths[0], progress), after, comparison.Question(chosen.least, limits)
    )


def _read(path: Path, progress: Progress) -> tuple[CaseRecord, ...]:
    from rejoin.qa import results

    return results.read(results_file(path), progress.warn)


def _exit_code(comparison: Comparison) -> int:
    from rejoin.qa.comparison import Conclusion

    match comparison.conclusion:
        case Conclusion.WORSE:
            return FAILURE
        case Conclusion.INCONCLUSIVE:
            return INCONCLUSIVE
        case Conclusion.NO_WORSE:
            return SUCCESS


def _paired(chosen: CompareOptions) -> int:
    from rejoin.qa import paired

    if len(chosen.paths) != 2 or not all(path.is_dir() for path in chosen.paths):
        raise click.UsageError("With --simulated, BEFORE and AFTER are folders of traces.")
    if chosen.budget is not None or chosen.least:
        raise click.UsageError(
            "--simulated takes neither --budget nor --least-effect: any difference counts."
        )
    with warned_if_interrupted(lambda: _INTERRUPTED), Progress("pairs", 1) as progress:

        def show(number: int, of: int) -> None:
            progress.to(number / of, f"{number} of {of}")

        pairing = paired.compare(*chosen.paths, show)
    for line in paired.lines(pairing):
        say(line)
    _write(chosen, paired.document(pairing), paired.as_json(pairing))
    return _exit_code_of_pairs(pairing)


def _exit_code_of_pairs(pairing: Pairing) -> int:
    if pairing.differences:
        return FAILURE
    return SUCCESS if pairing.is_whole else INCONCLUSIVE


def _write(chosen: CompareOptions, markdown: str, json: str) -> None:
    """The files that were asked for. Raises BadInputError."""
    from rejoin.qa.files import write_file

    if chosen.markdown is not None:
        write_file(chosen.markdown, markdown)
    if chosen.json is not None:
        write_file(chosen.json, json)
