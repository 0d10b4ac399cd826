"""The parts of a game in any window: its client, its options, its gamepads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from rejoin.cli.game_options import GameOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from rejoin.core.model import Ending
    from rejoin.gui.input import PlayerPads
    from rejoin.gui.surface_choice import PictureOptions
    from rejoin.gui.window_options import WindowOptions
    from rejoin.input_events.wishes import AnyWish
    from rejoin.runtime.instance_server import OnActivate
    from rejoin.runtime.launch import GameToPlay
    from rejoin.runtime.player import Player, PlayerOptions
    from rejoin.runtime.statistics_file import StatisticsFile


class PracticeClient(Protocol):
    """Makes a client into which faults can be injected; only a verb for testers has one."""

    def options(self, options: PlayerOptions) -> PlayerOptions:
        """Of a player that is made with these."""

    def running(self, player: Player) -> Callable[[], Coroutine[Any, Any, Ending]]:
        """The `run` of that player."""


def window_options(game: GameToPlay, options: GameOptions, player: Player) -> WindowOptions:
    """How its window behaves, but for its gamepads and for what draws there."""
    from rejoin.core.model import Doing, Snapshot, Stage
    from rejoin.gui.window_options import WindowOptions

    before_start = Snapshot(Stage.STARTING)
    if game.ticket is not None:
        before_start = Snapshot(Stage.RECONNECTING, doing=Doing.CHECKING, returning=True)
    return WindowOptions(
        smooth=options.frame_pacing,
        before_start=before_start,
        report_facts=player.report_facts,
        picture=picture_options(options),
        screen=options.screen,
    )


def picture_options(options: GameOptions) -> PictureOptions:
    """How pictures are drawn."""
    from rejoin.gui.renderer_choice import Renderer
    from rejoin.gui.surface_choice import PictureOptions
    from rejoin.gui.video_surface import Drawing
    from rejoin.media.video.scale_filter import Aspect, ScaleFilter

    return PictureOptions(
        Renderer(options.renderer),
        Drawing(ScaleFilter(options.scaling), options.sharpness, Aspect(options.aspect)),
        options.vsync,
    )


def make_player(
    game: GameToPlay,
    options: GameOptions,
    on_activate: OnActivate,
    *,
    statistics_file: StatisticsFile | None = None,
    tested: PracticeClient | None = None,
) -> Player:
    """The client for this game. `on_activate` is called on the stream thread when a second instance
    asks for its window. `tested`: what a tester puts into it. Raises BadInputError."""
    from rejoin.media.video.hardware import chosen
    from rejoin.runtime.data_used import DataUsed
    from rejoin.runtime.local_store import LocalStore
    from rejoin.runtime.microphone_states import MicrophoneChoices, MicrophoneMode
    from rejoin.runtime.player import Player, PlayerOptions
    from rejoin.runtime.report_queue import ReportQueue
    from rejoin.runtime.volume_file import SoundFile

    signed_in = game.signed_in
    made = PlayerOptions(
        local_store=LocalStore(
            game.profile,
            instance=game.instance,
            open_here=game.open_here,
            on_activate=on_activate,
        ),
        ticket=game.ticket,
        statistics_file=statistics_file,
        sound_file=SoundFile(),
        hardware=chosen(options.decoder),
        sound_device=options.sound_device,
        microphone=MicrophoneChoices(
            MicrophoneMode(options.microphone),
            options.microphone_device,
            options.microphone_in_background,
            options.microphone_in_menu,
        ),
        data_used=DataUsed(),
        dtls_client=options.dtls_client,
        input_module=options.input_module == "service",
        max_kbps=options.max_kbps,
        max_height=options.max_height,
        reports=ReportQueue(game.profile.backend_url) if options.send_reports else None,
        token_source=None if signed_in is None else signed_in.source,
        token_lasts_s=None if signed_in is None else signed_in.lasts_s,
    )
    return Player(game.profile, made if tested is None else tested.options(made))


def gamepads(
    options: GameOptions, on_talk: Callable[[bool], None] = lambda talks: None
) -> tuple[PlayerPads, Callable[[AnyWish], None]]:
    """The player's gamepads, and what wishes of the input module go to. Switched off, nothing of
    them is read. `on_talk`: hears of the microphone's button."""
    from rejoin.gamepads.reader import Gamepads
    from rejoin.gui import hand
    from rejoin.gui.own_pads import mappings_path
    from rejoin.gui.settings.chosen_controls import pads_of

    choices = pads_of(options)
    hand.swap_buttons(choices.swap_ab_cards)
    pads = Gamepads(choices, mappings_path(), on_talk=on_talk)
    return pads, pads.on_wish
