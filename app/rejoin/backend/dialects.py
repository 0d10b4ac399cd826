"""Builds the backend in the dialect that its settings name."""

from __future__ import annotations

import base64
from collections.abc import Collection

from starlette.applications import Starlette

from rejoin.backend.allowed_hosts import HostCheck
from rejoin.backend.aws_bundle import build_bundle
from rejoin.backend.aws_react import build_react
from rejoin.backend.aws_samples import OfferedApplications
from rejoin.backend.call_rate import Quota
from rejoin.backend.configuration import BackendSettings
from rejoin.backend.introspection import Introspection
from rejoin.backend.openid_tokens import OpenIdTokens
from rejoin.backend.owner_rules import CALL_PACES, OwnerRules
from rejoin.backend.routes import AppRules, build_app
from rejoin.backend.service import StreamService
from rejoin.backend.sign_in import Authenticate, first_of, static_tokens
from rejoin.backend.store.sessions import SessionStore
from rejoin.backend.tracing import Tracing
from rejoin.clock import Clock, boot_s
from rejoin.errors import BadInputError
from rejoin.signaling.dialects import AWS_BUNDLE, AWS_REACT
from rejoin.signaling.game_icon import MAX_BYTES, is_icon
from rejoin.signaling.wire import AboutBody, SignInBody


def build_backend(
    service: StreamService,
    store: SessionStore,
    settings: BackendSettings,
    tokens: Collection[str] | Authenticate | None = None,
    *,
    clock: Clock = boot_s,
    tracing: Tracing | None = None,
) -> Starlette:
    """The application. `tokens` replace those of the settings; `aws-bundle` needs none. Only our
    own dialect is traced.

    The caller closes `service` and `store`, after the application.
    """
    if tokens is None:
        tokens = _authenticate(settings)
    if settings.dialect == AWS_BUNDLE.name:
        app = build_bundle(service, store, OfferedApplications.of(settings))
    elif settings.dialect == AWS_REACT.name:
        app = build_react(service, OfferedApplications.of(settings), settings.region, tokens)
    else:
        return build_app(
            service,
            store,
            tokens,
            clock=clock,
            rules=AppRules(
                quota=Quota(settings.calls_per_s, settings.calls_burst),
                shard=settings.shard or settings.region,
                stream_group=settings.stream_group,
                hosts=settings.allowed_hosts,
                owners=owner_rules(settings),
                about=_about(settings),
                tracing=tracing or Tracing(),
            ),
        )
    app.add_middleware(HostCheck, hosts=settings.allowed_hosts)
    return app


def owner_rules(settings: BackendSettings) -> OwnerRules:
    """The limits of one player; higher for the emulator, whose testers share a token."""
    if settings.unlimited:
        return OwnerRules(outstanding={})
    return OwnerRules(
        starts_per_minute=settings.starts_per_minute,
        live_sessions=settings.live_sessions,
        paces=CALL_PACES,
    )


def _authenticate(settings: BackendSettings) -> Authenticate:
    """The fixed tokens, then the identity provider's."""
    ways: list[Authenticate] = [static_tokens(settings.tokens)] if settings.tokens else []
    if settings.openid is not None:
        ways.append(OpenIdTokens(settings.openid))
    if settings.introspection is not None:
        ways.append(Introspection(settings.introspection))
    return first_of(*ways)


def _about(settings: BackendSettings) -> AboutBody:
    kinds = [SignInBody(kind="static")] if settings.tokens else []
    openid, asked = settings.openid, settings.introspection
    if openid is not None:
        kinds.append(
            SignInBody(
                kind="openid",
                issuer=openid.issuer,
                client_id=openid.client_id,
                scopes=openid.scopes,
                audience=openid.audience,
            )
        )
    if asked is not None:
        kinds.append(
            SignInBody(
                kind="openid",
                issuer=asked.issuer,
                client_id=asked.players_client_id,
                scopes=asked.scopes,
                audience=asked.audience,
            )
        )
    applications = sorted(settings.applications)
    return AboutBody(sign_in=kinds, applications=applications, icon=_icon(settings.icon_file))


def _icon(file: str | None) -> str | None:
    """The PNG of this file in base64. Raises BadInputError."""
    if file is None:
        return None
    try:
        with open(file, "rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise BadInputError(f"The file of the setting icon_file cannot be read: {why}.") from error
    if not is_icon(content):
        raise BadInputError(
            f"The backend's setting icon_file must be a PNG of at most {MAX_BYTES // 1024} KiB."
        )
    return base64.b64encode(content).decode("ascii")
