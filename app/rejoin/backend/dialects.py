"""Builds the backend in the dialect that its settings name."""

from __future__ import annotations

from collections.abc import Collection

from starlette.applications import Starlette

from rejoin.backend.aws_bundle import build_bundle
from rejoin.backend.aws_react import build_react
from rejoin.backend.aws_samples import OfferedApplications
from rejoin.backend.configuration import BackendSettings
from rejoin.backend.gate import Authenticate
from rejoin.backend.routes import build_app
from rejoin.backend.service import StreamService
from rejoin.backend.store.sessions import SessionStore
from rejoin.clock import Clock, boot_s
from rejoin.signaling.dialects import AWS_BUNDLE, AWS_REACT


def build_backend(
    service: StreamService,
    store: SessionStore,
    settings: BackendSettings,
    tokens: Collection[str] | Authenticate | None = None,
    *,
    clock: Clock = boot_s,
) -> Starlette:
    """The application. `tokens` replace those of the settings; `aws-bundle` needs none.

    The caller closes `service` and `store`, after the application.
    """
    if tokens is None:
        tokens = settings.tokens
    if settings.dialect == AWS_BUNDLE.name:
        return build_bundle(service, store, OfferedApplications.of(settings))
    if settings.dialect == AWS_REACT.name:
        return build_react(service, OfferedApplications.of(settings), settings.region, tokens)
    return build_app(service, store, tokens, clock=clock, hosts=settings.allowed_hosts)
