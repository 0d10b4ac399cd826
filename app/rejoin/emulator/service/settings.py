"""What the emulator assumes: every unknown of the service is a named setting with its default.

"Documented" means AWS's service model or developer guide says so; "assumed" means nobody outside
AWS knows, the default is a guess, and no client may rely on it. Times are seconds.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import Literal

from rejoin.errors import BadInputError
from rejoin.netem.link import BOTH, Direction
from rejoin.netem.network_profile import PLACES, Place


class FaultKind(enum.StrEnum):
    """What can be done to a running stream on purpose."""

    SILENCE = "silence"
    """The relay drops both directions, STUN included."""
    FREEZE = "freeze"
    """The host process neither sends nor reacts (no media, no STUN answers); the game goes on."""
    NO_MEDIA = "no_media"
    """The host sends no RTP and reacts to everything else; the game goes on."""
    SLOW_START = "slow_start"
    """The connections that come get their first RTP that long after they are up (3 s)."""
    GRACEFUL_CLOSE = "graceful_close"
    """The host closes the connection as it should: RTCP BYE, SCTP abort, DTLS close."""
    DTLS_CLOSE = "dtls_close"
    """The host closes DTLS and says nothing else."""
    PROFILE = "profile"
    """The relay obeys a network profile (`core.profile`)."""
    KILL = "kill"
    """The game process ends with a failure: the stream session goes to ERROR."""
    NONE = "none"
    """Lift the faults that last."""


FaultScope = Literal["existing", "all"]
FaultDirection = Literal["both", "up", "down"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `duration_s` None lasts until lifted, or as long as a profile says.

    `scope` matters to silence, no media and profiles: "existing" is about the connections that
    exist now, as if their path had died; "all" is about new ones too. None is "all" for a profile
    and "existing" for the others.
    """

    kind: FaultKind
    duration_s: float | None = None
    scope: FaultScope | None = None
    profile: str | None = None
    """The name of the network profile."""
    direction: FaultDirection = "both"
    """Which packets the profile is about; up is from client to host."""
    seed: int = 1
    """The same seed, profile and packets lose and delay the same packets."""
    window_s: float | None = None
    """From now to the end of the reconnect window, for profiles that depend on it. None: the
    emulator's own `notice_silent_client_s` and `connection_timeout_s` together."""

    def __post_init__(self) -> None:
        if self.duration_s is not None and not 0 < self.duration_s <= 86400:
            raise BadInputError("A fault lasts more than 0 and at most 86400 seconds.")
        if self.scope not in (None, "existing", "all"):
            raise BadInputError('The scope of a fault is "existing" or "all".')
        if self.direction not in ("both", "up", "down"):
            raise BadInputError('The direction of a fault is "both", "up" or "down".')
        if self.window_s is not None and not 0 <= self.window_s <= 86400:
            raise BadInputError("The window of a fault is 0 to 86400 seconds.")
        if (self.kind is FaultKind.PROFILE) != (self.profile is not None):
            raise BadInputError("A fault of the kind profile, and no other, names its profile.")
        if self.profile is not None:
            _check_network(self.profile)

    @property
    def for_all(self) -> bool:
        """Whether connections that come later are meant too."""
        if self.scope is None:
            return self.kind is FaultKind.PROFILE
        return self.scope == "all"

    @property
    def directions(self) -> frozenset[Direction]:
        """Which packets a profile is about."""
        return BOTH if self.direction == "both" else frozenset({Direction(self.direction)})


def _check_network(profile: str) -> None:
    place = PLACES.get(profile)
    if place is None:
        known = ", ".join(name for name, each in PLACES.items() if each is Place.NETWORK)
        raise BadInputError(f"There is no such network profile; there are {known}.")
    if place is not Place.NETWORK:
        raise BadInputError(f"{profile} is no network profile: it is made by the {place.value}.")


_PLACEMENT_TIMEOUTS_S = {"always_on": 75.0, "on_demand_linux": 90.0, "on_demand_windows": 600.0}
"""By kind of capacity, as StartStreamSession's reference documents them."""


@dataclass(frozen=True, slots=True)
class EmulatorSettings:
    """How this emulator behaves. The defaults are what `rejoin studio` starts with."""

    # --- who and where (made up, in the shapes of service.md) ---
    region: str = "us-west-2"
    account_id: str = "111122223333"
    stream_group_ids: tuple[str, ...] = ("sg-1AB2C3De4",)
    """Stream groups that exist here."""
    stream_group_status: str = "ACTIVE"
    """The status of every stream group here, one of the model's. Documented: only ACTIVE starts
    sessions; assumed that only ACTIVE lets a client reconnect."""
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
    capacity: Literal["always_on", "on_demand_linux", "on_demand_windows"] = "always_on"
    """The kind of capacity that sessions are placed on; Linux stands for Proton too."""
    placement_timeout_s: float = 0.0
    """0: as documented for the capacity: 75 always-on, 90 on-demand Linux, 600 on-demand
    Windows."""
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
    checks_hold_connected: bool = True
    """Assumed: whether a client that sends nothing but ICE checks holds a session at CONNECTED.
    False: only media reports, data and DTLS do."""
    follows_new_address: bool = True
    """Assumed: whether a host moves its packets when a check that nominates comes from a new
    address, as after a NAT gave the client another port (RFC 8445, 7.3.1.5). False: a client whose
    address changed is heard and not answered, and only a reconnect helps."""
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
    """The most that is sent. What the game shows needs less than 14 Mbit/s at 1920x1080 and 60 a
    second, and 7 at 1280x720 (measured with 30 Mbit/s allowed)."""
    constant_bitrate: bool = False
    """Whether filler data makes up for what the picture does not need, as hardware encoders at a
    constant bitrate do, so that the network carries all of `bitrate_bps`."""
    seed: int = 1
    """The same seed plays the same game."""

    # --- the network ---
    relay_ports: tuple[int, int] = (33435, 33465)
    """First and last UDP port of the relay's client side (documented range); (0, 0): any port."""
    dtls_role: Literal["client", "server"] = "client"
    """Assumed: what the host is in DTLS when the offer leaves it the choice; "client"
    (`a=setup:active`) is what WebRTC's library answers. As the server it waits for the client to
    begin, who is ready a round trip sooner."""
    round_trip_s: float = 0.0
    """What lies between client and host while no network profile does, half of it each way."""
    loss: float = 0.0
    """Share of the packets that the same way loses, one by one, in each direction."""
    packetization_mode: Literal[0, 1] = 1
    """Assumed: in which of H.264's modes the host sends (RFC 6184, 6). 0 is single NAL units alone:
    pictures are cut into slices that fit. From the next connection on."""
    answers_nack: bool = True
    """Assumed: whether the host sends again what a NACK asks for; from the next connection on."""

    def __post_init__(self) -> None:
        _check(1 <= self.connection_timeout_s <= 3600, "connection_timeout_s is 1 to 3600.")
        _check(1 <= self.session_length_s <= 86400, "session_length_s is 1 to 86400.")
        for name in (
            "idle_timeout_s",
            "token_lifetime_s",
            "ended_session_kept_s",
            "requests_per_s",
        ):
            _check(0 < getattr(self, name) < float("inf"), f"{name} is a number above 0.")
        for name in (
            "placement_s",
            "placement_timeout_s",
            "reconnecting_dwell_s",
            "create_latency_s",
            "terminating_dwell_s",
            "notice_silent_client_s",
            "notice_unprovoked_min_s",
            "notice_graceful_close_s",
        ):
            _check(0 <= getattr(self, name) < float("inf"), f"{name} is 0 or more.")
        for name, allowed in (
            ("capacity", tuple(_PLACEMENT_TIMEOUTS_S)),
            ("wrong_state_error", ("conflict", "validation")),
            ("reason_after_failed_reconnect", ("reconnectionTimeout", "connectionTimeout")),
            ("answer_shown_by_get", ("latest", "first")),
            ("reused_offer", ("call", "session")),
            ("bad_offer", ("call", "session")),
            ("dtls_role", ("client", "server")),
            ("packetization_mode", (0, 1)),
        ):
            _check(
                getattr(self, name) in allowed, f"{name} is one of {', '.join(map(str, allowed))}."
            )
        _check(0 <= self.round_trip_s <= 10, "round_trip_s is 0 to 10.")
        _check(0 <= self.loss < 1, "loss is 0 or more and less than 1.")
        _check(bool(self.stream_group_ids), "There is at least one stream group.")
        _check(
            re.fullmatch("[A-Z_]{1,40}", self.stream_group_status) is not None,
            "stream_group_status is a word such as ACTIVE.",
        )
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

    @property
    def placement_limit_s(self) -> float:
        """The placement timeout that holds."""
        return self.placement_timeout_s or _PLACEMENT_TIMEOUTS_S[self.capacity]


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
    RESET = "reset"
    """The call is done; then its TCP connection is reset instead of an answer."""
    MALFORMED = "malformed"
    """The call is done; its answer is cut off in the middle of the JSON."""
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


class BackendFaultKind(enum.StrEnum):
    """What can be put in front of the studio's backend on purpose."""

    PORTAL = "portal"
    """200 with the HTML page of a hotel's network, whatever was asked."""
    BIG_JSON = "big_json"
    """200 with 64 MiB of JSON."""
    BAD_CERTIFICATE = "bad_certificate"
    """A certificate of an authority that nobody trusts; only of a backend on https."""
    NONE = "none"
    """Lift these faults."""


@dataclass(frozen=True, slots=True)
class BackendFault:
    """One fault of the next `times` requests or TLS handshakes; None is until lifted."""

    kind: BackendFaultKind
    times: int | None = 1

    def __post_init__(self) -> None:
        _check(self.times is None or self.times >= 1, "a backend fault happens at least once.")
