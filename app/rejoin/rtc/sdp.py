"""Parses SDP strictly, as far as signalling needs it, and finds what is in effect per section.

The input is untrusted: its size is bounded, each broken rule is an error of one sentence, and no
error quotes an address, a key or a line of SDP.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from rejoin.errors import SignalError

MAX_SDP_BYTES = 64 * 1024
MAX_SECTIONS = 16

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")

_MEDIA_LINE = re.compile(r"m=(audio|video|application) ([0-9]{1,5}) ([A-Z/]{3,40}) ([!-~ ]+)")
_TOKEN = re.compile(r"[!-~]{1,64}")
_ICE_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
_ICE_PWD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_SHA256 = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){31}")


@dataclass(frozen=True, slots=True)
class Section:
    """A media section. `kind`: audio, video or application. `lines`: those after its m= line."""

    kind: str
    protocol: str
    formats: str
    lines: list[str]

    def media_line(self) -> str:
        return f"m={self.kind} 9 {self.protocol} {self.formats}"

    def values(self, name: str) -> list[str]:
        return values_of(self.lines, name)


@dataclass(frozen=True, slots=True)
class Description:
    """A parsed SDP. `session`: the lines before the first media section."""

    session: list[str]
    sections: list[Section]

    def direction(self, section: Section) -> str:
        """The direction in effect: the section's, else the session's, else the default (RFC 8866,
        6.7)."""
        for lines in (section.lines, self.session):
            for line in lines:
                if line.startswith("a=") and line[2:] in DIRECTIONS:
                    return line[2:]
        return "sendrecv"

    def all_lines(self) -> list[str]:
        lines = list(self.session)
        for section in self.sections:
            lines += [section.media_line(), *section.lines]
        return lines


@dataclass(frozen=True, slots=True)
class TransportParameters:
    """ICE credentials, fingerprints and DTLS role of the one transport that all sections share."""

    ufrag: str
    pwd: str
    fingerprints: tuple[str, ...]
    setup: str

    def lines(self) -> list[str]:
        """The attributes, to be written into each section."""
        return [
            f"a=ice-ufrag:{self.ufrag}",
            f"a=ice-pwd:{self.pwd}",
            *(f"a=fingerprint:sha-256 {value}" for value in self.fingerprints),
            f"a=setup:{self.setup}",
        ]

    @classmethod
    def of(cls, description: Description, what: str, setups: set[str]) -> TransportParameters:
        """The parameters in effect, which must be the same in all sections. Raises SignalError.

        `what`: "offer" or "answer", for the error. `setups`: the DTLS roles that it may name.
        """
        tagged = _tagged_section(description, what)

        def in_effect(section: Section, name: str) -> list[str]:
            return (
                section.values(name)
                or values_of(description.session, name)
                or (tagged.values(name) if section is not tagged else [])
            )

        found = set()
        for section in description.sections:
            ufrag = _only(in_effect(section, "ice-ufrag"))
            pwd = _only(in_effect(section, "ice-pwd"))
            if not _ICE_UFRAG.fullmatch(ufrag) or not _ICE_PWD.fullmatch(pwd):
                raise SignalError(f"The {what} has no usable ICE user name and password.")
            setup = _only(in_effect(section, "setup"))
            if setup not in setups:
                raise SignalError(f"The {what} has no usable DTLS role (a=setup).")
            found.add(cls(ufrag, pwd, _sha256_fingerprints(in_effect, section, what), setup))
        if len(found) != 1:
            raise SignalError(f"The {what} describes more than one transport.")
        return found.pop()


def _sha256_fingerprints(
    in_effect: Callable[[Section, str], list[str]], section: Section, what: str
) -> tuple[str, ...]:
    found = []
    for value in in_effect(section, "fingerprint"):
        algorithm, _, digest = value.partition(" ")
        if algorithm.lower() == "sha-256":
            if not _SHA256.fullmatch(digest.upper()):
                raise SignalError(f"The {what} has a malformed fingerprint.")
            found.append(digest.upper())
    if not found:
        # without one aiortc would wait forever
        raise SignalError(f"The {what} has no sha-256 fingerprint.")
    return tuple(sorted(set(found)))


def _tagged_section(description: Description, what: str) -> Section:
    """The first section of the BUNDLE group, which must hold every section."""
    by_mid: dict[str, Section] = {}
    for section in description.sections:
        mid = _only(section.values("mid"))
        if not _TOKEN.fullmatch(mid) or mid in by_mid:
            raise SignalError(f"The {what} has a media section without its own mid.")
        by_mid[mid] = section
    for value in values_of(description.session, "group"):
        semantic, *mids = value.split(" ")
        if semantic == "BUNDLE" and set(mids) == set(by_mid) and len(mids) == len(by_mid):
            return by_mid[mids[0]]
    raise SignalError(f"The {what} does not bundle all media on one transport.")


def _only(values: list[str]) -> str:
    return values[0] if len(values) == 1 else ""


def values_of(lines: list[str], name: str) -> list[str]:
    """The values of an attribute, in order."""
    prefix = f"a={name}:"
    return [line[len(prefix) :] for line in lines if line.startswith(prefix)]


def attribute_of(line: str) -> tuple[str, str]:
    """Name and value of an attribute line; two empty strings for any other line."""
    if not line.startswith("a="):
        return "", ""
    name, _, value = line[2:].partition(":")
    return name, value


def join(lines: list[str]) -> str:
    """SDP from its lines."""
    return "".join(f"{line}\r\n" for line in lines)


def parse(sdp: str, what: str) -> Description:
    """Parse a description. Raises SignalError. `what`: "offer" or "answer", for the error."""
    if len(sdp) > MAX_SDP_BYTES:
        raise SignalError(f"The SDP of the {what} is larger than {MAX_SDP_BYTES // 1024} KiB.")
    lines = [line for line in sdp.replace("\r\n", "\n").split("\n") if line]
    # aiortc splits lines at every Unicode line separator: only printable ASCII may reach it
    if not all(line.isascii() and line.isprintable() for line in lines):
        raise SignalError(f"The SDP of the {what} has characters other than printable ASCII.")
    if not lines or lines[0] != "v=0":
        raise SignalError(f"The {what} is not SDP.")
    session: list[str] = []
    sections: list[Section] = []
    for line in lines:
        if (len(line) < 3 or line[1] != "=") and line not in ("s=", "i="):
            raise SignalError(f"The SDP of the {what} has a malformed line.")
        if not line.startswith("m="):
            (sections[-1].lines if sections else session).append(line)
            continue
        match = _MEDIA_LINE.fullmatch(line)
        if match is None:
            raise SignalError(f"The SDP of the {what} has a media section of an unknown kind.")
        kind, port, protocol, formats = match.groups()
        if port == "0":
            raise SignalError(f"The {what} rejects its {kind} section.")
        sections.append(Section(kind, protocol, formats, []))
    if not 1 <= len(sections) <= MAX_SECTIONS:
        raise SignalError(
            f"The SDP of the {what} does not have 1 to {MAX_SECTIONS} media sections."
        )
    return Description(session, sections)
