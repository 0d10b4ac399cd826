"""The ticket: what is needed to get back into a game after a crash, and its text form.

Rule 1: a ticket holds no SDP and no sign-in token; the token stays in the keyring of the OS.
Rule 2: times in it are boot time and only count while the boot id is the same. With another boot id
        they are dropped, and nothing is known until the backend has answered.
Rule 3: a ticket that cannot be read completely is refused with one sentence, and not used in part.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any, Final

from rejoin.core.model import AttemptNumber, SessionId
from rejoin.errors import BadInputError

VERSION: Final = 2
MAX_TEXT: Final = 16 * 1024
"""Characters; a ticket has about a thousand."""

OUTLIVED_S: Final = 86400.0
"""No stream session lasts longer: the largest SessionLengthSeconds of StartStreamSession."""

NETWORKS: Final = ("internet", "lan", "loopback")

_KIND: Final = "rejoin-ticket"
_MAX_ATTEMPT: Final = 2**31 - 1
_MAX_TIME_S: Final = 1e11
"""Seconds; neither a boot time nor a wall time is ever larger."""


@dataclass(frozen=True, slots=True)
class RejoinState:
    """What the engine needs to get the player back into a running game.

    `attempt`: the highest attempt number that may have been used. The rest is of `deadline.Window`.
    """

    session_id: SessionId
    attempt: AttemptNumber
    timeout_s: float | None = None
    proved_at: float | None = None
    ends_min_at: float | None = None
    ends_max_at: float | None = None


@dataclass(frozen=True, slots=True)
class BackendAddress:
    """How to reach the studio's backend again: a profile without its sign-in token.

    `network` is one of NETWORKS, `ca_file` the path of a PEM file with a CA certificate.
    """

    backend_url: str
    dialect: str
    network: str = "internet"
    stream_group: str | None = None
    application: str | None = None
    connection_timeout_s: float | None = None
    allow_insecure: bool = False
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A game, the backend to reach it through, and when that was saved.

    `boot_id`: in which boot; `wall_s`: wall time, seconds since 1970.
    """

    state: RejoinState
    address: BackendAddress
    boot_id: str
    wall_s: float

    def state_at(self, boot_id: str, now: float) -> RejoinState:
        """The state for a rejoin at `now` of boot `boot_id` (Rule 2).

        An empty boot id is of an unknown boot; a time in the future is of another one.
        """
        state = self.state
        same = bool(boot_id) and boot_id == self.boot_id
        if same and (state.proved_at is None or state.proved_at <= now):
            return state
        return replace(state, proved_at=None, ends_min_at=None, ends_max_at=None)

    def outlived(self, wall_s: float) -> bool:
        """Whether the game is over for certain, however long it was allowed to last."""
        return wall_s - self.wall_s > OUTLIVED_S


def to_text(ticket: Ticket) -> str:
    state, address = ticket.state, ticket.address
    return (
        json.dumps(
            {
                "kind": _KIND,
                "version": VERSION,
                "boot_id": ticket.boot_id,
                "wall_s": ticket.wall_s,
                "state": {
                    "session_id": state.session_id,
                    "attempt": state.attempt,
                    "timeout_s": state.timeout_s,
                    "proved_at": state.proved_at,
                    "ends_min_at": state.ends_min_at,
                    "ends_max_at": state.ends_max_at,
                },
                "backend": {
                    "backend_url": address.backend_url,
                    "dialect": address.dialect,
                    "network": address.network,
                    "stream_group": address.stream_group,
                    "application": address.application,
                    "connection_timeout_s": address.connection_timeout_s,
                    "allow_insecure": address.allow_insecure,
                    "ca_file": address.ca_file,
                },
            },
            indent=1,
        )
        + "\n"
    )


def from_text(text: str) -> Ticket:
    """Read a ticket. Raises BadInputError with one sentence for any other text."""
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
    top = _Part(document, {"kind", "version", "boot_id", "wall_s", "state", "backend"})
    state = top.part("state", set(RejoinState.__dataclass_fields__))
    backend = top.part("backend", set(BackendAddress.__dataclass_fields__))
    network = backend.text("network", r"[a-z]{1,16}")
    if network not in NETWORKS:
        raise _wrong("network")
    return Ticket(
        RejoinState(
            SessionId(state.text("session_id", r"[\x21-\x7E]{1,1024}")),
            AttemptNumber(state.count("attempt")),
            state.seconds("timeout_s"),
            state.time("proved_at"),
            state.time("ends_min_at"),
            state.time("ends_max_at"),
        ),
        BackendAddress(
            backend.text("backend_url", r"https?://[\x21-\x7E]{1,2040}"),
            backend.text("dialect", r"[a-z0-9-]{1,32}"),
            network,
            backend.text_or_none("stream_group", r"[\x21-\x7E]{1,256}"),
            backend.text_or_none("application", r"[\x21-\x7E]{1,256}"),
            backend.seconds("connection_timeout_s"),
            backend.boolean("allow_insecure"),
            backend.text_or_none("ca_file", r"[^\x00-\x1F\x7F]{1,4096}"),
        ),
        top.text("boot_id", r"[A-Za-z0-9-]{0,64}"),
        top.number("wall_s", 0),
    )


def _no_number(word: str) -> Any:
    raise ValueError(word)


def _wrong(key: str) -> BadInputError:
    return BadInputError(f"The ticket cannot be used: its {key} is wrong or missing.")


class _Part:
    """One object of the document: its keys are known, and each value is checked for its type."""

    def __init__(self, values: dict[str, Any], known: set[str]) -> None:
        if values.keys() - known:
            raise BadInputError("The ticket cannot be used: it holds more than it should.")
        self._values = values

    def part(self, key: str, known: set[str]) -> _Part:
        value = self._values.get(key)
        if not isinstance(value, dict):
            raise _wrong(key)
        return _Part(value, known)

    def text_or_none(self, key: str, pattern: str) -> str | None:
        return None if self._values.get(key) is None else self.text(key, pattern)

    def text(self, key: str, pattern: str) -> str:
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
        """Shortly after the boot, a lower bound may be before it, so negative."""
        return None if self._values.get(key) is None else self.number(key, -_MAX_TIME_S)

    def number(self, key: str, least: float) -> float:
        value = self._values.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong(key)
        # Compared before it becomes a float: an integer may be too large to be one.
        if not least <= value <= _MAX_TIME_S:
            raise _wrong(key)
        return float(value)

    def boolean(self, key: str) -> bool:
        value = self._values.get(key)
        if not isinstance(value, bool):
            raise _wrong(key)
        return value
