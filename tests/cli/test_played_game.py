"""What a game in any window consists of (its options are tested with `play`, `back` and `home`)."""

from __future__ import annotations

import pytest

from helpers.command_line import FakePlayer
from rejoin.cli.game_options import GameOptions
from rejoin.cli.played_game import gamepads, make_player, picture_options, window_options
from rejoin.core.model import Doing, Stage
from rejoin.core.ticket import BackendAddress
from rejoin.gamepads.reader import Gamepads
from rejoin.gui.renderer_choice import Renderer
from rejoin.media.video.scale_filter import ScaleFilter
from rejoin.runtime.instance_server import Activation
from rejoin.runtime.launch import GameToPlay
from rejoin.runtime.studio_profile import StudioProfile

GAME = GameToPlay(
    StudioProfile.from_address(BackendAddress("http://127.0.0.1:9", "ours", "loopback"), "t" * 20)
)
OPTIONS = GameOptions(gamepads=False, frame_pacing=True, renderer="card", scaling="sharp")


def test_a_player_answers_second_instances(fake_player: type[FakePlayer]) -> None:
    heard: list[Activation] = []
    make_player(GAME, OPTIONS, heard.append)
    [player] = fake_player.made
    player.store._on_activate(Activation("rejoin://x"))
    assert heard == [Activation("rejoin://x")]


def test_a_window_behaves_by_the_options(fake_player: type[FakePlayer]) -> None:
    player = make_player(GAME, OPTIONS, lambda activation: None)
    options = window_options(GAME, OPTIONS, player)
    assert options.smooth
    assert options.before_start.stage is Stage.STARTING
    assert options.before_start.doing is not Doing.CHECKING
    assert options.report_facts() == {"Input module": "of this player"}


def test_pictures_are_drawn_by_the_options() -> None:
    found = picture_options(OPTIONS)
    assert (found.renderer, found.drawing.scale_filter) == (Renderer.CARD, ScaleFilter.SHARP)
    with pytest.raises(ValueError, match="none"):
        picture_options(GameOptions(renderer="none"))


def test_gamepads_that_are_off_are_not_read() -> None:
    pads, _ = gamepads(OPTIONS)
    assert isinstance(pads, Gamepads)
    assert not pads.choices.enabled
