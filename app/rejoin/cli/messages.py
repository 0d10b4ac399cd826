"""Messages for the person at the terminal: one line on standard error."""

from __future__ import annotations

import click


def warn(sentence: str) -> None:
    """Print one sentence on standard error, after the program's name."""
    click.echo(f"rejoin: {sentence}", err=True)
