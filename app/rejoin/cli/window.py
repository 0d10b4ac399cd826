"""A game in a window: the player's client and Qt put together, for `play` and `back`."""

from __future__ import annotations

import contextlib
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rejoin.cli import exit_codes
from rejoin.cli.game_options import GameOptions
from rejoin.cli.messages import is_terminal, say, warn
from rejoin.cli.saved_settings import given_here, of_this_run
from rejoin.errors import BadInputError
from rejoin.parts import loading

if TYPE_CHECKING:
    from rejoin.core.model import Ending
    from rejoin.gui.input import PlayerPads
    from rejoin.gui.main_window import RejoinWindow
    from rejoin.gui.settings.followed import FollowedSettings
    from rejoin.runtime.launch import GameToPlay
    from rejoin.runtime.place_file import PlaceFile
    from rejoin.runtime.player import Player
    from rejoin.runtime.studio_profile import StudioProfile

MAPPINGS: Final = "gamecontrollerdb.txt"
"""A file of the player's, beside the settings, with gamepads that SDL does not know."""


def check_display() -> None:
    """Raises NoDisplayError without a display, ImportError where Qt cannot be loaded."""
    with loading():
        import rejoin.gui.application  # noqa: F401
        from rejoin.gui import displays, platform_plugin

    displays.check_display()
    platform_plugin.check()


def with_game_options(profile: StudioProfile, options: GameOptions) -> StudioProfile:
    """The profile with 4:4:4 colour where `--allow-444` or the ticket says so, with the address of
    `--probe-url`, and with the TURN servers of `--ice-servers`, or else with its own, those of a
    ticket. Warns of each server that cannot be used. Raises BadInputError for an option that cannot
    be used; with a file of a ticket it goes back without, as a game's window runs.
    """
    from rejoin.signaling.backend_url import base_url

    profile = replace(profile, allow_444=profile.allow_444 or options.allow_444)
    if options.probe_url is not None:
        try:
            base_url(options.probe_url, allow_insecure=True)
        except BadInputError:
            raise BadInputError("--probe-url must look like https://status.example/.") from None
        profile = replace(profile, probe_url=options.probe_url)
    chosen = options.ice_servers
    if chosen is not None and "turn_file" not in given_here():
        # That of the settings: one that is wrong costs no game.
        with_servers = replace(profile, ice_servers_file=chosen)
        try:
            with_servers.ice_servers()
        except BadInputError as error:
            warn(f"{error} It is the setting network.turn_file; the game starts without.")
            chosen = None
    if chosen is not None:
        profile = replace(profile, ice_servers_file=chosen)
    try:
        passed_over = profile.ice_servers().passed_over
    except BadInputError as error:
        if chosen is not None:
            raise
        warn(str(error))
        return replace(profile, ice_servers_file=None)
    for sentence in passed_over:
        warn(sentence)
    return profile


def play_new_game(
    game: GameToPlay, options: GameOptions, *, stats: Path | None, second: bool
) -> int:
    """Start a game and play it. If it is open already, ask before a second one is started.

    `second`: start it without asking. Without a terminal nobody can be asked, so the open one comes
    to the front. Returns the exit code; raises BadInputError if that one does not respond.
    """
    from rejoin.runtime import launch
    from rejoin.runtime.instance import activate
    from rejoin.runtime.launch import Claimed

    claim = launch.claim_game(game.profile)
    if claim is None and not second:
        question = "This game is already open in another Rejoin. Start a second one?"
        if not (is_terminal(sys.stdin) and click.confirm(question, err=True)):
            if not activate(launch.key_of_game(game.profile)):
                raise BadInputError(
                    "This game is already open in another Rejoin, which does not respond. "
                    "Add --yes to start a second one."
                )
            say("This game is already open; its window was brought to the front.")
            return exit_codes.SUCCESS
    open_here = claim.instance if isinstance(claim, Claimed) else None
    try:
        return play_in_window(replace(game, open_here=open_here), options, stats=stats)
    finally:
        if open_here is not None:
            open_here.release()


def play_in_window(game: GameToPlay, options: GameOptions, *, stats: Path | None = None) -> int:
    """Play `game` in a window until the window is closed; returns the exit code."""
    from rejoin.core.model import Doing, Snapshot, Stage
    from rejoin.gui import application
    from rejoin.gui.surface_choice import PictureOptions, Renderer
    from rejoin.gui.video_surface import Drawing
    from rejoin.gui.window_options import WindowOptions
    from rejoin.media.video.scale_filter import Aspect, ScaleFilter
    from rejoin.runtime import launch
    from rejoin.runtime.network import HAS_NETLINK
    from rejoin.runtime.stream_thread import END_TIMEOUT_S, StreamThread

    activated = threading.Event()
    player = _player(game, options, stats, activated)
    if game.ticket is None and launch.unfinished_game() is not None:
        warn("your last game may still be running: `rejoin back` returns to it.")
    thread = StreamThread(player.run)
    warned: set[str] = set()

    def after_refresh(window: RejoinWindow) -> None:
        stage = window.snapshot.stage
        if activated.is_set():
            activated.clear()
            window.come_to_front()
        if stage is Stage.LIVE:
            for problem in (player.problem() or "").splitlines():
                if problem not in warned:
                    warned.add(problem)
                    warn(problem)
        died = not thread.running and player.snapshot.stage is not Stage.ENDED
        if died or (options.close_at_end and stage is Stage.ENDED):
            window.close()

    before_start = Snapshot(Stage.STARTING)
    if game.ticket is not None:
        before_start = Snapshot(Stage.RECONNECTING, doing=Doing.CHECKING, returning=True)
    thread.start()
    code = application.run(
        player,
        WindowOptions(
            smooth=options.frame_pacing,
            before_start=before_start,
            report_facts=player.report_facts,
            picture=PictureOptions(
                Renderer(options.renderer),
                Drawing(ScaleFilter(options.scaling), options.sharpness, Aspect(options.aspect)),
                options.vsync,
            ),
            screen=options.screen,
            settings=_followed(options),
            place=_place(),
            pads=_gamepads(options, player),
        ),
        full_screen=options.full_screen,
        network_hint=not HAS_NETLINK and not game.profile.network.loopback_only,
        after_refresh=after_refresh,
    )
    ending = thread.join(END_TIMEOUT_S)
    if ending is None:
        warn("the stream did not end in time. This is a bug in Rejoin.")
        return exit_codes.BUG
    if code != 0:
        return code
    code = launch.exit_code(ending)
    if code != 0:
        warn(ending_sentence(ending))
    return code


def _player(
    game: GameToPlay, options: GameOptions, stats: Path | None, activated: threading.Event
) -> Player:
    """The client for this game. `activated` is set when a second instance asks for its window."""
    from rejoin.media.video.hardware import chosen
    from rejoin.runtime.data_used import DataUsed
    from rejoin.runtime.local_store import LocalStore
    from rejoin.runtime.player import Player, PlayerOptions
    from rejoin.runtime.report_queue import ReportQueue
    from rejoin.runtime.statistics_file import StatisticsFile
    from rejoin.runtime.volume_file import SoundFile

    statistics_file = StatisticsFile(stats) if stats is not None else None
    signed_in = game.signed_in
    return Player(
        game.profile,
        PlayerOptions(
            local_store=LocalStore(
                game.profile,
                instance=game.instance,
                open_here=game.open_here,
                on_activate=lambda link: activated.set(),
            ),
            ticket=game.ticket,
            statistics_file=statistics_file,
            sound_file=SoundFile(),
            hardware=chosen(options.decoder),
            sound_device=options.sound_device,
            data_used=DataUsed(),
            dtls_client=options.dtls_client,
            input_module=options.input_module == "service",
            max_kbps=options.max_kbps,
            max_height=options.max_height,
            reports=ReportQueue(game.profile.backend_url) if options.report else None,
            token_source=None if signed_in is None else signed_in.source,
            token_lasts_s=None if signed_in is None else signed_in.lasts_s,
        ),
    )


def _followed(options: GameOptions) -> FollowedSettings:
    """The settings that apply to this game, and the file that they are followed in."""
    from rejoin.gui.settings.followed import FollowedSettings
    from rejoin.runtime.settings_file import settings_path

    path: Path | None = None
    with contextlib.suppress(BadInputError):  # there is no home folder
        path = settings_path()
    now = replace(
        of_this_run(),
        mute_in_background=options.mute_in_background,
        sound_device=options.sound_device,
    )
    return FollowedSettings(path, now, given_here())


def _place() -> PlaceFile | None:
    """Where the window's place is kept; None where there is no home folder."""
    from rejoin.runtime.place_file import PlaceFile, place_path

    try:
        return PlaceFile(place_path())
    except BadInputError:
        return None


def _gamepads(options: GameOptions, player: Player) -> PlayerPads:
    """The player's gamepads, unless they are off."""
    from rejoin.gamepads.choices import PadChoices
    from rejoin.gamepads.reader import Gamepads
    from rejoin.gui.input import NoPads
    from rejoin.runtime.state_folder import settings_folder

    if not options.gamepads:
        return NoPads()
    choices = PadChoices(
        background=options.pad_background,
        dead_zone=options.pad_dead_zone,
        swap_ab=options.pad_swap_ab,
        swap_xy=options.pad_swap_xy,
        rumble=options.pad_rumble,
    )
    mappings: Path | None = None
    with contextlib.suppress(BadInputError):  # there is no home folder
        mappings = settings_folder() / MAPPINGS
    pads = Gamepads(choices, mappings)
    player.subscribe_wishes(pads.on_wish)
    return pads


def ending_sentence(ending: Ending) -> str:
    """The end of a game on one line: the title that the window shows, and the details."""
    from rejoin.gui import ending_texts

    text = ending_texts.ending_text(ending)
    return f"{text.title.rstrip('.')}. {ending.detail or text.meaning}"
