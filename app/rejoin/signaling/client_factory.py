"""Makes the client that speaks a backend's dialect."""

from __future__ import annotations

from rejoin.errors import BadInputError
from rejoin.language import Message
from rejoin.signaling.aws_bundle import BundleClient
from rejoin.signaling.aws_react import ReactClient
from rejoin.signaling.aws_samples import SampleClient, StreamChoice
from rejoin.signaling.client import BackendClient
from rejoin.signaling.dialects import AWS_BUNDLE, Dialect
from rejoin.signaling.exchange import DEFAULT_HTTP, HttpSettings


def make_client(
    dialect: Dialect,
    base_url: str,
    token: str | None,
    choice: StreamChoice | None = None,
    *,
    http: HttpSettings = DEFAULT_HTTP,
) -> BackendClient | SampleClient:
    """A client that speaks `dialect`; each is a `BackendPort` of `runtime/ports`.

    A dialect that needs no bearer token is sent none. Raises `BadInputError`, also for a missing
    bearer token or stream group.
    """
    if dialect.needs_token and not token:
        raise BadInputError(Message("This backend needs your sign-in token."))
    if not dialect.needs_stream_group:
        return BackendClient(base_url, token or "", http=http)
    if choice is None:
        raise BadInputError(
            Message("A backend of dialect {name} needs the stream group's id.", name=dialect.name)
        )
    speaks = BundleClient if dialect is AWS_BUNDLE else ReactClient
    return speaks(base_url, choice, token if dialect.needs_token else None, http=http)
