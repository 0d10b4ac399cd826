"""The emulator's assumptions: everything unknown about the service is a setting with a default.

"Documented" means that AWS's service model or developer guide says so. "Assumed" means that nobody
outside AWS knows: the default is a guess, and no client may rely on it. Times are seconds.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast, get_args, get_origin, get_type_hints

from rejoin.errors import BadInputError

_MAX_WHOLE: Final = 2**53
"""Below this a float holds every whole number."""
_LARGE_PICTURE_QUANTIZER: Final = 20
"""The loss is invisible, and unchanged parts of the picture cost nothing."""
_PLACEMENT_TIMEOUTS_S = {"always_on": 75.0, "on_demand_linux": 90.0, "on_demand_windows": 600.0}
"""By kind of capacity, as the reference of StartStreamSession documents them."""


@dataclass(frozen=True, slots=True)
class EmulatorSettings:
    """How this emulator behaves. The defaults are what `rejoin studio` starts with."""

    # --- names and credentials (made up, in the shapes of service.md) ---
    region: str = "us-west-2"
    """The Region in its ARNs, and the one that requests must be signed for."""
    account_id: str = "111122223333"
    """The account in its ARNs."""
    stream_group_ids: tuple[str, ...] = ("sg-1AB2C3De4",)
    """The stream groups that exist."""
    stream_group_status: str = "ACTIVE"
    """The status of every stream group, one of the model's. Documented: only an ACTIVE one starts
    sessions. Assumed: only an ACTIVE one lets a client reconnect."""
    application_ids: tuple[str, ...] = ("a-9ZY8X7Wv6",)
    """The applications, all associated with every stream group; the first is their default one.
    Each is a game of its own: the n-th one's seed is `seed` and n."""
    access_key_id: str = "AKIAREJOINEMULATOR00"
    """Made up: accepted here and nowhere else."""
    secret_access_key: str = field(default="rejoin-emulator-has-no-secrets", repr=False)
    """Made up: signatures are checked with it, so that a wrong key fails here as it does at AWS."""

    # --- timers ---
    connection_timeout_s: int = 120
    """Documented default of ConnectionTimeoutSeconds (1 to 3600)."""
    session_length_s: int = 43200
    """Documented default of SessionLengthSeconds (1 to 86400)."""
    idle_timeout_s: float = 3600.0
    """Documented: 60 minutes CONNECTED without input."""
    capacity: Literal["always_on", "on_demand_linux", "on_demand_windows"] = "always_on"
    """The kind of capacity that sessions are placed on; Linux includes Proton."""
    hosts: int = 0
    """How many stream sessions a stream group has hosts for; 0: any number. Documented: one more
    waits for a host until its placement timeout. Assumed: they get hosts in the order of their
    starts, and a host is free as soon as its session is over."""
    placement_timeout_s: float = 0.0
    """0: as documented for the capacity: 75 always-on, 90 on-demand Linux, 600 on-demand
    Windows."""
    placement_s: float = 0.2
    """Assumed: how long finding a host takes. From the placement timeout on none is found."""
    create_latency_s: float = 0.0
    """Assumed: how long CreateStreamSessionConnection takes before the host makes its answer."""
    answer_delay_s: float = 0.0
    """Assumed: how long it then delays the finished answer; the session stays RECONNECTING."""
    terminating_s: float = 0.05
    """Assumed: how long a session stays TERMINATING."""
    token_lifetime_s: float = 86400.0
    """Assumed: how long a ClientToken is remembered."""
    ended_session_kept_s: float = 86400.0
    """Assumed: how long GetStreamSession still finds a stream session that has ended."""

    # --- when the service notices that a client is gone ---
    notice_silent_client_s: float = 5.0
    """Assumed: the time from a silence to PENDING_CLIENT_RECONNECTION."""
    notice_silent_client_min_s: float = 3.0
    """Our choice: without an injected fault a silence is reported no sooner than this."""
    ice_checks_keep_connected: bool = True
    """Assumed: whether a client that sends nothing but ICE checks keeps its session CONNECTED.
    False: only media reports, data and DTLS do."""
    follows_new_address: bool = True
    """Assumed: whether a host sends to a new address once a nominating ICE check came from there,
    as after a NAT gave the client another port (RFC 8445, 7.3.1.5). False: the host still
    receives from such a client but sends to the old address, and only a reconnect helps."""
    notice_graceful_close_s: float = 0.0
    """Assumed: the time from a clean close to PENDING_CLIENT_RECONNECTION."""

    # --- answers whose type or content is unknown ---
    wrong_status_error: Literal["conflict", "validation"] = "conflict"
    """Assumed: the error of a create or terminate call in the wrong status."""
    window_restarts_at_active: bool = True
    """Documented for PENDING_CLIENT_RECONNECTION and for ACTIVE. Assumed: the ACTIVE after a
    reconnect gets a full window too. False: it gets what was left of the window before."""
    reason_after_failed_reconnect: Literal["reconnectionTimeout", "connectionTimeout"] = (
        "reconnectionTimeout"
    )
    """Assumed: the reason when no client connects in the ACTIVE after a reconnect."""
    get_shows_connection: Literal["latest", "first"] = "latest"
    """Assumed: whose SignalRequest and SignalResponse GetStreamSession shows after a reconnect."""
    reused_offer_fails: Literal["call", "session"] = "call"
    """Assumed: what an offer that was used before fails: the call (ValidationException), or also
    the session (ERROR `invalidSignalRequest`, documented for a bad offer at start *and*
    reconnect)."""
    bad_offer_fails: Literal["call", "session"] = "session"
    """What a bad offer in a create call fails, as above. Documented: it can fail the session.
    Assumed: it does. At start it always does."""
    disconnect_reason: Literal["terminated", "status_reason"] = "terminated"
    """What `serverDisconnect` says at every end but an idle one. Documented: "idle" and
    "terminated", others reserved. "status_reason": the StatusReason, as a client must bear it."""
    requests_per_s: float = 20.0
    """Documented: the limit per operation, account and Region. Assumed: the burst is that of one
    second."""
    list_lag_s: float = 0.0
    """Assumed: how old the statuses in a list of stream sessions are."""

    # --- without a host (`rejoin studio --no-host`) ---
    absent_client_connects_s: float = 0.2
    """How long after an answer its client counts as connected."""
    absent_client_stays_s: float = 0.0
    """How long it then stays, from 0.4 on; 0: until a fault."""

    # --- the game ---
    width: int = 1920
    """The width of the virtual monitor where StartStreamSession has no DisplayConfiguration;
    documented default of the service."""
    height: int = 1080
    """Its height; documented default."""
    resolution_scale: float = 1.0
    """Share of the monitor's width and height that pictures are sent with; a change applies to
    running streams at once, as the service's dynamic resolution does (documented: on by default
    from Web SDK 1.3.0 on). Assumed: that sizes are rounded down to even numbers."""
    fps: int = 60
    """Pictures a second."""
    bitrate_bps: int = 8_000_000
    """The most that is sent. The game's pictures need less than 7 Mbit/s at 1280x720 and 60 fps
    (measured with 30 Mbit/s allowed); see `finest_quantizer` for larger ones."""
    constant_bitrate: bool = False
    """Whether filler data makes up for what the picture does not need, as in hardware encoders with
    a constant bitrate, so that the network always carries all of `bitrate_bps`."""
    finest_quantizer: int = 0
    """H.264's quantizer below which pictures are not refined, up to 51. 0: 20 for pictures larger
    than 1280x720, none for others, at little more than half of the processor time (ADR 0080).
    `constant_bitrate` fills the network all the same."""
    strip_pictures: bool = True
    """Our choice, to need less processor time: at 1920x1080, with more than 30 pictures a second
    and 3 Mbit/s or more, every second picture is the one before with a strip of its own (ADR 0091).
    From the next connection on."""
    modelled_media: bool = False
    """Our choice, for many players: pictures are black and 64x64, and there is no sound; from the
    next connection on."""
    seed: int = 1
    """The same seed gives the same game."""
    heartbeat_s: float = 0.0
    """Our choice: how often the game sends an application message with its count of ticks and the
    id of its start, as a studio's game may do; 0: never. From the next connection on."""

    # --- the network ---
    relay_ports: tuple[int, int] = (33435, 33465)
    """First and last UDP port that clients send to (documented range); (0, 0): any port."""
    dtls_role: Literal["client", "server"] = "client"
    """Assumed: the host's DTLS role if the offer leaves it the choice. "client" (`a=setup:active`)
    is what libwebrtc answers. With "server" the client starts the handshake, and is connected one
    round trip sooner."""
    round_trip_s: float = 0.0
    """The round trip between client and host while no network profile applies."""
    loss: float = 0.0
    """Share of the packets that are then lost in each direction, independently."""
    packetization_mode: Literal[0, 1] = 1
    """Assumed: the H.264 packetization mode that the host sends in (RFC 6184, 6), from the next
    connection on. Mode 0 has single NAL units only: pictures are cut into slices that fit."""
    end_raises_channel_errors: bool = True
    """Assumed: whether a connection that the host closes ends with an SCTP ABORT, for which a
    browser raises an error on each data channel (measured in Chromium 156), or with DTLS alone,
    for which it only closes them."""
    acknowledges_channels: bool = True
    """Assumed: whether the host acknowledges data channels (DATA_CHANNEL_ACK, RFC 8832), from the
    next connection on. Without it aiortc's channels never open; Chromium's and Rejoin's do."""
    congestion_feedback: Literal["both", "goog-remb", "transport-cc"] = "both"
    """Assumed: what the host's congestion control reads, of what the client offers, from the next
    connection on. With "both" it takes both and obeys transport-wide feedback while that comes, as
    libwebrtc does."""
    protocol_url_varies: bool = False
    """Assumed: whether the URL of the input module's script has a query that differs in each
    answer, as a signed one has."""
    answers_nack: bool = True
    """Assumed: whether the host retransmits after a NACK, from the next connection on."""
    takes_microphone: bool = True
    """Assumed: that a host takes the client's sound where the client offers it (the Web SDK's
    `enableMicrophone`). False: its answer sends sound alone. From the next connection on."""
    answers_pli: bool = True
    """Assumed: whether the host takes PLI and sends a key frame for it, from the next connection
    on. False: its answer leaves PLI out, and only FIR (RFC 5104) brings a key frame."""

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
            "answer_delay_s",
            "create_latency_s",
            "terminating_s",
            "notice_silent_client_s",
            "notice_silent_client_min_s",
            "notice_graceful_close_s",
            "list_lag_s",
            "absent_client_connects_s",
            "absent_client_stays_s",
            "heartbeat_s",
        ):
            _check(0 <= getattr(self, name) < float("inf"), f"{name} is 0 or more.")
        for name, allowed in (
            ("capacity", tuple(_PLACEMENT_TIMEOUTS_S)),
            ("wrong_status_error", ("conflict", "validation")),
            ("reason_after_failed_reconnect", ("reconnectionTimeout", "connectionTimeout")),
            ("get_shows_connection", ("latest", "first")),
            ("reused_offer_fails", ("call", "session")),
            ("disconnect_reason", ("terminated", "status_reason")),
            ("bad_offer_fails", ("call", "session")),
            ("dtls_role", ("client", "server")),
            ("congestion_feedback", ("both", "goog-remb", "transport-cc")),
            ("packetization_mode", (0, 1)),
        ):
            _check(
                getattr(self, name) in allowed, f"{name} is one of {', '.join(map(str, allowed))}."
            )
        _check(0.25 <= self.resolution_scale <= 1, "resolution_scale is 0.25 to 1.")
        _check(0 <= self.round_trip_s <= 10, "round_trip_s is 0 to 10.")
        _check(0 <= self.loss < 1, "loss is 0 or more and less than 1.")
        _check(bool(self.stream_group_ids), "There is at least one stream group.")
        _check(bool(self.application_ids), "There is at least one application.")
        _check(self.hosts >= 0, "hosts is 0 or more.")
        _check(
            re.fullmatch("[A-Z_]{1,40}", self.stream_group_status) is not None,
            "stream_group_status is a word such as ACTIVE.",
        )
        _check(
            16 <= self.width <= 4096 and 16 <= self.height <= 4096,
            "The picture is 16x16 to 4096x4096.",
        )
        _check(1 <= self.fps <= 240, "fps is 1 to 240.")
        _check(self.bitrate_bps > 0, "bitrate_bps is above 0.")
        _check(0 <= self.finest_quantizer <= 51, "finest_quantizer is 0 to 51.")
        _check(len(self.relay_ports) == 2, "relay_ports are two ports.")
        first, last = self.relay_ports
        _check(
            (first, last) == (0, 0) or 1024 <= first <= last <= 65535,
            "relay_ports are two ports in order, from 1024 on.",
        )

    def changed(self, changes: Mapping[str, object]) -> EmulatorSettings:
        """A copy with other values, by name. Raises `BadInputError` for wrong values."""
        known = {one.name for one in dataclasses.fields(self)}
        unknown = sorted(set(changes) - known)
        if unknown:
            raise BadInputError(f"The emulator has no setting named {unknown[0]}.")
        values = {name: _of_type(name, value) for name, value in changes.items()}
        return dataclasses.replace(self, **cast("dict[str, Any]", values))

    @property
    def application_id(self) -> str:
        """The application that stream groups have as their default one."""
        return self.application_ids[0]

    @property
    def picture_size(self) -> tuple[int, int]:
        """Width and height of the pictures that are sent, in pixels: even numbers."""
        width, height = (int(side * self.resolution_scale) for side in (self.width, self.height))
        return width - width % 2, height - height % 2

    @property
    def quantizer_limit(self) -> int:
        """The quantizer below which pictures are not refined; 0: none."""
        large = self.width * self.height > 1280 * 720
        return self.finest_quantizer or (_LARGE_PICTURE_QUANTIZER if large else 0)

    @property
    def placement_limit_s(self) -> float:
        """The placement timeout that applies."""
        return self.placement_timeout_s or _PLACEMENT_TIMEOUTS_S[self.capacity]


_TYPES: Final = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    tuple: "a list",
}
"""What `changed` requires for a setting of each type."""


@functools.cache
def _field_types() -> dict[str, tuple[type, type | None]]:
    """The type of each setting, from its declaration, and that of its members if it is a tuple."""
    types: dict[str, tuple[type, type | None]] = {}
    for name, hint in get_type_hints(EmulatorSettings).items():
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is Literal:
            types[name] = (type(arguments[0]), None)
        elif origin is tuple:
            types[name] = (tuple, arguments[0])
        else:
            types[name] = (hint, None)
    return types


def setting_from_text(name: str, text: str) -> object:
    """The value of a typed text for this setting; commas separate the members of a list.

    A text that does not fit is returned unchanged, and `EmulatorSettings.changed` refuses it.
    Raises `BadInputError` if there is no such setting.
    """
    wanted, member = _field_types().get(name, (None, None))
    if wanted is None:
        raise BadInputError(f"The emulator has no setting named {name}.")
    if member is not None:
        return tuple(_from_text(member, each.strip()) for each in text.split(","))
    return _from_text(wanted, text)


def _from_text(wanted: type, text: str) -> object:
    if wanted is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    if wanted in (int, float):
        with contextlib.suppress(ValueError, OverflowError):
            number = wanted(text)
            if math.isfinite(number):  # JSON, which brings it to the emulator, has no others.
                return number
    return text


def _of_type(name: str, value: object) -> object:
    """The value as this setting's type: a whole number fits a setting that takes any number.

    Raises `BadInputError`.
    """
    wanted, member = _field_types()[name]
    if wanted is float and type(value) is int and abs(value) < _MAX_WHOLE:
        return float(value)
    if member is not None and isinstance(value, list | tuple):
        # JSON has lists alone.
        value = tuple(value)
        if any(type(each) is not member for each in value):
            raise BadInputError(
                f"Each member of the emulator's setting {name} must be {_TYPES[member]}."
            )
    if type(value) is not wanted:
        raise BadInputError(f"The emulator's setting {name} must be {_TYPES[wanted]}.")
    return value


def _check(fine: bool, sentence: str) -> None:
    if not fine:
        raise BadInputError(f"The emulator cannot use this setting: {sentence}")
