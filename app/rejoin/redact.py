"""What never reaches a log: `redact` takes it out of a text, `RedactingFormatter` out of a line.

Taken out: session descriptions (SDP), SignalRequest and SignalResponse strings, ICE user fragments
and passwords, certificate fingerprints, bearer and other tokens, AWS credentials and signatures,
and IP addresses but for their first number. What cannot be told from a secret is taken out too:
a log may lose a word, it may not tell one.
"""

from __future__ import annotations

import logging
import re
from typing import Literal

_SECRET_KEYS = (
    r"authorization|token|secret|passw(?:or)?d|pwd|ufrag|username(?:fragment)?|ticket"
    r"|fingerprint|credentials?|signature|api[-_]?key|access[-_]?key(?:[-_]?id)?|sdp"
    r"|signal[-_]?re(?:quest|sponse)"
)

# An SDP's lines end with CR LF, or with those two spelt as escapes once or more often (an SDP in
# JSON in JSON). The body of a line ends at any of them, or at the quote that ends the string.
_SDP_LINE_END = r"(?:\r?\n|\r|\\+r(?:\\+n)?|\\+n)"
_SDP_LINE = rf"[a-z]=(?:(?!{_SDP_LINE_END})[^\"\r\n])*"

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # A whole SDP: v=0 and every line after it.
    (re.compile(rf"\bv=0\s*(?:{_SDP_LINE_END}+{_SDP_LINE})+(?:{_SDP_LINE_END})*"), "[sdp]"),
    # One line of it that names what must not be named.
    (
        re.compile(
            r"(?i)\b((?:a=)?(?:ice-ufrag|ice-pwd|fingerprint|candidate|crypto|identity):)"
            r"[^\r\n\"\\]*"
        ),
        r"\1[secret]",
    ),
    (re.compile(r"(?i)\b(bearer)\s+[^\s\"',;\\]+"), r"\1 [secret]"),
    (re.compile(r"\bAWS4-HMAC-SHA256\b[^\r\n\"]*"), "AWS4-HMAC-SHA256 [secret]"),
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{12,}"), "[secret]"),
    (re.compile(r"\beyJ[\w-]{6,}(?:\.[\w-]+)+"), "[secret]"),  # a JSON Web Token
    (re.compile(r"(?i)\b((?:set-)?cookie\\*[\"']?\s*[:=])[^\r\n]*"), r"\1 [secret]"),
    # key: "value", 'key': 'value', \"key\": \"value\": to the quote that is escaped as the first
    # one is, or to the end of a text that was cut off.
    (
        re.compile(
            rf"(?is)((?:{_SECRET_KEYS})\\*[\"']?\s*[:=]\s*[bru]?)(\\*)([\"'])"
            r"(?:.*?(?<!\\)\2\3|.*)"
        ),
        r"\1\2\3[secret]\2\3",
    ),
    # key=value, key: value.
    (
        re.compile(
            rf"(?i)((?:{_SECRET_KEYS})\\*[\"']?\s*[:=]\s*(?:(?:bearer|basic)\s)?)"
            r"(?![\\\"'\s]|[bru][\"'])(?:\[secret\]|[^\s,;&\"'\\)}\]]+)"
        ),
        r"\1[secret]",
    ),
    # Eight bytes or more as pairs of hexadecimal digits.
    (re.compile(r"(?:[0-9A-Fa-f]{2}:){7,}[0-9A-Fa-f]{2}"), "[fingerprint]"),
)

_IPV4 = re.compile(r"(\d{1,3})\.\d{1,3}\.\d{1,3}\.\d{1,3}")
_GROUPS = r"[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,7}"
_IPV6 = re.compile(
    rf"(?<![0-9A-Za-z])(?:(?:[0-9A-Fa-f]{{1,4}}:){{5,7}}[0-9A-Fa-f]{{1,4}}"
    rf"|(?:{_GROUPS})?::(?:{_GROUPS})?)(?![0-9A-Za-z])(?:(?:\.\d{{1,3}}){{3}})?(?:%[\w.]+)?"
)


def _ipv6_hint(match: re.Match[str]) -> str:
    found = match.group().lower()
    if found == "::":
        return found  # the unspecified address names nobody
    if found == "::1":
        return "[ipv6 loopback]"
    if found.startswith(("fe8", "fe9", "fea", "feb")):
        return "[ipv6 link-local]"
    return "[ipv6]"


def redact(text: str) -> str:
    """The same text without what must not be logged. Never raises; doing it twice changes nothing.

    An IPv4 address keeps its first number (`203.x.x.x`), an IPv6 address its kind.
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return _IPV4.sub(r"\1.x.x.x", _IPV6.sub(_ipv6_hint, text))


class RedactingFormatter(logging.Formatter):
    """A formatter whose output is redacted as a whole: message, arguments and traceback alike."""

    def __init__(
        self,
        fmt: str | None = None,
        datefmt: str | None = None,
        style: Literal["%", "{", "$"] = "%",
    ) -> None:
        super().__init__(fmt, datefmt, style)

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))
