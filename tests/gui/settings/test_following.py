"""A running game follows the settings that apply at once, and not what the command line fixed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakePort, picture
from helpers.settings_page import usual_theme
from helpers.window_faces import LIVE, destroy, wait_until
from rejoin.core.model import ConnectionNumber
from rejoin.gui import roles, theme
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.settings.followed import FollowedSettings
from rejoin.gui.settings.following import Following, drawing_of, playing_in
from rejoin.gui.settings.rows import Playing
from rejoin.gui.settings.watch import SettingsWatch
from rejoin.gui.video_surface import Drawing
from rejoin.input_events.events import Button, PointerButton
from rejoin.media.statistics import StreamStatistics
from rejoin.media.video.scale_filter import Aspect, ScaleFilter
from rejoin.runtime.player_settings import SETTINGS, PlayerSettings
from rejoin.runtime.setting_kinds import Applies
from rejoin.runtime.settings_file import change
from rejoin.runtime.stream_limits import StreamLimits


class Game:
    """A window whose settings are followed in a file."""

    def __init__(self, application: QApplication, path: Path, fixed: frozenset[str]) -> None:
        self.port = FakePort()
        self.window = RejoinWindow(self.port)
        now = PlayerSettings(mute_in_background="mute_in_background" in fixed)
        self.following = Following(application, self.window, FollowedSettings(path, now, fixed))
        self.path = path
        self.window.show()

    @property
    def drawing(self) -> Drawing:
        return self.window.layers.view.surface.drawing

    def set(self, key: str, value: str | bool | float) -> None:
        change(self.path, key, value)
        watch = self.following.findChild(SettingsWatch)
        assert isinstance(watch, SettingsWatch)
        watch.check()


@pytest.fixture
def game(
    application: QApplication, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Game]:
    fixed = frozenset(getattr(request, "param", ()))
    with usual_theme(application):
        made = Game(application, tmp_path / "settings.toml", fixed)
        yield made
        made.following.close()
        made.following.close()
        destroy(made.window)


def test_the_window_follows_the_file(game: Game) -> None:
    game.set("appearance.theme", "light")
    assert theme.shown_palette() is roles.LIGHT
    game.set("privacy.streamer_mode", True)
    assert game.window.files.hides_folders
    game.set("appearance.text_size", 200)
    assert theme.scaled(10) == 20
    assert game.window.minimumWidth() > 640
    assert game.window.layers.overlay.ring.width() == 256
    game.set("video.scaling", "sharp")
    game.set("video.sharpness", 0.5)
    game.set("video.aspect", "4:3")
    assert game.drawing == Drawing(ScaleFilter.SHARP, 0.5, Aspect.FOUR_THIRDS)
    hints = game.port.slot.hints
    assert (hints.scale_filter, hints.aspect) == (ScaleFilter.SHARP, Aspect.FOUR_THIRDS)
    game.set("appearance.motion", "reduced")
    assert not theme.moves()


@pytest.mark.parametrize("game", [("scaling", "mute_in_background")], indirect=True)
def test_what_the_command_line_gave_stays(game: Game) -> None:
    game.set("video.scaling", "pixel")
    game.set("video.sharpness", 0.5)
    game.set("sound.mute_in_background", False)
    assert game.drawing == Drawing(ScaleFilter.SMOOTH, 0.5)
    game.following._silence()
    assert game.port.silenced[-1] is not game.window.isActiveWindow()


def test_controls_apply_to_the_running_game(game: Game) -> None:
    game.port.show(picture(1280, 720))
    game.port.publish(LIVE)
    QApplication.processEvents()
    game.set("mouse.swap_buttons", True)
    game.set("shortcuts.menu", "F9")
    QTest.mouseClick(game.window.layers.view, Qt.MouseButton.LeftButton, pos=QPoint(200, 200))
    pressed = [event.button for event in game.port.inputs if isinstance(event, PointerButton)]
    assert pressed == [Button.RIGHT] * 2
    QTest.keyClick(game.window.layers.view, Qt.Key.Key_F9)
    assert game.window.menu.is_open


def test_every_control_says_that_it_applies_at_once() -> None:
    controls = [
        key
        for key in SETTINGS
        if key.partition(".")[0] in ("mouse", "touch", "keyboard", "pads", "shortcuts")
    ]
    assert len(controls) > 15
    assert all(SETTINGS[key].applies is Applies.AT_ONCE for key in controls)


@pytest.mark.parametrize("game", [("dtls_client",)], indirect=True)
def test_limits_reach_the_next_connection(game: Game) -> None:
    game.set("network.max_kbps", 3000)
    game.set("network.max_height", 720)
    game.set("network.dtls_client", True)
    assert game.port.limits[-1] == StreamLimits(3000, 720, dtls_client=False)


def test_a_file_that_is_being_edited_changes_nothing(game: Game) -> None:
    game.set("video.scaling", "sharp")
    game.path.write_text("[video")
    watch = game.following.findChild(SettingsWatch)
    assert isinstance(watch, SettingsWatch)
    watch.check()
    assert game.drawing.scale_filter is ScaleFilter.SHARP


def test_the_background_is_muted_once_it_is_wanted(game: Game, application: QApplication) -> None:
    assert wait_until(game.window.isActiveWindow)
    other = RejoinWindow(FakePort())
    other.show()
    other.activateWindow()
    assert wait_until(lambda: not game.window.isActiveWindow())
    assert not any(game.port.silenced)
    game.set("sound.mute_in_background", True)
    assert game.port.silenced[-1]
    game.window.activateWindow()
    assert wait_until(lambda: not game.port.silenced[-1])
    other.activateWindow()
    assert wait_until(lambda: game.port.silenced[-1])
    destroy(other)


def test_what_is_known_of_the_game(game: Game, application: QApplication) -> None:
    assert playing_in(game.window) is None
    game.port.current_statistics = StreamStatistics(ConnectionNumber(1), decoder="software")
    game.port.show(picture(640, 360))
    game.port.publish(LIVE)
    application.processEvents()
    assert playing_in(game.window) == Playing(
        "the processor", "software", (640, 360), game.window.layers.view.device_size()
    )


def test_settings_become_a_drawing() -> None:
    assert drawing_of(PlayerSettings()) == Drawing()


def test_where_the_microphone_stays_open_counts_at_once(game: Game) -> None:
    used: list[dict[str, bool]] = []
    game.port.microphone.use = lambda **choices: used.append(choices)  # type: ignore[method-assign]
    game.set("microphone.background", True)
    game.set("microphone.menu", True)
    assert used == [
        {"in_background": True, "in_menu": False},
        {"in_background": True, "in_menu": True},
    ]
