"""A game in a window: what is printed, what closes it, and the exit code."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest

from helpers.command_line import LINK, PLAY, URL, FakePlayer, FakeWindow, Rejoin, saved_ticket
from rejoin.cli import window
from rejoin.core.model import Ending, EndingKind, Stage
from rejoin.errors import BadInputError
from rejoin.gamepads.reader import Gamepads
from rejoin.gui import application
from rejoin.gui.renderer_choice import Renderer
from rejoin.gui.shortcuts import ShortcutAction
from rejoin.gui.surface_choice import PictureOptions
from rejoin.gui.video_surface import Drawing
from rejoin.gui.window_options import WindowOptions
from rejoin.media.video.scale_filter import ScaleFilter
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime import instance, launch, settings_file
from rejoin.runtime.instance import Instance
from rejoin.runtime.instance_server import Activation
from rejoin.runtime.player_settings import SETTINGS
from rejoin.runtime.settings_file import settings_path
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.runtime.ticket_folder import TicketFolder
from rejoin.service_model.status import StatusReason


@pytest.fixture
def rejoin(rejoin: Rejoin) -> Rejoin:
    """With a sign-in token in the environment."""
    return functools.partial(rejoin, token="CANARY-token")


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (Ending(EndingKind.CLOSED_FOR_NOW), 0),
        (Ending(EndingKind.ENDED_BY_PLAYER), 0),
        (Ending(EndingKind.GAME_ENDED, StatusReason("applicationExit")), 0),
        (Ending(EndingKind.GAME_ENDED, StatusReason("internalError")), 1),
        (Ending(EndingKind.UNCONFIRMED), 1),
        (Ending(EndingKind.BACKEND_UNREACHABLE, detail="The backend did not answer."), 3),
        (Ending(EndingKind.SIGN_IN_NEEDED), 4),
        (Ending(EndingKind.BAD_ANSWER), 5),
        (Ending(EndingKind.COULD_NOT_CONNECT), 6),
    ],
)
def test_the_ending_of_a_game_is_the_exit_code(
    rejoin: Rejoin, fake_player: type[FakePlayer], ending: Ending, code: int
) -> None:
    fake_player.ending = ending
    ended, out, err = rejoin(*PLAY)
    assert (ended, out) == (code, "")
    assert err.count("\n") == (1 if code else 0)
    assert ending.detail in err


def test_every_ending_has_a_line_that_ends_with_a_period() -> None:
    for kind in EndingKind:
        line = window.ending_sentence(Ending(kind))
        assert line.endswith(".")
        assert ".." not in line


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ((), (True, None, None)),
        (("--input-module", "off"), (False, None, None)),
        (("--max-bitrate", "8000", "--max-height", "720"), (True, 8000, 720)),
    ],
)
def test_the_settings_of_input_and_its_limits_reach_the_player(
    rejoin: Rejoin,
    fake_player: type[FakePlayer],
    arguments: tuple[str, ...],
    wanted: tuple[object, ...],
) -> None:
    assert rejoin(*PLAY, *arguments)[0] == 0
    assert [made.input for made in fake_player.made] == [wanted]


@pytest.mark.usefixtures("fake_player")
def test_the_report_of_a_game_says_what_its_input_module_did(
    rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[object] = []

    def run(_player: object, options: WindowOptions, **_: object) -> int:
        found.append(options.report_facts())
        return 0

    monkeypatch.setattr(application, "run", run)
    assert rejoin(*PLAY)[0] == 0
    assert found == [{"Input module": "of this player"}]


@pytest.mark.parametrize("begins", [False, True])
def test_dtls_client_reaches_the_player(
    rejoin: Rejoin, fake_player: type[FakePlayer], begins: bool
) -> None:
    assert rejoin(*PLAY, *(["--dtls-client"] if begins else []))[0] == 0
    assert [made.dtls_client for made in fake_player.made] == [begins]


@pytest.mark.parametrize(
    ("arguments", "tried"),
    [
        (PLAY, ("vaapi", "cuda")),
        ((*PLAY, "--decoder", "software"), ()),
        (("play", "--yes", "--decoder", "software", LINK), ()),
        (("back", "--yes"), ()),
        (("back", "--yes", "--decoder", "auto"), ("vaapi", "cuda")),
    ],
)
def test_hardware_decoders_are_tried_by_default_in_play_and_on_request_in_back(
    rejoin: Rejoin,
    fake_player: type[FakePlayer],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    tried: tuple[str, ...],
) -> None:
    monkeypatch.setattr("rejoin.media.video.hardware.candidates", lambda: ("vaapi", "cuda"))
    saved_ticket()
    assert rejoin(*arguments)[0] == 0
    assert fake_player.made[0].hardware.names == tried


def test_an_exception_in_the_client_is_reported_as_a_bug(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    fake_player.ending = None
    code, _, err = rejoin(*PLAY)
    assert code == 70
    assert "ZeroDivisionError" in err


@pytest.mark.parametrize(
    ("stage", "arguments", "closed", "printed"),
    [
        (Stage.LIVE, (), 0, ["rejoin: No sound."]),
        (Stage.STARTING, (), 0, []),
        (Stage.ENDED, (), 0, []),
        (Stage.ENDED, ("--close-at-end",), 2, []),
    ],
)
def test_while_the_window_is_open(
    rejoin: Rejoin,
    fake_player: type[FakePlayer],
    monkeypatch: pytest.MonkeyPatch,
    stage: Stage,
    arguments: tuple[str, ...],
    closed: int,
    printed: list[str],
) -> None:
    """A sound problem is printed once, when the game is live; the end may close the window."""
    screen = FakeWindow(stage)

    def run(*_: object, after_refresh: Callable[[FakeWindow], None], **__: object) -> int:
        after_refresh(screen)
        after_refresh(screen)
        return 0

    fake_player.sentence = "No sound."
    monkeypatch.setattr(application, "run", run)
    code, _, err = rejoin(*PLAY, *arguments)
    assert code == 0
    assert (screen.closed, err.splitlines()) == (closed, printed)


def test_a_new_game_warns_about_an_unfinished_one(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    assert rejoin(*PLAY) == (0, "", "")
    saved_ticket()
    code, _, err = rejoin(*PLAY)
    assert (code, err.count("\n")) == (0, 1)
    assert "rejoin back" in err
    assert fake_player.made[-1].ticket is None, "it still starts a new game"
    (file,) = TicketFolder().folder.iterdir()
    file.write_text("damaged")
    assert rejoin(*PLAY) == (0, "", "")


@pytest.fixture
def open_elsewhere() -> Iterator[Instance]:
    """The game of `PLAY` is open in another Rejoin, which does not respond."""
    claim = launch.claim_game(StudioProfile(URL, "t", NetworkRules()))
    assert isinstance(claim, launch.Claimed)
    yield claim.instance
    claim.instance.release()


@pytest.mark.parametrize("agrees", [True, False])
def test_playing_a_game_that_is_open_already_asks(
    rejoin: Rejoin,
    fake_player: type[FakePlayer],
    monkeypatch: pytest.MonkeyPatch,
    open_elsewhere: Instance,
    agrees: bool,
) -> None:
    asked: list[str] = []
    activated: list[str] = []

    def confirm(question: str, **_: object) -> bool:
        asked.append(question)
        return agrees

    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr(click, "confirm", confirm)

    def activate(key: str) -> bool:
        activated.append(key)
        return True

    monkeypatch.setattr(instance, "activate", activate)
    code, out, _ = rejoin(*PLAY)
    assert code == 0
    assert asked == ["This game is already open in another Rejoin. Start a second one?"]
    assert len(fake_player.made) == agrees
    assert (len(activated), "brought to the front" in out) == (not agrees, not agrees)


def test_without_a_terminal_the_open_game_comes_to_the_front_or_yes_is_needed(
    rejoin: Rejoin,
    fake_player: type[FakePlayer],
    monkeypatch: pytest.MonkeyPatch,
    open_elsewhere: Instance,
) -> None:
    monkeypatch.setattr(instance, "activate", lambda key: False)
    code, _, err = rejoin(*PLAY)
    assert code == 2
    assert "already open in another Rejoin" in err
    assert "--yes" in err
    assert fake_player.made == []
    assert rejoin(*PLAY, "--yes")[0] == 0
    assert len(fake_player.made) == 1
    open_elsewhere.release()
    for _ in range(2):
        assert rejoin(*PLAY)[0] == 0, "one after the other is not twice"


def test_another_game_of_the_same_studio_does_not_ask(
    rejoin: Rejoin, fake_player: type[FakePlayer], open_elsewhere: Instance
) -> None:
    assert rejoin("play", "http://127.0.0.1:10")[0] == 0


def test_a_second_instance_brings_the_window_to_the_front(
    rejoin: Rejoin, fake_player: type[FakePlayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = FakeWindow(Stage.LIVE)

    def run(*_: object, after_refresh: Callable[[FakeWindow], None], **__: object) -> int:
        after_refresh(screen)
        fake_player.made[-1].store._on_activate(Activation())
        after_refresh(screen)
        after_refresh(screen)
        return 0

    monkeypatch.setattr(application, "run", run)
    assert rejoin(*PLAY)[0] == 0
    assert screen.came_to_front == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], PictureOptions(Renderer.AUTO)),
        (["--renderer", "card", "--vsync"], PictureOptions(Renderer.CARD, vsync=True)),
        (
            ["--renderer", "software", "--scaling", "sharp", "--sharpness", "0.5"],
            PictureOptions(Renderer.SOFTWARE, Drawing(ScaleFilter.SHARP, 0.5)),
        ),
        (["--scaling", "pixel"], PictureOptions(Renderer.AUTO, Drawing(ScaleFilter.PIXEL))),
    ],
)
def test_how_pictures_are_drawn_reaches_the_window(
    rejoin: Rejoin,
    fake_player: type[FakePlayer],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    expected: PictureOptions,
) -> None:
    opened: list[WindowOptions] = []

    def run(player: FakePlayer, options: WindowOptions, **_: object) -> int:
        opened.append(options)
        return 0

    monkeypatch.setattr(application, "run", run)
    assert rejoin(*PLAY, *arguments)[0] == 0
    assert [each.picture for each in opened] == [expected]


@pytest.mark.parametrize("wrong", [["--sharpness", "2"], ["--renderer", "gpu"]])
def test_what_cannot_be_drawn_is_refused(rejoin: Rejoin, wrong: list[str]) -> None:
    assert rejoin(*PLAY, *wrong)[0] == 2


class PlayAgainWindow(FakeWindow):
    """Ended, and a window that shows another game."""

    def __init__(self) -> None:
        super().__init__(Stage.ENDED)
        self.played: list[object] = []
        self.options: list[WindowOptions] = []

    def play(self, port: object, options: WindowOptions) -> None:
        self.played.append(port)
        self.options.append(options)
        self.snapshot = replace(self.snapshot, stage=Stage.LIVE)
        assert options.report_facts() == {"Input module": "of this player"}


def refreshed_until(true: Callable[[], bool], refresh: Callable[[], None]) -> None:
    until_at = time.monotonic() + 60.0
    while not true():
        assert time.monotonic() < until_at
        refresh()
        time.sleep(0.01)


def test_starting_again_makes_another_client_for_the_same_window(
    rejoin: Rejoin,
    fake_player: type[FakePlayer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With its own claim on the game, without the ticket of the first one."""
    screen = PlayAgainWindow()
    claimed: list[bool] = []
    saved_ticket()

    def run(_player: object, options: WindowOptions, **more: Any) -> int:
        after_refresh = more["after_refresh"]
        after_refresh(screen)
        assert screen.played == [], "nobody asked for another game"
        assert options.start_again is not None
        held = fake_player.made[0].store._open_here
        assert held is not None
        held.release()  # as a real client does at its end
        options.start_again()
        refreshed_until(lambda: bool(screen.played), lambda: after_refresh(screen))
        after_refresh(screen)
        claimed.append(launch.claim_game(fake_player.made[0].profile) is None)
        return 0

    monkeypatch.setattr(application, "run", run)
    assert rejoin("back", "--yes")[0] == 0
    first, second = fake_player.made
    assert screen.played == [second]
    assert (first.ticket is not None, second.ticket) == (True, None)
    assert first.store is not second.store
    assert claimed == [True]
    free = launch.claim_game(first.profile)
    assert isinstance(free, launch.Claimed), "the claim ends with the window"
    free.instance.release()


def play_twice(
    rejoin: Rejoin,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    between: Callable[[], object],
) -> tuple[WindowOptions, WindowOptions, str]:
    """The options of two games of one window, with `between` before *Start again*, and what was
    printed."""
    screen = PlayAgainWindow()

    def run(_player: object, options: WindowOptions, **more: Any) -> int:
        between()
        assert options.start_again is not None
        options.start_again()
        refreshed_until(lambda: bool(screen.played), lambda: more["after_refresh"](screen))
        screen.options.insert(0, options)
        return 0

    monkeypatch.setattr(application, "run", run)
    code, _, err = rejoin(*arguments)
    assert code == 0
    first, second = screen.options
    return first, second, err


def save(**settings: Any) -> None:
    """These settings, by their fields, and no others."""
    settings_path().unlink(missing_ok=True)
    for name, value in settings.items():
        [key] = [key for key, each in SETTINGS.items() if each.name == name]
        settings_file.change(settings_path(), key, value)


def test_another_game_is_played_by_the_settings_as_they_are_by_then(
    rejoin: Rejoin, fake_player: type[FakePlayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for what the command line says."""
    save(max_kbps=3000, mouse_sensitivity=2.0, dtls_client=True)

    def change() -> None:
        save(
            max_kbps=5000,
            max_height=720,
            mouse_sensitivity=3.0,
            sound_device="Headphones",
            frame_pacing=True,
            allow_444=True,
            scope="lan",
            gamepads=False,
            keys_sound="F9",
            send_reports=True,
        )

    before, after, _ = play_twice(rejoin, monkeypatch, (*PLAY, "--max-bitrate", "4000"), change)
    first, second = fake_player.made
    assert (first.input[1:], second.input[1:]) == ((4000, None), (4000, 720))
    assert (first.dtls_client, second.dtls_client) == (True, False)
    assert (first.sound_device, second.sound_device) == (None, "Headphones")
    assert (first.profile.allow_444, second.profile.allow_444) == (False, True)
    assert (first.reports is None, second.reports is None) == (True, False)
    assert not first.profile.network.allow_private
    assert second.profile.network.allow_private
    assert [each.controls.mouse.sensitivity for each in (before, after)] == [2.0, 3.0]
    assert after.controls.shortcuts.label(ShortcutAction.TOGGLE_SOUND) == "F9"
    assert (before.smooth, after.smooth) == (False, True)
    pads = [each.pads for each in (before, after)]
    assert [isinstance(one, Gamepads) and one.choices.enabled for one in pads] == [True, False]


def test_a_way_back_that_is_played_again_is_still_decoded_in_software(
    rejoin: Rejoin, fake_player: type[FakePlayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its hosts are where its ticket says, whatever the settings say."""
    monkeypatch.setattr("rejoin.media.video.hardware.candidates", lambda: ("vaapi",))
    saved_ticket()
    play_twice(rejoin, monkeypatch, ("back", "--yes"), lambda: save(scope="lan", max_height=720))
    first, second = fake_player.made
    assert (first.hardware.names, second.hardware.names) == ((), ())
    assert second.profile.network == first.profile.network
    assert second.input[2] == 720


def test_settings_that_cannot_be_read_by_then_change_nothing(
    rejoin: Rejoin, fake_player: type[FakePlayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    save(max_kbps=3000)
    damage = functools.partial(settings_path().write_text, "no [ TOML")
    _, _, err = play_twice(rejoin, monkeypatch, PLAY, damage)
    assert [each.input[1] for each in fake_player.made] == [3000, 3000]
    assert err.count("\n") == 1
    assert "settings.toml" in err


def test_another_game_that_cannot_begin_closes_the_window_with_a_sentence(
    rejoin: Rejoin, fake_player: type[FakePlayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = PlayAgainWindow()

    def run(_player: object, options: WindowOptions, **more: Any) -> int:
        assert options.start_again is not None
        options.start_again()

        def refuse(*_: object) -> None:
            raise BadInputError("The CA certificate is gone.")

        monkeypatch.setattr(fake_player, "__init__", refuse)
        refreshed_until(lambda: screen.closed > 0, lambda: more["after_refresh"](screen))
        return 0

    monkeypatch.setattr(application, "run", run)
    code, _, err = rejoin(*PLAY)
    assert code == 2
    assert "The CA certificate is gone." in err
    assert screen.played == []


def test_another_game_uses_the_relay_of_the_settings_too(
    rejoin: Rejoin,
    fake_player: type[FakePlayer],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    file = tmp_path / "ice.json"
    file.write_text('[{"urls": "turn:192.0.2.1", "username": "u", "credential": "c"}]')
    save(turn_file=str(file))
    play_twice(rejoin, monkeypatch, PLAY, lambda: None)
    first, second = fake_player.made
    assert first.profile.ice_servers_file == second.profile.ice_servers_file == file
