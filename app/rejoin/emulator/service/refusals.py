"""How the service refuses a call: the error types of its model, as exceptions."""

from __future__ import annotations

import enum

from rejoin.errors import ServiceError
from rejoin.service_model import lifecycle


class ErrorType(enum.StrEnum):
    """The service's error types, by their names in its model, which has their HTTP codes."""

    VALIDATION = "ValidationException"
    NOT_FOUND = "ResourceNotFoundException"
    CONFLICT = "ConflictException"
    INTERNAL = "InternalServerException"


class CallRefusedError(ServiceError):
    """The service refuses a call; `str()` is the Message that the caller gets."""

    code = "call_refused"

    def __init__(self, error_type: ErrorType, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


def wrong_status(kind: lifecycle.RefusalKind, message: str) -> CallRefusedError:
    """The refusal of a call that the current status does not allow."""
    if kind is lifecycle.RefusalKind.CONFLICT:
        return CallRefusedError(ErrorType.CONFLICT, message)
    return CallRefusedError(ErrorType.VALIDATION, message)
