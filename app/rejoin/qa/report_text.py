"""Texts of results in reports: without secrets, on one line, escaped for Markdown.

A result may come from a file that somebody else wrote, and its sentences quote backends.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import asdict, replace
from typing import Any, Final

from rejoin.printable import printable
from rejoin.qa.results import CaseRecord, from_plain
from rejoin.redact import redact

MAX_TEXT: Final = 600
"""Characters of one text; the longest sentence of Rejoin has about 200."""
_ENCODED: Final = re.compile(r"[A-Za-z0-9+/_-]{100,}={0,2}|\beyJ[A-Za-z0-9+/_-]{20,}={0,2}")
"""Base64: a SignalRequest or a SignalResponse, a token, a key."""
_ACTIVE: Final = re.compile(
    r"[\\`*\[\]<>#|~&$@]"
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"  # between letters it is a character
    r"|:(?=//)|(?i:(?<=www)\.|(?<=mailto):|(?<=xmpp):)"  # a link without brackets
)
"""What Markdown or HTML, as GitHub and GitLab read them, may take for more than a character."""
_MENTIONS: Final = "@#"
"""GitHub looks for these in the text that has been made of Markdown."""


def plain(text: str, *, given: bool = False) -> str:
    """The text on one line of characters that XML and a terminal allow, without secrets. `given`:
    it is a name or number that the tester gave: a build 1.4.2.0 is no address."""
    found = _ENCODED.sub("[secret]", text if given else redact(text))
    found = found if len(found) <= MAX_TEXT else found[: MAX_TEXT - 1] + "…"
    return "".join(
        f"\\u{ord(each):04x}" if unicodedata.category(each) == "Cn" else each
        for each in printable(found)
    )


def markdown(text: str, *, given: bool = False) -> str:
    """`plain`, with references in place of what Markdown and HTML would interpret: it makes no
    link, mentions nobody, and stays in its cell of a table."""
    return _ACTIVE.sub(_reference, plain(text, given=given))


def _reference(found: re.Match[str]) -> str:
    each = found.group()
    return f"&#{ord(each)};{'<!-- -->' if each in _MENTIONS else ''}"


def code(text: str) -> str:
    """A name, shown as code. Backticks would not do: what is between them cannot be escaped."""
    return f"<code>{markdown(text)}</code>"


_GIVEN: Final = frozenset({"build", "region", "client", "session_id", "ids", "run"})
"""Fields that hold names and numbers, which are no addresses; ids of sessions and requests stand
only where they were asked for."""


def redacted(record: CaseRecord, *, for_support: bool) -> CaseRecord:
    """The result as a report may show it: every text is `plain`, and it has no ids of sessions and
    requests unless `for_support`. The paths of attachments lead where they led."""
    kept = record if for_support else replace(record, support=None)
    made = from_plain(_plain_values(asdict(kept), given=False))
    return replace(made, attachments=record.attachments)


def _plain_values(value: Any, *, given: bool) -> Any:
    match value:
        case str():
            return plain(value, given=given)
        case float():
            return value if math.isfinite(value) else 0.0
        case dict():
            return {
                key: _plain_values(each, given=given or key in _GIVEN)
                for key, each in value.items()
            }
        case list() | tuple():
            return [_plain_values(each, given=given) for each in value]
        case _:
            return value
