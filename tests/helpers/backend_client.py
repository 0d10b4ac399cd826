"""Calls of our own clients to a backend, for the tests of every dialect."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import pytest

from helpers.fake_stream_service import new_offer, new_token
from rejoin.core.model import AttemptNumber, SessionView, WindowLeft
from rejoin.core.retry import Failure
from rejoin.signaling.aws_samples import SampleClient
from rejoin.signaling.client import BackendClient, CallFailedError
from rejoin.signaling.exchange import HttpSettings

LEFT = WindowLeft(100.0, 160.0)
"""The time that a reconnect has, where a test does not care."""

PATIENT = HttpSettings(connect_timeout_s=60, first_connect_timeout_s=60)
"""No machine is that slow."""


async def failure_of(call: Coroutine[Any, Any, object]) -> Failure:
    """How a call failed; its sentence must be complete and free of secrets."""
    with pytest.raises(CallFailedError) as caught:
        await call
    failure = caught.value.failure
    assert str(caught.value) == failure.detail
    assert failure.detail.endswith(".")
    for secret in ("canary", "ice-pwd"):
        assert secret not in failure.detail
    return failure


async def started(client: BackendClient | SampleClient, offer: str | None = None) -> SessionView:
    """Start a session with the first attempt."""
    return await client.start(
        attempt=AttemptNumber(1),
        token=new_token(),
        signal_request=offer or new_offer(),
        budget_s=60,
    )
