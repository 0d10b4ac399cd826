"""`rejoin qa learn`: measures undocumented behaviour of a studio's service."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rejoin.cli import options
from rejoin.cli.backend_profile import ProfileOptions, profile_options, usable_profile
from rejoin.cli.exit_codes import INCONCLUSIVE, SUCCESS
from rejoin.cli.messages import is_terminal, say, say_lines, warned_if_interrupted
from rejoin.cli.progress import Pace, Progress
from rejoin.cli.qa_run import sweep_left_over
from rejoin.cli.sign_in import token_file
from rejoin.errors import BadInputError
from rejoin.parts import needs

if TYPE_CHECKING:
    from rejoin.qa.learn import Learned
    from rejoin.qa.learned import Origin

SETTINGS_FILE: Final = "learned.toml"
REPORT_FILE: Final = "learned.markdown"


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnOptions(ProfileOptions):
    """The arguments of `rejoin qa learn`."""

    backend: str
    out: Path
    repeat: int
    notice_within_s: float
    start_within_s: float
    max_sessions: int
    max_minutes: float
    region: str
    yes: bool
    token: str | None = field(repr=False)


@click.command(short_help="Measure what a service does that nobody documents.")
@click.option("--backend", metavar="URL", required=True, help="The studio's backend.")
@click.option(
    "--out",
    type=options.FOLDER,
    default=Path(),
    help="Folder for learned.toml and learned.markdown. Default: the current one.",
)
@click.option(
    "--repeat",
    type=click.IntRange(1, 100),
    default=3,
    show_default=True,
    help="Sessions for each of the three ways in which a client goes away.",
)
@click.option(
    "--notice-timeout",
    "notice_within_s",
    type=options.NumberRange(5, 3600),
    default=120.0,
    show_default=True,
    help="Seconds to wait until the service notices that a client is gone.",
)
@options.start_timeout("be placed")
@options.max_sessions(30)
@options.max_minutes(60.0, "Start no session after that many minutes.")
@click.option("--region", default="", help="Region of the sessions, written into what is learned.")
@options.agreement("Start the sessions without a question.")
@token_file("sign-in token for the studio's backend")
@profile_options
@options.as_values(LearnOptions)
@needs("qa")
def learn(chosen: LearnOptions) -> int:
    """Start one real session after another, and measure how the service behind a backend behaves.

    Says what it will cost, and asks before it starts. It measures how soon the service notices that
    a client went silent, said goodbye or was killed, the error of a create call that comes too
    early, how long create calls take, whether the host follows a new port and acknowledges data
    channels, and which side begins DTLS. Writes a report, and learned.toml for `rejoin studio
    --settings`, `rejoin qa run --service` and `rejoin qa simulate --service`. Exit code: 13 if a
    session was not measured to its end.
    """
    from rejoin.qa.client_case import surroundings_of
    from rejoin.qa.files import prepare_folder
    from rejoin.qa.learn import Learning, Plan, origin_of
    from rejoin.qa.learn_session import Patience
    from rejoin.qa.ledger import Ledger, default_folder
    from rejoin.qa.messages import Charge

    profile = usable_profile(chosen.backend, chosen.token, chosen)
    surroundings = surroundings_of(profile, region=chosen.region)
    plan = Plan(
        chosen.repeat,
        Patience(chosen.start_within_s, chosen.notice_within_s),
        chosen.max_sessions,
        chosen.max_minutes,
    )
    _agree(
        plan.announcement(surroundings.backend, can_end=profile.dialect.can_terminate),
        yes=chosen.yes,
    )
    folder = default_folder()
    ledger = Ledger(folder)
    prepare_folder(chosen.out)
    ledger.prepare()
    sweep_left_over(profile)
    with (
        ledger.results(chosen.out),
        warned_if_interrupted(lambda: "Interrupted: nothing that was learned is written."),
        Progress("learning", None, Pace.SECONDS) as progress,
    ):

        def show(left_s: float, line: str) -> None:
            progress.say(line)
            progress.leaves(left_s)

        found = Learning(profile, ledger, Charge(profile, folder), plan, show).run()
    _write(chosen.out, found, origin_of(surroundings))
    return INCONCLUSIVE if found.problems else SUCCESS


def _agree(announcement: str, *, yes: bool) -> None:
    """Raises BadInputError where nobody can be asked, Abort where the answer is no."""
    say(announcement)
    if yes:
        return
    if not is_terminal(sys.stdin):
        raise BadInputError("Nobody can be asked here: add --yes to start the sessions.")
    click.confirm("Start them?", abort=True, err=True)


def _write(folder: Path, found: Learned, origin: Origin) -> None:
    from rejoin.qa import learned
    from rejoin.qa.files import write_file

    report = learned.to_markdown(
        found.findings,
        origin,
        found.problems,
        sessions=found.started,
    )
    files = {SETTINGS_FILE: learned.to_toml(found.findings, origin), REPORT_FILE: report}
    for name, text in files.items():
        write_file(folder / name, text)
    for figure in learned.Figure:
        line = learned.text_of(figure, found.findings, origin.dialect)
        say(f"{figure.value}: {line}")
    for problem in found.problems:
        say(f"not measured to the end: {problem}")
    say_lines(f"{folder / SETTINGS_FILE} and {folder / REPORT_FILE} are written.")
