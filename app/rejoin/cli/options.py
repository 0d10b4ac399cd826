"""Options that several verbs share, and how a verb's arguments become one frozen value."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

_Verb = TypeVar("_Verb", bound=Callable[..., Any])
_Values = TypeVar("_Values")

DIALECT_NAMES: Final = ("ours", "aws-bundle", "aws-react")
"""The keys of `signaling.dialects.DIALECTS`, repeated so that `--help` imports nothing else."""

FILE: Final = click.Path(dir_okay=False, path_type=Path)
EXISTING_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
EXISTING_PATH: Final = click.Path(exists=True, path_type=Path)
FOLDER: Final = click.Path(file_okay=False, path_type=Path)


NONE: Final = "none"
"""`runtime.setting_kinds.NONE`, repeated so that `--help` imports nothing else."""


class TextType(click.ParamType[str | None]):
    """Any text, or `none`: None."""

    name = "text"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str | None:
        return None if value in (None, NONE) else str(value)


class NumberRange(click.FloatRange):
    """A number within bounds. To click's own type NaN is within any."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is not a number.", param, ctx)
        return number


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


def agreement(meaning: str) -> Callable[[_Verb], _Verb]:
    """`--yes`: agree beforehand to what would be asked."""
    return click.option("--yes", is_flag=True, help=meaning)


def decoder(default: str | Callable[[], str]) -> Callable[[_Verb], _Verb]:
    """`--decoder`: hardware or software."""
    return click.option(
        "--decoder",
        type=click.Choice(("auto", "software")),
        default=default,
        show_default=True if isinstance(default, str) else "auto",
        help="Video decoder; auto tries the graphics hardware first.",
    )


def renderer(default: str | Callable[[], str]) -> Callable[[_Verb], _Verb]:
    """`--renderer`: the graphics card or the processor."""
    return click.option(
        "--renderer",
        type=click.Choice(("auto", "card", "software")),
        default=default,
        show_default=True if isinstance(default, str) else "auto",
        help="What draws the picture: auto uses the graphics card once a test of it has passed, "
        "which runs beside the game and counts from the next start.",
    )


def frame_pacing(default: bool | Callable[[], bool]) -> Callable[[_Verb], _Verb]:
    """`--frame-pacing`."""
    return click.option(
        "--frame-pacing/--no-frame-pacing",
        default=default,
        help="Show frames at even intervals; each may be up to one frame later.",
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


def start_timeout(until: str) -> Callable[[_Verb], _Verb]:
    """`--start-timeout`: how long a game may take `until` it has got so far."""
    return click.option(
        "--start-timeout",
        "start_within_s",
        type=NumberRange(1, 3600),
        default=120.0,
        show_default=True,
        help=f"Seconds that a game may take to {until}.",
    )


def max_sessions(
    default: int, meaning: str = "Start no more sessions than that."
) -> Callable[[_Verb], _Verb]:
    """`--max-sessions`: each costs the studio money."""
    return click.option(
        "--max-sessions",
        type=click.IntRange(1, 100_000),
        default=default,
        show_default=True,
        help=meaning,
    )


def max_minutes(default: float, meaning: str) -> Callable[[_Verb], _Verb]:
    """`--max-minutes`: what a run may cost the studio."""
    return click.option(
        "--max-minutes",
        type=NumberRange(0.1, 100_000),
        default=default,
        show_default=True,
        help=meaning,
    )


seed = click.option(
    "--seed",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Seed of the random numbers.",
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
learned_service = click.option(
    "--service",
    metavar="FILE",
    type=EXISTING_FILE,
    help="What `rejoin qa learn` has measured of a service, in place of what is assumed of it.",
)
notice_silent_client = click.option(
    "--notice-silent-client",
    "notice_silent_client_s",
    type=NumberRange(0, 600),
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
