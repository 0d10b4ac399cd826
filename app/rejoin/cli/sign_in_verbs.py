"""`rejoin sign-in` and `rejoin sign-out`: a player's sign-in at a studio's identity provider."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rejoin.cli import options
from rejoin.cli.exit_codes import FAILURE, SUCCESS
from rejoin.cli.messages import say, say_lines, warn
from rejoin.errors import BadInputError
from rejoin.parts import needs

if TYPE_CHECKING:
    from rejoin.signaling.openid import DeviceAnswer, OpenIdMethod, Tokens

_ca_file = click.option(
    "--ca-file",
    type=options.FILE,
    help="PEM file with the CA certificates to trust for the backend, instead of the system's.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInOptions:
    """The arguments of `rejoin sign-in`."""

    backend_url: str
    device: bool
    issuer: str | None
    client_id: str | None
    scopes: str | None
    audience: str | None
    id_token: bool
    ca_file: Path | None


@click.command(name="sign-in", short_help="Sign in at a studio.")
@click.argument("backend_url")
@click.option(
    "--device",
    is_flag=True,
    help="Sign in on another device, with a code that is shown here: where there is no browser.",
)
@click.option("--issuer", help="Identity provider of a backend that does not say it.")
@click.option("--client-id", help="Client of Rejoin there; with --issuer.")
@click.option("--scopes", help="What to ask for, separated by blanks; with --issuer.")
@click.option("--audience", help="What the access token is for; with --issuer.")
@click.option(
    "--id-token",
    is_flag=True,
    help="Send the backend the ID token, as AWS's React starter wants it; with --issuer.",
)
@_ca_file
@options.as_values(SignInOptions)
@needs("player")
def sign_in(chosen: SignInOptions) -> int:
    """Sign in at the studio whose backend is at BACKEND_URL, in your browser.

    The backend says where its players sign in (OpenID Connect). The sign-in is kept in this
    computer's keyring, for this backend alone, and `rejoin play` uses and refreshes it.
    """
    from rejoin.cli.bearer import with_browser
    from rejoin.runtime.sign_in import keep_sign_in, sign_in_with_device
    from rejoin.runtime.tokens import TokenStore, origin_of
    from rejoin.signaling.exchange import HttpSettings

    origin = origin_of(chosen.backend_url)
    method = _method(chosen)
    say(f"Signing in at {origin_of(method.issuer)} for {origin}.", err=True)
    tokens: Tokens
    if chosen.device:
        tokens = asyncio.run(sign_in_with_device(method, HttpSettings(), _show_code))
    else:
        tokens = with_browser(method, HttpSettings())
    _, is_saved = asyncio.run(keep_sign_in(TokenStore(), chosen.backend_url, method, tokens))
    if not is_saved:
        warn(
            "this computer has no keyring that keeps the sign-in, so it is lost. Without one use "
            "`rejoin play` with --token-command, --client-credentials or --token-file."
        )
        return FAILURE
    say(f"You are signed in for {origin}.")
    if tokens.refresh is None:
        warn(
            "the provider gave no refresh token: the sign-in ends when its token expires. It may "
            "want the scope offline_access."
        )
    return SUCCESS


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOutOptions:
    """The arguments of `rejoin sign-out`."""

    backend_url: str


@click.command(name="sign-out", short_help="Sign out of a studio.")
@click.argument("backend_url")
@options.as_values(SignOutOptions)
@needs("player")
def sign_out(chosen: SignOutOptions) -> int:
    """Forget your sign-in for the backend at BACKEND_URL, and end it at its identity provider.

    A game that is open goes on until its token expires.
    """
    from rejoin.runtime import sign_in
    from rejoin.runtime.tokens import TokenStore, origin_of
    from rejoin.signaling.exchange import HttpSettings

    origin = origin_of(chosen.backend_url)
    done = asyncio.run(sign_in.sign_out(TokenStore(), chosen.backend_url, HttpSettings()))
    if not done.forgotten:
        warn("this computer's keyring could not be used: what it has is still there.")
        return FAILURE
    if not done.was_signed_in:
        say(f"You are not signed in for {origin}.")
    elif done.revoked:
        say(f"You are signed out of {origin}.")
    else:
        say(f"You are signed out of {origin} here; its provider was not told.")
    return SUCCESS


def _method(chosen: SignInOptions) -> OpenIdMethod:
    """How to sign in: by the options, or by what the backend says. Raises RejoinError."""
    from dataclasses import replace

    from rejoin.signaling.exchange import HttpSettings
    from rejoin.signaling.http_environment import tls_context
    from rejoin.signaling.openid import method_said
    from rejoin.signaling.openid_client import ask_how_to_sign_in

    if chosen.issuer is not None:
        if not chosen.client_id:
            raise BadInputError("--issuer needs --client-id as well.")
        method = method_said(chosen.issuer, chosen.client_id, chosen.scopes, chosen.audience)
        return replace(method, uses_id_token=chosen.id_token)
    if chosen.client_id or chosen.scopes or chosen.audience or chosen.id_token:
        raise BadInputError("--client-id, --scopes, --audience and --id-token need --issuer.")
    verify = None if chosen.ca_file is None else tls_context(chosen.ca_file)
    said = asyncio.run(ask_how_to_sign_in(chosen.backend_url, HttpSettings(verify=verify)))
    if said is None:
        raise BadInputError(
            "The backend does not say that its players sign in with OpenID Connect: use "
            "`rejoin play` with --token-file, or --issuer and --client-id here."
        )
    return said


def _show_code(device: DeviceAnswer) -> None:
    from rejoin.runtime.qr_code import as_text, qr_modules

    page = device.verification_uri_complete or device.verification_uri
    say_lines(as_text(qr_modules(page)), err=True)
    say(f"On your phone or another computer, open {device.verification_uri}", err=True)
    say(f"and type the code {device.user_code}, or scan the picture. Waiting ...", err=True)
