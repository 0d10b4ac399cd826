"""Saved settings are the defaults of options, and the command line goes first."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import pytest

from helpers.command_line import LINK, PLAY, FakePlayer, Rejoin, saved_ticket
from rejoin.gamepads.choices import PadChoices
from rejoin.gamepads.reader import Gamepads
from rejoin.gui import application
from rejoin.gui.control_options import ControlOptions, MouseOptions, SystemKeysMode, TouchMode
from rejoin.gui.renderer_choice import Renderer
from rejoin.gui.shortcuts import ShortcutAction, Shortcuts
from rejoin.gui.surface_choice import PictureOptions
from rejoin.gui.video_surface import Drawing
from rejoin.gui.window_options import WindowOptions
from rejoin.media.video.scale_filter import Aspect, ScaleFilter
from rejoin.runtime.settings_file import settings_path

EVERYTHING = """
[video]
renderer = "software"
scaling = "sharp"
sharpness = 0.5
vsync = true
decoder = "software"
frame_pacing = true
allow_444 = true
aspect = "16:9"
full_screen = true
screen = "HDMI-1"

[sound]
device = "Headset"
mute_in_background = true

[input]
module = "off"

[pads]
background = true
dead_zone = 0.25
swap_ab = true
swap_xy = true
rumble = false

[mouse]
capture = "never"
sensitivity = 1.5
swap_buttons = true
scroll = "reversed"

[touch]
mode = "trackpad"

[keyboard]
system_keys = "full_screen"

[shortcuts]
sound = "F9"
free_mouse = "Ctrl+Shift"

[network]
max_kbps = 8000
max_height = 720
dtls_client = true
scope = "lan"

[appearance]
theme = "light"
text_size = 150
"""


@pytest.fixture
def rejoin(rejoin: Rejoin) -> Rejoin:
    """With a sign-in token in the environment."""
    return functools.partial(rejoin, token="CANARY-token")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, fake_player: type[FakePlayer]) -> list[WindowOptions]:
    """The options of each window that was opened."""
    found: list[WindowOptions] = []

    def run(_player: FakePlayer, options: WindowOptions, **_: object) -> int:
        found.append(options)
        return 0

    monkeypatch.setattr(application, "run", run)
    monkeypatch.setattr("rejoin.media.video.hardware.candidates", lambda: ("vaapi",))
    return found


def save(text: str) -> Path:
    path = settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_every_setting_reaches_the_game(
    rejoin: Rejoin, fake_player: type[FakePlayer], opened: list[WindowOptions]
) -> None:
    save(EVERYTHING)
    assert rejoin(*PLAY) == (0, "", "")
    [window], [played] = opened, fake_player.made
    assert window.picture == PictureOptions(
        Renderer.SOFTWARE, Drawing(ScaleFilter.SHARP, 0.5, Aspect.WIDE), vsync=True
    )
    assert window.smooth
    assert window.screen == "HDMI-1"
    assert window.settings.path == settings_path()
    assert window.settings.now.theme == "light"
    assert window.settings.now.mute_in_background
    assert window.settings.fixed == frozenset()
    assert played.sound_device == "Headset"
    assert played.dtls_client
    assert played.profile.network.allow_private
    assert played.hardware.names == ()
    assert played.profile.allow_444
    assert played.input == (False, 8000, 720)
    assert isinstance(window.pads, Gamepads)
    assert window.pads.choices == PadChoices(
        background=True, dead_zone=0.25, swap_ab=True, swap_xy=True, rumble=False
    )
    assert window.pads.mappings == settings_path().with_name("gamecontrollerdb.txt")
    assert played.wish_listeners == [window.pads.on_wish]
    assert window.controls == ControlOptions(
        Shortcuts.of({ShortcutAction.TOGGLE_SOUND: "F9", ShortcutAction.FREE_MOUSE: "Ctrl+Shift"}),
        MouseOptions(capture=False, sensitivity=1.5, swap_buttons=True, reverse_scroll=True),
        TouchMode.TRACKPAD,
        SystemKeysMode.FULL_SCREEN,
    )


def test_gamepads_can_be_off(
    rejoin: Rejoin, fake_player: type[FakePlayer], opened: list[WindowOptions]
) -> None:
    save("[pads]\nenabled = false\n")
    assert rejoin(*PLAY) == (0, "", "")
    assert rejoin(*PLAY, "--gamepads") == (0, "", "")
    off, on = opened
    assert isinstance(off.pads, Gamepads)
    assert isinstance(on.pads, Gamepads)
    assert (off.pads.choices.enabled, on.pads.choices.enabled) == (False, True)


def test_the_command_line_goes_first(
    rejoin: Rejoin, fake_player: type[FakePlayer], opened: list[WindowOptions]
) -> None:
    save(EVERYTHING)
    arguments = (
        "--renderer auto --scaling smooth --sharpness 0 --no-vsync --decoder auto "
        "--no-frame-pacing --no-allow-444 --input-module service --max-bitrate none "
        "--max-height 180 --no-pad-background --pad-dead-zone 0.1 --no-pad-swap-ab "
        "--no-pad-swap-xy --pad-rumble --aspect sent --no-full-screen --screen none "
        "--sound-device none --no-mute-in-background --no-dtls-client --network internet"
    )
    assert rejoin(*PLAY, *arguments.split()) == (0, "", "")
    [window], [played] = opened, fake_player.made
    assert window.picture == PictureOptions(Renderer.AUTO)
    assert not window.smooth
    assert window.screen is None
    assert not window.settings.now.mute_in_background
    assert {"scaling", "sharpness", "aspect", "mute_in_background"} <= window.settings.fixed
    assert {"scope", "vsync"} <= window.settings.fixed
    assert "theme" not in window.settings.fixed
    assert played.sound_device is None
    assert not played.dtls_client
    assert not played.profile.network.allow_private
    assert played.hardware.names == ("vaapi",)
    assert not played.profile.allow_444
    assert played.input == (True, None, 180)
    assert isinstance(window.pads, Gamepads)
    assert window.pads.choices == PadChoices()


def test_the_way_back_obeys_them_but_decodes_in_software(
    rejoin: Rejoin, fake_player: type[FakePlayer], opened: list[WindowOptions]
) -> None:
    save('[video]\ndecoder = "auto"\nrenderer = "card"\n[network]\nmax_kbps = 900\n')
    saved_ticket()
    assert rejoin("back", "--yes")[0] == 0
    [window], [played] = opened, fake_player.made
    assert window.picture.renderer is Renderer.CARD
    assert played.hardware.names == ()
    assert played.input == (True, 900, None)


def test_mistakes_in_the_file_are_said_once_and_the_game_is_played(
    rejoin: Rejoin, fake_player: type[FakePlayer], opened: list[WindowOptions]
) -> None:
    save('[video]\nrenderer = "gpu"\nscaling = "pixel"\nhdr = true\n')
    code, out, err = rejoin(*PLAY)
    assert (code, out) == (0, "")
    first, second = err.splitlines()
    assert "video.renderer cannot be 'gpu'" in first
    assert "video.hdr" in second
    [window] = opened
    assert window.picture == PictureOptions(Renderer.AUTO, Drawing(ScaleFilter.PIXEL))

    save("[video")
    code, out, err = rejoin(*PLAY)
    assert (code, out, err.count("\n")) == (0, "", 1)
    assert "is damaged (at end of document)" in err
    assert opened[-1].picture == PictureOptions(Renderer.AUTO)


def test_help_reads_no_settings(rejoin: Rejoin) -> None:
    save("[video")
    code, out, err = rejoin("play", "--help")
    assert (code, err) == (0, "")
    assert "[default: (auto)]" in out


@pytest.mark.usefixtures("opened")
@pytest.mark.skipif(sys.platform != "linux", reason="XDG is Linux's")
def test_without_a_home_folder_for_settings_the_game_is_played(
    rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setattr("rejoin.runtime.state_folder.platformdirs.user_config_path", no_home)
    code, _, err = rejoin(*PLAY)
    assert (code, err.count("\n")) == (0, 1)
    assert "XDG_CONFIG_HOME" in err


def no_home(*_: object, **__: object) -> Path:
    raise RuntimeError("no home")


ICE = '[{"urls": "turn:t.example", "username": "CANARY-n", "credential": "CANARY-c"}]'


@pytest.mark.usefixtures("opened")
def test_a_saved_file_with_turn_servers_is_used(
    rejoin: Rejoin, fake_player: type[FakePlayer], tmp_path: Path
) -> None:
    file = tmp_path / "ice.json"
    file.write_text(ICE)
    save(f"[network]\nturn_file = {str(file)!r}\n")
    assert rejoin(*PLAY) == (0, "", "")
    [played] = fake_player.made
    assert [each.host for each in played.profile.ice_servers().turn] == ["t.example"]


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("content", [None, "", "{}", '[{"urls": "turns:"}]'])
def test_a_saved_file_that_cannot_be_used_costs_no_game(
    rejoin: Rejoin, fake_player: type[FakePlayer], tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "ice.json"
    if content is not None:
        file.write_text(content)
    save(f"[network]\nturn_file = {str(file)!r}\n")
    code, out, err = rejoin(*PLAY)
    assert (code, out, err.count("\n")) == (0, "", 1)
    assert "network.turn_file" in err
    [played] = fake_player.made
    assert played.profile.ice_servers().turn == ()
    code, _, err = rejoin(*PLAY, "--ice-servers", str(file))
    assert (code, err.count("\n")) == (2, 1), "one that was named is an error"
    assert rejoin(*PLAY, "--ice-servers", "none") == (0, "", "")


@pytest.mark.usefixtures("opened")
def test_a_link_stays_on_the_internet_whatever_the_scope(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    save('[network]\nscope = "lan"\n')
    assert rejoin("play", "--yes", LINK)[0] == 0
    assert rejoin(*PLAY)[0] == 0
    link, url = (played.profile for played in fake_player.made)
    assert not link.network.allow_private
    assert link.public_only
    assert url.network.allow_private


@pytest.mark.usefixtures("opened", "fake_player")
def test_streamer_mode_does_not_say_where_a_game_plays(rejoin: Rejoin) -> None:
    _, _, err = rejoin("play", "--yes", LINK)
    assert "games.example" in err
    save("[privacy]\nstreamer_mode = true\n")
    assert rejoin("play", "--yes", LINK) == (0, "", "")
