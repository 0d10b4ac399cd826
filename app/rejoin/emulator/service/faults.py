"""The faults that can be injected on purpose, as values: of stream, API, backend or script."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from rejoin.errors import BadInputError
from rejoin.netem.link import BOTH, Direction
from rejoin.netem.network_profile import PLACES, Place

# --- of a stream ----------------------------------------------------------------------------------


class FaultKind(enum.StrEnum):
    """The faults of a running stream."""

    SILENCE = "silence"
    """The relay drops both directions, STUN included."""
    FREEZE = "freeze"
    """The host process neither sends nor reacts (no media, no STUN answers); the game goes on."""
    NO_MEDIA = "no_media"
    """The host sends no RTP and reacts to everything else; the game goes on."""
    NO_PICTURE = "no_picture"
    """The host sends sound and no picture on the current connection, as for a paused game."""
    SLOW_START = "slow_start"
    """New connections get their first RTP `duration_s` (3 s if not given) after they are up."""
    GRACEFUL_CLOSE = "graceful_close"
    """The host closes the connection cleanly: RTCP BYE, SCTP abort, DTLS close."""
    DTLS_CLOSE = "dtls_close"
    """The host closes DTLS without any other goodbye."""
    PROFILE = "profile"
    """The relay follows a network profile (`netem/network_profile`)."""
    KILL = "kill"
    """The game process ends with a failure: the stream session goes to ERROR."""
    RESTART = "restart"
    """The game process hangs and is started again, as by a watchdog. The stream session goes on:
    its next connection is to the new game."""
    NONE = "none"
    """Clear the fault that lasts."""


FaultScope = Literal["existing", "all"]
FaultDirection = Literal["both", "up", "down"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `duration_s` None: until it is cleared, or as long as its profile says.

    `scope` applies to silence, no_media and profiles: "existing" affects the connections that exist
    now, as if their path had died; "all" affects new ones too. None is "all" for a profile and
    "existing" for the others.
    """

    kind: FaultKind
    duration_s: float | None = None
    scope: FaultScope | None = None
    profile: str | None = None
    """The name of the network profile."""
    direction: FaultDirection = "both"
    """Which packets the profile affects; up is from client to host."""
    seed: int = 1
    """The same seed, profile and packets lose and delay the same packets."""
    window_s: float | None = None
    """From now to the end of the reconnect window, for profiles that depend on it. None: the
    emulator's `notice_silent_client_s` and `connection_timeout_s` together."""

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
            _check_network_profile(self.profile)

    @property
    def for_all(self) -> bool:
        """Whether it affects connections that are made later, too."""
        if self.scope is None:
            return self.kind is FaultKind.PROFILE
        return self.scope == "all"

    @property
    def directions(self) -> frozenset[Direction]:
        """Which packets a profile affects."""
        return BOTH if self.direction == "both" else frozenset({Direction(self.direction)})


def _check_network_profile(profile: str) -> None:
    place = PLACES.get(profile)
    if place is None:
        known = ", ".join(name for name, each in PLACES.items() if each is Place.NETWORK)
        raise BadInputError(f"There is no such network profile; there are {known}.")
    if place is not Place.NETWORK:
        raise BadInputError(f"{profile} is no network profile: it is made by the {place.value}.")


# --- of the API -----------------------------------------------------------------------------------


class ApiFaultKind(enum.StrEnum):
    """The faults of calls of the emulated API."""

    THROTTLE = "throttle"
    """ThrottlingException, with Retry-After if `retry_after_s` is given."""
    INTERNAL = "internal"
    """InternalServerException, before anything is done."""
    SLOW = "slow"
    """The call is done at once, its answer is sent `delay_s` late."""
    HANG = "hang"
    """Nothing is done and nothing is answered until the caller gives up."""
    RESET = "reset"
    """The call is done; then its TCP connection is reset instead of an answer."""
    MALFORMED = "malformed"
    """The call is done; its answer is cut off in the middle of the JSON."""
    NONE = "none"
    """Clear the API faults."""


@dataclass(frozen=True, slots=True)
class ApiFault:
    """A fault of the next `times` calls (None: until cleared) of `operation` (None: of any)."""

    kind: ApiFaultKind
    operation: str | None = None
    times: int | None = 1
    delay_s: float = 0.0
    retry_after_s: float | None = None

    def __post_init__(self) -> None:
        _check_times(self.times)
        if not 0 <= self.delay_s <= 3600:
            raise BadInputError("An API fault delays by 0 to 3600 seconds.")
        if self.retry_after_s is not None and not 0 <= self.retry_after_s <= 3600:
            raise BadInputError("Retry-After is 0 to 3600 seconds.")


# --- of the backend -------------------------------------------------------------------------------


class BackendFaultKind(enum.StrEnum):
    """Faults in front of the studio's backend."""

    PORTAL = "portal"
    """200 with the HTML page of a captive portal, whatever the request."""
    BIG_JSON = "big_json"
    """200 with 64 MiB of JSON."""
    BAD_CERTIFICATE = "bad_certificate"
    """A certificate of a CA that no client trusts; only for a backend on https."""
    QUEUE = "queue"
    """Reconnects get 429 and a place in a queue, from `times` on. Each repeated request moves one
    place forward; a client that does not repeat within 3 s goes back to the end. None: the queue
    does not move."""
    NONE = "none"
    """Clear the backend faults."""


@dataclass(frozen=True, slots=True)
class BackendFault:
    """A fault of the next `times` requests or TLS handshakes; None: until cleared."""

    kind: BackendFaultKind
    times: int | None = 1

    def __post_init__(self) -> None:
        _check_times(self.times)


# --- of the input module's script -----------------------------------------------------------------


class ScriptFaultKind(enum.StrEnum):
    """Faults of the script that an answer names (`webSdkProtocolUrl`)."""

    SCRIPT_404 = "script_404"
    """404: there is no script."""
    SCRIPT_SLOW = "script_slow"
    """The script arrives three seconds late."""
    SCRIPT_UNANSWERED = "script_unanswered"
    """Nothing is answered until the caller gives up."""
    SCRIPT_HANG = "script_hang"
    """A script whose evaluation does not end."""
    SCRIPT_THROWS = "script_throws"
    """A script that throws an exception."""
    SCRIPT_HUGE = "script_huge"
    """64 MiB of script."""
    NONE = "none"
    """Clear the script faults."""


@dataclass(frozen=True, slots=True)
class ScriptFault:
    """A fault of the next `times` requests for the script; None: until cleared."""

    kind: ScriptFaultKind
    times: int | None = 1

    def __post_init__(self) -> None:
        _check_times(self.times)


ArmedFault = TypeVar("ArmedFault", ApiFault, BackendFault, ScriptFault)


def take_oldest(
    armed: list[ArmedFault], applies: Callable[[ArmedFault], bool]
) -> ArmedFault | None:
    """The oldest armed fault that applies, counted down; the last time removes it."""
    for place, fault in enumerate(armed):
        if not applies(fault):
            continue
        if fault.times == 1:
            del armed[place]
        elif fault.times is not None:
            armed[place] = replace(fault, times=fault.times - 1)
        return fault
    return None


def _check_times(times: int | None) -> None:
    if times is not None and times < 1:
        raise BadInputError("A fault happens at least once.")
