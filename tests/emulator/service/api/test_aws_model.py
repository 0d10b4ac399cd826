"""The service's model as the API uses it: routes, validation and JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rejoin.emulator.service.api.aws_model import AwsModel, Call
from rejoin.emulator.service.refusals import CallRefusedError, ErrorType

MODEL = AwsModel(("StartStreamSession", "GetStreamSession", "ListStreamSessions"))
SESSION = "arn:aws:gameliftstreams:us-west-2:111122223333:streamsession/sg-1/abc"
START = {
    "Protocol": "WebRTC",
    "SignalRequest": "an offer",
    "ApplicationIdentifier": "a-9ZY8X7Wv6",
}


def read(call: Call, query: str = "", document: object = None) -> dict[str, Any]:
    body = b"" if document is None else json.dumps(document).encode()
    return MODEL.read_request(call, query, body)


def refused(call: Call, query: str = "", document: object = None) -> str:
    with pytest.raises(CallRefusedError) as caught:
        read(call, query, document)
    assert caught.value.error_type is ErrorType.VALIDATION
    return str(caught.value)


def start() -> Call:
    call = MODEL.find_call("POST", "/streamgroups/sg-1/streamsessions")
    assert call is not None
    return call


def test_a_path_is_matched_while_it_is_still_encoded() -> None:
    encoded = SESSION.replace(":", "%3A").replace("/", "%2F")
    call = MODEL.find_call("GET", f"/streamgroups/sg-1/streamsessions/{encoded}")
    assert call is not None
    assert call.operation == "GetStreamSession"
    assert read(call) == {"Identifier": "sg-1", "StreamSessionIdentifier": SESSION}
    assert MODEL.find_call("PUT", "/streamgroups/sg-1/streamsessions") is None
    assert MODEL.find_call("GET", "/streamgroups/sg-1/streamsessions/a/b/c") is None


def test_parameters_come_from_path_query_and_body() -> None:
    call = MODEL.find_call("GET", "/streamgroups/sg-1/streamsessions")
    assert call is not None
    assert read(call, "MaxResults=5&Status=ACTIVE") == {
        "Identifier": "sg-1",
        "MaxResults": 5,
        "Status": "ACTIVE",
    }
    assert read(start(), document={**START, "Unknown": 1, "UserId": None}) == {
        "Identifier": "sg-1",
        **START,
    }


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"SignalRequest": None}, "SignalRequest is required."),
        ({"SignalRequest": 5}, "SignalRequest is not of type string."),
        ({"SignalRequest": "\ud800"}, "SignalRequest is not Unicode text."),
        ({"Protocol": "Telepathy"}, "Protocol is none of: WebRTC."),
        ({"ConnectionTimeoutSeconds": True}, "is not of type integer."),
        ({"ConnectionTimeoutSeconds": 0}, "The value of ConnectionTimeoutSeconds is not within 1"),
        ({"Locations": [5]}, "Locations[0] is not of type string."),
        ({"AdditionalEnvironmentVariables": {"1st": "x"}}, "a key of AdditionalEnvironment"),
        ({"AdditionalEnvironmentVariables": {"A": 5}}, "a value of AdditionalEnvironment"),
        ({"ApplicationIdentifier": "spaces are wrong"}, "does not match the pattern"),
    ],
    ids=str,
)
def test_each_limit_of_the_model_is_checked(change: dict[str, Any], sentence: str) -> None:
    assert sentence in refused(start(), document={**START, **change})


def test_a_body_that_is_no_json_object_is_refused() -> None:
    assert refused(start(), document=[]) == "The request body is not a JSON object."
    with pytest.raises(CallRefusedError, match="not JSON"):
        MODEL.read_request(start(), "", b"{")
    assert "is not of type integer" in refused(
        Call("ListStreamSessions", {"Identifier": "sg-1"}), "MaxResults=many"
    )


def test_a_response_has_the_members_of_its_shape_only() -> None:
    result = {"Arn": SESSION, "CreatedAt": 1.23456, "StatusReason": None, "Colour": "blue"}
    code, text = MODEL.write_response("StartStreamSession", result)
    assert code == 201
    assert json.loads(text) == {"Arn": SESSION, "CreatedAt": 1.235}
    assert "Arn" in MODEL.output_members("StartStreamSession")
    assert "Colour" not in MODEL.output_members("StartStreamSession")


def test_error_codes_and_the_signing_name_are_the_models() -> None:
    codes = {error: MODEL.http_code(error.value) for error in ErrorType}
    assert codes == {
        ErrorType.VALIDATION: 400,
        ErrorType.NOT_FOUND: 404,
        ErrorType.CONFLICT: 409,
        ErrorType.INTERNAL: 500,
    }
    assert MODEL.signing_name == "gameliftstreams"
