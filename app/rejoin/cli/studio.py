"""`rejoin studio`: the emulated service and a studio's backend on this machine."""

from __future__ import annotations

import errno
import os
import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rejoin.cli import options, servers
from rejoin.cli.messages import say
from rejoin.cli.sign_in import token_file
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
    from rejoin.studio.serve import STUDIO_SETTINGS, Ports
    from rejoin.studio.serve import studio as served

    # boto3 writes TLS keys where this says, and fails where it cannot. Nothing here calls by TLS.
    os.environ.pop("SSLKEYLOGFILE", None)
    settings = replace(
        STUDIO_SETTINGS,
        notice_silent_client_s=chosen.notice_silent_client_s,
        connection_timeout_s=chosen.connection_timeout_s,
        session_length_s=chosen.session_length_s,
        idle_timeout_s=chosen.idle_timeout_s,
    )
    ports = Ports(chosen.backend_port, chosen.api_port, chosen.control_port)
    dialect = DIALECTS[chosen.dialect]

    async def serve() -> None:
        async with served(
            settings,
            ports,
            player_token=chosen.token,
            dialect=dialect,
            https=chosen.ca_file is not None,
            no_host=chosen.no_host,
        ) as there:
            if chosen.ca_file is not None:
                write_ca_file(chosen.ca_file, there.ca_pem or "")
            freeze_startup_objects()
            if chosen.announce:
                say(there.to_json())
                await servers.end_of_input()
                return
            for line in description(there, play_options(dialect, settings, chosen.ca_file)):
                say(line)
            async with EmulatorControl(there.control_url, there.control_token) as control:
                await console.run(control)

    return servers.run_until_stopped(serve)


def description(there: Studio, options_for_play: str) -> tuple[str, ...]:
    """Where everything listens, and the command that plays there."""
    return (
        f"Backend   {there.backend_url}",
        f"Service   {there.api_url} (emulated; use it as boto3's endpoint_url)",
        f"Control   {there.control_url}",
        f"Play      REJOIN_TOKEN={there.player_token} \\",
        f"          rejoin play --network loopback{options_for_play} {there.backend_url}",
        "Ctrl+C or `quit` stops it.",
    )


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
