"""The one place of `cli` that prints: what is printed cannot control the terminal."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import TextIO

from rejoin.printable import printable, printable_lines


def open_standard_descriptors() -> None:
    """Open closed descriptors 0 to 2 on the null device: otherwise a socket would get one of them,
    and writes to standard error (Qt, libraries) would go into it. Standard input then is empty."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
    standard_input: TextIO | None = sys.stdin
    if standard_input is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - open until the process ends


def keep_standard_error() -> None:
    """Give `sys.stderr` a descriptor of its own.

    While `sounddevice` looks for sound devices, descriptor 2 leads to /dev/null. With no device it
    does so every few seconds of a game, on a thread, and what is printed meanwhile would be lost.
    """
    try:
        if sys.stderr.fileno() != 2:
            return
        own = os.dup(2)
    except (AttributeError, OSError, ValueError):
        return  # there is none, as under pythonw, or it is no file
    sys.stderr = open(  # noqa: SIM115 - open until the process ends
        own,
        "w",
        buffering=1,
        encoding=sys.stderr.encoding,
        errors="backslashreplace",
        closefd=False,
    )


def escape_unencodable() -> None:
    """Write characters that standard output's encoding lacks (LC_ALL, PYTHONIOENCODING, a pipe on
    Windows) as escapes. Standard error does so by itself."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person is at this standard stream. Python has none where it was closed before, and
    in a program that a desktop starts without a console."""
    return stream is not None and stream.isatty()


def _echo(text: str, *, nl: bool = True, err: bool = False) -> None:
    import click  # not for a home window that says nothing

    click.echo(text, nl=nl, err=err)


def say(line: str, *, err: bool = False) -> None:
    """Print one line, on standard output or standard error."""
    _echo(printable(line), err=err)


def say_lines(text: str, *, err: bool = False) -> None:
    """Print a text that we laid out in lines."""
    _echo(printable_lines(text), err=err)


def say_progress(text: str) -> None:
    """Overwrite the line at the cursor on standard error; an empty text only goes to its start."""
    _echo(f"\r{printable(text)}", nl=False, err=True)


def warn(sentence: str) -> None:
    """Print one sentence on standard error, after the program's name."""
    _echo(f"rejoin: {printable(sentence)}", err=True)


@contextlib.contextmanager
def warned_if_interrupted(sentence: Callable[[], str]) -> Iterator[None]:
    """For work that Ctrl+C or SIGTERM may stop: print what has become of it."""
    try:
        yield
    except KeyboardInterrupt:
        warn(sentence())
        raise
