"""`rejoin qa run --backend` and `rejoin qa sweep`: options, what is printed, and exit codes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from helpers.qa_results import PLAYING, RECORD
from rejoin.cli.qa import qa
from rejoin.errors import BadInputError
from rejoin.qa import campaign, sweep
from rejoin.qa.campaign import Choice, How, Play, Target
from rejoin.qa.ledger import Entry, Ledger, default_folder
from rejoin.qa.messages import Playing
from rejoin.qa.results import CaseRecord
from rejoin.qa.sweep import End, Swept
from rejoin.qa.verdicts import Verdict
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.verify.scenario import Scenario

URL = "http://127.0.0.1:1"


def invoke(*args: str, token: str | None = "token") -> Result:
    runner = CliRunner(env={"REJOIN_TOKEN": None})
    secrets = {} if token is None else {"REJOIN_TOKEN": token}
    # Not standalone: a verb returns its exit code, which `cli.main` uses.
    return runner.invoke(qa, args, standalone_mode=False, obj=secrets)


class Made:
    """The campaigns that were made, and what became of their cases."""

    def __init__(self) -> None:
        self.scenario: Scenario | None = None
        self.target: Target | None = None
        self.choice = Choice()
        self.how = How()
        self.verdicts: list[Verdict] = [Verdict.PASSED]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Made:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    made = Made()

    class Fake:
        takes_s, played_s, plays = 10.0, 5.0, 2

        def __init__(self, scenario: Scenario, target: Target, choice: Choice, how: How) -> None:
            made.scenario, made.target, made.choice, made.how = scenario, target, choice, how

        def announcement(self) -> str:
            return "A run."

        def play_all(
            self,
            on_result: Callable[[CaseRecord], None],
            on_playing: Callable[[Play, Playing], None],
        ) -> tuple[CaseRecord, ...]:
            assert made.scenario is not None
            case = made.scenario.cases[0].name
            found = tuple(
                replace(RECORD, case=case, repetition=number, verdict=verdict, sentences=("why",))
                for number, verdict in enumerate(made.verdicts, 1)
            )
            for record in found:
                play = Play(made.scenario.cases[0], record.repetition, record.index)
                on_playing(play, PLAYING)
                on_result(record)
            return found

    monkeypatch.setattr(campaign, "Campaign", Fake)
    return made


def run(*args: str) -> Result:
    return invoke("run", "outage-ladder", "--case", "a short pause", "--backend", URL, *args)


@pytest.mark.parametrize(
    ("verdicts", "more", "code"),
    [
        ([Verdict.PASSED], (), 0),
        ([Verdict.FAILED], (), 1),
        ([Verdict.INCONCLUSIVE], (), 13),
        ([Verdict.SKIPPED], (), 13),
        ([Verdict.FAILED, Verdict.PASSED], (), 0),
        ([Verdict.FAILED, Verdict.PASSED], ("--fail-on-flaky",), 1),
        ([Verdict.INCONCLUSIVE, Verdict.FAILED], (), 1),
    ],
)
def test_the_exit_code_is_that_of_the_whole_run(
    made: Made, verdicts: list[Verdict], more: tuple[str, ...], code: int
) -> None:
    made.verdicts = verdicts
    result = run(*more)
    assert result.exception is None
    assert result.return_value == code
    if len(set(verdicts)) == 2 and Verdict.PASSED in verdicts:
        assert "flaky: a short pause" in result.output


def test_options_reach_the_run(made: Made, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    result = run(
        *("--repeat", "3", "--parallel", "2", "--shard", "2/4", "--timeout", "50", "--seed", "9"),
        *("--start-timeout", "30", "--max-sessions", "7", "--max-minutes", "5", "--samples"),
        *("--region", "eu-west-1", "--build", "b7", "--application", "a-1", "--results", out),
    )
    assert result.return_value == 0
    assert made.choice == Choice(3, (2, 4), 9)
    caps = campaign.Caps(7, 5.0)
    assert made.how == How(2, 50.0, 30.0, caps, samples=True, folder=Path(out))
    assert made.target is not None
    where = made.target.surroundings
    assert (where.region, where.build, where.application) == ("eu-west-1", "b7", "a-1")
    assert made.target.profile.token == "token"
    assert made.scenario is not None
    assert [case.name for case in made.scenario.cases] == ["a short pause"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://studio.example", "must look like"),
        ("studio.example", "must look like"),
        ("http://studio.example", "needs https"),
        ("https://me:secret@studio.example", "nothing else"),
        ("rejoin://play?backend=https%3A%2F%2Fstudio.example", "must look like"),
    ],
)
@pytest.mark.parametrize(
    "verb",
    [
        ("run", "outage-ladder"),
        ("sweep",),
        ("learn", "--yes"),
        ("input",),
        ("fleet", "outage-ladder", "--case", "a short pause"),
    ],
)
def test_a_backend_that_no_client_can_call_is_no_failed_play(
    made: Made, url: str, message: str, verb: tuple[str, ...]
) -> None:
    result = invoke(*verb, "--backend", url)
    assert isinstance(result.exception, BadInputError)
    assert message in str(result.exception)
    assert made.scenario is None


def test_a_certificate_authority_or_token_of_no_use_is_said_before_the_run(
    made: Made, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    result = run("--ca-file", str(tmp_path / "ca.pem"))
    assert "ca.pem cannot be used as a certificate authority" in str(result.exception)
    result = invoke("run", "outage-ladder", "--backend", URL, token="two words")
    assert "token must be printable" in str(result.exception)
    assert made.scenario is None


def test_without_caps_there_are_those_of_the_campaign(made: Made) -> None:
    run()
    assert made.how == How()


def test_only_what_did_not_pass_is_played_again(made: Made) -> None:
    assert run("--last-failed").return_value == 0, "the first time everything is played"
    assert "nothing to play" in run("--last-failed").output
    made.verdicts = [Verdict.FAILED]
    assert run().return_value == 1
    made.scenario = None
    assert run("--last-failed").return_value == 1
    assert made.scenario is not None


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--live", "--backend", URL), "--live"),
        (("--traces", "x", "--backend", URL), "--results"),
        (("--repeat", "2"), "--repeat needs --backend"),
        (("--shard", "1/2"), "--shard needs --backend"),
        (("--live", "--dialect", "aws-react"), "--dialect needs --backend"),
        (("--insecure",), "--insecure needs --backend"),
        (("--shard", "3/2", "--backend", URL), "2/5"),
        (("--shard", "x", "--backend", URL), "2/5"),
        (("--case", "none", "--backend", URL), "no case none"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    made: Made, args: tuple[str, ...], message: str
) -> None:
    result = invoke("run", "outage-ladder", *args)
    assert isinstance(result.exception, click.UsageError)
    assert message in result.exception.format_message()


def test_a_backend_needs_a_sign_in(made: Made) -> None:
    result = invoke("run", "outage-ladder", "--backend", URL, token=None)
    assert isinstance(result.exception, BadInputError)


def test_a_sweep_says_what_became_of_each_session(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(default_folder())
    ledger.note(Entry("r-0", "r", "a case", URL, "ours", 1.0, "1"))

    async def swept(*arguments: object) -> list[Swept]:
        [entry] = ledger.left_over()
        return [Swept(entry, end, "" if end is End.ENDED else "no answer")]

    monkeypatch.setattr(sweep, "sweep", swept)
    for end, code in ((End.ENDED, 0), (End.BY_ITSELF, 0), (End.STILL_OPEN, 1)):
        result = invoke("sweep", "--backend", URL)
        assert result.return_value == code
        assert f"left over from r, case a case: {end.value}" in result.output
    ledger.over("r-0")

    async def nothing(*arguments: object) -> list[Swept]:
        return []

    monkeypatch.setattr(sweep, "sweep", nothing)
    result = invoke("sweep", "--backend", URL)
    assert (result.return_value, result.output) == (0, "Nothing is left over.\n")


def test_the_next_run_ends_what_is_left(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[StudioProfile] = []

    async def swept(
        ledger: Ledger, entries: object, profile: StudioProfile, on_end: object
    ) -> list[Swept]:
        asked.append(profile)
        return []

    monkeypatch.setattr(sweep, "sweep", swept)
    run()
    assert [profile.backend_url for profile in asked] == [URL]


@pytest.mark.parametrize("option", [("--pictures",), ("--dump", "dumps")])
def test_what_belongs_to_results_needs_their_folder(made: Made, option: tuple[str, ...]) -> None:
    result = run(*option)
    assert isinstance(result.exception, click.UsageError)
    assert f"{option[0]} needs --results" in str(result.exception)
    assert made.target is None


def test_pictures_are_kept_where_the_run_says_so(made: Made, tmp_path: Path) -> None:
    for more, kept in (((), False), (("--pictures",), True)):
        assert run("--results", str(tmp_path / "out"), *more).return_value == 0
        assert made.target is not None
        assert made.target.profile.keeps_last_picture is kept
