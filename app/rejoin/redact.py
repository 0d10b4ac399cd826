"""Removes secrets: `redact` from a text, `RedactingFormatter` from every log line.

Removed are session descriptions (SDP), SignalRequest and SignalResponse strings, ICE user fragments
and passwords, certificate fingerprints, bearer and other tokens (alone and in lists), cookies, keys
in PEM, user names and passwords in URLs, AWS credentials, signatures and account ids, and IP
addresses, also in host names, except for their first number. Text that might be a secret is removed
too: losing a word of a log is acceptable, leaking a secret is not.
"""

from __future__ import annotations

import logging
import re
from typing import Literal

_SECRET_KEYS = (
    r"authorization|token|secret|passw(?:or)?d|pwd|ufrag|username(?:fragment)?|ticket"
    r"|fingerprint|credentials?|signature|api[-_]?key|access[-_]?key(?:[-_]?id)?|sdp"
    r"|signal[-_]?re(?:quest|sponse)|idempotency[-_ ]?key|account[-_]?id"
    r"|cookie|passphrase|private[-_]?key|psk"
)
_SCHEMES = r"bearer|basic|negotiate|ntlm"
"""Schemes of Authorization whose credentials are one word."""

_REPEATED = r"(?:s?(?:\[\w*\]|%5[Bb]\w*%5[Dd]))?"
"""After the name of a parameter: token[]=a&token[]=b, in a query also as %5B%5D."""
_VALUE = r"[^\s;&\"'\\)}\]]*[^\s,;&\"'\\)}\]]"
"""A value without quotes, or several with commas but no spaces between them."""
_NO_VALUE = r"(?![\\\"'\s]|[bru][\"'])"
_QUOTED = r"(\\*)([\"'])(?:.*?(?<!\\)\2\3|.*)"
"""Up to the quote that is escaped like the first one, or to the end of a truncated text. The groups
before it are one."""

# An SDP's lines end with CR LF, or with their escape sequences, escaped once or several times (an
# SDP in JSON in JSON). The body of a line ends at any of these, or at the closing quote.
_SDP_LINE_END = r"(?:\r?\n|\r|\\+r(?:\\+n)?|\\+n)"
_SDP_LINE = rf"[a-z]=(?:(?!{_SDP_LINE_END})[^\"\r\n])*"

_SDP = re.compile(rf"\bv=0\s*(?:{_SDP_LINE_END}+{_SDP_LINE})+(?:{_SDP_LINE_END})*")
"""A whole SDP: v=0 and every line after it. It goes first, as it is the longest by far."""

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # A single line of an SDP that contains a secret.
    (
        re.compile(
            r"(?i)\b((?:a=)?(?:ice-ufrag|ice-pwd|fingerprint|candidate|crypto|identity):)"
            r"[^\r\n\"\\]*"
        ),
        r"\1[secret]",
    ),
    # A key or a certificate in PEM (RFC 7468), to its end or that of a truncated text.
    (
        re.compile(
            r"(?s)-----BEGIN [A-Z0-9 ]{1,40}-----(?:(?!-----END ).)*"
            r"(?:-----END [A-Z0-9 ]{1,40}-----)?"
        ),
        "[secret]",
    ),
    (re.compile(rf"(?i)\b({_SCHEMES})(?:\s|%20|\+|:)+[^\s\"',;\\]+"), r"\1 [secret]"),
    # Names in a query that are ordinary words elsewhere: of OAuth, of pre-signed URLs.
    (
        re.compile(
            r"(?i)([?&;](?:sig|hmac|code|jwt|sid|j?session(?:[-_]?id)?|auth|key|policy)=)[^\s&;\"'\\]+"
        ),
        r"\1[secret]",
    ),
    (re.compile(r"(?i)\b(digest)\s+(?=\w+=)[^\r\n]*"), r"\1 [secret]"),
    # An AWS account; in a URL the colons are escaped.
    (
        re.compile(r"(?i)\b(arn(:|%3a)aws[a-z-]*\2[a-z0-9-]*\2[a-z0-9-]*\2)\d{12}(?!\d)"),
        r"\1[account]",
    ),
    (re.compile(r"(?i)\b((?:set-)?cookie\\*[\"']?\s*[:=])[^\r\n]*"), r"\1 [secret]"),
    # Eight or more bytes as pairs of hexadecimal digits.
    (re.compile(r"(?:[0-9A-Fa-f]{2}:){7,}[0-9A-Fa-f]{2}"), "[fingerprint]"),
)

_LITERAL_RULES: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("AWS4", re.compile(r"\bAWS4-HMAC-SHA256\b[^\r\n\"]*"), "AWS4-HMAC-SHA256 [secret]"),
    ("AKIA", re.compile(r"\bAKIA[0-9A-Z]{12,}"), "[secret]"),
    (
        "ccount",
        re.compile(
            r"\b([Aa]ccount(?:s| [Ii][Dd]|[-_]?[Ii][Dd](?=\s+\d)|[-_ ]?[Nn]umber)?\W{1,6})"
            r"\d{12}(?!\d)"
        ),
        r"\1[account]",
    ),
    ("ASIA", re.compile(r"\bASIA[0-9A-Z]{12,}"), "[secret]"),
    # A JSON Web Token; one that is encrypted directly has an empty part (RFC 7516, 4.5). Without
    # parts: an object of JSON in base64, as a signal string may be.
    ("eyJ", re.compile(r"\beyJ(?:[\w-]{6,}(?:\.[\w-]*)+|[\w+/-]{60,}={0,2})"), "[secret]"),
)
"""Each has its literal, for which a text is searched much faster."""

_KEY = re.compile(rf"(?i){_SECRET_KEYS}")
_KEY_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # Whatever the scheme is, to the end of the line or of the quoted argument around it.
    (
        re.compile(
            r"(?i)\b((?:proxy-)?authorization\s*:\s*)[^\s\"'\\\[({]"
            r"(?:=\"[^\"\r\n]*\"?|[^\r\n\"'\\])*"
        ),
        r"\1[secret]",
    ),
    # A header as a pair or an object: "token", "x" or "name": "token", "value": "x".
    (
        re.compile(
            rf"(?is)((?:{_SECRET_KEYS})s?\\*[\"']\s*,\s*(?:\\*[\"']value\\*[\"']\s*:\s*)?"
            rf"[bru]?){_QUOTED}"
        ),
        r"\1\2\3[secret]\2\3",
    ),
    # key: "value", 'key': 'value', \"key\": \"value\".
    (
        re.compile(rf"(?is)((?:{_SECRET_KEYS})\\*[\"']?\s*[:=]\s*[bru]?){_QUOTED}"),
        r"\1\2\3[secret]\2\3",
    ),
    # key=value, key: value.
    (
        re.compile(
            rf"(?i)((?:{_SECRET_KEYS}){_REPEATED}\\*[\"']?\s*(?:[:=]|%3[ad])\s*(?:(?:{_SCHEMES})\s)?)"
            rf"{_NO_VALUE}(?:\[secret\]|{_VALUE})"
        ),
        r"\1[secret]",
    ),
    # --key value, of a command line.
    (re.compile(rf"(?i)(--[\w-]*(?:{_SECRET_KEYS})\s+)(?![-\s])[^\s\"']+"), r"\1[secret]"),
    # keys: a, b. A name with a value of its own ends the list.
    (
        re.compile(
            rf"(?i)((?:{_SECRET_KEYS})s\s*[:=]\s*){_NO_VALUE}"
            rf"(?:\[secret\]|{_VALUE})(?:,\s*(?![\w-]+\s*[:=]\s){_VALUE})*"
        ),
        r"\1[secret]",
    ),
)

_LIST_BEGINS = re.compile(rf"(?i)(?:{_SECRET_KEYS})s?\\*[\"']?\s*[:=]\s*[bru]?[\[({{]")
_QUOTE_OR_BRACKET = re.compile(r"\\*([\"'])|[\[({\])}]")

_USER_AND_PASSWORD = re.compile(
    r"(?<![\w:@/\]])[^\s:/@\"'<>=,]{1,64}:(?!\\*/\\*/)[^\s\"'<>]{1,128}@(?=[\w\[])"
)
"""Before a host without a scheme."""
_AUTHORITY_BEGINS = re.compile(r"(:\\*/\\*/)")
_AUTHORITY = re.compile(r"[^\s\"'<>/?#]*")
_REST_OF_URL = re.compile(r"[^\s\"'<>]*")
_HOST_AND_PORT = re.compile(r"(?:[^:]*|\[[^\]]*\])(?::\d{0,5})?")

_HOST_IPV4 = re.compile(
    r"(?i)(?<![a-z0-9-])([a-z][a-z0-9]*-\d{1,3}|\d{1,3}(?=[\d-]+\.[a-z]))(?:-\d{1,3}){3}(?![\d-])"
)
"""ec2-1-2-3-4.compute.amazonaws.com, ip-10-0-0-1.ec2.internal and the like of other providers, also
1-2-3-4.example.com."""
_INSTANCE = re.compile(r"\bi-[0-9a-f]{8,17}\b")
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
    if "v=0" in text:
        text = _SDP.sub("[sdp]", text)
    if "@" in text:
        text = _USER_AND_PASSWORD.sub("[secret]@", _without_userinfo(text))
    has_key = _KEY.search(text) is not None
    if has_key:
        text = _without_lists(text)
    for literal, pattern, replacement in _LITERAL_RULES:
        if literal in text:
            text = pattern.sub(replacement, text)
    for pattern, replacement in _RULES + _KEY_RULES if has_key else _RULES:
        text = pattern.sub(replacement, text)
    text = _INSTANCE.sub("[instance]", _HOST_IPV4.sub(r"\1-x-x-x", text))
    return _IPV4.sub(r"\1.x.x.x", _IPV6.sub(_ipv6_hint, text))


def _without_lists(text: str) -> str:
    """`tokens: ["a", "b"]` and `credentials: {"a": "b"}` as `tokens: [secret]`, to the end of the
    list, or of a truncated text."""
    kept, at = [], 0
    while (begins := _LIST_BEGINS.search(text, at)) is not None:
        kept += [text[at : begins.end() - 1], "[secret]"]
        at = _end_of_list(text, begins.end())
    return "".join([*kept, text[at:]])


def _end_of_list(text: str, at: int) -> int:
    """After the bracket that closes the one before `at`.

    A bracket in quotes closes nothing; a quote is closed by one that is escaped like itself.
    """
    depth, quote = 1, ""
    for found in _QUOTE_OR_BRACKET.finditer(text, at):
        token = found.group()
        if quote:
            quote = "" if token == quote else quote
        elif found[1]:
            quote = token
        else:
            depth += 1 if token in "[({" else -1
            if not depth:
                return found.end()
    return len(text)


def _without_userinfo(text: str) -> str:
    """URLs without the user name and password before their host."""
    parts = _AUTHORITY_BEGINS.split(text)
    for number in range(2, len(parts), 2):
        authority = _matched(_AUTHORITY, parts[number])
        at = authority.rfind("@")
        if at < 0 and not _HOST_AND_PORT.fullmatch(authority):
            at = _matched(_REST_OF_URL, parts[number]).rfind("@")  # a password with a bare "/"
        if at >= 0:
            parts[number] = "[secret]" + parts[number][at:]
    return "".join(parts)


def _matched(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.match(text)
    return "" if found is None else found.group()


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
