"""The windows through AT-SPI, as a screen reader has them: read, heard, and played by it alone.

What is pressed here is pressed by the actions that AT-SPI offers: there is no mouse and no keyboard
in these tests. On X11 and on Wayland.
"""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from helpers import screen_reader, sway
from helpers.programs import started
from helpers.screen_reader import PATIENCE_S, ScreenReader, Seen
from helpers.x_input import x_input
from rejoin.core.ticket import BackendAddress
from rejoin.emulator.service.control import BlockingEmulatorControl
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.gui.announcer import MOST, WITHIN_S
from rejoin.runtime import games_file, settings_file
from rejoin.runtime.games import Game
from rejoin.runtime.settings_file import change
from rejoin.studio.process import studio_process

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(screen_reader.missing() != "", reason=screen_reader.missing()),
]
needs_sway = pytest.mark.skipif(not sway.AVAILABLE, reason="sway is not installed")

LONG_S = 600
"""To get back, where something is to be done in this time."""
SHORT_S = 24
"""To get back, where the player only listens. Less than 30, so that the first announcement includes
what is left, and long enough for the one at 10 s."""

Desktop = AbstractContextManager[Mapping[str, str]]
"""The environment of a program on it."""


@contextmanager
def on_x() -> Iterator[Mapping[str, str]]:
    with x_input():  # an X server takes nobody while it resets, after its last client has left
        yield {"QT_QPA_PLATFORM": "xcb"}


@contextmanager
def on_wayland() -> Iterator[Mapping[str, str]]:
    with tempfile.TemporaryDirectory(prefix="sw") as folder, sway.sway(Path(folder)) as environment:
        names = ("WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "XDG_RUNTIME_DIR", "XDG_SESSION_TYPE")
        yield {name: environment[name] for name in names}


@contextmanager
def read_by() -> Iterator[ScreenReader]:
    with (
        tempfile.TemporaryDirectory(prefix="at") as folder,
        screen_reader.screen_reader(Path(folder)) as reader,
    ):
        yield reader


# --- a game, from the home to its end -------------------------------------------------------------


@pytest.mark.x11
def test_a_game_is_played_by_a_screen_reader_on_x(tmp_path: Path) -> None:
    play_through(on_x(), tmp_path, listens=True)


@needs_sway
def test_a_game_is_played_by_a_screen_reader_on_wayland(tmp_path: Path) -> None:
    play_through(on_wayland(), tmp_path)


def play_through(desktop: Desktop, state: Path, *, listens: bool = False) -> None:
    """A home with one game, whose emulator's faults are the test's. `listens`: to the last seconds
    of a second game too, which no desktop has a part in."""
    with (
        studio_process(notice_silent_client_s=1.0, connection_timeout_s=LONG_S) as there,
        desktop as shown,
        read_by() as reader,
    ):
        address = BackendAddress(there.backend_url, "ours", "loopback")
        games_file.add(state / "rejoin" / "games.toml", Game("Lantern Wood", address))
        change(state / "rejoin" / "settings.toml", "video.renderer", "software")
        folders = {f"XDG_{name}_HOME": str(state) for name in ("CONFIG", "STATE")}
        environment = {**shown, **reader.environment, **folders, "REJOIN_TOKEN": None}
        with started("home", environment=environment) as program:
            control = BlockingEmulatorControl(there.control_url, there.control_token)
            begin(reader, there.player_token)
            drop_and_return(reader, control)
            drop_and_end(reader, control)
            reader.press("push button", "Close")
            reader.find("push button", "Lantern Wood")
            if listens:
                control.change_settings(connection_timeout_s=SHORT_S)
                began = len(reader.heard)
                reader.press("push button", "Lantern Wood")
                reader.wait_to_hear("Click to take control", began)
                drop_until_the_time_is_up(reader, control)
            program.send(signal.SIGINT)
            done = program.done()
    assert done.code == 130, done.err
    assert "Traceback" not in done.err


def begin(reader: ScreenReader, token: str) -> None:
    """From the card of the game to its picture."""
    reader.press("push button", "Lantern Wood")
    reader.wait_to_hear("Lantern Wood takes a token that the studio gave you. Paste it here.")
    reader.write("password text", "Sign-in token", token)
    reader.press("push button", "Use it and play")
    reader.wait_to_hear("Click to take control")
    reader.find("image", "Game picture")


def drop_and_return(reader: ScreenReader, control: BlockingEmulatorControl) -> None:
    """A drop that lasts until it is announced. Then Rejoin is back by itself, by a new connection:
    one that heals at once is not announced."""
    began = len(reader.heard)
    control.inject(Fault(FaultKind.SILENCE, scope="all"))
    lost = reader.wait_to_hear("Your game may still be running.", began)
    assert lost.text.startswith(LOST), lost.text
    assert lost.politeness == ASSERTIVE
    control.inject(Fault(FaultKind.SILENCE, scope="existing"))
    back = reader.wait_to_hear("You're back", began)
    assert back.politeness == POLITE
    reader.find_no("push button", "Try now")


def drop_and_end(reader: ScreenReader, control: BlockingEmulatorControl) -> None:
    """A drop that lasts, until the player has had enough."""
    began = len(reader.heard)
    control.inject(Fault(FaultKind.SILENCE, scope="all"))
    reader.wait_to_hear("Your game may still be running.", began)
    for button in ("Try now", "Close for now", "End game"):
        reader.find("push button", button)
    reader.find("image", "At least ")
    reader.find("label", "At least ")
    reader.press("push button", "End game")
    question = reader.wait_to_hear("End the game for good?", began)
    assert "Unsaved progress may be lost." in question.text
    reader.find("push button", "Keep trying")
    reader.press("push button", "End game")
    assert reader.wait_to_hear("You ended the game", began).politeness == ASSERTIVE


def drop_until_the_time_is_up(reader: ScreenReader, control: BlockingEmulatorControl) -> None:
    """A drop that lasts: here the player only listens."""
    at, began = time.monotonic(), len(reader.heard)
    control.inject(Fault(FaultKind.SILENCE, scope="all"))
    lost = reader.wait_to_hear("Your game may still be running.", began)
    assert "At least 0:" in lost.text
    reader.wait_to_hear("Time may be up", began)
    heard = reader.announcements(began)
    most = MOST * (1 + int((time.monotonic() - at) / WITHIN_S))
    assert len(heard) <= most, f"nobody can listen to more: {heard}"
    at_ten, at_the_end = [text for text in heard if text.startswith(("At least", "Time may"))]
    assert at_ten.removesuffix(" to get back") in AT_TEN
    assert at_the_end == "Time may be up. Still trying..."


LOST = ("Checking your connection...", "Connection lost. Reconnecting...")
"""Its first words: the stage may have passed before the window shows it."""
AT_TEN = tuple(f"At least 0:{left_s:02}" for left_s in range(11))
"""What is said at 10 s by a busy program too."""
POLITE, ASSERTIVE = 1, 2
"""AtspiLive of libatspi (atspi-constants.h)."""


# --- what is shown --------------------------------------------------------------------------------


@pytest.mark.x11
def test_the_pages_say_what_they_are_and_take_presses_on_x(tmp_path: Path) -> None:
    with on_x() as shown, read_by() as reader:
        read_pages(reader, shown, tmp_path)


@needs_sway
def test_the_pages_say_what_they_are_and_take_presses_on_wayland(tmp_path: Path) -> None:
    with on_wayland() as shown, read_by() as reader:
        read_pages(reader, shown, tmp_path)


def read_pages(reader: ScreenReader, shown: Mapping[str, str], state: Path) -> None:
    with page("home", reader, shown, state):
        read_home(reader)
    with page("settings:appearance", reader, shown, state):
        read_settings(reader)
    loaded = settings_file.load(state / "rejoin" / "settings.toml").settings
    assert loaded.high_contrast, "by the press of a switch"
    with page("end-after-drops", reader, shown, state):
        read_end(reader)


@contextmanager
def page(name: str, reader: ScreenReader, shown: Mapping[str, str], state: Path) -> Iterator[None]:
    """One page in a window of its own."""
    folders = {f"XDG_{name}_HOME": str(state) for name in ("CONFIG", "STATE")}
    runtime = {"XDG_RUNTIME_DIR": str(state), **shown}
    environment = {**runtime, **reader.environment, **folders}
    module = ("helpers.shown_page", name)
    with started(environment=environment, module=module) as program:
        yield
        assert program.process.stdin is not None
        program.process.stdin.close()
        assert program.process.wait(PATIENCE_S) == 0


def read_home(reader: ScreenReader) -> None:
    reader.find("frame", "Rejoin")
    reader.find("image", "At least ")
    reader.find("push button", "Lantern Wood, 127.0.0.1:9. Not played yet")
    for name in ("Continue", "More for Tide Runner", "Add a game", "Settings", "About"):
        reader.find("push button", name)
    reader.press("push button", "Add a game")
    reader.wait_to_hear("Add a game\nPaste the link or the address")
    reader.write("text", "Link or address", "nowhere")
    reader.press("push button", "Cancel")
    reader.find("push button", "Continue")


def read_settings(reader: ScreenReader) -> None:
    tree = reader.wait_for(lambda tree: tree if tree.find("check box", "High contrast") else None)
    assert tree.find("label", "Appearance")
    choices = {each.labelled_by: each.name for each in tree.all() if each.role == "combo box"}
    assert choices[("Theme",)] == "Dark", "its value, and what it is of"
    switch = tree.find("check box", "High contrast")
    assert switch is not None
    assert switch.labelled_by == ("High contrast",)
    assert "Applies at once." in switch.description
    assert "checked" not in switch.states
    reader.press("check box", "High contrast")

    def switched(tree: Seen) -> Seen | None:
        found = tree.find("check box", "High contrast")
        return found if found is not None and "checked" in found.states else None

    reader.wait_for(switched)
    sections = [each.name for each in tree.all() if each.role == "list item"]
    assert sections[:3] == ["Video", "Data and size", "Sound"]


def read_end(reader: ScreenReader) -> None:
    reader.find("panel", "The game has ended: nobody came back in time")
    reader.find("label", "Drops: 4, back 3")
    reader.press("push button", "Report a problem")
    reader.wait_to_hear("This is everything that would be shared")
    reader.find("label", "Rejoin report")
    reader.press("push button", "Back")
    reader.find("push button", "Start again")
