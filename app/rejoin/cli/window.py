"""A game in a window: the player's client and Qt put together, for `play` and `back`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

import click

from rejoin.cli import exit_codes
from rejoin.cli.game_options import GameOptions
from rejoin.cli.messages import is_terminal, say, warn
from rejoin.cli.played_game import make_player, window_options
from rejoin.errors import BadInputError
from rejoin.parts import loading

if TYPE_CHECKING:
    from rejoin.core.model import Ending
    from rejoin.gui.main_window import RejoinWindow
    from rejoin.runtime.instance_server import Activation
    from rejoin.runtime.launch import GameToPlay
    from rejoin.runtime.studio_profile import StudioProfile


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
    from rejoin.core.model import Stage
    from rejoin.gui import application
    from rejoin.runtime import launch
    from rejoin.runtime.network import HAS_NETLINK
    from rejoin.runtime.stream_thread import END_TIMEOUT_S, StreamThread
    from rejoin.runtime.unfinished import unfinished_game

    activations: SimpleQueue[Activation] = SimpleQueue()
    player = make_player(game, options, activations.put, stats=stats)
    if game.ticket is None and unfinished_game() is not None:
        warn("your last game may still be running: `rejoin back` returns to it.")
    thread = StreamThread(player.run)
    warned: set[str] = set()

    def after_refresh(window: RejoinWindow) -> None:
        stage = window.snapshot.stage
        while not activations.empty():
            window.come_to_front(activations.get().token)
        if stage is Stage.LIVE:
            for problem in (player.problem() or "").splitlines():
                if problem not in warned:
                    warned.add(problem)
                    warn(problem)
        died = not thread.running and player.snapshot.stage is not Stage.ENDED
        if died or (options.close_at_end and stage is Stage.ENDED):
            window.close()

    thread.start()
    code = application.run(
        player,
        window_options(game, options, player),
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


def ending_sentence(ending: Ending) -> str:
    """The end of a game on one line: the title that the window shows, and the details."""
    from rejoin.gui import ending_texts

    text = ending_texts.ending_text(ending)
    return f"{text.title.rstrip('.')}. {ending.detail or text.meaning}"
