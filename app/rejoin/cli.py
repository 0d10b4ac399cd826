"""The verbs of the command line. Heavy imports happen inside the verb that needs them.

Exit codes: 0 as it should be; 1 it was not (a game that ended before it should, a failed demo);
2 what was asked for cannot be used; 3 the backend cannot be reached or used; 4 it does not let us
in; 5 to 10 as `errors.py` says; 70 a defect of ours; 130 after Ctrl+C or SIGTERM, which for a
server are the way to end and give 0. Whatever Rejoin understands is one line on standard error
and never a traceback.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from rejoin.errors import BadInputError, RejoinError
from rejoin.qa.verbs import qa

if TYPE_CHECKING:
    from rejoin.core.model import Ending
    from rejoin.core.ticket import Ticket
    from rejoin.gui.main_window import RejoinWindow
    from rejoin.runtime.instance import Instance
    from rejoin.runtime.studio_profile import StudioProfile

_Verb = TypeVar("_Verb", bound=Callable[..., Any])

DIALECT_NAMES = ("ours", "aws-bundle", "aws-react")
"""Those of `signaling/dialects`, which is not imported before a verb needs it."""

INTERRUPTED = 130
_DEFECT = 70
"""sysexits' EX_SOFTWARE: a failure that Rejoin does not understand, which is a defect of ours."""

_LEAVING_PATIENCE_S = 8.0
"""How long the stream may take to end once the window is gone."""


def main() -> NoReturn:
    """Run a verb and exit with its code."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        code = rejoin.main(prog_name="rejoin", standalone_mode=False)
    except click.exceptions.Abort:
        code = INTERRUPTED
    except KeyboardInterrupt:
        code = INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = error.exit_code
    except click.ClickException as error:
        _complain(_usage_sentence(error))
        code = error.exit_code
    except RejoinError as error:
        _complain(str(error))
        code = error.exit_code
    except OSError as error:
        if error.errno == errno.ENOSPC:
            _complain("There is no space left to write to.")
            code = RejoinError.exit_code
        else:
            _report_defect(error)
            code = _DEFECT
    except Exception as error:
        _report_defect(error)
        code = _DEFECT
    sys.exit(_flushed(code if isinstance(code, int) else 0))


def _flushed(code: int) -> int:
    """The code to exit with, once what was printed is out; Python's own try would say more."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if code == 0:
            _complain("What was printed could not be written.")
            return RejoinError.exit_code
    return code


def _as_interrupt(_number: int, frame: FrameType | None) -> None:
    """SIGTERM asks for what Ctrl+C asks for, whoever listens to that now.

    Where Ctrl+C is ignored, as in a shell's background job, this one still counts.
    """
    interrupt = signal.getsignal(signal.SIGINT)
    if callable(interrupt):
        interrupt(signal.SIGINT, frame)
    else:
        raise KeyboardInterrupt


def _complain(sentence: str) -> None:
    click.echo(f"rejoin: {sentence}", err=True)


def _usage_sentence(error: click.ClickException) -> str:
    """What is wrong with the arguments, and where to read what can be given."""
    sentence = error.format_message().rstrip(".") + "."
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return sentence
    return f"{sentence} `{context.command_path} --help` says what can be given."


def _report_defect(error: Exception) -> None:
    """A sentence for the person; the traceback, redacted, only for who asks for it."""
    import traceback

    from rejoin.redact import redact

    _complain(
        f"something failed inside Rejoin ({type(error).__name__}); this is a defect. "
        "REJOIN_TRACEBACK=1 shows where."
    )
    if os.environ.get("REJOIN_TRACEBACK"):
        click.echo(redact("".join(traceback.format_exception(error))), err=True)


_notice = click.option(
    "--notice",
    type=click.FloatRange(0, 600),
    default=5.0,
    show_default=True,
    help="Seconds until the emulated service notices a silent client (unknown of AWS).",
)
_emulated_timeout = click.option(
    "--connection-timeout",
    type=click.IntRange(1, 3600),
    default=120,
    show_default=True,
    help="ConnectionTimeoutSeconds of the emulated sessions.",
)
_dialect = click.option(
    "--dialect",
    type=click.Choice(DIALECT_NAMES),
    default="ours",
    show_default=True,
    help="How the backend speaks: ours, or as one of AWS's two sample backends.",
)


_stats = click.option(
    "--stats",
    type=click.Path(dir_okay=False, path_type=Path),
    help="CSV file for the stream's numbers, one line a second.",
)
_smooth = click.option(
    "--smooth", is_flag=True, help="Show pictures evenly, each up to one frame later."
)
_begin_dtls = click.option(
    "--begin-dtls",
    is_flag=True,
    help="Begin the encryption's handshake, for a round trip less; your host may not allow it.",
)


def _decoder(default: str) -> Callable[[_Verb], _Verb]:
    """An option for what decodes the video."""
    return click.option(
        "--decoder",
        type=click.Choice(("auto", "software")),
        default=default,
        show_default=True,
        help="What decodes: auto tries the graphics hardware first.",
    )


def _port(what: str, default: int, meaning: str) -> Callable[[_Verb], _Verb]:
    """An option for where a server listens."""
    return click.option(
        f"--{what}-port",
        type=click.IntRange(0, 65535),
        default=default,
        show_default=True,
        help=meaning,
    )


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rejoin")
@click.option("-v", "--verbose", is_flag=True, help="Log what Rejoin does, to standard error.")
def rejoin(verbose: bool) -> None:
    """Play games streamed by Amazon GameLift Streams, and get back in when the connection drops."""
    from rejoin.runtime import logs

    logs.configure(verbose=verbose)


rejoin.add_command(qa)

_token = click.option(
    "--token",
    envvar="REJOIN_TOKEN",
    help="Your sign-in token for the studio's backend; better given as REJOIN_TOKEN.",
)
_full_screen = click.option("--full-screen", is_flag=True, help="Begin in full screen.")
_close_at_end = click.option(
    "--close-at-end", is_flag=True, help="Close the window when the game is over."
)


@rejoin.command(short_help="Play a game through a studio's backend.")
@click.argument("backend_url")
@_token
@click.option(
    "--network",
    type=click.Choice(["internet", "lan", "loopback"]),
    default="internet",
    show_default=True,
    help="Where the stream may come from: a LAN or this machine only if you say so.",
)
@click.option(
    "--connection-timeout",
    type=click.FloatRange(1, 3600),
    help="ConnectionTimeoutSeconds, for a backend that does not tell it.",
)
@_dialect
@click.option("--stream-group", help="Stream group (id or ARN), for AWS's sample backends.")
@click.option("--application", help="Application (id or ARN), for AWS's sample backends.")
@click.option("--insecure", is_flag=True, help="Allow http to a backend that is not this machine.")
@click.option(
    "--authority",
    type=click.Path(dir_okay=False, path_type=Path),
    help="PEM file: who may vouch for the backend, instead of the usual authorities.",
)
@_stats
@_decoder("auto")
@_smooth
@_begin_dtls
@click.option("--yes", is_flag=True, help="Let a link's backend have your sign-in token, unasked.")
@_full_screen
@_close_at_end
def play(
    backend_url: str,
    token: str | None,
    network: str,
    connection_timeout: float | None,
    dialect: str,
    stream_group: str | None,
    application: str | None,
    insecure: bool,
    authority: Path | None,
    stats: Path | None,
    decoder: str,
    smooth: bool,
    begin_dtls: bool,
    yes: bool,
    full_screen: bool,
    close_at_end: bool,
) -> int:
    """Start a game through the studio's backend at BACKEND_URL and play it.

    BACKEND_URL may also be a studio's link (rejoin://play?...), which says how its backend speaks.
    It may come from anybody: its backend gets no sign-in token unless you agree.
    """
    from rejoin.runtime.deep_link import is_link

    if is_link(backend_url):
        return _play_link(
            backend_url,
            token,
            yes=yes,
            full_screen=full_screen,
            close_at_end=close_at_end,
            stats=stats,
            decoder=decoder,
            smooth=smooth,
            begin_dtls=begin_dtls,
        )
    from rejoin.signaling.dialects import DIALECTS

    spoken = DIALECTS[dialect]
    if not token and spoken.needs_token:
        raise BadInputError("A sign-in token is needed: give --token or set REJOIN_TOKEN.")
    if spoken.needs_stream_group and not stream_group:
        raise BadInputError(f"A backend of dialect {dialect} needs --stream-group.")
    from rejoin.gui import application as window_application
    from rejoin.runtime.studio_profile import StudioProfile, network_rules
    from rejoin.signaling.aws_samples import StreamChoice

    window_application.check_display()
    profile = StudioProfile(
        backend_url,
        token,
        network_rules(network),
        dialect=spoken,
        choice=StreamChoice(stream_group, application) if stream_group else None,
        connection_timeout_s=connection_timeout,
        allow_insecure=insecure,
        ca_file=authority,
    )
    return _play(
        profile,
        full_screen=full_screen,
        close_at_end=close_at_end,
        stats=stats,
        decoder=decoder,
        smooth=smooth,
        begin_dtls=begin_dtls,
    )


def _play_link(
    link: str,
    token: str | None,
    *,
    yes: bool,
    full_screen: bool,
    close_at_end: bool,
    stats: Path | None,
    decoder: str,
    smooth: bool,
    begin_dtls: bool,
) -> int:
    """Play where a link leads, and say where that is: a link is a stranger's word.

    A token that was given may be another studio's, so the player is asked before this one gets it.
    One from the keyring was kept for this very origin.
    """
    from rejoin.gui import application as window_application
    from rejoin.runtime.deep_link import parse_link
    from rejoin.runtime.studio_profile import StudioProfile
    from rejoin.runtime.tokens import NO_TOKEN_SAVED, TokenStore, origin_of

    door = parse_link(link)
    profile = StudioProfile.from_address(door, token)
    window_application.check_display()
    origin = origin_of(door.backend_url)
    if token and profile.dialect.needs_token and not yes:
        if not sys.stdin.isatty():
            raise BadInputError(
                f"This link leads to {origin}. Only with --yes does it get your sign-in token."
            )
        click.confirm(f"Send your sign-in token to {origin}?", abort=True, err=True)
    if not token and profile.dialect.needs_token:
        token = asyncio.run(TokenStore().fetch(door.backend_url))
        if not token:
            raise BadInputError(NO_TOKEN_SAVED)
        profile = StudioProfile.from_address(door, token)
    click.echo(f"Playing through {origin}.", err=True)
    return _play(
        profile,
        full_screen=full_screen,
        close_at_end=close_at_end,
        stats=stats,
        decoder=decoder,
        smooth=smooth,
        begin_dtls=begin_dtls,
    )


@rejoin.command(short_help="Go back into the last game.")
@_token
@_decoder("software")
@_smooth
@_begin_dtls
@_full_screen
@_close_at_end
def back(
    token: str | None,
    decoder: str,
    smooth: bool,
    begin_dtls: bool,
    full_screen: bool,
    close_at_end: bool,
) -> int:
    """Go back into the last game, after Rejoin was closed or this computer had a fault.

    The fault may have been the graphics driver's, so that software decodes unless you say auto.

    The sign-in token comes from this computer's keyring. Where there is none, give it again.
    """
    from rejoin.core.model import SessionId
    from rejoin.gui import application as window_application
    from rejoin.runtime.instance import Instance, activate
    from rejoin.runtime.studio_profile import StudioProfile
    from rejoin.runtime.ticket_folder import TicketFolder, key_of
    from rejoin.runtime.tokens import NO_SESSION_SAVED, NO_TOKEN_SAVED, SESSION, TokenStore

    window_application.check_display()
    ticket = TicketFolder().newest()
    if ticket is None or ticket.expired(time.time()):
        raise BadInputError("There is no game to go back into.")
    key = key_of(ticket.backend.backend_url, ticket.rejoin_state.session_id)
    try:
        instance = Instance.claim(key)
        if instance is None and activate(key):
            click.echo("This game is open already; its window was brought to the front.")
            return 0
        instance = instance or Instance.claim(key)  # it may have ended meanwhile
    except OSError:
        instance = None
        _complain("it cannot be told whether this game is open in another Rejoin.")
    else:
        if instance is None:
            raise RejoinError("This game is open in another Rejoin, which does not answer.")
    try:
        # Checked before the keyring is asked, which may ask the player something.
        profile = StudioProfile.from_address(ticket.backend, token)
        if not token and profile.dialect.needs_token:
            token = asyncio.run(TokenStore().fetch(ticket.backend.backend_url))
            if not token:
                raise BadInputError(NO_TOKEN_SAVED)
            profile = StudioProfile.from_address(ticket.backend, token)
        if profile.dialect.session_is_secret:
            secret = asyncio.run(TokenStore().fetch(ticket.backend.backend_url, SESSION))
            session_id = SessionId(secret or "")
            if key_of(ticket.backend.backend_url, session_id) != key:
                raise BadInputError(NO_SESSION_SAVED)
            ticket = replace(
                ticket, rejoin_state=replace(ticket.rejoin_state, session_id=session_id)
            )
        return _play(
            profile,
            full_screen=full_screen,
            close_at_end=close_at_end,
            decoder=decoder,
            smooth=smooth,
            begin_dtls=begin_dtls,
            ticket=ticket,
            instance=instance,
        )
    finally:
        if instance is not None:
            instance.release()


def _last_game() -> Ticket | None:
    """The game that can be gone back into and that nobody plays now; damaged tickets are none."""
    from rejoin.runtime.instance import is_taken
    from rejoin.runtime.ticket_folder import TicketFolder, key_of

    folder = TicketFolder()
    folder.sweep()
    try:
        ticket = folder.newest()
    except BadInputError:
        return None
    if ticket is None or ticket.expired(time.time()):
        return None
    return (
        None
        if is_taken(key_of(ticket.backend.backend_url, ticket.rejoin_state.session_id))
        else ticket
    )


def _play(
    profile: StudioProfile,
    *,
    full_screen: bool,
    close_at_end: bool,
    decoder: str,
    smooth: bool,
    begin_dtls: bool,
    stats: Path | None = None,
    ticket: Ticket | None = None,
    instance: Instance | None = None,
) -> int:
    """Play in a window until it is closed: a new game, or the one that `ticket` is for."""
    from rejoin.core.model import Stage
    from rejoin.gui import application as window_application
    from rejoin.gui.main_window import WindowOptions
    from rejoin.media.video.hardware import chosen
    from rejoin.runtime.local_store import LocalStore
    from rejoin.runtime.network import HAS_NETLINK
    from rejoin.runtime.player import Player, PlayerOptions
    from rejoin.runtime.statistics_file import StatisticsFile
    from rejoin.runtime.stream_thread import StreamThread
    from rejoin.runtime.volume_file import SoundFile

    numbers = StatisticsFile(stats) if stats is not None else None
    activated = threading.Event()
    store = LocalStore(profile, instance=instance, on_activate=lambda link: activated.set())
    player = Player(
        profile,
        PlayerOptions(
            local_store=store,
            ticket=ticket,
            statistics_file=numbers,
            sound_file=SoundFile(),
            hardware=chosen(decoder),
            dtls_client=begin_dtls,
        ),
    )
    if ticket is None and _last_game() is not None:
        _complain("your last game may still be running: `rejoin back` goes back into it.")
    thread = StreamThread(player.run)
    was_live = False

    def watch(window: RejoinWindow) -> None:
        nonlocal was_live
        stage = window.snapshot.stage
        if activated.is_set():
            activated.clear()
            window.come_to_front()
        if stage is Stage.LIVE and not was_live:
            was_live = True
            problem = player.problem()
            if problem is not None:
                _complain(problem)
        died = not thread.running and player.snapshot.stage is not Stage.ENDED
        if died or (close_at_end and stage is Stage.ENDED):
            window.close()

    thread.start()
    code = window_application.run(
        player,
        WindowOptions(smooth=smooth),
        full_screen=full_screen,
        network_hint=not HAS_NETLINK and not profile.network.loopback_only,
        after_refresh=watch,
    )
    ending = thread.join(_LEAVING_PATIENCE_S)
    if ending is None:
        _complain("the stream did not end in time; this is a defect.")
        return _DEFECT
    if code != 0:
        return code
    code = _code_of(ending)
    if code != 0:
        _complain(_ending_sentence(ending))
    return code


def _ending_sentence(ending: Ending) -> str:
    """The end of a game on one line: the window's title for it, and what is known beyond."""
    from rejoin.gui import texts

    text = texts.ending_text(ending)
    return f"{text.title.rstrip('.')}. {ending.detail or text.meaning}"


def _code_of(ending: Ending) -> int:
    """How a game that is over ends the program; what is not named here ends it with 1."""
    from rejoin.core.model import EndingKind

    if ending.kind is EndingKind.GAME_ENDED and ending.reason == "applicationExit":
        return 0  # the player left the game by its own exit
    codes = {
        EndingKind.CLOSED_FOR_NOW: 0,
        EndingKind.ENDED_BY_PLAYER: 0,
        EndingKind.CANCELLED: 0,
        EndingKind.BACKEND_UNREACHABLE: 3,
        EndingKind.BACKEND_UNUSABLE: 3,
        EndingKind.BACKEND_UNTRUSTED: 3,
        EndingKind.BUSY: 3,
        EndingKind.SIGN_IN_NEEDED: 4,
        EndingKind.NOT_ALLOWED: 4,
        EndingKind.OFFER_REFUSED: 5,
        EndingKind.BAD_ANSWER: 5,
        EndingKind.COULD_NOT_CONNECT: 6,
        EndingKind.INTERNAL: 6,
    }
    return codes.get(ending.kind, RejoinError.exit_code)


@rejoin.command(short_help="Play on this machine, drop the connection, get back.")
@click.option("--headless", is_flag=True, help="Without a display: save pictures and a report.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for pictures and report; ./demo-out when headless.",
)
@click.option(
    "--fault",
    type=click.Choice(["silence", "freeze", "graceful_close", "kill"]),
    default="silence",
    show_default=True,
    help="What happens to the stream; kill ends the game for good.",
)
@_notice
@_emulated_timeout
@click.option(
    "--drop-after",
    type=click.FloatRange(0.5, 3600),
    default=4.0,
    show_default=True,
    help="Seconds of play before a drop.",
)
@click.option(
    "--drops",
    type=click.IntRange(0, 1000),
    default=1,
    show_default=True,
    help="How many drops; 0 only plays.",
)
@_decoder("software")
@_smooth
@_stats
def demo(
    headless: bool,
    out: Path | None,
    fault: str,
    notice: float,
    connection_timeout: int,
    drop_after: float,
    drops: int,
    decoder: str,
    smooth: bool,
    stats: Path | None,
) -> int:
    """Play against an emulated service on this machine, drop the connection, and get back.

    It succeeds when every drop ended with the same game live again; with --fault kill, when the
    game ended and the reason that the service gave was shown.
    """
    from rejoin import demo as demonstration
    from rejoin.emulator.service.settings import FaultKind

    if headless and out is None:
        out = Path("demo-out")
    return demonstration.run(
        demonstration.Options(
            headless=headless,
            out=out,
            fault=FaultKind(fault),
            notice_s=notice,
            connection_timeout_s=connection_timeout,
            drop_after_s=drop_after,
            drops=drops,
            decoder=decoder,
            smooth=smooth,
            stats=stats,
        ),
        print_line=click.echo,
    )


@rejoin.command(short_help="Serve an emulated service and a backend.")
@_port("backend", 8470, "Where players knock; for each port 0 lets the system choose.")
@_port("api", 8471, "Where the emulated service's REST API is.")
@_port("control", 8472, "Where faults are put in.")
@click.option("--token", envvar="REJOIN_TOKEN", help="What players sign in with; else a new one.")
@_dialect
@_notice
@_emulated_timeout
@click.option(
    "--https",
    "authority",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Serve the backend over https; FILE becomes the authority that `play` is to trust.",
)
@click.option("--announce", is_flag=True, hidden=True, help="One JSON line; end with stdin.")
def studio(
    backend_port: int,
    api_port: int,
    control_port: int,
    token: str | None,
    dialect: str,
    notice: float,
    connection_timeout: int,
    authority: Path | None,
    announce: bool,
) -> int:
    """Serve an emulated GameLift Streams and a studio's backend on this machine.

    Shows sessions, statuses, faults and traffic, and takes the commands it lists. Ctrl+C or
    `quit` ends it.
    """
    from rejoin.emulator.service import console
    from rejoin.emulator.service.control import EmulatorControl
    from rejoin.emulator.service.settings import EmulatorSettings
    from rejoin.runtime.stream_thread import freeze_startup_objects
    from rejoin.signaling.dialects import DIALECTS
    from rejoin.studio import Ports
    from rejoin.studio import studio as serve

    settings = EmulatorSettings(
        notice_silent_client_s=notice, connection_timeout_s=connection_timeout
    )
    ports = Ports(backend_port, api_port, control_port)

    async def until_told() -> None:
        spoken = DIALECTS[dialect]
        async with serve(
            settings, ports, player_token=token, dialect=spoken, https=authority is not None
        ) as there:
            if authority is not None:
                _write_authority(authority, there.authority_pem or "")
            freeze_startup_objects()
            if announce:
                click.echo(there.to_json())
                await _end_of_input()
                return
            click.echo(f"Backend   {there.backend_url}")
            click.echo(f"Service   {there.api_url} (emulated; boto3's endpoint_url)")
            click.echo(f"Control   {there.control_url}")
            click.echo(f"Play      REJOIN_TOKEN={there.player_token} \\")
            more = "" if spoken.name == "ours" else f" --dialect {spoken.name}"
            if spoken.needs_stream_group:
                more += f" --stream-group {settings.stream_group_ids[0]}"
                more += f" --application {settings.application_id}"
            if authority is not None:
                more += f" --authority {shlex.quote(str(authority))}"
            click.echo(f"          rejoin play --network loopback{more} {there.backend_url}")
            click.echo("Ctrl+C or `quit` ends it.")
            async with EmulatorControl(there.control_url, there.control_token) as control:
                await console.run(control)

    return _serve(until_told)


def _write_authority(path: Path, pem: str) -> None:
    try:
        path.write_text(pem, encoding="ascii")
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise BadInputError(f"The authority cannot be written to {path.name}.") from error


@rejoin.command(short_help="Serve the reference studio backend alone.")
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A TOML file; without it the REJOIN_BACKEND_* variables (docs/backend.md).",
)
def backend(settings_file: Path | None) -> int:
    """Serve the reference studio backend alone, in front of the real service or an emulator.

    Ctrl+C ends it.
    """
    from rejoin.backend.aws import AwsStreamService
    from rejoin.backend.configuration import BackendSettings
    from rejoin.backend.dialects import build_backend
    from rejoin.backend.serving import serving
    from rejoin.backend.store import Store

    if settings_file is None:
        settings = BackendSettings.from_env(os.environ)
    else:
        settings = BackendSettings.from_toml(settings_file)

    async def until_told() -> None:
        service = AwsStreamService(settings)
        store = Store(settings.database)
        try:
            app = build_backend(service, store, settings)
            async with serving(app, settings.host, settings.port) as port:
                click.echo(f"Backend   http://{settings.host}:{port}")
                await asyncio.Event().wait()
        finally:
            store.close()
            service.close()

    return _serve(until_told)


def _serve(until_told: Callable[[], Coroutine[Any, Any, None]]) -> int:
    """Run a server until it is done, or Ctrl+C or SIGTERM: so a server is meant to end."""
    try:
        asyncio.run(until_told())
    except KeyboardInterrupt:
        return 0
    return 0


async def _end_of_input() -> None:
    """Wait until nobody holds the other end of our standard input any more.

    On a daemon thread and past Python's buffer, so that an interrupted wait delays no exit.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        if not ended.done():
            ended.set_result(None)

    def read(descriptor: int) -> None:
        try:
            while os.read(descriptor, 4096):
                pass
        except OSError:
            pass  # closed under us: that is an end too
        try:
            loop.call_soon_threadsafe(tell)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more

    threading.Thread(target=read, args=(sys.stdin.fileno(),), name="stdin", daemon=True).start()
    await ended
