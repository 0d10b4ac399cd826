"""Parses SDP as far as signalling needs it, and finds what is in effect per section.

The input is untrusted: its size is bounded, and no error quotes an address, a key or a line of SDP.
Lines are normalised once, here: without blanks at the ends, with single blanks inside. Lines that
nobody reads are kept as they are, whatever characters they have; each reader checks its value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rejoin.errors import SignalError

MAX_SDP_BYTES = 64 * 1024
MAX_SECTIONS = 16

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")

KINDS = ("audio", "video", "application")

_LINE_END = re.compile(r"[\r\n]+")
_MEDIA_LINE = re.compile(r"m=([!-~]{1,64}) ([0-9]{1,5})(?:/[0-9]{1,5})? ([!-~]{1,40})(?: (.*))?")
_MID = re.compile(r"[!-~]{1,1024}")
_ICE_UFRAG = re.compile(r"[!-~]{4,256}")
_ICE_PWD = re.compile(r"[!-~]{22,256}")
"""RFC 8839, 5.4 allows letters, digits, "+" and "/"; hosts were seen that use "_" and "-" too."""
_DIGEST_BYTES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
"""The hash functions that a fingerprint may have, with their lengths. All are verified."""
_DIGEST = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2})*")


@dataclass(frozen=True, slots=True)
class Section:
    """A media section. `kind`: audio, video or application; another one only if it is rejected.

    `lines`: those after its m= line.
    """

    kind: str
    port: int
    protocol: str
    formats: str
    lines: list[str]

    def media_line(self) -> str:
        return f"m={self.kind} 9 {self.protocol} {self.formats}"

    def values(self, name: str) -> list[str]:
        return values_of(self.lines, name)

    @property
    def mid(self) -> str:
        """ "" if it has none, or more than one."""
        return only(self.values("mid"))

    @property
    def rejected(self) -> bool:
        """Whether its port says so: 0, except where it only shares a transport (RFC 9143, 6)."""
        return self.port == 0 and "a=bundle-only" not in self.lines

    def rejection(self) -> str:
        """The lines of a section that answers this one by rejecting it (RFC 3264, 6)."""
        mid = [f"a=mid:{self.mid}"] if _MID.fullmatch(self.mid) else []
        media = f"m={self.kind} 0 {self.protocol} {self.formats.partition(' ')[0] or 0}"
        return join([media, "c=IN IP4 0.0.0.0", "a=inactive", *mid])


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

    def section(self, kind: str, what: str) -> Section:
        """The first accepted section of this kind. Raises SignalError.

        `what`: "offer" or "answer", for the error.
        """
        found = [section for section in self.sections if section.kind == kind]
        for section in found:
            if not section.rejected:
                return section
        verb = "rejects its" if found else "has no"
        raise SignalError(f"The {what} {verb} {kind} section.")

    def bundle(self, what: str) -> list[Section]:
        """The sections that share the transport of the video; the first is the tagged one, whose
        transport attributes hold for all (RFC 9143, 7). Raises SignalError.

        Sections that are rejected or outside the video's group are left out. A description with one
        accepted section needs no group.
        """
        video = self.section("video", what)
        accepted = [section for section in self.sections if not section.rejected]
        by_mid: dict[str, Section] = {}
        for section in accepted:
            mids = set(section.values("mid"))
            if len(mids) > 1 or mids & by_mid.keys() or not all(map(_MID.fullmatch, mids)):
                raise SignalError(f"The {what} has a media section without its own mid.")
            by_mid.update(dict.fromkeys(mids, section))
        for value in values_of(self.session, "group"):
            semantic, *bundled = value.split(" ")
            members = [by_mid[mid] for mid in dict.fromkeys(bundled) if mid in by_mid]
            if semantic.upper() == "BUNDLE" and video in members:
                return members
        if accepted == [video]:
            return accepted
        raise SignalError(f"The {what} does not bundle its video with other media.")


@dataclass(frozen=True, slots=True)
class TransportParameters:
    """ICE credentials, fingerprints and DTLS role of the one transport that all sections share.

    `fingerprints`: as in SDP, "sha-256 AB:CD:...". aiortc verifies each of them.
    """

    ufrag: str
    pwd: str
    fingerprints: tuple[str, ...]
    setup: str

    def lines(self) -> list[str]:
        """The attributes, to be written into each section."""
        return [
            f"a=ice-ufrag:{self.ufrag}",
            f"a=ice-pwd:{self.pwd}",
            *(f"a=fingerprint:{value}" for value in self.fingerprints),
            f"a=setup:{self.setup}",
        ]

    @classmethod
    def of(cls, description: Description, what: str, setups: set[str]) -> TransportParameters:
        """The parameters in effect. Raises SignalError.

        `what`: "offer" or "answer", for the error. `setups`: the DTLS roles that it may name. In an
        answer they must be the same in all bundled sections. In an offer each section may have a
        transport of its own, in case the answerer does not bundle; one that does takes that of the
        tagged section (RFC 9143, 7.3.1).
        """
        bundle = description.bundle(what)

        def in_effect(section: Section, name: str) -> list[str]:
            # the tagged section's hold for all; some write them into another one
            for lines in (section.lines, description.session, *(each.lines for each in bundle)):
                if values := values_of(lines, name):
                    return values
            return []

        found = set()
        for section in bundle[:1] if what == "offer" else bundle:
            ufrag = only(in_effect(section, "ice-ufrag"))
            pwd = only(in_effect(section, "ice-pwd"))
            if not _ICE_UFRAG.fullmatch(ufrag) or not _ICE_PWD.fullmatch(pwd):
                raise SignalError(f"The {what} has no usable ICE user name and password.")
            setup = only(map(str.lower, in_effect(section, "setup")))
            if setup not in setups:
                raise SignalError(f"The {what} has no usable DTLS role (its setup attribute).")
            found.add(cls(ufrag, pwd, _fingerprints(in_effect, section, what), setup))
        if len(found) != 1:
            raise SignalError(f"The {what} describes more than one transport.")
        return found.pop()


def _fingerprints(
    in_effect: Callable[[Section, str], list[str]], section: Section, what: str
) -> tuple[str, ...]:
    found = set()
    for value in in_effect(section, "fingerprint"):
        algorithm, _, digest = value.partition(" ")
        algorithm, digest = algorithm.lower(), digest.upper()
        if algorithm in _DIGEST_BYTES:
            if len(digest) != 3 * _DIGEST_BYTES[algorithm] - 1 or not _DIGEST.fullmatch(digest):
                raise SignalError(f"The {what} has a malformed fingerprint.")
            found.add(f"{algorithm} {digest}")
    if not found:
        # without one aiortc would wait forever
        raise SignalError(f"The {what} has no sha-256, sha-384 or sha-512 fingerprint.")
    return tuple(sorted(found))


def only(values: Iterable[str]) -> str:
    """The value of an attribute that must have one, however often it is repeated; "" if there is
    none, or more than one."""
    found = set(values)
    return found.pop() if len(found) == 1 else ""


def values_of(lines: list[str], name: str) -> list[str]:
    """The values of an attribute, in order."""
    prefix = f"a={name}:"
    return [line[len(prefix) :].lstrip(" ") for line in lines if line.startswith(prefix)]


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
    """Parse a description. Raises SignalError. `what`: "offer" or "answer", for the error.

    A line that is not of the form `x=...` is passed over. Lines may end with CR LF, LF or CR, and a
    byte order mark may stand before the first.
    """
    if len(sdp) > MAX_SDP_BYTES:
        raise SignalError(f"The SDP of the {what} is larger than {MAX_SDP_BYTES // 1024} KiB.")
    each_line = _LINE_END.split(sdp.removeprefix("\ufeff"))
    lines = [line for line in (" ".join(each.split()) for each in each_line) if line]
    if not lines or lines[0] != "v=0":
        raise SignalError(f"The {what} is not SDP.")
    session: list[str] = []
    sections: list[Section] = []
    for line in lines:
        if line.startswith("m="):
            sections.append(_section(line, what))
        elif line[1:2] == "=":
            (sections[-1].lines if sections else session).append(line)
    if not 1 <= len(sections) <= MAX_SECTIONS:
        raise SignalError(
            f"The SDP of the {what} does not have 1 to {MAX_SECTIONS} media sections."
        )
    return Description(session, sections)


def _section(line: str, what: str) -> Section:
    match = _MEDIA_LINE.fullmatch(line)
    if match is None:
        raise SignalError(f"The SDP of the {what} has a malformed media section.")
    kind, port, protocol, formats = match.groups(default="")
    if kind not in KINDS and int(port) != 0:
        raise SignalError(f"The SDP of the {what} has a media section of an unknown kind.")
    return Section(kind, int(port), protocol, formats, [])
