"""A practice drop in the real window, by real keys of an X server, at the emulator."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpers.headless_scene import small, until
from helpers.programs import PATIENCE_S, started
from helpers.x_input import x_input
from helpers.xdotool import find_window, xdotool
from rejoin.core.trace import timelines
from rejoin.emulator.service.control import EmulatorControl
from rejoin.qa import trace_schema, traces
from rejoin.studio.serve import studio
from rejoin.verify import invariants

pytestmark = [
    pytest.mark.live,
    pytest.mark.x11,
    pytest.mark.skipif(shutil.which("xdotool") is None, reason="xdotool is not installed"),
]

BY_MENU = ("ctrl+alt+g", *["Down"] * 4, "Return", "Return")
"""The entry *Practice drop*, whose page has the focus on *Start*."""


@pytest.fixture(scope="module", autouse=True)
def display_kept() -> Iterator[None]:
    """An X server takes nobody while it resets, which it does when its last client leaves."""
    with x_input():
        yield


def key(*keys: str) -> None:
    """One after another, with the time that a person needs."""
    for each in keys:
        xdotool("key", each)
        time.sleep(0.15)


def test_a_tester_drops_the_connection_from_the_menu_and_marks_what_was_seen(
    tmp_path: Path,
) -> None:
    trace, pictures = tmp_path / "trace.jsonl", tmp_path / "pictures"
    (tmp_path / "user-dirs.dirs").write_text(f'XDG_PICTURES_DIR="{pictures}"\n', encoding="utf-8")

    def names() -> list[str]:
        return [record.name for record in traces.read(trace)] if trace.exists() else []

    async def main() -> None:
        async with (
            studio(small(60.0)) as there,
            EmulatorControl(there.control_url, there.control_token) as control,
        ):
            environment = {
                "REJOIN_TOKEN": there.player_token,
                "QT_QPA_PLATFORM": "xcb",
                "XDG_CONFIG_HOME": str(tmp_path),
            }
            options = ("--trace", str(trace), "--marker-keys", "F7", "--network", "loopback")
            verb = ("practice", *options, "--close-at-end", there.backend_url)
            with started(*verb, environment=environment) as program:
                shown = await asyncio.to_thread(find_window)
                await asyncio.to_thread(xdotool, "windowfocus", "--sync", shown)
                await until(lambda: reaches_game(control))
                await asyncio.to_thread(key, *BY_MENU)
                await until(lambda: has(names, "GameCompared"))
                await asyncio.to_thread(key, "F7", "o", "d", "d", "Return")
                await until(lambda: has(names, "MarkerSet"))
                await asyncio.to_thread(key, "ctrl+alt+g", "Up", "Return", "Down", "Return")
                await asyncio.to_thread(program.process.wait, PATIENCE_S)
                assert program.process.returncode == 0

    async def has(names: Callable[[], list[str]], name: str) -> bool:
        return name in names()

    async def reaches_game(control: EmulatorControl) -> bool:
        """Whether keys do, after one more."""
        await asyncio.to_thread(key, "w")
        sessions = (await control.state())["sessions"]
        game = sessions[0]["game_state"] if sessions else None
        return bool(game and game.get("key_presses", 0))

    asyncio.run(main())
    records = sorted(traces.read(trace), key=lambda record: record.at)
    for record in records:
        trace_schema.check(record)
    assert not invariants.violations(records)
    [episode] = timelines(records)
    assert episode.outcome in ("live", "healed")
    assert episode.at("fault") is not None

    def data(name: str) -> dict[str, object]:
        [found] = [record.data for record in records if record.name == name]
        return found

    assert data("cut_3s")["outage_s"] == 3.0
    assert data("FaultLifted") == {"fault": "cut_3s"}
    assert (data("GameCompared")["rests_on"], data("GameCompared")["says"]) == ("strip", "went on")
    marker = data("MarkerSet")
    assert marker["note"] == "odd"
    assert (pictures / "Rejoin" / str(marker["picture"])).read_bytes().startswith(b"\x89PNG")
