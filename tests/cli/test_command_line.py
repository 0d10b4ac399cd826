"""What is told of wrong arguments, and how a verb's own answer becomes an exit code."""

from __future__ import annotations

import click
import pytest

from helpers.command_line import Rejoin
from rejoin.cli import command_line
from rejoin.cli.messages import warn


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("home", "--nonsense"), "No such option '--nonsense'. See `rejoin home --help`."),
        (("nonsense",), "No such command 'nonsense'. See `rejoin --help`."),
        (("home", "a", "b"), "Got unexpected extra argument (b). See `rejoin home --help`."),
    ],
)
def test_a_wrong_argument_is_one_sentence(
    rejoin: Rejoin, arguments: tuple[str, ...], sentence: str
) -> None:
    assert rejoin(*arguments) == (2, "", f"rejoin: {sentence}\n")


def test_a_token_is_no_argument(rejoin: Rejoin) -> None:
    code, _, err = rejoin("play", "--token", "x", "https://play.example")
    assert code == 2
    assert "--token-file FILE" in err


@pytest.mark.parametrize(("answer", "code"), [(7, 7), (None, 0), ("text", 0)])
def test_the_answer_of_a_verb_is_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, answer: object, code: int
) -> None:
    seen: list[object] = []

    def main(**more: object) -> object:
        seen.append(more["obj"])
        return answer

    monkeypatch.setattr(command_line.rejoin, "main", main)
    assert command_line.run({"REJOIN_TOKEN": "t"}) == code
    assert seen == [{"REJOIN_TOKEN": "t"}]


def test_an_interrupt_while_click_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    def main(**_: object) -> None:
        warn("before")
        raise click.exceptions.Abort

    monkeypatch.setattr(command_line.rejoin, "main", main)
    assert command_line.run({}) == 130
