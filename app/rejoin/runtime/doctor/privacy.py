"""What a report may show: no secrets, whole addresses or user names, nothing that controls a
terminal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from rejoin.printable import printable
from rejoin.redact import redact

_HOMES: Final = re.compile(
    r"(?i)(?:/home|/users|/var/home|[a-z]:\\+users|[a-z]:/users)[/\\]+[^/\\\s\"':]+"
)


def shown(text: str) -> str:
    """The text without secrets, with shortened addresses, and `~` in place of home folders."""
    return printable(redact(without_homes(text)))


def without_homes(text: str) -> str:
    """The text with `~` in place of home folders, whose names are those of people."""
    home = _home()
    if home:
        text = text.replace(home, "~")
    return _HOMES.sub("~", text)


def _home() -> str:
    """This user's home folder; empty where there is none, or it is the root."""
    try:
        home = str(Path.home())
    except (RuntimeError, OSError):
        return ""
    return home if len(home.strip("/\\")) > 1 else ""
