"""The home window, put together: for `rejoin home`, and `rejoin` alone where there is a display.

Without click, which takes a tenth of the time until the window is painted.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from rejoin.cli import exit_codes
from rejoin.cli.messages import say, warn
from rejoin.cli.no_collections import no_collections
from rejoin.errors import BadInputError
from rejoin.parts import loading, needs

if TYPE_CHECKING:
    from rejoin.cli.game_options import GameOptions
    from rejoin.gui.home.played_game import Parts
    from rejoin.gui.input import PlayerPads
    from rejoin.runtime.instance import Instance
    from rejoin.runtime.instance_server import OnActivate
    from rejoin.runtime.launch import GameToPlay
    from rejoin.runtime.player_settings import PlayerSettings

KEY: Final = "home"
"""The name of the home window's lock: one of it runs for each user and machine."""


def can_be_shown() -> bool:
    """Whether the home window would appear on somebody's screen."""
    import importlib.util

    from rejoin.gui import displays

    return importlib.util.find_spec("PySide6") is not None and displays.can_be_seen()


@needs("player")
@no_collections()
def show_home(link: str | None = None) -> int:
    """Show the home window until it is closed; returns the exit code. Raises RejoinError."""
    if link is not None:
        _check_link(link)
    # What knows no Qt, while the system loads that (`qt_loading.begin`).
    import rejoin.gui.home.contents
    import rejoin.runtime.place_file
    import rejoin.runtime.renderer_memory
    import rejoin.runtime.settings_file
    import rejoin.runtime.unfinished  # noqa: F401

    with loading():
        from rejoin.gui import displays, qt_loading

        qt_loading.load_qt()
        from rejoin.gui import platform_plugin
    displays.check_display()
    platform_plugin.check()
    from rejoin.runtime.instance import Instance, activate

    instance: Instance | None = None
    try:
        instance = Instance.claim(KEY)
        if instance is None:
            if activate(KEY, link):
                say("Rejoin is already open; its window was brought to the front.")
                return exit_codes.SUCCESS
            raise BadInputError("Rejoin is already open and does not respond.")
    except OSError:
        warn("cannot check whether Rejoin is open already.")
    try:
        return _run(link, instance)
    finally:
        if instance is not None:
            instance.release()


def _check_link(link: str) -> None:
    from rejoin.runtime.deep_link import is_link

    if not is_link(link):
        raise BadInputError("A studio's link begins with rejoin://. For a URL use `rejoin play`.")


def _run(link: str | None, instance: Instance | None) -> int:
    from rejoin.gui.home import program
    from rejoin.runtime import settings_file

    for problem in settings_file.load(settings_file.settings_path()).problems:
        warn(problem)
    return program.run(
        _settings,
        _make_parts,
        make_pads=_make_pads,
        link=link,
        instance=instance,
    )


def _settings() -> PlayerSettings:
    """As they are now: a change in the settings page counts from the next game."""
    from rejoin.runtime import settings_file

    return settings_file.load(settings_file.settings_path()).settings


def _make_pads() -> PlayerPads:
    from rejoin.cli.played_game import gamepads

    return gamepads(options_of(_settings()))[0]


def _make_parts(game: GameToPlay, on_activate: OnActivate) -> Parts:
    from rejoin.cli.played_game import gamepads, make_player, window_options
    from rejoin.gui.home.played_game import Parts
    from rejoin.gui.settings.chosen_controls import controls_of
    from rejoin.gui.settings.followed import FollowedSettings
    from rejoin.runtime.network import HAS_NETLINK
    from rejoin.runtime.settings_file import settings_path

    settings = _settings()
    options = options_of(settings, back=game.ticket is not None)
    player = make_player(game, options, on_activate)
    pads, on_wish = gamepads(options, player.microphone.press)
    player.subscribe_wishes(on_wish)
    window = dataclasses.replace(
        window_options(game, options, player),
        settings=FollowedSettings(settings_path(), settings),
        pads=pads,
        controls=controls_of(settings),
    )
    hint = not HAS_NETLINK and not game.profile.network.loopback_only
    return Parts(game, player, window, network_hint=hint, full_screen=options.full_screen)


def options_of(settings: PlayerSettings, *, back: bool = False) -> GameOptions:
    """How a game is played by these settings. `back`: the last game, which may have crashed by a
    driver, so that it is decoded in software (as `rejoin back` does)."""
    from rejoin.cli.game_options import GameOptions, with_settings

    options = with_settings(GameOptions(), settings, frozenset(), of_ticket=False)
    return dataclasses.replace(options, decoder="software") if back else options
