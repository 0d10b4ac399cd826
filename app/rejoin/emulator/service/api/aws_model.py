"""botocore's own model of the service, read at run time: routes, validation, JSON in and out.

Paths, members, limits, patterns and HTTP codes all come from there: what a newer botocore adds to
the emulated operations is checked and shown without a change here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import botocore.loaders
from botocore.model import (
    ListShape,
    MapShape,
    ServiceModel,
    Shape,
    StructureShape,
)

from rejoin.emulator.service.refusals import CallRefusedError, ErrorType

SERVICE_NAME: Final = "gameliftstreams"

Params = dict[str, Any]
"""The members of a request or a response, by AWS's names."""

_JSON_TYPES: Final[dict[str, tuple[type, ...]]] = {
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


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose operation is known. All texts are as they were sent, but decoded."""

    operation: str
    in_path: Mapping[str, str] = field(repr=False)
    """Members in the path, by their names in the path's pattern."""


class AwsModel:
    """The service's model, for some of its operations."""

    def __init__(self, operations: Iterable[str]) -> None:
        model = botocore.loaders.create_loader().load_service_model(SERVICE_NAME, "service-2")
        self._model = ServiceModel(model, SERVICE_NAME)
        self._operations = {name: self._model.operation_model(name) for name in operations}
        self._paths = {
            name: _path_pattern(str(operation.http["requestUri"]))
            for name, operation in self._operations.items()
        }

    @property
    def signing_name(self) -> str:
        """The service's name in a SigV4 credential scope."""
        return str(self._model.signing_name)

    def find_call(self, method: str, path: str) -> Call | None:
        """The call that this method and path mean; None for none of these operations.

        `path`: still percent-encoded, because ARNs come with encoded slashes.
        """
        for name, operation in self._operations.items():
            if operation.http["method"] != method:
                continue
            found = self._paths[name].fullmatch(path)
            if found is not None:
                in_path = {part: unquote(text) for part, text in found.groupdict().items()}
                return Call(name, in_path)
        return None

    def read_request(self, call: Call, query: str, body: bytes) -> Params:
        """The parameters of a call, validated against the operation's input shape.

        Raises `CallRefusedError` (ValidationException).
        """
        shape = self._operations[call.operation].input_shape
        if shape is None:
            return {}
        try:
            document = json.loads(body) if body.strip() else {}
        except (ValueError, RecursionError):
            raise invalid("The request body is not JSON.") from None
        if not isinstance(document, dict):
            raise invalid("The request body is not a JSON object.")
        in_query = dict(parse_qsl(query, keep_blank_values=True))
        params: Params = {}
        for name, member in shape.members.items():
            value = _member_value(name, member, call.in_path, in_query, document)
            if value is not None:
                params[name] = value
        # A null member counts as absent, and members that the model does not have are ignored.
        _check(shape, params, "")
        return params

    def write_response(self, operation: str, result: Params) -> tuple[int, str]:
        """The HTTP code and the body ("" for none) of an operation's successful response."""
        model = self._operations[operation]
        shape = model.output_shape
        text = "" if shape is None else json.dumps(_written(shape, result))
        return int(model.http.get("responseCode", 200)), text

    def output_members(self, operation: str) -> frozenset[str]:
        """The names of the members that the operation's response can have."""
        shape = self._operations[operation].output_shape
        return frozenset(shape.members) if isinstance(shape, StructureShape) else frozenset()

    def http_code(self, error_type: str) -> int:
        """The HTTP code of one of the model's errors."""
        return int(self._model.shape_for(error_type).metadata["error"]["httpStatusCode"])


def invalid(message: str) -> CallRefusedError:
    """A ValidationException."""
    return CallRefusedError(ErrorType.VALIDATION, message)


def _path_pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    pattern = "".join(
        f"(?P<{part}>[^/]+)" if place % 2 else re.escape(part) for place, part in enumerate(parts)
    )
    return re.compile(pattern)


def _member_value(
    name: str,
    member: Shape,
    in_path: Mapping[str, str],
    in_query: Mapping[str, str],
    document: Mapping[str, object],
) -> object:
    location = member.serialization.get("location")
    wire_name = member.serialization.get("name", name)
    match location:
        case "uri":
            return in_path.get(wire_name)
        case "querystring":
            value = in_query.get(wire_name)
            if value is not None and member.type_name in ("integer", "long"):
                return int(value) if re.fullmatch("-?[0-9]{1,18}", value) else value
            return value
        case None:
            return document.get(wire_name)
        case _:
            return None


# --- validation: every sentence names the member, none quotes its value ---------------------------


def _check(shape: Shape, value: object, where: str) -> None:
    """Raise a ValidationException unless the value is what the shape allows."""
    types = _JSON_TYPES.get(shape.type_name)
    wrong_bool = isinstance(value, bool) and shape.type_name != "boolean"
    if types is None or not isinstance(value, types) or wrong_bool:
        raise invalid(f"{where or 'The request'} is not of type {shape.type_name}.")
    _check_limits(shape, value, where)
    if isinstance(value, str):
        _check_text(value, shape.metadata, where)
    elif isinstance(shape, StructureShape) and isinstance(value, dict):
        _check_structure(shape, value, where)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for place, item in enumerate(value):
            _check(shape.member, item, f"{where}[{place}]")
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        for name, item in value.items():
            _check(shape.key, name, f"a key of {where}")
            _check(shape.value, item, f"a value of {where}")


def _check_limits(shape: Shape, value: object, where: str) -> None:
    if isinstance(value, str | list | dict) and not isinstance(shape, StructureShape):
        _check_range(len(value), shape.metadata, where, "length")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        _check_range(value, shape.metadata, where, "value")


def _check_range(size: float, limits: Mapping[str, Any], where: str, what: str) -> None:
    low, high = limits.get("min"), limits.get("max")
    if (low is not None and size < low) or (high is not None and size > high):
        bounds = f"{low if low is not None else 0} to {high if high is not None else 'any'}"
        raise invalid(f"The {what} of {where} is not within {bounds}.")


def _check_text(value: str, limits: Mapping[str, Any], where: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise invalid(f"{where} is not Unicode text.")
    allowed = limits.get("enum")
    if allowed and value not in allowed:
        raise invalid(f"{where} is none of: {', '.join(allowed)}.")
    pattern = limits.get("pattern")
    if pattern and re.fullmatch(pattern, value) is None:
        raise invalid(f"{where} does not match the pattern {pattern}")


def _check_structure(shape: StructureShape, value: Mapping[str, object], where: str) -> None:
    for name in shape.required_members:
        if value.get(name) is None:
            raise invalid(f"{_inside(where, name)} is required.")
    for name, member in shape.members.items():
        if value.get(name) is not None:
            _check(member, value[name], _inside(where, name))


def _inside(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _written(shape: Shape, value: Any) -> Any:
    """A value in the JSON form of an output shape; members that the shape lacks are left out."""
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
