"""Saved settings are the defaults of options, and the command line goes first."""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from helpers.command_line import LINK, PLAY, FakePlayer, Rejoin, saved_ticket
from helpers.fake_port import FakePort
from helpers.window_faces import destroy
from rejoin.cli import home
from rejoin.core.ticket import BackendAddress
from rejoin.gamepads.choices import PadChoices
from rejoin.gamepads.reader import Gamepads
from rejoin.gui import application
from rejoin.gui.control_options import ControlOptions, MouseOptions, SystemKeysMode, TouchMode
from rejoin.gui.guest.services import choices_of
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.qt_application import make_application
from rejoin.gui.renderer_choice import Renderer
from rejoin.gui.settings.appearance import appearance_of
from rejoin.gui.settings.following import Following
from rejoin.gui.shortcuts import ShortcutAction, Shortcuts
from rejoin.gui.surface_choice import PictureOptions
from rejoin.gui.video_surface import Drawing
from rejoin.gui.window_options import WindowOptions
from rejoin.media.video.scale_filter import Aspect, ScaleFilter
from rejoin.runtime import opening
from rejoin.runtime.player_settings import SETTINGS
from rejoin.runtime.setting_kinds import Keys
from rejoin.runtime.settings_file import change, settings_path

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


# --- every setting has its effect, on a game of `rejoin play` and on one of the home --------------


@dataclass(frozen=True)
class Started:
    """A game that was composed and not run. `full_screen`: how it begins."""

    window: WindowOptions
    player: FakePlayer
    full_screen: bool


Observer = Callable[[Started], object]


def _controls(started: Started) -> object:
    return started.window.controls


def _picture(started: Started) -> object:
    return started.window.picture


def _pads(started: Started) -> object:
    return getattr(started.window.pads, "choices", "none")


def _microphone(started: Started) -> object:
    return started.player.microphone_choices


def _appearance(started: Started) -> object:
    return appearance_of(started.window.settings.now)


def _profile(started: Started) -> object:
    address = started.player.profile.backend_address()
    return address.network, address.allow_444, address.ice_servers_file


def _hints(started: Started) -> object:
    return choices_of(started.window.settings.now)


def _silenced(started: Started) -> object:
    """Whether a game's window that is not the active one is silent."""
    shown, port = make_application(), FakePort()
    window = RejoinWindow(port)
    following = Following(shown, window, replace(started.window.settings, path=None))
    following._silence()
    silent = port.silenced[-1]
    following.close()
    destroy(window)
    return silent


def _folders_hidden(started: Started) -> object:
    make_application()
    window = RejoinWindow(FakePort(), WindowOptions(settings=started.window.settings))
    hidden = window.files.hides_folders
    destroy(window)
    return hidden


EFFECTS: Mapping[str, tuple[Any, Observer]] = {
    "video.renderer": ("software", _picture),
    "video.decoder": ("software", lambda it: it.player.hardware.names),
    "video.scaling": ("sharp", _picture),
    "video.sharpness": (0.5, _picture),
    "video.aspect": ("fill", _picture),
    "video.vsync": (True, _picture),
    "video.frame_pacing": (True, lambda it: it.window.smooth),
    "video.full_screen": (True, lambda it: it.full_screen),
    "video.screen": ("HDMI-1", lambda it: it.window.screen),
    "video.allow_444": (True, _profile),
    "sound.device": ("Headset", lambda it: it.player.sound_device),
    "sound.mute_in_background": (True, _silenced),
    "input.module": ("off", lambda it: it.player.input),
    "pads.enabled": (False, _pads),
    "pads.background": (True, _pads),
    "pads.dead_zone": (0.3, _pads),
    "pads.swap_ab": (True, _pads),
    "pads.swap_xy": (True, _pads),
    "pads.swap_ab_cards": (True, _pads),
    "pads.mouse": (True, _pads),
    "pads.rumble": (False, _pads),
    "mouse.capture": ("never", _controls),
    "mouse.sensitivity": (2.0, _controls),
    "mouse.swap_buttons": (True, _controls),
    "mouse.scroll": ("reversed", _controls),
    "touch.mode": ("trackpad", _controls),
    "keyboard.system_keys": ("always", _controls),
    "microphone.mode": ("open", _microphone),
    "microphone.device": ("Headset", _microphone),
    "microphone.background": (True, _microphone),
    "microphone.menu": (True, _microphone),
    "network.max_kbps": (900, lambda it: it.player.input),
    "network.max_height": (480, lambda it: it.player.input),
    "network.dtls_client": (True, lambda it: it.player.dtls_client),
    "network.turn_file": ("ICE", _profile),
    "network.scope": ("lan", _profile),
    "appearance.theme": ("light", _appearance),
    "appearance.language": ("de", _appearance),
    "appearance.high_contrast": (True, _appearance),
    "appearance.text_size": (150, _appearance),
    "appearance.motion": ("reduced", _appearance),
    "notifications.background": (False, _hints),
    "notifications.sound": (True, _hints),
    "privacy.streamer_mode": (True, _folders_hidden),
    "privacy.send_reports": (
        True,
        lambda it: (it.player.reports is None, it.player.profile.takes_reports),
    ),
}
"""By setting: a value that is not the default, and where a game shows it. A shortcut needs no row:
its keys are F9, seen in the controls."""

TYPED = "https://games.example"


def play_it(rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch) -> Started:
    found: list[Started] = []

    def run(player: FakePlayer, options: WindowOptions, **more: Any) -> int:
        found.append(Started(options, player, more["full_screen"]))
        return 0

    monkeypatch.setattr(application, "run", run)
    code, _, err = rejoin("play", TYPED)
    assert (code, err) == (0, "")
    return found[0]


def open_it(fake_player: type[FakePlayer]) -> Started:
    """As the home does, from its entry."""
    address = BackendAddress(TYPED, "ours")
    wanted = opening.Wanted(address, token="CANARY-token", settings=home._settings())
    ready = asyncio.run(opening.open_game(wanted))
    assert isinstance(ready, opening.Ready)
    parts = home._make_parts(ready.game, lambda activation: None)
    opening.release(ready.game)
    return Started(parts.options, fake_player.made[-1], parts.full_screen)


ELSEWHERE = {"privacy.check_updates": "tests/gui/home/test_newer_version.py"}
"""Settings without an effect on a game, and where theirs is tested."""


@pytest.mark.parametrize("key", [key for key in SETTINGS if key not in ELSEWHERE])
def test_each_setting_has_an_effect_on_a_game_of_either_start(
    key: str,
    rejoin: Rejoin,
    fake_player: type[FakePlayer],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("rejoin.media.video.hardware.candidates", lambda: ("vaapi",))
    value, observed = EFFECTS.get(key, ("F9", _controls))
    assert key in EFFECTS or isinstance(SETTINGS[key].kind, Keys), "say where its effect is seen"
    if key == "network.turn_file":
        value = str(tmp_path / "ice.json")
        Path(value).write_text(ICE)
    if key == "video.sharpness":
        change(settings_path(), "video.scaling", "sharp")
    before = [observed(play_it(rejoin, monkeypatch)), observed(open_it(fake_player))]
    change(settings_path(), key, value)
    after = [observed(play_it(rejoin, monkeypatch)), observed(open_it(fake_player))]
    assert before[0] == before[1], "both starts begin alike"
    assert after[0] == after[1], "both starts obey it alike"
    assert before[0] != after[0], "it has no effect"
