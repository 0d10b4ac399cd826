"""SigV4: checks a request's signature by signing it again with botocore's own signer."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from rejoin.emulator.service.api.errors import HttpError
from rejoin.emulator.service.settings import EmulatorSettings

_MAX_CLOCK_SKEW_S: Final = 900.0


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The parts of a request that a signature covers. Header names are in lower case."""

    method: str
    url: str
    """Path and query exactly as they were sent. The host is not read from here."""
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def check_signature(
    request: SignedRequest, settings: EmulatorSettings, signing_name: str, now_wall_s: float
) -> None:
    """Raise `HttpError` (403) unless the request is signed with the emulator's credentials."""
    given = _Authorization.parse(request.headers.get("authorization"))
    if given.access_key_id != settings.access_key_id:
        raise HttpError(
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
        raise _invalid("The X-Amz-Date header is missing or malformed.") from None
    if abs(signed_at.timestamp() - now_wall_s) > _MAX_CLOCK_SKEW_S:
        raise _invalid("The signature is too old or too new.")
    scope = (timestamp[:8], settings.region, signing_name, "aws4_request")
    if given.scope != scope or "host" not in given.signed_headers:
        raise _invalid("The credential is scoped to another day, Region or service.")
    again = AWSRequest(
        method=request.method,
        url=request.url,
        headers={name: request.headers.get(name, "") for name in given.signed_headers},
        data=request.body,
    )
    stated_sha256 = request.headers.get("x-amz-content-sha256")
    if stated_sha256 not in (None, hashlib.sha256(request.body).hexdigest()):
        raise _invalid("The body is not the one that was signed.")
    again.context["timestamp"] = timestamp
    signer = SigV4Auth(
        Credentials(settings.access_key_id, settings.secret_access_key),
        signing_name,
        settings.region,
    )
    canonical = signer.canonical_request(again)
    expected = signer.signature(signer.string_to_sign(again, canonical), again)
    if not hmac.compare_digest(expected, given.signature):
        raise _invalid("The signature does not match; check the secret access key.")


@dataclass(frozen=True, slots=True)
class _Authorization:
    """The parts of a SigV4 Authorization header."""

    access_key_id: str
    scope: tuple[str, ...]
    signed_headers: tuple[str, ...]
    signature: str = field(repr=False)

    @staticmethod
    def parse(header: str | None) -> _Authorization:
        if not header:
            raise HttpError(
                403, "MissingAuthenticationTokenException", "Missing Authentication Token"
            )
        found = re.fullmatch(
            r"AWS4-HMAC-SHA256 +Credential=([^,\s]+), *SignedHeaders=([^,\s]+), *"
            r"Signature=([0-9a-f]{64})",
            header.strip(),
        )
        if found is None:
            raise HttpError(
                403, "IncompleteSignatureException", "The Authorization header is not SigV4."
            )
        access_key_id, *scope = found[1].split("/")
        return _Authorization(access_key_id, tuple(scope), tuple(found[2].split(";")), found[3])


def _invalid(message: str) -> HttpError:
    return HttpError(403, "InvalidSignatureException", message)
