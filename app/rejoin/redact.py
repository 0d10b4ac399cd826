"""Removes secrets: `redact` from a text, `RedactingFormatter` from every log line.

Removed are session descriptions (SDP), SignalRequest and SignalResponse strings, ICE user fragments
and passwords, certificate fingerprints, bearer and other tokens, AWS credentials and signatures,
and IP addresses except for their first number. Text that might be a secret is removed too: losing
a word of a log is acceptable, leaking a secret is not.
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

# An SDP's lines end with CR LF, or with their escape sequences, escaped once or several times (an
# SDP in JSON in JSON). The body of a line ends at any of these, or at the closing quote.
_SDP_LINE_END = r"(?:\r?\n|\r|\\+r(?:\\+n)?|\\+n)"
_SDP_LINE = rf"[a-z]=(?:(?!{_SDP_LINE_END})[^\"\r\n])*"

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # A whole SDP: v=0 and every line after it.
    (re.compile(rf"\bv=0\s*(?:{_SDP_LINE_END}+{_SDP_LINE})+(?:{_SDP_LINE_END})*"), "[sdp]"),
    # A single line of an SDP that contains a secret.
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
    # key: "value", 'key': 'value', \"key\": \"value\": up to the quote that is escaped like the
    # first one, or to the end of a truncated text.
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
    # Eight or more bytes as pairs of hexadecimal digits.
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
        return found  # the unspecified address identifies nobody
    if found == "::1":
        return "[ipv6 loopback]"
    if found.startswith(("fe8", "fe9", "fea", "feb")):
        return "[ipv6 link-local]"
    return "[ipv6]"


def redact(text: str) -> str:
    """The same text without secrets. Never raises; applying it twice changes nothing more.

    An IPv4 address keeps its first number (`203.x.x.x`), an IPv6 address its kind.
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return _IPV4.sub(r"\1.x.x.x", _IPV6.sub(_ipv6_hint, text))


class RedactingFormatter(logging.Formatter):
    """Redacts the complete line: message, arguments and traceback."""

    def __init__(
        self,
        fmt: str | None = None,
        datefmt: str | None = None,
        style: Literal["%", "{", "$"] = "%",
    ) -> None:
        super().__init__(fmt, datefmt, style)

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))
