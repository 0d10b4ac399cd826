"""A game in a window: the player's client and Qt put together, for `play` and `back`."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

import click

from rejoin.cli import exit_codes
from rejoin.cli.game_options import GameOptions, with_settings
from rejoin.cli.messages import is_terminal, say, warn
from rejoin.cli.played_game import PracticeClient, gamepads, make_player, window_options
from rejoin.cli.saved_settings import given_here, of_this_run, read_again
from rejoin.errors import BadInputError, RejoinError
from rejoin.parts import loading

if TYPE_CHECKING:
    from rejoin.core.model import Ending
    from rejoin.gui.control_options import ControlOptions
    from rejoin.gui.main_window import RejoinWindow
    from rejoin.gui.practice.practice_options import PracticeOptions
    from rejoin.gui.settings.followed import FollowedSettings
    from rejoin.runtime.instance import Instance
    from rejoin.runtime.instance_server import Activation
    from rejoin.runtime.launch import GameToPlay
    from rejoin.runtime.place_file import PlaceFile
    from rejoin.runtime.player import Player
    from rejoin.runtime.player_settings import PlayerSettings
    from rejoin.runtime.stream_thread import StreamThread
    from rejoin.runtime.studio_profile import StudioProfile


def check_display() -> None:
    """Raises NoDisplayError without a display, ImportError where Qt cannot be loaded."""
    with loading():
        from rejoin.gui import qt_loading

        qt_loading.load_qt()
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
    chosen = options.turn_file
    if "turn_file" not in given_here():
        chosen = _saved_ice_servers(profile, chosen)
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


def _saved_ice_servers(profile: StudioProfile, saved: Path | None) -> Path | None:
    """The file with TURN servers of the settings, if it is to be used: a ticket's own goes first,
    and one that is wrong costs no game."""
    if saved is None or profile.ice_servers_file is not None:
        return None
    from rejoin.runtime.saved_choices import with_saved_relay

    try:
        with_saved_relay(profile, saved)
    except BadInputError as error:
        warn(f"{error} It is the setting network.turn_file; the game starts without.")
        return None
    return saved


@dataclass(frozen=True, slots=True)
class Before:
    """A game before its options were applied, for another game with other settings.

    `profile`: the one before `with_game_options`. `has_scope`: the allowed addresses of hosts come
    from a setting, not from a link or a ticket.
    """

    profile: StudioProfile
    has_scope: bool = False

    def again(
        self, profile: StudioProfile, options: GameOptions, settings: PlayerSettings
    ) -> StudioProfile:
        """The profile of another game. Raises BadInputError."""
        from rejoin.runtime.studio_profile import network_rules

        plain = self.profile
        profile = replace(
            profile,
            allow_444=plain.allow_444,
            probe_url=plain.probe_url,
            ice_servers_file=plain.ice_servers_file,
        )
        if self.has_scope and "scope" not in given_here():
            profile = replace(profile, network=network_rules(settings.scope))
        return with_game_options(profile, options)


@dataclass(frozen=True, slots=True)
class Tools:
    """A tester's tools in a game; players have none. `client`: makes the clients. `menu`: the
    window's part."""

    client: PracticeClient
    menu: PracticeOptions


def play_new_game(
    game: GameToPlay,
    options: GameOptions,
    before: Before,
    *,
    stats: Path | None,
    second: bool,
    tools: Tools | None = None,
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
        game = replace(game, open_here=open_here)
        return play_in_window(game, options, before, stats=stats, tools=tools)
    finally:
        if open_here is not None:
            open_here.release()


def play_in_window(
    game: GameToPlay,
    options: GameOptions,
    before: Before,
    *,
    stats: Path | None = None,
    tools: Tools | None = None,
) -> int:
    """Play `game` in a window, and after its end another one of the same studio, by the settings as
    they are then, as often as the player starts again, until the window is closed; returns the exit
    code of the last one."""
    from rejoin.core.model import Stage
    from rejoin.core.ticket import Ticket
    from rejoin.gui import application
    from rejoin.runtime.network import HAS_NETLINK
    from rejoin.runtime.said_once import SaidOnce
    from rejoin.runtime.unfinished import unfinished_game

    games = _Games(game, options, before, stats, tools)
    if game.ticket is None and isinstance(unfinished_game(), Ticket):
        warn("your last game may still be running: `rejoin back` returns to it.")
    said = SaidOnce()

    def after_refresh(window: RejoinWindow) -> None:
        stage = window.snapshot.stage
        games.show_if_activated(window)
        if games.go_on(window):
            return
        if stage is Stage.LIVE:
            for problem in said.new(games.player.problems()):
                warn(problem)
        if games.died or (options.close_at_end and stage is Stage.ENDED):
            window.close()

    try:
        games.thread.start()
        code = application.run(
            games.player,
            replace(
                window_options(game, options, games.player),
                start_again=games.want_another,
                settings=_followed(options),
                place=_place(),
                pads=games.pads,
                controls=_controls(),
                practice=None if tools is None else tools.menu,
            ),
            full_screen=options.full_screen,
            network_hint=not HAS_NETLINK and not game.profile.network.loopback_only,
            after_refresh=after_refresh,
        )
        return games.exit_code(code)
    finally:
        games.close()


class _Games:
    """The games of one window, one after another: of each its client and its stream thread."""

    def __init__(
        self,
        game: GameToPlay,
        options: GameOptions,
        before: Before,
        stats: Path | None,
        tools: Tools | None,
    ) -> None:
        self._tools = tools
        self._game = game
        self._options = options
        self._before = before
        self._of_ticket = game.ticket is not None
        self._stats = stats
        self._activations: SimpleQueue[Activation] = SimpleQueue()
        self._claimed: Instance | None = None
        """The claim on the game since it was started again; the first one is the caller's."""
        self._wanted = False
        self.failure: RejoinError | None = None
        """Why another game could not begin."""
        self.pads, self._on_wish = gamepads(options, self._talk)
        self.player, self.thread = self._begin(game, again=False)

    def _talk(self, held: bool) -> None:
        """The microphone's button of a gamepad, for the game that is played now."""
        self.player.microphone.press(held)

    def _begin(self, game: GameToPlay, *, again: bool) -> tuple[Player, StreamThread[Ending]]:
        """Raises RejoinError."""
        from rejoin.runtime.statistics_file import StatisticsFile
        from rejoin.runtime.stream_thread import StreamThread

        stats = None if self._stats is None else StatisticsFile(self._stats, append=again)
        client = None if self._tools is None else self._tools.client
        player = make_player(
            game, self._options, self._activations.put, statistics_file=stats, tested=client
        )
        player.subscribe_wishes(self._on_wish)
        return player, StreamThread(player.run if client is None else client.running(player))

    @property
    def died(self) -> bool:
        """Whether the stream thread ended without an ending."""
        from rejoin.core.model import Stage

        return not self.thread.running and self.player.snapshot.stage is not Stage.ENDED

    def want_another(self) -> None:
        """The player asked for another game: it begins once the last one has let go of all."""
        self._wanted = True

    def go_on(self, window: RejoinWindow) -> bool:
        """Begin the wanted game, if it can begin now; returns whether one is still pending."""
        if not self._wanted or self.thread.running:
            return self._wanted
        self._wanted = False
        try:
            self._follow_settings()
            self.player, self.thread = self._begin(self._game, again=True)
        except RejoinError as error:
            self.failure = error
            window.close()
            return True
        self.thread.start()
        options = window_options(self._game, self._options, self.player)
        controls = _controls()
        window.play(self.player, replace(options, pads=self.pads, controls=controls))
        return False

    def _follow_settings(self) -> None:
        """Another game, by the settings as they are now. Raises RejoinError."""
        settings = read_again()
        self._options = options = with_settings(
            self._options, settings, given_here(), of_ticket=self._of_ticket
        )
        self.pads.stop()
        self.pads, self._on_wish = gamepads(options, self._talk)
        signed_in = self._game.signed_in
        self._game = replace(
            self._game,
            profile=self._before.again(self._game.profile, options, settings),
            ticket=None,
            instance=None,
            open_here=self._claim(),
            # How long a token is good was known when it was fetched.
            signed_in=None if signed_in is None else replace(signed_in, lasts_s=None),
        )

    def _claim(self) -> Instance | None:
        """Claim the game anew: the last game's client has released its claim."""
        from rejoin.runtime import launch

        claim = launch.claim_game(self._game.profile)
        self._claimed = claim.instance if isinstance(claim, launch.Claimed) else None
        return self._claimed

    def show_if_activated(self, window: RejoinWindow) -> None:
        """Bring the window to the front if a second instance asked for it."""
        while not self._activations.empty():
            window.come_to_front(self._activations.get().token)

    def exit_code(self, code: int) -> int:
        """Of the last game, once the window was closed with `code`. Raises RejoinError if another
        one could not begin."""
        from rejoin.runtime import launch
        from rejoin.runtime.stream_thread import END_TIMEOUT_S

        ending = self.thread.join(END_TIMEOUT_S)
        if self.failure is not None:
            raise self.failure
        if ending is None:
            warn("the stream did not end in time. This is a bug in Rejoin.")
            return exit_codes.BUG
        if code != 0:
            return code
        code = launch.exit_code(ending)
        if code != 0:
            warn(ending_sentence(ending))
        return code

    def close(self) -> None:
        self.pads.stop()
        if self._claimed is not None:
            self._claimed.release()


def _followed(options: GameOptions) -> FollowedSettings:
    """The settings that apply to this game, and the file that they are followed in."""
    from rejoin.gui.settings.followed import FollowedSettings
    from rejoin.runtime.settings_file import settings_path

    path: Path | None = None
    with contextlib.suppress(BadInputError):  # there is no home folder
        path = settings_path()
    fixed, saved = given_here(), of_this_run()
    given = {name: getattr(options, name) for name in fixed if hasattr(options, name)}
    return FollowedSettings(path, replace(saved, **given), fixed)


def _place() -> PlaceFile | None:
    """Where the window's place is kept; None where there is no home folder."""
    from rejoin.runtime.place_file import PlaceFile, place_path

    try:
        return PlaceFile(place_path())
    except BadInputError:
        return None


def _controls() -> ControlOptions:
    """How keyboard, mouse and touch behave, as the player has saved it."""
    from rejoin.gui.settings.chosen_controls import controls_of

    return controls_of(of_this_run())


def ending_sentence(ending: Ending) -> str:
    """The end of a game on one line: the title that the window shows, and the details."""
    from rejoin.gui import ending_texts
    from rejoin.language import in_english

    with in_english():  # the window may speak another language, and the terminal does not
        text = ending_texts.ending_text(ending)
    return f"{text.title.rstrip('.')}. {ending.detail or text.meaning}"
