"""`rejoin studio`: the emulated service and a studio's backend on this machine."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rejoin.cli import options, servers
from rejoin.cli.messages import say
from rejoin.cli.progress import Progress
from rejoin.cli.secret_variables import CONTROL_TOKEN_VARIABLE
from rejoin.cli.sign_in import taken, token_file
from rejoin.errors import BadInputError
from rejoin.parts import needs

if TYPE_CHECKING:
    from rejoin.emulator.service.settings import EmulatorSettings
    from rejoin.signaling.dialects import Dialect
    from rejoin.studio.address import Studio


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioOptions:
    """The arguments of `rejoin studio`."""

    backend_port: int
    api_port: int
    control_port: int
    token: str | None = field(repr=False)
    dialect: str
    notice_silent_client_s: float
    connection_timeout_s: int
    session_length_s: int
    idle_timeout_s: float
    ca_file: Path | None
    """Where the CA certificate is written; with it the backend is served over https."""
    no_host: bool
    settings_file: Path | None
    control_token_file: Path | None
    lan: str | None
    announce: bool


@click.command(short_help="Serve an emulated service and a backend.")
@options.port("backend", 8470, "Backend port. For this and the other ports, 0 chooses a free one.")
@options.port("api", 8471, "Port of the emulated service's REST API.")
@options.port("control", 8472, "Port for injecting faults.")
@token_file("token that players sign in with (default: a new one)")
@options.dialect
@options.notice_silent_client
@options.emulated_connection_timeout
@click.option(
    "--session-length",
    "session_length_s",
    type=click.IntRange(1, 86400),
    default=43200,
    show_default=True,
    help="SessionLengthSeconds of the emulated sessions.",
)
@click.option(
    "--idle-timeout",
    "idle_timeout_s",
    type=options.NumberRange(1, 86400),
    default=3600.0,
    show_default=True,
    help="Seconds without input after which the emulated service ends a session.",
)
@click.option(
    "--https",
    "ca_file",
    metavar="FILE",
    type=options.FILE,
    help="Serve the backend over https and write its CA certificate to FILE, "
    "for `rejoin play --ca-file FILE`.",
)
@click.option(
    "--no-host",
    is_flag=True,
    help="Run no game: offers get canned answers, and sessions change their status by themselves. "
    "For testing a backend with thousands of sessions; nobody can play.",
)
@click.option(
    "--settings",
    "settings_file",
    metavar="FILE",
    type=options.EXISTING_FILE,
    help="TOML file with settings of the emulator, such as `rejoin qa learn` writes. What an "
    "option of this command says goes first.",
)
@click.option(
    "--control-token-file",
    metavar="FILE",
    type=options.FILE,
    help="File with the token of the control API; where there is none, it is written with a new "
    "one. Only you may be able to read it. Or set REJOIN_CONTROL_TOKEN. Default: a new one.",
)
@click.option(
    "--lan",
    metavar="ADDRESS",
    help="Private IPv4 address of this machine: backend and streams are served there, for players "
    "on other machines of its network. Needs --https.",
)
@click.option(
    "--announce",
    is_flag=True,
    hidden=True,
    help="Print one JSON line and stop when standard input ends.",
)
@options.as_values(StudioOptions)
@needs("studio")
def studio(chosen: StudioOptions) -> int:
    """Serve an emulated GameLift Streams and a studio's backend on this machine.

    Shows sessions, statuses, faults and traffic, and lists the commands that you can type.
    Ctrl+C or `quit` stops it.
    """
    from rejoin.emulator.service import console
    from rejoin.emulator.service.control import EmulatorControl
    from rejoin.interpreter import freeze_startup_objects
    from rejoin.signaling.dialects import DIALECTS
    from rejoin.studio.serve import HOST, Ports, Tokens
    from rejoin.studio.serve import studio as served

    # boto3 writes TLS keys where this says, and fails where it cannot. Nothing here calls by TLS.
    os.environ.pop("SSLKEYLOGFILE", None)
    settings = _settings(chosen)
    ports = Ports(chosen.backend_port, chosen.api_port, chosen.control_port, chosen.lan or HOST)
    dialect = DIALECTS[chosen.dialect]
    if chosen.lan is not None:
        check_lan(chosen.lan, dialect, https=chosen.ca_file is not None)

    async def serve() -> None:
        starting = served(
            settings,
            ports,
            tokens=Tokens(chosen.token, _control_token(chosen.control_token_file)),
            dialect=dialect,
            https=chosen.ca_file is not None,
            no_host=chosen.no_host,
        )
        async with contextlib.AsyncExitStack() as stack:
            with Progress("starting", 0 if chosen.announce else None):
                there = await stack.enter_async_context(starting)
            if chosen.ca_file is not None:
                write_ca_file(chosen.ca_file, there.ca_pem or "")
            freeze_startup_objects()
            if chosen.announce:
                say(there.to_json())
                await servers.end_of_input()
                return
            network = "loopback" if chosen.lan is None else "lan"
            for line in description(
                there, play_options(dialect, settings, chosen.ca_file), network
            ):
                say(line)
            async with EmulatorControl(there.control_url, there.control_token) as control:
                await console.run(control)

    return servers.run_until_stopped(serve)


def description(there: Studio, options_for_play: str, network: str = "loopback") -> tuple[str, ...]:
    """Where everything listens, and the command that plays there."""
    warning = (
        "Everybody in this network reaches backend and streams. Starting a game needs the token; "
        "stop the studio when the tests are over."
    )
    return (
        f"Backend   {there.backend_url}",
        f"Service   {there.api_url} (emulated; use it as boto3's endpoint_url)",
        f"Control   {there.control_url}, token {there.control_token}",
        f"Play      REJOIN_TOKEN={there.player_token} \\",
        f"          rejoin play --network {network}{options_for_play} {there.backend_url}",
        *([warning] if network != "loopback" else []),
        "Ctrl+C or `quit` stops it.",
    )


def _settings(chosen: StudioOptions) -> EmulatorSettings:
    """What `rejoin studio` starts with, changed by the file, changed by the options that were
    given."""
    from rejoin.emulator.service import settings_file
    from rejoin.studio.serve import STUDIO_SETTINGS

    values = {} if chosen.settings_file is None else settings_file.read(chosen.settings_file)
    context = click.get_current_context()
    for name in _OPTIONS_OF_SETTINGS:
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
            values[name] = getattr(chosen, name)
    return STUDIO_SETTINGS.changed(values)


_OPTIONS_OF_SETTINGS: Final = (
    "notice_silent_client_s",
    "connection_timeout_s",
    "session_length_s",
    "idle_timeout_s",
)
"""Options that are settings of the emulator, with the same defaults."""


def check_lan(address: str, dialect: Dialect, *, https: bool) -> None:
    """Raises BadInputError where the studio cannot be served at this address without danger."""
    try:
        given = ipaddress.ip_address(address)
    except ValueError:
        given = None
    if (
        not isinstance(given, ipaddress.IPv4Address)
        or not given.is_private
        or given.is_loopback
        or given.is_unspecified
    ):
        raise BadInputError(
            "--lan needs a private IPv4 address of this machine, such as 192.168.1.20."
        )
    if not dialect.needs_token:
        raise BadInputError(
            f"--lan cannot be used with --dialect {dialect.name}: its backend asks for no token, "
            "so everybody in the network could start games."
        )
    if not https:
        raise BadInputError(
            "--lan needs --https FILE: by http everybody in the network could read the token."
        )


def _control_token(file: Path | None) -> str | None:
    """The token that was given, by a file or in the environment; None: there is none.

    Raises BadInputError.
    """
    from rejoin.emulator.service.control_server import new_token
    from rejoin.runtime.private_files import NotPrivateError, read_private, write_new

    if file is None:
        token = taken().get(CONTROL_TOKEN_VARIABLE, "").strip()
        return _checked_token(token, "REJOIN_CONTROL_TOKEN") if token else None
    try:
        text = read_private(file, _MAX_TOKEN_FILE).decode("ascii", errors="replace")
        return _checked_token(text.strip(), file.name)
    except FileNotFoundError:
        token = new_token()
    except NotPrivateError:
        raise BadInputError(
            f"{file.name} can be read by others: make it yours alone (chmod 600)."
        ) from None
    except OSError:
        raise BadInputError(f"The control token cannot be read from {file.name}.") from None
    try:
        write_new(file, f"{token}\n".encode())
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise BadInputError(f"The control token cannot be written to {file.name}.") from error
    return token


_MAX_TOKEN_FILE: Final = 4096


def _checked_token(token: str, where: str) -> str:
    if not re.fullmatch(r"[!-~]{16,1024}", token):
        raise BadInputError(
            f"The control token in {where} is not 16 to 1024 printable characters without spaces."
        )
    return token


def play_options(dialect: Dialect, settings: EmulatorSettings, ca_file: Path | None) -> str:
    """The options that `rejoin play` needs at this studio, each after a space."""
    text = "" if dialect.name == "ours" else f" --dialect {dialect.name}"
    if dialect.needs_stream_group:
        text += f" --stream-group {settings.stream_group_ids[0]}"
        text += f" --application {settings.application_id}"
    if ca_file is not None:
        text += f" --ca-file {shlex.quote(str(ca_file))}"
    return text


def write_ca_file(path: Path, pem: str) -> None:
    """Write the CA certificate. Raises BadInputError; OSError when the disk is full."""
    try:
        path.write_text(pem, encoding="ascii")
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise BadInputError(f"The CA certificate cannot be written to {path.name}.") from error
