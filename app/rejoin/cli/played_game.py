"""What a game in a window consists of, whichever window: its client, its options, its gamepads."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rejoin.cli.game_options import GameOptions
from rejoin.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rejoin.gui.control_options import ControlOptions
    from rejoin.gui.input import PlayerPads
    from rejoin.gui.surface_choice import PictureOptions
    from rejoin.gui.window_options import WindowOptions
    from rejoin.input_events.wishes import AnyWish
    from rejoin.runtime.instance_server import OnActivate
    from rejoin.runtime.launch import GameToPlay
    from rejoin.runtime.player import Player
    from rejoin.runtime.player_settings import PlayerSettings
    from rejoin.runtime.statistics_file import StatisticsFile

MAPPINGS: Final = "gamecontrollerdb.txt"
"""A file of the player's, beside the settings, with gamepads that SDL does not know."""


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
) -> Player:
    """The client for this game. `on_activate` is called on the stream thread when a second instance
    asks for its window. Raises BadInputError."""
    from rejoin.media.video.hardware import chosen
    from rejoin.runtime.data_used import DataUsed
    from rejoin.runtime.local_store import LocalStore
    from rejoin.runtime.microphone_states import MicrophoneChoices, MicrophoneMode
    from rejoin.runtime.player import Player, PlayerOptions
    from rejoin.runtime.report_queue import ReportQueue
    from rejoin.runtime.volume_file import SoundFile

    signed_in = game.signed_in
    return Player(
        game.profile,
        PlayerOptions(
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
            reports=ReportQueue(game.profile.backend_url) if options.report else None,
            token_source=None if signed_in is None else signed_in.source,
            token_lasts_s=None if signed_in is None else signed_in.lasts_s,
        ),
    )


def gamepads(
    options: GameOptions, on_talk: Callable[[bool], None]
) -> tuple[PlayerPads, Callable[[AnyWish], None]]:
    """The player's gamepads, unless they are off, and what wishes of the input module go to.
    `on_talk`: hears of the microphone's button."""
    from rejoin.gamepads.choices import PadChoices
    from rejoin.gamepads.reader import Gamepads
    from rejoin.gui.input import NoPads
    from rejoin.runtime.state_folder import settings_folder

    if not options.gamepads:
        return NoPads(), lambda wish: None
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
    pads = Gamepads(choices, mappings, on_talk=on_talk)
    return pads, pads.on_wish


def controls_of(settings: PlayerSettings) -> ControlOptions:
    """How keyboard, mouse and touch behave, as the player has saved it."""
    from rejoin.gui.control_options import (
        ControlOptions,
        MouseOptions,
        SystemKeysMode,
        TouchMode,
    )
    from rejoin.gui.shortcuts import ShortcutAction, Shortcuts

    return ControlOptions(
        Shortcuts.of(
            {
                ShortcutAction.TOGGLE_FULL_SCREEN: settings.keys_full_screen,
                ShortcutAction.TOGGLE_STATISTICS: settings.keys_statistics,
                ShortcutAction.TOGGLE_SOUND: settings.keys_sound,
                ShortcutAction.LOUDER: settings.keys_louder,
                ShortcutAction.QUIETER: settings.keys_quieter,
                ShortcutAction.TOGGLE_MICROPHONE: settings.keys_microphone,
                ShortcutAction.TALK: settings.keys_talk,
                ShortcutAction.SAVE_PICTURE: settings.keys_picture,
                ShortcutAction.RECONNECT: settings.keys_reconnect,
                ShortcutAction.FREE_MOUSE: settings.keys_free_mouse,
            }
        ),
        MouseOptions(
            capture=settings.mouse_capture == "game",
            sensitivity=settings.mouse_sensitivity,
            swap_buttons=settings.mouse_swap_buttons,
            reverse_scroll=settings.mouse_scroll == "reversed",
        ),
        TouchMode(settings.touch_mode),
        SystemKeysMode(settings.system_keys),
    )
