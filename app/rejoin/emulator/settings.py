"""What the emulator assumes: every unknown of the service is a named setting with its default.

"Documented" means AWS's service model or developer guide says so; "assumed" means nobody outside
AWS knows, the default is a guess, and no client may rely on it. Times are seconds.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Literal

from rejoin.errors import BadInputError


class FaultKind(enum.StrEnum):
    """What can be done to a running stream on purpose."""

    SILENCE = "silence"
    """The relay drops both directions, STUN included."""
    FREEZE = "freeze"
    """The host process neither sends nor reacts (no media, no STUN answers); the game goes on."""
    GRACEFUL_CLOSE = "graceful_close"
    """The host closes DTLS."""
    KILL = "kill"
    """The game process ends with a failure: the stream session goes to ERROR."""
    NONE = "none"
    """Lift the faults that last."""


FaultScope = Literal["existing", "all"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `duration_s` None lasts until lifted.

    `scope` matters to silence alone: "existing" drops only the flows that exist now, as if the
    path of that connection had died; "all" drops every flow, new ones too.
    """

    kind: FaultKind
    duration_s: float | None = None
    scope: FaultScope = "existing"

    def __post_init__(self) -> None:
        if self.duration_s is not None and not 0 < self.duration_s <= 86400:
            raise BadInputError("A fault lasts more than 0 and at most 86400 seconds.")
        if self.scope not in ("existing", "all"):
            raise BadInputError('The scope of a fault is "existing" or "all".')


@dataclass(frozen=True, slots=True)
class EmulatorSettings:
    """How this emulator behaves. The defaults are what `rejoin studio` starts with."""

    # --- who and where (made up, in the shapes of service.md) ---
    region: str = "us-west-2"
    account_id: str = "111122223333"
    stream_group_ids: tuple[str, ...] = ("sg-1AB2C3De4",)
    """Stream groups that exist here, all ACTIVE."""
    application_id: str = "a-9ZY8X7Wv6"
    """The one application, associated with every stream group."""
    access_key_id: str = "AKIAREJOINEMULATOR00"
    """Fake: accepted here and nowhere else."""
    secret_access_key: str = field(default="rejoin-emulator-has-no-secrets", repr=False)
    """Fake: signatures are checked against it, so that a wrong key fails here as it would there."""

    # --- timers ---
    connection_timeout_s: int = 120
    """Documented default (1..3600) of ConnectionTimeoutSeconds when a start does not set it."""
    session_length_s: int = 43200
    """Documented default (1..86400) of SessionLengthSeconds when a start does not set it."""
    idle_timeout_s: float = 3600.0
    """Documented: 60 minutes CONNECTED without input."""
    placement_timeout_s: float = 75.0
    """Documented for always-on capacity (90 on-demand Linux/Proton, 600 on-demand Windows)."""
    placement_s: float = 0.2
    """Assumed: how long finding a host takes. At or over the timeout nobody is ever placed."""
    reconnecting_dwell_s: float = 0.0
    """Assumed: how long RECONNECTING stays visible after the host has made its answer."""
    create_latency_s: float = 0.0
    """Assumed: what CreateStreamSessionConnection takes beyond the host's own work, before it."""
    terminating_dwell_s: float = 0.05
    """Assumed: how long TERMINATING stays visible."""
    token_lifetime_s: float = 86400.0
    """Assumed: how long a ClientToken is remembered."""
    ended_session_kept_s: float = 86400.0
    """Assumed: how long an ended stream session can still be asked about."""

    # --- how the service notices that a client is gone ---
    notice_silent_client_s: float = 5.0
    """Assumed: from an injected fault to PENDING_CLIENT_RECONNECTION."""
    notice_unprovoked_min_s: float = 3.0
    """Ours: silence that no fault explains is never called a loss before this."""
    notice_graceful_close_s: float = 0.0
    """Assumed: from a closed DTLS to PENDING_CLIENT_RECONNECTION."""

    # --- answers whose type or content is unknown ---
    wrong_state_error: Literal["conflict", "validation"] = "conflict"
    """Assumed: what a create or terminate in the wrong status is refused with."""
    window_restarts_at_active: bool = True
    """Documented for PENDING and for ACTIVE; assumed that the ACTIVE after a reconnect gets a
    whole window too. False: it gets what PENDING had left."""
    reason_after_failed_reconnect: Literal["reconnectionTimeout", "connectionTimeout"] = (
        "reconnectionTimeout"
    )
    """Assumed: the reason when the window of an ACTIVE after a reconnect runs out."""
    answer_shown_by_get: Literal["latest", "first"] = "latest"
    """Assumed: whose SignalRequest and SignalResponse GetStreamSession shows after a reconnect."""
    reused_offer: Literal["call", "session"] = "call"
    """Assumed: an offer used before fails the call (ValidationException), or ends the session
    with ERROR `invalidSignalRequest`, which is documented for a bad offer at start *and*
    reconnect."""
    bad_offer: Literal["call", "session"] = "session"
    """Documented that a bad offer can end the session with ERROR `invalidSignalRequest`; assumed
    that one in a create call does. "call": it only fails the call. At start it always ends it."""
    requests_per_s: float = 20.0
    """Documented: per operation, account and Region; the burst is assumed to be one second's."""

    # --- the game ---
    width: int = 1280
    height: int = 720
    fps: int = 60
    bitrate_bps: int = 8_000_000
    seed: int = 1
    """The same seed plays the same game."""

    # --- the network ---
    relay_ports: tuple[int, int] = (33435, 33465)
    """First and last UDP port of the relay's client side (documented range); (0, 0): any port."""

    def __post_init__(self) -> None:
        _check(1 <= self.connection_timeout_s <= 3600, "connection_timeout_s is 1 to 3600.")
        _check(1 <= self.session_length_s <= 86400, "session_length_s is 1 to 86400.")
        for name in (
            "idle_timeout_s",
            "placement_timeout_s",
            "token_lifetime_s",
            "ended_session_kept_s",
            "requests_per_s",
        ):
            _check(0 < getattr(self, name) < float("inf"), f"{name} is a number above 0.")
        for name in (
            "placement_s",
            "reconnecting_dwell_s",
            "create_latency_s",
            "terminating_dwell_s",
            "notice_silent_client_s",
            "notice_unprovoked_min_s",
            "notice_graceful_close_s",
        ):
            _check(0 <= getattr(self, name) < float("inf"), f"{name} is 0 or more.")
        for name, allowed in (
            ("wrong_state_error", ("conflict", "validation")),
            ("reason_after_failed_reconnect", ("reconnectionTimeout", "connectionTimeout")),
            ("answer_shown_by_get", ("latest", "first")),
            ("reused_offer", ("call", "session")),
            ("bad_offer", ("call", "session")),
        ):
            _check(getattr(self, name) in allowed, f"{name} is one of {', '.join(allowed)}.")
        _check(bool(self.stream_group_ids), "There is at least one stream group.")
        _check(
            16 <= self.width <= 3840 and 16 <= self.height <= 2160,
            "The picture is 16x16 to 3840x2160.",
        )
        _check(1 <= self.fps <= 240, "fps is 1 to 240.")
        _check(self.bitrate_bps > 0, "bitrate_bps is above 0.")
        first, last = self.relay_ports
        _check(
            (first, last) == (0, 0) or 1024 <= first <= last <= 65535,
            "relay_ports are two ports in order, from 1024 on.",
        )


def _check(fine: bool, sentence: str) -> None:
    if not fine:
        raise BadInputError(f"The emulator cannot use this setting: {sentence}")


class ApiFaultKind(enum.StrEnum):
    """What can be done to calls of the emulated API on purpose."""

    THROTTLE = "throttle"
    """ThrottlingException, with Retry-After when `retry_after_s` is given."""
    INTERNAL = "internal"
    """InternalServerException, before anything is done."""
    SLOW = "slow"
    """The call is done at once, its answer comes `delay_s` late."""
    HANG = "hang"
    """Nothing is done and nothing is answered until the caller gives up."""
    NONE = "none"
    """Lift the API faults."""


@dataclass(frozen=True, slots=True)
class ApiFault:
    """One fault of the next `times` calls of `operation` (None: of any); None is until lifted."""

    kind: ApiFaultKind
    operation: str | None = None
    times: int | None = 1
    delay_s: float = 0.0
    retry_after_s: float | None = None

    def __post_init__(self) -> None:
        _check(self.times is None or self.times >= 1, "an API fault happens at least once.")
        _check(0 <= self.delay_s <= 3600, "an API fault delays by 0 to 3600 seconds.")
        _check(
            self.retry_after_s is None or 0 <= self.retry_after_s <= 3600,
            "Retry-After is 0 to 3600 seconds.",
        )
