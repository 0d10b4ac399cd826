"""Errors in the service's form: the message in the body, the type in a header."""

from __future__ import annotations

import json

from rejoin.emulator.service.api.errors import HttpError, error_response


def test_an_error_response_has_the_type_in_a_header() -> None:
    response = error_response(429, "ThrottlingException", "Too fast.", {"Retry-After": "3"})
    assert response.status_code == 429
    assert json.loads(bytes(response.body)) == {"Message": "Too fast."}
    assert response.headers["x-amzn-errortype"] == "ThrottlingException"
    assert response.headers["retry-after"] == "3"


def test_an_http_error_says_its_message() -> None:
    error = HttpError(404, "UnknownOperationException", "There is no such path.")
    assert (str(error), error.status, error.headers) == ("There is no such path.", 404, {})
