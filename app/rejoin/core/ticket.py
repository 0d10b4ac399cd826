"""The ticket: everything needed to rejoin a game after a crash, and its text form.

Rule 1: a ticket holds no SDP and no sign-in token; the token stays in the keyring of the OS. It
        holds a slow, salted digest of the token (`runtime/tokens`), by which a token that is
        entered again is recognised as the one sent to this backend before.
Rule 2: its times are boot time and valid only while the boot id is the same. After a reboot they
        are dropped, and nothing is known until the backend has answered. Within one boot the wall
        clock, which may jump, decides nothing: neither the age of a ticket nor which is newer.
Rule 3: a text that cannot be read completely is refused with one sentence; no part of it is used.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any, Final

from rejoin.core.ids import AttemptNumber, SessionId
from rejoin.errors import BadInputError

VERSION: Final = 3
MAX_TEXT: Final = 16 * 1024
"""Characters; a ticket has about a thousand."""

MAX_SESSION_S: Final = 86400.0
"""No stream session lasts longer: the largest SessionLengthSeconds of StartStreamSession."""

NETWORKS: Final = ("internet", "lan", "loopback")

_KIND: Final = "rejoin-ticket"
_KEYS: Final = {
    *("kind", "version", "boot_id", "written_at", "written_unix_s", "token_digest"),
    *("rejoin_state", "backend"),
}
_PATH: Final = r"[^\x00-\x1F\x7F]{1,4096}"
_MAX_ATTEMPT: Final = 2**31 - 1
_MAX_TIME_S: Final = 1e11
"""Seconds; no boot time and no Unix time is larger."""


@dataclass(frozen=True, slots=True)
class RejoinState:
    """What the engine must know to rejoin a running game.

    `attempt`: highest attempt number that may have been used. The times are those of
    `deadline.Window`.
    """

    session_id: SessionId
    attempt: AttemptNumber
    timeout_s: float | None = None
    proved_at: float | None = None
    ends_min_at: float | None = None
    ends_max_at: float | None = None


@dataclass(frozen=True, slots=True)
class BackendAddress:
    """How to reach the studio's backend again: a studio profile without the sign-in token.

    `network` is one of NETWORKS, `ca_file` the path of a PEM file. `public_only`: a link named the
    backend, so no connection to it may lead to this computer or its network. `ice_servers_file`:
    path of the file with the TURN servers and their credentials, which no ticket holds.
    `allow_444`: whether video with colour in full resolution (4:4:4) is offered. `takes_reports`:
    whether the studio wants reconnect reports; a ticket that does not say it means no.
    `probe_url`: another address of the studio, for probes. `keeps_last_picture`: whether the
    picture that the player saw last may be kept beside the ticket; a ticket without it means no.
    `allows_microphone`: whether the studio takes the player's voice; likewise.
    """

    backend_url: str
    dialect: str
    network: str = "internet"
    stream_group: str | None = None
    application: str | None = None
    connection_timeout_s: float | None = None
    allow_insecure: bool = False
    ca_file: str | None = None
    public_only: bool = False
    ice_servers_file: str | None = None
    allow_444: bool = False
    takes_reports: bool = False
    probe_url: str | None = None
    keeps_last_picture: bool = False
    allows_microphone: bool = False


@dataclass(frozen=True, slots=True)
class Now:
    """The present: which boot, its boot time, and seconds since 1970 by the wall clock."""

    boot_id: str
    at: float
    unix_s: float


@dataclass(frozen=True, slots=True)
class Ticket:
    """A rejoin state, the backend's address, and when it was written.

    `boot_id`: in which boot; empty if the OS has no boot ids. `written_at`: boot time.
    `written_unix_s`: seconds since 1970. `token_digest`: of the sign-in token that the backend was
    sent; empty if there was none.
    """

    rejoin_state: RejoinState
    backend: BackendAddress
    boot_id: str
    written_at: float
    written_unix_s: float
    token_digest: str = field(default="", repr=False)

    def rejoin_state_at(self, boot_id: str, now: float) -> RejoinState:
        """The rejoin state as of boot time `now` in boot `boot_id` (Rule 2).

        An empty boot id stands for an unknown boot; a time in the future is of another boot.
        """
        state = self.rejoin_state
        if self._of_boot(boot_id, now) and (state.proved_at is None or state.proved_at <= now):
            return state
        return replace(state, proved_at=None, ends_min_at=None, ends_max_at=None)

    def expired(self, now: Now) -> bool:
        """Whether the game is over, whatever its session length was.

        Certain within one boot; after a reboot only as right as the wall clock.
        """
        if self._of_boot(now.boot_id, now.at):
            return now.at - self.written_at > MAX_SESSION_S
        return now.unix_s - self.written_unix_s > MAX_SESSION_S

    def age_order(self, now: Now) -> tuple[bool, float]:
        """Sorts tickets by when they were written: those of this boot come last."""
        if self._of_boot(now.boot_id, now.at):
            return True, self.written_at
        return False, self.written_unix_s

    def _of_boot(self, boot_id: str, now: float) -> bool:
        return bool(boot_id) and boot_id == self.boot_id and self.written_at <= now


def to_text(ticket: Ticket) -> str:
    state, backend = ticket.rejoin_state, ticket.backend
    return (
        json.dumps(
            {
                "kind": _KIND,
                "version": VERSION,
                "boot_id": ticket.boot_id,
                "written_at": ticket.written_at,
                "written_unix_s": ticket.written_unix_s,
                "token_digest": ticket.token_digest,
                "rejoin_state": {
                    "session_id": state.session_id,
                    "attempt": state.attempt,
                    "timeout_s": state.timeout_s,
                    "proved_at": state.proved_at,
                    "ends_min_at": state.ends_min_at,
                    "ends_max_at": state.ends_max_at,
                },
                "backend": {
                    "backend_url": backend.backend_url,
                    "dialect": backend.dialect,
                    "network": backend.network,
                    "stream_group": backend.stream_group,
                    "application": backend.application,
                    "connection_timeout_s": backend.connection_timeout_s,
                    "allow_insecure": backend.allow_insecure,
                    "ca_file": backend.ca_file,
                    "public_only": backend.public_only,
                    "ice_servers_file": backend.ice_servers_file,
                    "allow_444": backend.allow_444,
                    "takes_reports": backend.takes_reports,
                    "probe_url": backend.probe_url,
                    "keeps_last_picture": backend.keeps_last_picture,
                    "allows_microphone": backend.allows_microphone,
                },
            },
            indent=1,
        )
        + "\n"
    )


def from_text(text: str) -> Ticket:
    """Read a ticket. Raises BadInputError with one sentence for any text that is not one."""
    if len(text) > MAX_TEXT:
        raise BadInputError("The ticket cannot be used: it is too long.")
    try:
        document = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise BadInputError("The ticket cannot be used: it is damaged.") from None
    if not isinstance(document, dict) or document.get("kind") != _KIND:
        raise BadInputError("The ticket cannot be used: it was not written by Rejoin.")
    version = document.get("version")
    if isinstance(version, bool) or version != VERSION:
        raise BadInputError(
            "The ticket cannot be used: it was written by a different version of Rejoin."
        )
    top = _Part(document, _KEYS)
    state = top.part("rejoin_state", set(RejoinState.__dataclass_fields__))
    backend = top.part("backend", set(BackendAddress.__dataclass_fields__))
    network = backend.word("network", r"[a-z]{1,16}")
    if network not in NETWORKS:
        raise _wrong("network")
    return Ticket(
        RejoinState(
            SessionId(state.word("session_id", r"[\x21-\x7E]{1,1024}")),
            AttemptNumber(state.count("attempt")),
            state.seconds("timeout_s"),
            state.time("proved_at"),
            state.time("ends_min_at"),
            state.time("ends_max_at"),
        ),
        BackendAddress(
            backend.word("backend_url", r"https?://[\x21-\x7E]{1,2040}"),
            backend.word("dialect", r"[a-z0-9-]{1,32}"),
            network,
            backend.word_or_none("stream_group", r"[\x21-\x7E]{1,256}"),
            backend.word_or_none("application", r"[\x21-\x7E]{1,256}"),
            backend.seconds("connection_timeout_s"),
            backend.flag("allow_insecure"),
            backend.word_or_none("ca_file", _PATH),
            backend.flag("public_only"),
            backend.word_or_none("ice_servers_file", _PATH),
            backend.flag("allow_444"),
            backend.flag_or_false("takes_reports"),
            backend.word_or_none("probe_url", r"https?://[\x21-\x7E]{1,2040}"),
            backend.flag_or_false("keeps_last_picture"),
            backend.flag_or_false("allows_microphone"),
        ),
        top.word("boot_id", r"[A-Za-z0-9-]{0,64}"),
        top.number("written_at", 0),
        top.number("written_unix_s", 0),
        top.word("token_digest", r"(?:[0-9a-f]{32}:[0-9a-f]{64})?"),
    )


def _no_number(word: str) -> Any:
    raise ValueError(word)


def _wrong(key: str) -> BadInputError:
    return BadInputError(f"The ticket cannot be used: its {key} is wrong or missing.")


class _Part:
    """One JSON object of the ticket: all its keys are known, and each is read with its type."""

    def __init__(self, values: dict[str, Any], known: set[str]) -> None:
        if values.keys() - known:
            raise BadInputError("The ticket cannot be used: it has unknown keys.")
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
        """Boot time. Negative is possible: soon after the boot a lower bound may lie before it."""
        return None if self._values.get(key) is None else self.number(key, -_MAX_TIME_S)

    def number(self, key: str, least: float) -> float:
        value = self._values.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong(key)
        # Compared before the conversion: an integer may be too large for a float.
        if not least <= value <= _MAX_TIME_S:
            raise _wrong(key)
        return float(value)

    def flag_or_false(self, key: str) -> bool:
        return key in self._values and self.flag(key)

    def flag(self, key: str) -> bool:
        value = self._values.get(key)
        if not isinstance(value, bool):
            raise _wrong(key)
        return value
