"""The sign-in token: from the environment, or read from a file or standard input.

An argument of a command line can be read by every user of the computer, so no option has the token
as its value.
"""

from __future__ import annotations

import codecs
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final, TypeVar

import click

from rejoin.cli.messages import is_terminal
from rejoin.cli.secret_variables import TOKEN_VARIABLE
from rejoin.errors import BadInputError

_Verb = TypeVar("_Verb", bound=Callable[..., Any])

_MAX_TOKEN: Final = 8192

NO_TOKEN_AS_ARGUMENT: Final = (
    "There is no option --token, because other users of this computer can read the arguments of a "
    "command: use --token-file FILE (- for standard input) or set REJOIN_TOKEN."
)


def taken() -> dict[str, str]:
    """What `main` took from the environment of this run."""
    found = click.get_current_context().find_root().obj
    return found if isinstance(found, dict) else {}


def token_file(meaning: str) -> Callable[[_Verb], _Verb]:
    """`--token-file`, whose parameter `token` is the token itself: from the file, or else from
    REJOIN_TOKEN."""

    return click.option(
        "--token-file",
        "token",
        metavar="FILE",
        callback=lambda _context, _option, path: _token(path),
        help=f"File with the {meaning}; - for standard input. Or set REJOIN_TOKEN.",
    )


def _token(path: str | None) -> str | None:
    if path is None:
        token = taken().get(TOKEN_VARIABLE)
        return token and token.strip()  # a line of a file with CR LF, as $(cat FILE) reads it
    return token_in_file(path)


def token_in_file(path: str) -> str:
    """The token in a file, or on standard input (-). Raises BadInputError."""
    if path == "-":
        if is_terminal(sys.stdin):
            return str(click.prompt("Sign-in token", hide_input=True, err=True))
        return _first_line(sys.stdin.buffer, "Standard input")
    try:
        with Path(path).open("rb") as file:
            return _first_line(file, f"The token file {Path(path).name}")
    except OSError:
        raise BadInputError(f"The token file {Path(path).name} cannot be read.") from None


def _first_line(file: IO[bytes], name: str) -> str:
    """The token is the first line, so that an editor may end it. A byte order mark before it says
    how it is encoded, as Windows' editor and shell write it."""
    line = file.readline(2 * _MAX_TOKEN + 4)
    try:
        if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            token = line[: len(line) & ~1].decode("utf-16").strip()  # it ends within a character
        else:
            token = line.removeprefix(codecs.BOM_UTF8).decode("ascii").strip()
    except ValueError:
        token = ""
    if not (0 < len(token) <= _MAX_TOKEN and token.isascii()):
        raise BadInputError(f"{name} has no sign-in token on its first line.")
    return token
