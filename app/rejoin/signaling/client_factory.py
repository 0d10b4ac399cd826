"""The client for a dialect: one function that knows all three."""

from __future__ import annotations

import ssl

from rejoin.errors import BadInputError
from rejoin.signaling.aws_bundle import BundleClient
from rejoin.signaling.aws_react import ReactClient
from rejoin.signaling.aws_samples import SampleClient, StreamChoice
from rejoin.signaling.client import BackendClient
from rejoin.signaling.dialects import AWS_BUNDLE, Dialect


def make_client(
    dialect: Dialect,
    base_url: str,
    token: str | None,
    choice: StreamChoice | None = None,
    *,
    connect_timeout_s: float = 1.0,
    allow_insecure: bool = False,
    verify: ssl.SSLContext | None = None,
) -> BackendClient | SampleClient:
    """A client that speaks `dialect`; every one fulfils the `Backend` of `runtime/driver`.

    Raises `BadInputError`, also for a missing bearer token or stream group.
    """
    if dialect.needs_token and not token:
        raise BadInputError("This backend needs your sign-in token.")
    if not dialect.needs_stream_group:
        return BackendClient(
            base_url,
            token or "",
            connect_timeout_s=connect_timeout_s,
            allow_insecure=allow_insecure,
            verify=verify,
        )
    if choice is None:
        raise BadInputError(f"A backend of dialect {dialect.name} needs the stream group's id.")
    speaks = BundleClient if dialect is AWS_BUNDLE else ReactClient
    return speaks(
        base_url,
        choice,
        token or None,
        connect_timeout_s=connect_timeout_s,
        allow_insecure=allow_insecure,
        verify=verify,
    )
