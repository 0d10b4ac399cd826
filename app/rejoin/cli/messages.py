"""The one place of `cli` that prints: what is printed cannot control the terminal."""

from __future__ import annotations

import click

from rejoin.printable import printable, printable_lines


def say(line: str, *, err: bool = False) -> None:
    """Print one line, on standard output or standard error."""
    click.echo(printable(line), err=err)


def say_lines(text: str, *, err: bool = False) -> None:
    """Print a text that we laid out in lines."""
    click.echo(printable_lines(text), err=err)


def say_progress(text: str) -> None:
    """Overwrite the line at the cursor on standard error; an empty text only goes to its start."""
    click.echo(f"\r{printable(text)}", nl=False, err=True)


def warn(sentence: str) -> None:
    """Print one sentence on standard error, after the program's name."""
    click.echo(f"rejoin: {printable(sentence)}", err=True)
