"""A session id of another form is not sent, and is not quoted."""

from __future__ import annotations

import pytest

from rejoin.core.model import SessionId
from rejoin.core.retry import FailureKind
from rejoin.signaling.exchange import CallFailedError, Exchange
from rejoin.signaling.forms import checked_session


def test_a_session_id_of_the_form_is_itself_and_another_is_refused() -> None:
    exchange = Exchange("http://127.0.0.1:1", token=None)
    assert checked_session(exchange, SessionId("abc"), "[a-z]+") == "abc"
    with pytest.raises(CallFailedError, match="the session id has a bad form") as failed:
        checked_session(exchange, SessionId("abc/../x"), "[a-z]+")
    assert failed.value.failure.kind is FailureKind.INVALID
    assert "../x" not in str(failed.value)
