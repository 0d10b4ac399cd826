"""`rejoin` alone and `rejoin home`: the window where there is a display, else the help."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from helpers.command_line import FakePlayer, Rejoin, saved_ticket
from rejoin.cli import home as homes
from rejoin.cli import main
from rejoin.core.model import Stage
from rejoin.gui import displays
from rejoin.gui.home import program
from rejoin.runtime import settings_file
from rejoin.runtime.instance import Instance
from rejoin.runtime.instance_server import Activation
from rejoin.runtime.launch import GameToPlay
from rejoin.runtime.player_settings import PlayerSettings
from rejoin.runtime.studio_profile import StudioProfile

LINK = "rejoin://play?backend=https%3A%2F%2Fgames.example"


@pytest.fixture(name="shown")
def _shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """With what the window was shown."""
    shown: list[dict[str, Any]] = []

    def run(settings: Any, make_parts: Any, **more: Any) -> int:
        shown.append({"settings": settings, "make_parts": make_parts, **more})
        return 0

    monkeypatch.setattr(program, "run", run)
    return shown


def test_without_a_display_rejoin_alone_shows_its_help(rejoin: Rejoin) -> None:
    code, _, err = rejoin()
    assert code == 2
    assert "Usage: rejoin" in err
    assert "home" in err


def test_with_a_display_it_opens_the_window(
    rejoin: Rejoin, shown: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(displays, "can_be_seen", lambda: True)
    assert rejoin()[0] == 0
    assert (len(shown), shown[0]["link"]) == (1, None)


def test_the_desktops_entry_takes_a_link(
    shown: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["rejoin-home", LINK])
    with pytest.raises(SystemExit) as ended:
        main.main_home()
    assert ended.value.code == 0
    assert shown[0]["link"] == LINK


def test_a_link_is_passed_on_and_anything_else_refused(
    rejoin: Rejoin, shown: list[dict[str, Any]]
) -> None:
    assert rejoin("home", LINK)[0] == 0
    assert shown[0]["link"] == LINK
    code, _, err = rejoin("home", "https://play.example")
    assert code == 2
    assert "begins with rejoin://" in err


def test_a_damaged_settings_file_is_a_warning(rejoin: Rejoin, shown: list[dict[str, Any]]) -> None:
    path = settings_file.settings_path()
    path.parent.mkdir(parents=True)
    path.write_text("[video\n")
    code, _, err = rejoin("home")
    assert code == 0
    assert "is damaged" in err
    assert shown[0]["settings"]() == PlayerSettings()


def test_a_second_start_hands_over(rejoin: Rejoin, shown: list[dict[str, Any]]) -> None:
    heard: list[Activation] = []
    serving, done = threading.Event(), threading.Event()

    async def first() -> None:
        one = Instance.claim(homes.KEY)
        assert one is not None
        await one.serve(heard.append)
        serving.set()
        await asyncio.to_thread(done.wait, 60)
        await one.close()

    thread = threading.Thread(target=lambda: asyncio.run(first()))
    thread.start()
    try:
        assert serving.wait(60)
        code, out, _ = rejoin("home", LINK)
    finally:
        done.set()
        thread.join()
    assert (code, shown) == (0, [])
    assert "already open" in out
    assert heard == [Activation(LINK)]


def test_one_that_does_not_respond_is_a_sentence(
    rejoin: Rejoin, shown: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rejoin.runtime.instance.activate", lambda key, link: False)
    other = Instance.claim(homes.KEY)
    assert other is not None
    code, _, err = rejoin("home")
    assert (code, shown) == (2, [])
    assert "does not respond" in err
    other.release()


def test_a_game_is_played_by_the_settings_of_its_start(
    fake_player: type[FakePlayer], tmp_path: Path
) -> None:
    settings_file.change(settings_file.settings_path(), "network.max_kbps", 8000)
    settings_file.change(settings_file.settings_path(), "pads.enabled", False)
    ticket = saved_ticket()
    profile = StudioProfile.from_address(ticket.backend, "t" * 20)
    heard: list[Activation] = []
    on_activate = heard.append
    parts = homes._make_parts(GameToPlay(profile, ticket), on_activate)
    [player] = fake_player.made
    player.store._on_activate(Activation(LINK))
    assert heard == [Activation(LINK)]
    assert player.input == (True, 8000, None)
    assert player.ticket == ticket
    assert parts.options.before_start.stage is Stage.RECONNECTING
    new = homes._make_parts(GameToPlay(profile), on_activate)
    assert new.options.before_start.stage is Stage.STARTING


def test_the_options_of_a_game_are_the_settings() -> None:
    settings = PlayerSettings(
        renderer="card", vsync=True, max_height=720, send_reports=True, gamepads=False
    )
    options = homes.options_of(settings)
    assert (options.renderer, options.vsync, options.max_height) == ("card", True, 720)
    assert (options.send_reports, options.gamepads, options.decoder) == (True, False, "auto")
    assert homes.options_of(settings, back=True).decoder == "software"
