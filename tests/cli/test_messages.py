"""Messages: one line each, and nothing in them controls the terminal."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import rejoin.cli
from helpers.command_line import Rejoin
from rejoin.cli.messages import (
    keep_standard_error,
    say,
    say_lines,
    say_progress,
    warn,
    warned_if_interrupted,
)
from rejoin.errors import RejoinError

ESCAPES = "\x1b]0;owned\x07 \x9b2J \u202e\r"
SHOWN = "\\x1b]0;owned\\x07 \\x9b2J \\u202e\\r"


def test_a_warning_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    warn("The disk is full.")
    assert capsys.readouterr() == ("", "rejoin: The disk is full.\n")


def test_what_was_interrupted_says_what_has_become_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    done: list[str] = []

    def interrupted() -> None:
        done.append("a game")
        raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        warned_if_interrupted(lambda: f"{len(done)} of 2 are done."),
    ):
        interrupted()
    assert capsys.readouterr() == ("", "rejoin: 1 of 2 are done.\n")
    with pytest.raises(RejoinError), warned_if_interrupted(lambda: "It was interrupted."):
        raise RejoinError("Something else.")
    assert capsys.readouterr() == ("", "")


def test_a_warning_is_printed_while_a_library_sends_standard_error_nowhere() -> None:
    """As `sounddevice` does on a thread while it looks for sound devices."""
    program = """if True:
        import os
        from rejoin.cli.messages import keep_standard_error, warn
        keep_standard_error()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.write(2, b"ALSA lib: no card")
        warn("No sound. \u2013")
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stderr.decode("utf-8", "backslashreplace").splitlines() in (
        ["rejoin: No sound. \u2013"],
        ["rejoin: No sound. \\u2013"],
    )


@pytest.mark.parametrize(
    ("environment", "encoding"),
    [
        ({"PYTHONIOENCODING": "latin-1"}, "latin-1"),
        ({"PYTHONIOENCODING": "cp1252"}, "cp1252"),
        ({"PYTHONIOENCODING": "ascii"}, "utf-8"),  # click takes ASCII for a mistake
        ({"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}, "utf-8"),
        ({"PYTHONUTF8": "0", "LC_ALL": "canary"}, "utf-8"),
    ],
)
def test_what_the_encoding_does_not_have_is_written_as_an_escape(
    environment: dict[str, str], encoding: str
) -> None:
    program = """if True:
        from rejoin.cli.messages import escape_unencodable, say
        escape_unencodable()
        say("B\\u00fccher \\u65e5\\u672c")
    """
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        check=True,
    )
    shown = done.stdout.decode(encoding).splitlines()
    assert shown in (["B\u00fccher \\u65e5\\u672c"], ["B\u00fccher \u65e5\u672c"])


def test_without_a_standard_error_there_is_nothing_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    keep_standard_error()
    assert sys.stderr is None


def test_nothing_that_is_printed_controls_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say(ESCAPES + "\n")
    say_lines(f"{ESCAPES}\n{ESCAPES}")
    assert capsys.readouterr() == (f"{SHOWN}\\n\n{SHOWN}\n{SHOWN}\n", "")
    say(ESCAPES, err=True)
    warn(ESCAPES)
    say_progress(ESCAPES)
    assert capsys.readouterr() == ("", f"{SHOWN}\nrejoin: {SHOWN}\n\r{SHOWN}")


def printing(tree: ast.AST) -> Iterator[str]:
    """Calls that write to a terminal by themselves."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in ("print", "click.echo", "click.secho") or called.endswith("stdout.write"):
                yield called


def test_one_module_prints() -> None:
    """Everything that a verb prints goes through `messages`."""
    folder = Path(rejoin.cli.__file__).parent
    found = {
        file.name: list(printing(ast.parse(file.read_text(encoding="utf-8"))))
        for file in folder.glob("*.py")
        if file.name != "messages.py"
    }
    assert {name: calls for name, calls in found.items() if calls} == {}


def test_a_name_on_the_command_line_is_shown_as_an_escape(rejoin: Rejoin) -> None:
    code, _, err = rejoin("play", f"--{ESCAPES}")
    assert code == 2
    assert SHOWN in err
    assert not set("\x1b\x9b\u202e\r\x07") & set(err)
