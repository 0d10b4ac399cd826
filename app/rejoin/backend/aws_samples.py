"""What the route sets of AWS's two sample backends share: bodies, ids, and calls that may fail.

They are weak on purpose, where AWS's samples are: see `bundle` and `react`. What a client sent is
never in a log record here either.
"""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
import uuid
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from starlette.requests import ClientDisconnect, Request

from rejoin.backend.configuration import BackendSettings
from rejoin.backend.service import ServiceFault, StreamServiceError
from rejoin.errors import RejoinError

_log = logging.getLogger("rejoin.backend.aws_samples")
_Result = TypeVar("_Result")

CALL_BUDGET_S: Final = 60.0
"""The samples set no time-out of their own; this is boto3's default for one read."""
_BODY_PATIENCE_S: Final = 10.0


class BodyError(RejoinError):
    """A request body that the sample's framework would not hand on; `http_status` is its word."""

    code = "body"

    def __init__(self, http_status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.http_status = http_status


async def json_body(request: Request, max_bytes: int) -> Any:
    """The body as JSON; None when it is empty. Raises `BodyError` (400, 408, 413)."""
    too_big = BodyError(413, "The body is too large.")
    length = request.headers.get("Content-Length", "")
    if length.isdecimal() and int(length[:12]) > max_bytes:
        raise too_big
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_PATIENCE_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > max_bytes:
                    raise too_big
    except TimeoutError:
        raise BodyError(408, "The body took too long.") from None
    except ClientDisconnect:
        raise BodyError(400, "The body is not whole.") from None
    if not body:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BodyError(400, "The body is not JSON.") from None


def text_of(body: Any, name: str) -> str:
    """A string of the body; "" where there is none."""
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) else ""


def client_token() -> str:
    """What the SDK fills in when it is given none: another one for each call."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Offered:
    """The stream group and the applications that a request may name, as ids or ARNs.

    The samples pass on whatever a browser names, and AWS refuses what the account does not have.
    This backend's account is its configuration.
    """

    stream_group: str
    application: str
    applications: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: BackendSettings) -> Offered:
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


async def attempted(work: Coroutine[Any, Any, _Result]) -> _Result | StreamServiceError:
    """The outcome of a call to the service, its failure as a value."""
    try:
        return await work
    except StreamServiceError as error:
        return error
    except Exception as error:
        # Our own fault. Its text may quote the request, so only where it happened is logged.
        frames = traceback.extract_tb(error.__traceback__)
        where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
        _log.error("unexpected %s at %s", type(error).__name__, where)
        return StreamServiceError(ServiceFault.FAILED, "The backend failed; its log says where.")
