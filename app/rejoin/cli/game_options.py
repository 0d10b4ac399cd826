"""The options of a game that is played: those that a player can save have the saved values as their
defaults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rejoin.cli.microphone_options import microphone_options
from rejoin.cli.options import FILE, NONE, NumberRange, TextType, decoder, frame_pacing, renderer
from rejoin.cli.pad_options import pad_options
from rejoin.cli.saved_settings import saved
from rejoin.cli.sign_in import token_file

if TYPE_CHECKING:
    from rejoin.runtime.player_settings import PlayerSettings

_Verb = TypeVar("_Verb", bound=Callable[..., Any])
_Options = TypeVar("_Options", bound="GameOptions")


@dataclass(frozen=True, slots=True, kw_only=True)
class GameOptions:
    """What `play` and `back` have in common: how a game is decoded and shown. What is a setting too
    has its field's name in `PlayerSettings`."""

    token: str | None = field(default=None, repr=False)
    token_command: str | None = None
    client_credentials: Path | None = None
    """File with the client that signs in by itself."""
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
    gamepads: bool = True
    pad_background: bool = False
    pad_dead_zone: float = 0.1
    pad_swap_ab: bool = False
    pad_swap_xy: bool = False
    pad_swap_ab_cards: bool = False
    pad_rumble: bool = True
    pad_mouse: bool = False
    max_kbps: int | None = None
    max_height: int | None = None
    turn_file: Path | None = None
    """File with the TURN servers."""
    allow_444: bool = False
    """Offer video with colour in full resolution."""
    aspect: str = "sent"
    full_screen: bool = False
    screen: str | None = None
    """The name of the screen to open on; None: the desktop decides."""
    sound_device: str | None = None
    mute_in_background: bool = False
    microphone: str = "off"
    """`off`, `open` or `push_to_talk`."""
    microphone_device: str | None = None
    microphone_in_background: bool = False
    microphone_in_menu: bool = False
    close_at_end: bool = False
    probe_url: str | None = None
    """Another address of the studio, for probes while the connection is lost."""
    send_reports: bool = False
    """Send the studio reconnect reports, where it takes them."""


def with_settings(
    options: _Options, settings: PlayerSettings, fixed: frozenset[str], *, of_ticket: bool
) -> _Options:
    """The options of another game of the same run, by the settings as they are now. `fixed`: fields
    of the settings that the command line gives. `of_ticket`: the run began with a ticket, whose
    game may have crashed by a driver, so that the decoder stays the one that was chosen for it."""
    kept = fixed | {"decoder"} if of_ticket else fixed
    names = {each.name for each in fields(options)} & {each.name for each in fields(settings)}
    now = {name: getattr(settings, name) for name in names - kept}
    if now.get("turn_file") is not None:
        now["turn_file"] = Path(now["turn_file"])
    return replace(options, **now)


scaling = click.option(
    "--scaling",
    type=click.Choice(("smooth", "sharp", "pixel")),
    default=saved("scaling"),
    show_default="smooth",
    help="How the picture is scaled to the window; pixel scales to whole multiples.",
)
sharpness = click.option(
    "--sharpness",
    type=NumberRange(0.0, 1.0),
    default=saved("sharpness"),
    show_default="0",
    help="How much --scaling sharp sharpens as well, where the graphics card draws.",
)
vsync = click.option(
    "--vsync/--no-vsync",
    default=saved("vsync"),
    help="Wait for the screen before a picture is shown, where the graphics card draws: no tearing,"
    " and up to one refresh of the screen later.",
)


aspect = click.option(
    "--aspect",
    type=click.Choice(("sent", "fill", "4:3", "16:9", "16:10", "21:9")),
    default=saved("aspect"),
    show_default="sent",
    help="The shape of the picture: as the game sends it, as the window (fill), or another one.",
)


class LimitType(click.ParamType[int | None]):
    """A whole number in a range, or `none`: None."""

    name = "limit"

    def __init__(self, least: int, most: int) -> None:
        self._range = click.IntRange(least, most)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        return None if value in (None, NONE) else self._range.convert(value, param, ctx)


class OptionalFile(click.Path):
    """The path of a file, or `none`: None."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return None if value in (None, NONE) else super().convert(value, param, ctx)


def window_options() -> tuple[Callable[[_Verb], _Verb], ...]:
    """The options of how the window opens and where its sound plays."""
    return (
        click.option(
            "--full-screen/--no-full-screen",
            default=saved("full_screen"),
            help="Start in full screen.",
        ),
        click.option(
            "--screen",
            metavar="NAME",
            type=TextType(),
            default=saved("screen"),
            show_default=NONE,
            help="The screen to open on, by its name in the system.",
        ),
        click.option(
            "--sound-device",
            metavar="NAME",
            type=TextType(),
            default=saved("sound_device"),
            show_default=NONE,
            help="The sound device that plays; while it is not there, the system's default.",
        ),
        click.option(
            "--mute-in-background/--no-mute-in-background",
            default=saved("mute_in_background"),
            help="No sound while the game's window is not the active one.",
        ),
    )


def game_options(*, decoder_default: str | None = None) -> Callable[[_Verb], _Verb]:
    """The options of `GameOptions`. `decoder_default`: None: what the player's settings say."""
    options = (
        token_file("sign-in token for the studio's backend"),
        click.option(
            "--token-command",
            metavar="COMMAND",
            help="Run this command, without a shell, for a sign-in token on the first line of its "
            "output; again before that token expires.",
        ),
        click.option(
            "--client-credentials",
            metavar="FILE",
            type=FILE,
            help="Sign in as a client with its own secret: a JSON file with issuer, client_id and "
            "client_secret, and where needed scopes and audience.",
        ),
        decoder(decoder_default or saved("decoder")),
        renderer(saved("renderer")),
        scaling,
        sharpness,
        aspect,
        vsync,
        frame_pacing(saved("frame_pacing")),
        click.option(
            "--dtls-client/--no-dtls-client",
            default=saved("dtls_client"),
            help="Act as the DTLS client (saves one round trip). Some hosts refuse it.",
        ),
        click.option(
            "--input-module",
            type=click.Choice(("service", "off")),
            default=saved("input_module"),
            show_default="service",
            help="Run the input module that the service names, in a sandbox; or off: watch only.",
        ),
        *pad_options(),
        click.option(
            "--max-bitrate",
            "max_kbps",
            metavar="KBIT/S",
            type=LimitType(100, 100_000),
            default=saved("max_kbps"),
            show_default=NONE,
            help="The most that the game may send, in kbit/s.",
        ),
        click.option(
            "--max-height",
            metavar="PIXELS",
            type=LimitType(180, 4320),
            default=saved("max_height"),
            show_default=NONE,
            help="The largest picture that the game may send, by its height; only where the input "
            "module passes it on.",
        ),
        click.option(
            "--ice-servers",
            "turn_file",
            metavar="FILE",
            type=OptionalFile(dir_okay=False, path_type=Path),
            default=saved("turn_file"),
            show_default=NONE,
            help="JSON file with TURN servers (iceServers of WebRTC), to reach the game through a "
            "relay where it cannot be reached directly. Those of a backend's answer are not used.",
        ),
        click.option(
            "--allow-444/--no-allow-444",
            default=saved("allow_444"),
            help="Offer the studio video with colour in full resolution (4:4:4), which is decoded "
            "in software.",
        ),
        *window_options(),
        *microphone_options(),
        click.option(
            "--close-at-end", is_flag=True, help="Close the window when the game has ended."
        ),
        click.option(
            "--probe-url",
            metavar="URL",
            help="Another address of the studio, called while the connection is lost: if it "
            "answers, your internet works. With http:// it has to answer 204 (No Content).",
        ),
        click.option(
            "--report/--no-report",
            "send_reports",
            default=saved("send_reports"),
            help="After each reconnect, send the studio how it went: cause, seconds, tries and "
            "outcome; no address and no text. It keeps them for 30 days, under a pseudonym.",
        ),
    )

    def decorate(verb: _Verb) -> _Verb:
        for option in reversed(options):
            verb = option(verb)
        return verb

    return decorate
