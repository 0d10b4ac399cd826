"""What the routes of AWS's two sample backends share: request bodies, tokens and ids.

They are weak on purpose where AWS's samples are: see `aws_bundle` and `aws_react`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request

from rejoin.backend.bodies import BodyError, BodyFault, read_body
from rejoin.backend.configuration import BackendSettings
from rejoin.backend.service import ServiceFault, StreamServiceError
from rejoin.backend.store.schema import is_storable
from rejoin.errors import RejoinError

CALL_BUDGET_S: Final = 60.0
"""The samples set no time-out; this is boto3's default for one read."""


class BadBodyError(RejoinError):
    """A request body that the sample's framework would refuse, with the HTTP status it uses."""

    code = "bad_body"

    def __init__(self, http_status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.http_status = http_status


_BAD_BODIES: Final = {
    BodyFault.TOO_LARGE: (413, "The body is too large."),
    BodyFault.TOO_SLOW: (408, "The body took too long."),
}


async def json_body(request: Request, max_bytes: int) -> Any:
    """The body as JSON; None when it is empty. Raises `BadBodyError` (400, 408, 413)."""
    announced = request.headers.get("Content-Length", "")
    try:
        body = await read_body(request.stream(), announced, max_bytes)
    except BodyError as error:
        raise BadBodyError(*_BAD_BODIES[error.fault]) from None
    except ClientDisconnect:
        raise BadBodyError(400, "The body is not complete.") from None
    if not body:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BadBodyError(400, "The body is not JSON.") from None


def text_of(body: Any, name: str) -> str:
    """A string of the body that a database can look up; "" where there is none."""
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) and is_storable(value) else ""


def client_token() -> str:
    """What the SDK fills in where the caller gives none: a new one for each call."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class OfferedApplications:
    """The stream group and the applications that a request may name, as ids or ARNs.

    The samples pass on whatever a browser names, and AWS refuses what the account does not have.
    For this backend the configuration stands for the account.
    """

    stream_group: str
    application: str
    applications: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: BackendSettings) -> OfferedApplications:
        return cls(settings.stream_group, settings.application, settings.applications)

    def application_name(self, stream_group: str, application: str) -> str | None:
        """What `StreamService.start` calls the application. Raises `StreamServiceError`."""
        if _id(stream_group) != _id(self.stream_group):
            raise _no_such()
        if not application or _id(application) == _id(self.application):
            return None
        for name, identifier in self.applications.items():
            if _id(application) == _id(identifier):
                return name
        raise _no_such()


def _id(identifier: str) -> str:
    """The id in an ARN; an id stays as it is."""
    return identifier.rpartition("/")[2]


def _no_such() -> StreamServiceError:
    return StreamServiceError(
        ServiceFault.NOT_FOUND, "There is no such stream group or application."
    )
