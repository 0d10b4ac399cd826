"""The entry point: help, messages, exit codes and signals."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from helpers.command_line import Rejoin, failing
from rejoin.cli import command_line, main
from rejoin.cli.qa import qa
from rejoin.core.model import Ending, EndingKind
from rejoin.demo import run as demo_run
from rejoin.errors import PortInUseError, RejoinError
from rejoin.runtime import launch

README = Path(__file__).parent.parent.parent / "README.md"
VERBS = ("play", "back", "demo", "practice", "studio", "backend", "qa")


def test_help_describes_every_verb(rejoin: Rejoin) -> None:
    code, out, _ = rejoin("--help")
    assert code == 0
    assert not re.search(r"\w\.\.\.$", out, re.MULTILINE), "a description that was cut off"
    for verb in VERBS:
        assert re.search(rf"^  {verb} +\w", out, re.MULTILINE)


def test_standard_error_is_kept_from_the_start(
    rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str] = []
    monkeypatch.setattr(main, "keep_standard_error", lambda: kept.append("kept"))
    rejoin("--help")
    assert kept == ["kept"]


@pytest.mark.parametrize("verb", [*VERBS, *(f"qa {name}" for name in qa.commands)])
def test_every_option_has_a_help_text(verb: str) -> None:
    *groups, name = verb.split()
    group = qa if groups else command_line.rejoin
    command = group.get_command(click.Context(group), name)
    assert command is not None
    assert command.help
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{verb} {option.opts}"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nonsense",), "No such command 'nonsense'. See `rejoin --help`."),
        (("play",), "Missing argument 'BACKEND_URL'. See `rejoin play --help`."),
        (("demo", "--fault", "x"), "Invalid value for '--fault': 'x' is not one of"),
        (("studio", "--api-port", "99999"), "Invalid value for '--api-port': 99999 is not in"),
    ],
)
def test_wrong_arguments_are_reported_in_one_line(
    rejoin: Rejoin, arguments: tuple[str, ...], sentence: str
) -> None:
    code, out, err = rejoin(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"rejoin: {sentence}")
    assert err.count("\n") == 1


TOO_MANY_OPEN = (
    "Too many files and connections are open. Close other programs, or raise the limit (ulimit -n)."
)
NO_MEMORY = "The memory is used up. Close other programs and try again."


def caused_by(error: Exception) -> Exception:
    """As libraries raise it: an error of their own on top."""
    made = ConnectionError("the client could not be made")
    made.__cause__ = error
    return made


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (PortInUseError("The port is taken."), 8, "The port is taken."),
        (RejoinError("It did not work."), 1, "It did not work."),
        (OSError(errno.ENOSPC, "No space"), 2, "The disk is full."),
        (OSError(errno.EDQUOT, "Quota"), 2, "The disk is full."),
        (OSError(errno.EMFILE, "Too many open files"), 2, TOO_MANY_OPEN),
        (OSError(errno.ENFILE, "Too many open files in system"), 2, TOO_MANY_OPEN),
        (caused_by(OSError(errno.EMFILE, "Too many open files")), 2, TOO_MANY_OPEN),
        (MemoryError(), 2, NO_MEMORY),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), 2, NO_MEMORY),
        (RuntimeError("can't start new thread"), 2, NO_MEMORY),
    ],
)
def test_a_failure_is_one_line_and_its_exit_code(
    rejoin: Rejoin,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    code: int,
    sentence: str,
) -> None:
    monkeypatch.setattr(demo_run, "run", failing(error))
    assert rejoin("demo") == (code, "", f"rejoin: {sentence}\n")


@pytest.mark.parametrize("error", [ZeroDivisionError("Bearer CANARY"), OSError(5, "odd")])
def test_an_unexpected_exception_is_reported_as_a_bug(
    rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(demo_run, "run", failing(error))
    code, _, err = rejoin("demo")
    assert code == 70
    assert type(error).__name__ in err
    assert "This is a bug in Rejoin" in err
    assert "Traceback" not in err
    monkeypatch.setenv("REJOIN_TRACEBACK", "1")
    _, _, err = rejoin("demo")
    assert "Traceback" in err
    assert "CANARY" not in err


def test_ctrl_c_is_exit_code_130_without_a_message(
    rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_run, "run", failing(KeyboardInterrupt()))
    code, out, err = rejoin("demo")
    assert (code, out + err.strip()) == (130, "")


def test_the_readme_lists_the_exit_codes_that_belong_to_no_exception() -> None:
    rows = re.findall(r"^\| (\d+) \| \|", README.read_text(encoding="utf-8"), re.MULTILINE)
    codes = {launch.exit_code(Ending(kind)) for kind in EndingKind}
    errors: tuple[type[RejoinError], ...] = (RejoinError, *RejoinError.__subclasses__())
    named = {error.exit_code for error in errors if error.__module__ == "rejoin.errors"}
    assert codes - named <= set(map(int, rows))
    assert {0, 70, 130} <= set(map(int, rows))


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("verb", ["qa", "--version", "play"])
def test_a_signal_while_the_program_ends_is_no_traceback(number: signal.Signals, verb: str) -> None:
    """As while PortAudio lets go of the sound devices, after the exit code is known."""
    code = (
        "import atexit, os, sys, time\n"
        "def slow_library() -> None:\n"
        f"    os.kill(os.getpid(), {number.value})\n"
        "    for _ in range(600):\n"
        "        time.sleep(0.1)\n"
        "atexit.register(slow_library)\n"
        f"sys.argv = ['rejoin', {verb!r}]\n"
        "from rejoin.cli.main import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == (0 if verb == "--version" else 2)
    assert "Traceback" not in done.stderr
    assert "KeyboardInterrupt" not in done.stderr
    assert bool(done.stdout) is (verb == "--version")


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("ignored", [False, True])
def test_sigterm_is_treated_as_ctrl_c(
    rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch, ignored: bool
) -> None:
    """Also where Ctrl+C is ignored, as in a shell's background job."""

    def run(*_: object, **__: object) -> int:
        signal.raise_signal(signal.SIGTERM)
        return 0

    monkeypatch.setattr(demo_run, "run", run)
    before = signal.getsignal(signal.SIGINT)
    if ignored:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code, _, _ = rejoin("demo")
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == 130


@pytest.mark.skipif(os.name != "posix", reason="closes descriptors with a shell")
@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
@pytest.mark.parametrize(
    ("verb", "code"), [("settings list", 0), ("play --token-file - http://127.0.0.1:9", 2)]
)
def test_closed_standard_streams_are_no_defect(
    closed: str, verb: str, code: int, tmp_path: Path
) -> None:
    found = subprocess.run(
        ["/bin/sh", "-c", f'"$0" -m rejoin {verb} {closed}', sys.executable],
        capture_output=True,
        text=True,
        env={**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)},
        check=False,
    )
    assert (found.returncode, "Traceback" in found.stderr) == (code, False)


def test_descriptors_that_were_closed_are_taken_by_no_socket() -> None:
    """Qt aborted the program when it wrote to standard error, which was a socket."""
    program = """
import os, socket
for number in range(3):
    os.close(number)
from rejoin.cli.messages import open_standard_descriptors
open_standard_descriptors()
os._exit(min(socket.socket().fileno(), os.open(os.devnull, os.O_RDONLY)))
"""
    code = subprocess.run([sys.executable, "-c", program], check=False).returncode
    assert code > 2
