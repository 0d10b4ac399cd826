"""The windows through AT-SPI, as a screen reader has them: read, heard, and played by it alone.

What is pressed here is pressed by the actions that AT-SPI offers: there is no mouse and no keyboard
in these tests. On X11 and on Wayland.
"""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from helpers import screen_reader, sway
from helpers.programs import started
from helpers.screen_reader import ScreenReader
from helpers.x_input import x_input
from rejoin.core.ticket import BackendAddress
from rejoin.emulator.service.control import BlockingEmulatorControl
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.gui.announcer import MOST, WITHIN_S
from rejoin.runtime import games_file
from rejoin.runtime.games import Game
from rejoin.runtime.settings_file import change
from rejoin.studio.process import studio_process

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(screen_reader.missing() != "", reason=screen_reader.missing()),
]
needs_sway = pytest.mark.skipif(not sway.AVAILABLE, reason="sway is not installed")

TIMEOUT_S = 24
"""After a drop: less than 30, so that the first announcement includes what is left, and long enough
for the one at 10 s."""

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
    play_through(on_x(), tmp_path)


@needs_sway
def test_a_game_is_played_by_a_screen_reader_on_wayland(tmp_path: Path) -> None:
    play_through(on_wayland(), tmp_path)


def play_through(desktop: Desktop, state: Path) -> None:
    """A home with one game, whose emulator's faults are the test's."""
    with (
        studio_process(notice_silent_client_s=1.0, connection_timeout_s=TIMEOUT_S) as there,
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
            program.send(signal.SIGINT)
            done = program.done()
    assert done.code == 130, done.err
    assert "Traceback" not in done.err
    assert most_announcements(reader) <= MOST


def begin(reader: ScreenReader, token: str) -> None:
    """From the card of the game to its picture."""
    reader.press("push button", "Lantern Wood")
    reader.wait_to_hear("Lantern Wood takes a token that the studio gave you. Paste it here.")
    reader.write("password text", "Sign-in token", token)
    reader.press("push button", "Use it and play")
    reader.wait_to_hear("Click to take control")
    reader.find("image", "Game picture")


def drop_and_return(reader: ScreenReader, control: BlockingEmulatorControl) -> None:
    """A drop that is over by itself."""
    began = len(reader.heard)
    control.inject(Fault(FaultKind.SILENCE))
    lost = reader.wait_to_hear("The connection to the stream was lost.", began)
    assert "Your game may still be running." in lost.text
    assert lost.politeness == ASSERTIVE
    back = reader.wait_to_hear("You're back", began)
    assert back.politeness == POLITE
    reader.wait_for(lambda tree: None if tree.find("push button", "Try now") else tree)


def drop_and_end(reader: ScreenReader, control: BlockingEmulatorControl) -> None:
    """A drop that lasts, until the player has had enough."""
    began = len(reader.heard)
    control.inject(Fault(FaultKind.SILENCE, scope="all"))
    reader.wait_to_hear("Your game may still be running.", began)
    for button in ("Try now", "Close for now", "End game"):
        reader.find("push button", button)
    reader.find("image", "At least 0:1")
    reader.find("label", "At least 0:1")
    reader.wait_to_hear("At least 0:10 to get back", began)
    reader.press("push button", "End game")
    question = reader.wait_to_hear("End the game for good?", began)
    assert "Unsaved progress may be lost." in question.text
    reader.find("push button", "Keep trying")
    reader.press("push button", "End game")
    assert reader.wait_to_hear("You have ended the game", began).politeness == ASSERTIVE
    texts = [text for text in reader.announcements(began) if text.startswith("At least")]
    assert len(texts) <= 2, "at 10 s, and at the end of the time"


POLITE, ASSERTIVE = 1, 2
"""AtspiLive of libatspi (atspi-constants.h)."""


def most_announcements(reader: ScreenReader) -> int:
    """How many came within `WITHIN_S` of one of them."""
    at = [each.at for each in reader.heard if each.what == "announcement"]
    return max(sum(1 for each in at if 0 <= each - first < WITHIN_S) for first in at)
