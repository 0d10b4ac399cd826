"""The studio profile that the options of a verb describe: `play` and `qa input` share them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rejoin.cli import options
from rejoin.errors import BadInputError

if TYPE_CHECKING:
    from rejoin.runtime.studio_profile import StudioProfile

_Verb = TypeVar("_Verb", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class ProfileOptions:
    """The arguments that say how a backend is reached, and where its streams may come from.

    Without slots, so that a verb's own arguments may have another base besides.
    """

    network: str
    connection_timeout_s: float | None
    dialect: str
    stream_group: str | None
    application: str | None
    insecure: bool
    ca_file: Path | None


def profile_options(verb: _Verb, *, network: str | Callable[[], str] = "internet") -> _Verb:
    """The options of `ProfileOptions`. `network`: the default of `--network`."""
    found = (
        click.option(
            "--network",
            type=click.Choice(["internet", "lan", "loopback"]),
            default=network,
            show_default="internet",
            help="Where the game server may be: internet; lan: also private addresses; "
            "loopback: only this machine.",
        ),
        click.option(
            "--connection-timeout",
            "connection_timeout_s",
            type=options.NumberRange(1, 3600),
            help="ConnectionTimeoutSeconds, for a backend that does not report it.",
        ),
        options.dialect,
        click.option("--stream-group", help="Stream group (id or ARN), for AWS's sample backends."),
        click.option("--application", help="Application (id or ARN), for AWS's sample backends."),
        click.option(
            "--insecure", is_flag=True, help="Allow http to a backend on another machine."
        ),
        click.option(
            "--ca-file",
            type=options.FILE,
            help="PEM file with the CA certificates to trust for the backend, instead of the "
            "system's.",
        ),
    )
    for option in reversed(found):
        verb = option(verb)
    return verb


def check_sign_in(chosen: ProfileOptions, token: str | None) -> None:
    """Raises BadInputError if the dialect needs a token or a stream group that was not given."""
    from rejoin.signaling.dialects import DIALECTS

    if not token and DIALECTS[chosen.dialect].needs_token:
        raise BadInputError("A sign-in token is needed: use --token-file or set REJOIN_TOKEN.")
    check_stream_group(chosen)


def check_stream_group(chosen: ProfileOptions) -> None:
    """Raises BadInputError if the dialect needs a stream group that was not given."""
    from rejoin.signaling.dialects import DIALECTS

    dialect = DIALECTS[chosen.dialect]
    if dialect.needs_stream_group and not chosen.stream_group:
        raise BadInputError(f"A backend of dialect {chosen.dialect} needs --stream-group.")


def usable_profile(backend_url: str, token: str | None, chosen: ProfileOptions) -> StudioProfile:
    """The same as `profile_of`. Raises BadInputError if no client can be made of it, before
    anything is started."""
    import asyncio

    check_sign_in(chosen, token)
    profile = profile_of(backend_url, token, chosen)
    asyncio.run(profile.check())
    return profile


def profile_of(backend_url: str, token: str | None, chosen: ProfileOptions) -> StudioProfile:
    """The profile of the backend at this URL."""
    from rejoin.runtime.studio_profile import StudioProfile, network_rules
    from rejoin.signaling.aws_samples import StreamChoice
    from rejoin.signaling.dialects import DIALECTS

    choice = None
    if chosen.stream_group:
        choice = StreamChoice(chosen.stream_group, chosen.application)
    return StudioProfile(
        backend_url,
        token,
        network_rules(chosen.network),
        dialect=DIALECTS[chosen.dialect],
        choice=choice,
        connection_timeout_s=chosen.connection_timeout_s,
        allow_insecure=chosen.insecure,
        ca_file=chosen.ca_file,
    )
