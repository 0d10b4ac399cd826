"""Options that several verbs share, and how a verb's arguments become one frozen value."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from rejoin.cli.sign_in import token_file

_Verb = TypeVar("_Verb", bound=Callable[..., Any])
_Values = TypeVar("_Values")

DIALECT_NAMES: Final = ("ours", "aws-bundle", "aws-react")
"""The keys of `signaling.dialects.DIALECTS`, repeated so that `--help` imports nothing else."""

FILE: Final = click.Path(dir_okay=False, path_type=Path)
EXISTING_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER: Final = click.Path(file_okay=False, path_type=Path)


def as_values(
    kind: Callable[..., _Values],
) -> Callable[[Callable[[_Values], int]], Callable[..., int]]:
    """Decorator: call a verb with all arguments of the command line as one value of `kind`.

    `kind` is a frozen dataclass whose fields are named after the command's parameters; a test
    compares both for every verb.
    """

    def decorate(verb: Callable[[_Values], int]) -> Callable[..., int]:
        @functools.wraps(verb)
        def callback(**arguments: object) -> int:
            return verb(kind(**arguments))

        return callback

    return decorate


@dataclass(frozen=True, slots=True, kw_only=True)
class GameOptions:
    """What `play` and `back` have in common: how a game is decoded and shown."""

    token: str | None = field(default=None, repr=False)
    yes: bool = False
    decoder: str = "auto"
    """`auto` or `software`; see `media.video.hardware.chosen`."""
    renderer: str = "auto"
    scaling: str = "smooth"
    sharpness: float = 0.0
    vsync: bool = False
    frame_pacing: bool = False
    dtls_client: bool = False
    input_module: str = "service"
    """`service`: run the input module that the service names; `off`: watch alone."""
    max_kbps: int | None = None
    max_height: int | None = None
    ice_servers: Path | None = None
    """File with the TURN servers."""
    allow_444: bool = False
    """Offer video with colour in full resolution."""
    probe_url: str | None = None
    """Another address of the studio, for probes while the connection is lost."""
    full_screen: bool = False
    close_at_end: bool = False


def game_options(*, decoder_default: str) -> Callable[[_Verb], _Verb]:
    """The options of `GameOptions`."""
    options = (
        token_file("sign-in token for the studio's backend"),
        decoder(decoder_default),
        renderer("auto"),
        scaling,
        sharpness,
        vsync,
        frame_pacing,
        click.option(
            "--dtls-client",
            is_flag=True,
            help="Act as the DTLS client (saves one round trip). Some hosts refuse it.",
        ),
        click.option(
            "--input-module",
            type=click.Choice(("service", "off")),
            default="service",
            show_default=True,
            help="Run the input module that the service names, in a sandbox; or off: watch only.",
        ),
        click.option(
            "--max-bitrate",
            "max_kbps",
            metavar="KBIT/S",
            type=click.IntRange(100, 100_000),
            help="The most that the game may send, in kbit/s.",
        ),
        click.option(
            "--max-height",
            metavar="PIXELS",
            type=click.IntRange(180, 4320),
            help="The largest picture that the game may send, by its height; only where the input "
            "module passes it on.",
        ),
        click.option(
            "--ice-servers",
            metavar="FILE",
            type=FILE,
            help="JSON file with TURN servers (iceServers of WebRTC), to reach the game through a "
            "relay where it cannot be reached directly. Those of a backend's answer are not used.",
        ),
        click.option(
            "--allow-444",
            is_flag=True,
            help="Offer the studio video with colour in full resolution (4:4:4), which is decoded "
            "in software.",
        ),
        click.option(
            "--probe-url",
            metavar="URL",
            help="Another address of the studio, called while the connection is lost: if it "
            "answers, your internet works. With http:// it has to answer 204 (No Content).",
        ),
        click.option("--full-screen", is_flag=True, help="Start in full screen."),
        click.option(
            "--close-at-end", is_flag=True, help="Close the window when the game has ended."
        ),
    )

    def decorate(verb: _Verb) -> _Verb:
        for option in reversed(options):
            verb = option(verb)
        return verb

    return decorate


def agreement(meaning: str) -> Callable[[_Verb], _Verb]:
    """`--yes`: agree beforehand to what would be asked."""
    return click.option("--yes", is_flag=True, help=meaning)


def decoder(default: str) -> Callable[[_Verb], _Verb]:
    """`--decoder`: hardware or software."""
    return click.option(
        "--decoder",
        type=click.Choice(("auto", "software")),
        default=default,
        show_default=True,
        help="Video decoder; auto tries the graphics hardware first.",
    )


def renderer(default: str) -> Callable[[_Verb], _Verb]:
    """`--renderer`: the graphics card or the processor."""
    return click.option(
        "--renderer",
        type=click.Choice(("auto", "card", "software")),
        default=default,
        show_default=True,
        help="What draws the picture: auto uses the graphics card once a test of it has passed, "
        "which runs beside the game and counts from the next start.",
    )


def port(name: str, default: int, meaning: str) -> Callable[[_Verb], _Verb]:
    """`--NAME-port`: where a server listens."""
    return click.option(
        f"--{name}-port",
        type=click.IntRange(0, 65535),
        default=default,
        show_default=True,
        help=meaning,
    )


scaling = click.option(
    "--scaling",
    type=click.Choice(("smooth", "sharp", "pixel")),
    default="smooth",
    show_default=True,
    help="How the picture is scaled to the window; pixel scales to whole multiples.",
)
sharpness = click.option(
    "--sharpness",
    type=click.FloatRange(0.0, 1.0),
    default=0.0,
    show_default=True,
    help="How much --scaling sharp sharpens as well, where the graphics card draws.",
)
vsync = click.option(
    "--vsync",
    is_flag=True,
    help="Wait for the screen before a picture is shown, where the graphics card draws: no tearing,"
    " and up to one refresh of the screen later.",
)
frame_pacing = click.option(
    "--frame-pacing",
    is_flag=True,
    help="Show frames at even intervals; each may be up to one frame later.",
)
stats = click.option(
    "--stats", type=FILE, help="Write the stream's statistics to this CSV file, once a second."
)
dialect = click.option(
    "--dialect",
    type=click.Choice(DIALECT_NAMES),
    default="ours",
    show_default=True,
    help="Protocol of the backend: ours, or that of one of AWS's two sample backends.",
)
notice_silent_client = click.option(
    "--notice-silent-client",
    "notice_silent_client_s",
    type=click.FloatRange(0, 600),
    default=5.0,
    show_default=True,
    help="Seconds until the emulated service notices a silent client. Unknown for AWS.",
)
emulated_connection_timeout = click.option(
    "--connection-timeout",
    "connection_timeout_s",
    type=click.IntRange(1, 3600),
    default=120,
    show_default=True,
    help="ConnectionTimeoutSeconds of the emulated sessions.",
)
