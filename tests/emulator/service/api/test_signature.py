"""SigV4: what botocore signs is accepted, and every change to it is refused."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from rejoin.emulator.service.api.errors import HttpError
from rejoin.emulator.service.api.signature import SignedRequest, check_signature
from rejoin.emulator.service.settings import EmulatorSettings

SETTINGS = EmulatorSettings()
URL = "http://localhost/streamgroups/arn%3Aaws%2Fsg-1?MaxResults=5"
NAME = "gameliftstreams"


def signed(**changes: Any) -> SignedRequest:
    """A request that botocore has signed now, with the emulator's credentials."""
    settings = dataclasses.replace(SETTINGS, **changes)
    request = AWSRequest("POST", URL, headers={"host": "localhost"}, data=b"{}")
    credentials = Credentials(settings.access_key_id, settings.secret_access_key)
    signer = SigV4Auth(credentials, NAME, settings.region)
    signer.add_auth(request)
    headers = {name.lower(): str(value) for name, value in request.headers.items()}
    return SignedRequest("POST", URL, headers, b"{}")


def now_s() -> float:
    return datetime.datetime.now(datetime.UTC).timestamp()


def code_of(request: SignedRequest, at_s: float | None = None) -> str:
    with pytest.raises(HttpError) as caught:
        check_signature(request, SETTINGS, NAME, now_s() if at_s is None else at_s)
    assert caught.value.status == 403
    return caught.value.code


def test_what_botocore_signed_is_accepted() -> None:
    check_signature(signed(), SETTINGS, NAME, now_s())


@pytest.mark.parametrize(
    "change",
    [
        {"method": "GET"},
        {"url": URL.replace("MaxResults=5", "MaxResults=6")},
        {"url": URL.replace("%2F", "/")},
        {"body": b"{} "},
    ],
    ids=str,
)
def test_a_change_after_signing_is_refused(change: dict[str, Any]) -> None:
    changed = dataclasses.replace(signed(), **change)
    assert code_of(changed) == "InvalidSignatureException"


def test_an_old_or_new_signature_is_refused() -> None:
    request = signed()
    check_signature(request, SETTINGS, NAME, now_s() + 890)
    for at_s in (now_s() + 910, now_s() - 910):
        assert code_of(request, at_s) == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"access_key_id": "AKIASOMEONEELSE00000"}, "UnrecognizedClientException"),
        ({"secret_access_key": "wrong"}, "InvalidSignatureException"),
        ({"region": "eu-west-1"}, "InvalidSignatureException"),
    ],
)
def test_other_credentials_and_scopes_are_refused(changes: dict[str, str], code: str) -> None:
    assert code_of(signed(**changes)) == code


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "MissingAuthenticationTokenException"),
        ("", "MissingAuthenticationTokenException"),
        ("Bearer abc", "IncompleteSignatureException"),
    ],
)
def test_a_request_without_a_signature_is_refused(header: str | None, code: str) -> None:
    request = signed()
    headers = dict(request.headers)
    del headers["authorization"]
    if header is not None:
        headers["authorization"] = header
    assert code_of(dataclasses.replace(request, headers=headers)) == code


def test_a_missing_date_is_refused() -> None:
    request = signed()
    headers = {name: text for name, text in request.headers.items() if name != "x-amz-date"}
    assert code_of(dataclasses.replace(request, headers=headers)) == "InvalidSignatureException"
