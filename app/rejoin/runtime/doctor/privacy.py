"""Removes secrets, whole addresses, user names and terminal control characters from a report."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from rejoin.language import Message
from rejoin.printable import printable
from rejoin.redact import redact

_HOMES: Final = re.compile(
    r"(?i)(?:/home|/users|/var/home|[a-z]:\\+users|[a-z]:/users)[/\\]+[^/\\\s\"':]+"
)


def shown(text: str) -> str:
    """The text without secrets, with shortened addresses, and `~` in place of home folders. A
    `Message` stays one, which a window can translate."""
    cleaned = printable(redact(without_homes(text)))
    if not isinstance(text, Message):
        return cleaned
    values = {
        name: shown(value) if isinstance(value, str) else value
        for name, value in text.values.items()
    }
    message = Message(text.text, **values)
    # Secrets that are found only in the whole sentence stay removed.
    return message if message == cleaned else cleaned


def without_homes(text: str) -> str:
    """The text with `~` in place of home folders, whose names are those of people."""
    home = _home()
    if home:
        # A path of Windows may be spelled with other slashes, doubled ones and another case.
        name = r"[/\\]+".join(map(re.escape, re.split(r"[/\\]+", home.lstrip("/\\"))))
        begin = r"[/\\]" if home[0] in "/\\" else ""
        text = re.sub(rf"(?i){begin}{name}(?![\w-])", "~", text)
    return _HOMES.sub("~", text)


def _home() -> str:
    """This user's home folder; empty where there is none, or it is the root."""
    try:
        home = str(Path.home())
    except (RuntimeError, OSError):
        return ""
    return home if len(home.strip("/\\")) > 1 else ""
