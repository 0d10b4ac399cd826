"""The statuses of a stream session and their reasons, spelled as the service spells them."""

from __future__ import annotations

from typing import Final, NewType

Status = NewType("Status", str)
"""A stream session status as the service spells it; an unknown one is passed on as it is."""

StatusReason = NewType("StatusReason", str)
"""A status reason as the service spells it; an unknown one is passed on as it is."""

ACTIVATING: Final = Status("ACTIVATING")
ACTIVE: Final = Status("ACTIVE")
CONNECTED: Final = Status("CONNECTED")
PENDING_CLIENT_RECONNECTION: Final = Status("PENDING_CLIENT_RECONNECTION")
RECONNECTING: Final = Status("RECONNECTING")
TERMINATING: Final = Status("TERMINATING")
TERMINATED: Final = Status("TERMINATED")
ERROR: Final = Status("ERROR")

STATUSES: Final = (
    ACTIVATING,
    ACTIVE,
    CONNECTED,
    PENDING_CLIENT_RECONNECTION,
    RECONNECTING,
    TERMINATING,
    TERMINATED,
    ERROR,
)

PLACEMENT_TIMEOUT: Final = StatusReason("placementTimeout")
CONNECTION_TIMEOUT: Final = StatusReason("connectionTimeout")
RECONNECTION_TIMEOUT: Final = StatusReason("reconnectionTimeout")
IDLE_TIMEOUT: Final = StatusReason("idleTimeout")
MAX_SESSION_LENGTH_TIMEOUT: Final = StatusReason("maxSessionLengthTimeout")
API_TERMINATED: Final = StatusReason("apiTerminated")
APPLICATION_EXIT: Final = StatusReason("applicationExit")
INTERNAL_ERROR: Final = StatusReason("internalError")
INVALID_SIGNAL_REQUEST: Final = StatusReason("invalidSignalRequest")
APPLICATION_LOG_S3_DESTINATION_ERROR: Final = StatusReason("applicationLogS3DestinationError")
ASSUME_ROLE_FAILED: Final = StatusReason("assumeRoleFailed")

REASONS: Final = (
    PLACEMENT_TIMEOUT,
    CONNECTION_TIMEOUT,
    RECONNECTION_TIMEOUT,
    IDLE_TIMEOUT,
    MAX_SESSION_LENGTH_TIMEOUT,
    API_TERMINATED,
    APPLICATION_EXIT,
    INTERNAL_ERROR,
    INVALID_SIGNAL_REQUEST,
    APPLICATION_LOG_S3_DESTINATION_ERROR,
    ASSUME_ROLE_FAILED,
)

_ACCEPTS_CREATE: Final = frozenset({ACTIVE, PENDING_CLIENT_RECONNECTION})
_OVER: Final = frozenset({TERMINATED, ERROR})


def accepts_reconnect(status: str) -> bool:
    """Whether CreateStreamSessionConnection is documented as allowed; not in an unknown status."""
    return status in _ACCEPTS_CREATE


def is_terminal(status: str) -> bool:
    """Whether the session is over; False for an unknown status."""
    return status in _OVER


def is_live(status: str) -> bool:
    """Whether the game may still be running: every status but TERMINATING, TERMINATED and ERROR,
    also an unknown one."""
    return status != TERMINATING and status not in _OVER
