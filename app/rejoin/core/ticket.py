"""The ticket: what is needed to get back into a game after a crash, and its text form.

Rule 1: a ticket holds no SDP and no sign-in token; the token stays in the keyring of the OS.
Rule 2: times in it are boot time, and count only while the boot id is the same. Of another boot
        they are void, and nothing is known until the backend has answered.
Rule 3: what cannot be read in full is refused with one sentence; nothing of it is used.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any, Final

from rejoin.core.model import AttemptNumber, SessionId
from rejoin.errors import BadInputError

VERSION: Final = 1
MAX_TEXT: Final = 16 * 1024
"""Characters; a ticket is about a thousand."""

OUTLIVED_S: Final = 86400.0
"""No stream session lasts longer: the largest SessionLengthSeconds of StartStreamSession."""

NETWORKS: Final = ("internet", "lan", "loopback")

_KIND: Final = "rejoin-ticket"
_MAX_ATTEMPT: Final = 2**31 - 1
_MAX_TIME_S: Final = 1e11
"""Seconds; more is no time of this world, as boot time or as wall time."""


@dataclass(frozen=True, slots=True)
class RejoinState:
    """The player's place in a running game, as far as the engine knows it.

    `attempt`: highest number that may have been used. The rest is of `deadline.Window`.
    """

    session_id: SessionId
    attempt: AttemptNumber
    timeout_s: float | None = None
    proved_at: float | None = None
    ends_min_at: float | None = None
    ends_max_at: float | None = None


@dataclass(frozen=True, slots=True)
class BackendAddress:
    """How the studio's backend is called again: a profile without its sign-in token.

    `network` is one of NETWORKS, `authority` the path of a PEM file.
    """

    backend_url: str
    dialect: str
    network: str = "internet"
    stream_group: str | None = None
    application: str | None = None
    connection_timeout_s: float | None = None
    allow_insecure: bool = False
    authority: str | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A seat, the door to it, and when it was written: `wall_s` since 1970, in which boot."""

    seat: RejoinState
    door: BackendAddress
    boot_id: str
    wall_s: float

    def seat_now(self, boot_id: str, now: float) -> RejoinState:
        """The seat for whoever comes back at `now` of boot `boot_id` (Rule 2).

        An empty boot id is of an unknown boot; a time that has not come yet is of another one.
        """
        seat = self.seat
        same = bool(boot_id) and boot_id == self.boot_id
        if same and (seat.proved_at is None or seat.proved_at <= now):
            return seat
        return replace(seat, proved_at=None, ends_min_at=None, ends_max_at=None)

    def outlived(self, wall_s: float) -> bool:
        """Whether the game is over for certain, however long it was allowed to be."""
        return wall_s - self.wall_s > OUTLIVED_S


def to_text(ticket: Ticket) -> str:
    seat, door = ticket.seat, ticket.door
    return (
        json.dumps(
            {
                "kind": _KIND,
                "version": VERSION,
                "boot_id": ticket.boot_id,
                "wall_s": ticket.wall_s,
                "seat": {
                    "session_id": seat.session_id,
                    "attempt": seat.attempt,
                    "timeout_s": seat.timeout_s,
                    "proved_at": seat.proved_at,
                    "ends_min_at": seat.ends_min_at,
                    "ends_max_at": seat.ends_max_at,
                },
                "door": {
                    "backend_url": door.backend_url,
                    "dialect": door.dialect,
                    "network": door.network,
                    "stream_group": door.stream_group,
                    "application": door.application,
                    "connection_timeout_s": door.connection_timeout_s,
                    "allow_insecure": door.allow_insecure,
                    "authority": door.authority,
                },
            },
            indent=1,
        )
        + "\n"
    )


def from_text(text: str) -> Ticket:
    """Read a ticket. Raises BadInputError with one sentence for everything that is none."""
    if len(text) > MAX_TEXT:
        raise BadInputError("The ticket cannot be used: it is too long.")
    try:
        document = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise BadInputError("The ticket cannot be used: it is damaged.") from None
    if not isinstance(document, dict) or document.get("kind") != _KIND:
        raise BadInputError("The ticket cannot be used: Rejoin did not write it.")
    version = document.get("version")
    if isinstance(version, bool) or version != VERSION:
        raise BadInputError("The ticket cannot be used: another version of Rejoin wrote it.")
    top = _Part(document, {"kind", "version", "boot_id", "wall_s", "seat", "door"})
    seat = top.part("seat", set(RejoinState.__dataclass_fields__))
    door = top.part("door", set(BackendAddress.__dataclass_fields__))
    network = door.word("network", r"[a-z]{1,16}")
    if network not in NETWORKS:
        raise _wrong("network")
    return Ticket(
        RejoinState(
            SessionId(seat.word("session_id", r"[\x21-\x7E]{1,1024}")),
            AttemptNumber(seat.count("attempt")),
            seat.seconds("timeout_s"),
            seat.time("proved_at"),
            seat.time("ends_min_at"),
            seat.time("ends_max_at"),
        ),
        BackendAddress(
            door.word("backend_url", r"https?://[\x21-\x7E]{1,2040}"),
            door.word("dialect", r"[a-z0-9-]{1,32}"),
            network,
            door.word_or_none("stream_group", r"[\x21-\x7E]{1,256}"),
            door.word_or_none("application", r"[\x21-\x7E]{1,256}"),
            door.seconds("connection_timeout_s"),
            door.yes_or_no("allow_insecure"),
            door.word_or_none("authority", r"[^\x00-\x1F\x7F]{1,4096}"),
        ),
        top.word("boot_id", r"[A-Za-z0-9-]{0,64}"),
        top.number("wall_s", 0),
    )


def _no_number(word: str) -> Any:
    raise ValueError(word)


def _wrong(key: str) -> BadInputError:
    return BadInputError(f"The ticket cannot be used: its {key} is wrong or missing.")


class _Part:
    """One object of the text: its keys are known, and each is taken with its type."""

    def __init__(self, values: dict[str, Any], known: set[str]) -> None:
        if values.keys() - known:
            raise BadInputError("The ticket cannot be used: it says more than it should.")
        self._values = values

    def part(self, key: str, known: set[str]) -> _Part:
        value = self._values.get(key)
        if not isinstance(value, dict):
            raise _wrong(key)
        return _Part(value, known)

    def word_or_none(self, key: str, pattern: str) -> str | None:
        return None if self._values.get(key) is None else self.word(key, pattern)

    def word(self, key: str, pattern: str) -> str:
        value = self._values.get(key)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise _wrong(key)
        return value

    def count(self, key: str) -> int:
        value = self._values.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MAX_ATTEMPT:
            raise _wrong(key)
        return value

    def seconds(self, key: str) -> float | None:
        return None if self._values.get(key) is None else self.number(key, 0)

    def time(self, key: str) -> float | None:
        """Soon after the boot, what is bounded from below may lie before it."""
        return None if self._values.get(key) is None else self.number(key, -_MAX_TIME_S)

    def number(self, key: str, least: float) -> float:
        value = self._values.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong(key)
        # Compared before it becomes a float: an integer may be too large to be one.
        if not least <= value <= _MAX_TIME_S:
            raise _wrong(key)
        return float(value)

    def yes_or_no(self, key: str) -> bool:
        value = self._values.get(key)
        if not isinstance(value, bool):
            raise _wrong(key)
        return value
