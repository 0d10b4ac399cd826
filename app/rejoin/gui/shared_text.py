"""What a player may give to others without giving themselves away: a report, before it is shown."""

from __future__ import annotations

import platform
import re
from typing import Final

from rejoin.printable import printable_lines
from rejoin.redact import redact
from rejoin.runtime.doctor.privacy import without_homes

_SESSIONS: Final = (
    re.compile(r"(?i)(?<=streamsession/)[\w/-]+"),
    re.compile(r"(?i)(?<![\w-])sg-\w+/[\w-]+"),
    re.compile(r"(?i)\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"),
    re.compile(r"(?i)(?<![\w-])[0-9a-f]{24,}(?![\w-])"),
)
"""How a stream session is named: in an ARN, with its group, as a UUID, and in hexadecimal."""
_SESSION_ID: Final = re.compile(r"(?i)\b(session[-_ ]?id[\"']?\s*[:=]\s*[\"']?)[\w/-]+")
_LEAST_NAME: Final = 3
"""A shorter name of a computer may be part of ordinary words."""


def shared_text(text: str, *, computer: str | None = None) -> str:
    """The text without secrets, addresses, stream sessions, names of home folders and of this
    computer, and printable: it may be pasted anywhere. Does not raise.

    `computer`: the name of this one; None: it is found out.
    """
    if computer is None:
        computer = platform.node().partition(".")[0]
    text = without_homes(text)
    for session in _SESSIONS:
        text = session.sub("[session]", text)
    text = _SESSION_ID.sub(r"\1[session]", text)
    if len(computer) >= _LEAST_NAME and computer.lower() != "localhost":
        name = re.compile(rf"(?i)(?<![\w.-]){re.escape(computer)}(?:\.[\w.-]*\w)?(?![\w-])")
        text = name.sub("[this computer]", text)
    return printable_lines(redact(text))
