"""The service's REST API (rest-json, SigV4) over the emulated service, good enough for boto3.

Paths, shapes, limits, patterns and HTTP codes come from botocore's own service model at run time:
what a newer botocore adds to the emulated operations is checked and shown without a change here.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import hashlib
import hmac
import json
import logging
import os
import re
import socket
import struct
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import botocore.loaders
from botocore import xform_name
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.model import (
    ListShape,
    MapShape,
    OperationModel,
    ServiceModel,
    Shape,
    StructureShape,
)
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from rejoin.emulator.service.sessions import (
    CallFault,
    CallRefusedError,
    StartRequest,
    StreamSession,
    StreamSessions,
)
from rejoin.emulator.service.settings import ApiFault, ApiFaultKind
from rejoin.errors import BadInputError

SERVICE_NAME: Final = "gameliftstreams"
BODY_LIMIT_BYTES: Final = 512 * 1024
"""Assumed: the model names no limit; ours is twice what a SignalRequest may be."""
_CLOCK_SKEW_S: Final = 900.0
_PAGE: Final = 25

EMULATED_OPERATIONS: Final = (
    "StartStreamSession",
    "GetStreamSession",
    "ListStreamSessions",
    "ListStreamSessionsByAccount",
    "CreateStreamSessionConnection",
    "TerminateStreamSession",
    "GetStreamGroup",
    "ListStreamGroups",
    "GetApplication",
    "ListApplications",
)
"""What is answered here; every other operation of the model is an unknown one."""

_log = logging.getLogger("rejoin.emulator.service.api")

Params = dict[str, Any]


class ApiFaults:
    """The API faults that are armed, oldest first, and how often each operation was called."""

    def __init__(self) -> None:
        self._armed: list[ApiFault] = []
        self._calls: Counter[str] = Counter()

    def arm(self, fault: ApiFault) -> None:
        """Arm one more fault; `NONE` lifts all. Raises `BadInputError` for an operation that is
        not emulated."""
        if fault.operation not in (None, *EMULATED_OPERATIONS):
            raise BadInputError("The emulator has no such operation to put a fault into.")
        if fault.kind is ApiFaultKind.NONE:
            self._armed.clear()
        else:
            self._armed.append(fault)

    def take(self, operation: str) -> ApiFault | None:
        """Count a call of this operation; the fault that it gets."""
        self._calls[operation] += 1
        for place, fault in enumerate(self._armed):
            if fault.operation not in (None, operation):
                continue
            if fault.times == 1:
                del self._armed[place]
            elif fault.times is not None:
                self._armed[place] = dataclasses.replace(fault, times=fault.times - 1)
            return fault
        return None

    def describe(self) -> dict[str, object]:
        """What is armed and what was called, as JSON values for the control API."""
        return {
            "api_faults": [dataclasses.asdict(fault) for fault in self._armed],
            "api_calls": dict(sorted(self._calls.items())),
        }


def build_app(service: StreamSessions, faults: ApiFaults | None = None) -> Starlette:
    """The API of this service as an ASGI application. It does not close the service."""
    api = _Api(service, faults or ApiFaults())
    every = Route("/{rest:path}", api.answer)
    every.methods = None  # Any method gets an error in the service's own shape.
    return Starlette(routes=[every])


class _HttpError(Exception):
    """An error that is not one of the service's own calls: signature, path, throttling."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})


class _Bucket:
    """A token bucket that holds one second's worth."""

    def __init__(self, now: float, rate: float) -> None:
        self._at = now
        self._left = rate

    def take(self, now: float, rate: float) -> bool:
        self._left = min(rate, self._left + (now - self._at) * rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class _Api:
    def __init__(self, service: StreamSessions, faults: ApiFaults) -> None:
        self._service = service
        self._faults = faults
        self._created_wall_s = service.wall_s()
        model = botocore.loaders.create_loader().load_service_model(SERVICE_NAME, "service-2")
        self._model = ServiceModel(model, SERVICE_NAME)
        self._buckets: dict[str, _Bucket] = {}
        calls: dict[str, Callable[[Params], Awaitable[Params]]] = {
            name: getattr(self, f"_{xform_name(name)}") for name in EMULATED_OPERATIONS
        }
        self._calls = calls
        self._operations = [self._model.operation_model(name) for name in calls]
        self._paths = {
            operation.name: _path_pattern(str(operation.http["requestUri"]))
            for operation in self._operations
        }

    # --- HTTP ---

    async def answer(self, request: Request) -> Response:
        """Any request to its response."""
        request_id = str(uuid.uuid4())
        try:
            response = await self._answer(request)
        except _HttpError as error:
            response = _error(error.status, error.code, str(error), error.headers)
        except CallRefusedError as refusal:
            response = self._modelled_error(refusal.fault, str(refusal))
        except ClientDisconnect:
            response = Response(status_code=400)
        except Exception:
            _log.exception("a call of the emulated API failed")
            response = self._modelled_error(CallFault.INTERNAL, "The emulator failed.")
        response.headers["x-amzn-RequestId"] = request_id
        return response

    async def _answer(self, request: Request) -> Response:
        operation, uri = self._route(request)
        body = await _body(request)
        self._check_signature(request, body)
        self._throttle(operation.name)
        fault = self._faults.take(operation.name)
        match fault:
            case ApiFault(kind=ApiFaultKind.THROTTLE):
                retry_after_s = fault.retry_after_s
                raise self._too_many(
                    None if retry_after_s is None else {"Retry-After": f"{retry_after_s:g}"}
                )
            case ApiFault(kind=ApiFaultKind.INTERNAL):
                raise CallRefusedError(CallFault.INTERNAL, "An injected internal error.")
            case ApiFault(kind=ApiFaultKind.HANG):
                await request.receive()  # The body is read: what comes next is the disconnect.
                raise ClientDisconnect
            case _:
                pass
        params = _read_request(operation, uri, request, body)
        result = await self._calls[operation.name](params)
        code = int(operation.http.get("responseCode", 200))
        shape = operation.output_shape
        text = "" if shape is None else json.dumps(_written(shape, result))
        match fault:
            case ApiFault(kind=ApiFaultKind.SLOW):
                await asyncio.sleep(fault.delay_s)  # Callers' patience is of real seconds.
            case ApiFault(kind=ApiFaultKind.RESET):
                await _reset(request)
            case ApiFault(kind=ApiFaultKind.MALFORMED):
                text = text[: len(text) // 2] or "{"
            case _:
                pass
        if not text:
            return Response(status_code=code)
        if code == 204:
            code = 200  # A 204 has no body that could be malformed.
        return Response(text, status_code=code, media_type="application/json")

    def _route(self, request: Request) -> tuple[OperationModel, dict[str, str]]:
        # ARNs come with their slashes encoded, so only the raw path still tells segments apart.
        raw = request.scope.get("raw_path") or request.scope["path"].encode()
        path = raw.partition(b"?")[0].decode("latin-1")
        for operation in self._operations:
            if operation.http["method"] != request.method:
                continue
            found = self._paths[operation.name].fullmatch(path)
            if found is not None:
                return operation, {name: unquote(text) for name, text in found.groupdict().items()}
        raise _HttpError(
            404, "UnknownOperationException", "The emulator has no such operation and path."
        )

    def _throttle(self, operation: str) -> None:
        now = self._service.timers.now()
        rate = self._service.settings.requests_per_s
        bucket = self._buckets.setdefault(operation, _Bucket(now, rate))
        if not bucket.take(now, rate):
            raise self._too_many()

    def _too_many(self, headers: Mapping[str, str] | None = None) -> _HttpError:
        code = "ThrottlingException"
        return _HttpError(self._http_code(code), code, "Rate exceeded.", headers)

    def _http_code(self, error_code: str) -> int:
        shape = self._model.shape_for(error_code)
        return int(shape.metadata["error"]["httpStatusCode"])

    def _modelled_error(self, fault: CallFault, message: str) -> Response:
        return _error(self._http_code(fault.value), fault.value, message)

    def _check_signature(self, request: Request, body: bytes) -> None:
        """SigV4, checked by signing again with botocore's own signer."""
        given = _Authorization.read(request.headers.get("authorization"))
        settings = self._service.settings
        if given.access_key_id != settings.access_key_id:
            raise _HttpError(
                403,
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )
        timestamp = request.headers.get("x-amz-date", "")
        try:
            signed_at = datetime.datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(
                tzinfo=datetime.UTC
            )
        except ValueError:
            raise _bad_signature("The X-Amz-Date header is missing or malformed.") from None
        if abs(signed_at.timestamp() - self._service.wall_s()) > _CLOCK_SKEW_S:
            raise _bad_signature("The signature is too old or too new.")
        scope = (timestamp[:8], settings.region, self._model.signing_name, "aws4_request")
        if given.scope != scope or "host" not in given.signed_headers:
            raise _bad_signature("The credential is scoped to another day, Region or service.")
        again = AWSRequest(
            method=request.method,
            url=_raw_url(request),
            headers={name: request.headers.get(name, "") for name in given.signed_headers},
            data=body,
        )
        stated_sha256 = request.headers.get("x-amz-content-sha256")
        if stated_sha256 not in (None, hashlib.sha256(body).hexdigest()):
            raise _bad_signature("The body is not the one that was signed.")
        again.context["timestamp"] = timestamp
        signer = SigV4Auth(
            Credentials(settings.access_key_id, settings.secret_access_key),
            self._model.signing_name,
            settings.region,
        )
        canonical = signer.canonical_request(again)
        expected = signer.signature(signer.string_to_sign(again, canonical), again)
        if not hmac.compare_digest(expected, given.signature):
            raise _bad_signature("The signature does not match; check the secret access key.")

    # --- the operations ---

    async def _start_stream_session(self, params: Params) -> Params:
        output = self._model.operation_model("StartStreamSession").output_shape
        taken = {
            "Identifier",
            "ApplicationIdentifier",
            "SignalRequest",
            "ClientToken",
            "ConnectionTimeoutSeconds",
            "SessionLengthSeconds",
            "Locations",
        }
        shown = set(output.members) if isinstance(output, StructureShape) else set()
        session = await self._service.start_session(
            StartRequest(
                group=params["Identifier"],
                application=params["ApplicationIdentifier"],
                signal_request=params["SignalRequest"],
                client_token=params.get("ClientToken"),
                connection_timeout_s=params.get("ConnectionTimeoutSeconds"),
                session_length_s=params.get("SessionLengthSeconds"),
                location=params.get("Locations", [None])[0],
                extras={name: params[name] for name in params if name in shown - taken},
            )
        )
        return self._shown_session(session)

    async def _get_stream_session(self, params: Params) -> Params:
        return self._shown_session(
            self._service.session(params["Identifier"], params["StreamSessionIdentifier"])
        )

    async def _list_stream_sessions(self, params: Params) -> Params:
        return self._listed_sessions(self._service.sessions(params["Identifier"]), params)

    async def _list_stream_sessions_by_account(self, params: Params) -> Params:
        return self._listed_sessions(self._service.sessions(), params)

    def _listed_sessions(self, found: list[StreamSession], params: Params) -> Params:
        if "ExportFilesStatus" in params:
            found = []  # Nothing is ever exported here.
        if "Status" in params:
            found = [session for session in found if session.status == params["Status"]]
        return _page(
            [(session.session_id, self._shown_session(session)) for session in found], params
        )

    async def _create_stream_session_connection(self, params: Params) -> Params:
        answer = await self._service.create_connection(
            params["Identifier"],
            params["StreamSessionIdentifier"],
            params["SignalRequest"],
            params.get("ClientToken"),
        )
        return {"SignalResponse": answer}

    async def _terminate_stream_session(self, params: Params) -> Params:
        self._service.terminate_session(params["Identifier"], params["StreamSessionIdentifier"])
        return {}

    async def _get_stream_group(self, params: Params) -> Params:
        return self._shown_group(self._service.group(params["Identifier"]))

    async def _list_stream_groups(self, params: Params) -> Params:
        group_ids = self._service.settings.stream_group_ids
        return _page([(group_id, self._shown_group(group_id)) for group_id in group_ids], params)

    def _shown_group(self, group_id: str) -> Params:
        service = self._service
        application = service.settings.application_id
        application_arn = service.arn(f"application/{application}")
        return {
            "Arn": service.arn(f"streamgroup/{group_id}"),
            "Id": group_id,
            "Description": "Rejoin emulator",
            "Status": service.settings.stream_group_status,
            "StreamClass": "gen5n_high",
            "DefaultApplication": {"Id": application, "Arn": application_arn},
            "LocationStates": [{"LocationName": service.settings.region, "Status": "ACTIVE"}],
            "AssociatedApplications": [application_arn],
            "CreatedAt": self._created_wall_s,
            "LastUpdatedAt": self._created_wall_s,
        }

    async def _get_application(self, params: Params) -> Params:
        return self._shown_application(self._service.application(params["Identifier"]))

    async def _list_applications(self, params: Params) -> Params:
        application = self._service.settings.application_id
        return _page([(application, self._shown_application(application))], params)

    def _shown_application(self, application: str) -> Params:
        service = self._service
        return {
            "Arn": service.arn(f"application/{application}"),
            "Id": application,
            "Description": "Rejoin emulator game",
            "Status": "READY",
            "RuntimeEnvironment": {"Type": "UBUNTU", "Version": "22_04_LTS"},
            "ExecutablePath": "rejoin-game",
            "AssociatedStreamGroups": [
                service.arn(f"streamgroup/{group_id}")
                for group_id in service.settings.stream_group_ids
            ],
            "CreatedAt": self._created_wall_s,
            "LastUpdatedAt": self._created_wall_s,
        }

    @staticmethod
    def _shown_session(session: StreamSession) -> Params:
        """Every member that a session can show; the output shape picks those that it has."""
        return {
            **session.extras,
            "Arn": session.arn,
            "StreamGroupId": session.group_id,
            "Status": session.status,
            "StatusReason": session.reason,
            "Location": session.location,
            "SignalRequest": session.signal_request,
            "SignalResponse": session.signal_response,
            "WebSdkProtocolUrl": _protocol_url(session.signal_response),
            "ConnectionTimeoutSeconds": session.connection_timeout_s,
            "SessionLengthSeconds": session.session_length_s,
            "ApplicationArn": session.application_arn,
            "CreatedAt": session.created_wall_s,
            "LastUpdatedAt": session.updated_wall_s,
            "ApplicationStartedAt": session.application_started_wall_s,
            "StreamingStartedAt": session.streaming_started_wall_s,
            "StreamingEndedAt": session.streaming_ended_wall_s,
        }


# --- requests and responses by the model ----------------------------------------------------------


def _page(items: list[tuple[str, Params]], params: Params) -> Params:
    """One page of what is listed under these keys; the NextToken is the key of the next item."""
    if "NextToken" in params:
        keys = [key for key, _ in items]
        if params["NextToken"] not in keys:
            raise _invalid("The NextToken is not valid.")
        items = items[keys.index(params["NextToken"]) :]
    size = int(params.get("MaxResults", _PAGE))
    return {
        "Items": [item for _, item in items[:size]],
        "NextToken": items[size][0] if len(items) > size else None,
    }


def _protocol_url(signal_response: str | None) -> str | None:
    """Where the answer says that a browser finds the input protocol."""
    url = None if signal_response is None else json.loads(signal_response).get("webSdkProtocolUrl")
    return url if isinstance(url, str) else None


async def _reset(request: Request) -> None:
    """Reset the TCP connection of a request. ASGI has no word for it: this reaches into uvicorn,
    and under any other server the caller gets a 400 instead."""
    transport = getattr(getattr(request.receive, "__self__", None), "transport", None)
    if isinstance(transport, asyncio.Transport):
        connection = transport.get_extra_info("socket")
        linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    raise ClientDisconnect


def _path_pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    pattern = "".join(
        f"(?P<{part}>[^/]+)" if place % 2 else re.escape(part) for place, part in enumerate(parts)
    )
    return re.compile(pattern)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT_BYTES:
            raise _HttpError(413, "RequestEntityTooLargeException", "The request is too large.")
    return bytes(body)


def _raw_url(request: Request) -> str:
    raw = request.scope.get("raw_path") or request.scope["path"].encode()
    path = raw.partition(b"?")[0].decode("latin-1")
    query = request.scope.get("query_string", b"").decode("latin-1")
    # What is signed of the host is its header: only path and query are read from this.
    return f"http://localhost{path}" + (f"?{query}" if query else "")


def _read_request(
    operation: OperationModel, uri: Mapping[str, str], request: Request, body: bytes
) -> Params:
    """The parameters of a call, checked against its input shape."""
    shape = operation.input_shape
    if shape is None:
        return {}
    try:
        document = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise _invalid("The request body is not JSON.") from None
    if not isinstance(document, dict):
        raise _invalid("The request body is not a JSON object.")
    query = dict(
        parse_qsl(request.scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    )
    params: Params = {}
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        wire_name = member.serialization.get("name", name)
        value: object
        if location == "uri":
            value = uri.get(wire_name)
        elif location == "querystring":
            value = query.get(wire_name)
            if isinstance(value, str) and member.type_name in ("integer", "long"):
                value = int(value) if re.fullmatch("-?[0-9]{1,18}", value) else value
        elif location is None:
            value = document.get(wire_name)
        else:
            value = None
        if value is not None:
            params[name] = value
    # A null member counts as absent, and members that the model does not know are passed over.
    _check(shape, params, "")
    return params


def _check(shape: Shape, value: object, where: str) -> None:
    """Raise a ValidationException unless the value is what the shape allows. Never quotes it."""
    kinds: dict[str, tuple[type, ...]] = {
        "structure": (dict,),
        "map": (dict,),
        "list": (list,),
        "string": (str,),
        "integer": (int,),
        "long": (int,),
        "float": (int, float),
        "double": (int, float),
        "boolean": (bool,),
    }
    kind = kinds.get(shape.type_name)
    wrong_bool = isinstance(value, bool) and shape.type_name != "boolean"
    if kind is None or not isinstance(value, kind) or wrong_bool:
        raise _invalid(f"{where or 'The request'} is not of type {shape.type_name}.")
    limits = shape.metadata
    if isinstance(value, str | list | dict) and not isinstance(shape, StructureShape):
        _check_range(len(value), limits, where, "length")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        _check_range(value, limits, where, "value")
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise _invalid(f"{where} is not Unicode text.")
        allowed = limits.get("enum")
        if allowed and value not in allowed:
            raise _invalid(f"{where} is none of: {', '.join(allowed)}.")
        pattern = limits.get("pattern")
        if pattern and re.fullmatch(pattern, value) is None:
            raise _invalid(f"{where} does not match the pattern {pattern}")
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        for name in shape.required_members:
            if value.get(name) is None:
                raise _invalid(f"{_inside(where, name)} is required.")
        for name, member in shape.members.items():
            if value.get(name) is not None:
                _check(member, value[name], _inside(where, name))
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for place, item in enumerate(value):
            _check(shape.member, item, f"{where}[{place}]")
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        for name, item in value.items():
            _check(shape.key, name, f"a key of {where}")
            _check(shape.value, item, f"a value of {where}")


def _check_range(size: float, limits: Mapping[str, Any], where: str, what: str) -> None:
    low, high = limits.get("min"), limits.get("max")
    if (low is not None and size < low) or (high is not None and size > high):
        bounds = f"{low if low is not None else 0} to {high if high is not None else 'any'}"
        raise _invalid(f"The {what} of {where} is not within {bounds}.")


def _inside(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _written(shape: Shape, value: Any) -> Any:
    """A value as the output shape puts it on the wire; what the shape has not is left out."""
    if isinstance(shape, StructureShape):
        return {
            member.serialization.get("name", name): _written(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if isinstance(shape, ListShape):
        return [_written(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {name: _written(shape.value, item) for name, item in value.items()}
    if shape.type_name == "timestamp":
        return round(float(value), 3)  # rest-json: epoch seconds
    return value


def _invalid(message: str) -> CallRefusedError:
    return CallRefusedError(CallFault.VALIDATION, message)


def _error(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        json.dumps({"Message": message}),
        status_code=status,
        media_type="application/json",
        headers={**(headers or {}), "x-amzn-ErrorType": code},
    )


# --- signatures -----------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class _Authorization:
    """The parts of a SigV4 Authorization header."""

    access_key_id: str
    scope: tuple[str, ...]
    signed_headers: tuple[str, ...]
    signature: str = dataclasses.field(repr=False)

    @staticmethod
    def read(header: str | None) -> _Authorization:
        if not header:
            raise _HttpError(
                403, "MissingAuthenticationTokenException", "Missing Authentication Token"
            )
        found = re.fullmatch(
            r"AWS4-HMAC-SHA256 +Credential=([^,\s]+), *SignedHeaders=([^,\s]+), *"
            r"Signature=([0-9a-f]{64})",
            header.strip(),
        )
        if found is None:
            raise _HttpError(
                403, "IncompleteSignatureException", "The Authorization header is not SigV4."
            )
        access_key_id, *scope = found[1].split("/")
        return _Authorization(access_key_id, tuple(scope), tuple(found[2].split(";")), found[3])


def _bad_signature(message: str) -> _HttpError:
    return _HttpError(403, "InvalidSignatureException", message)
