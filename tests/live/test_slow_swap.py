"""A screen or driver that takes its time: present waits on the window's thread, and nobody else.

A small library of ours makes each exchange of buffers 150 ms longer (LD_PRELOAD), in the real
window on the emulated studio. Mesa's OpenGL and Vulkan.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers.card_window import APIS, has_vulkan
from helpers.headless_scene import small
from helpers.slow_swap_window import TITLE, Figures
from rejoin.emulator.service.control import EmulatorControl
from rejoin.gui.card_api import CardApi
from rejoin.studio.serve import studio

pytestmark = [
    pytest.mark.live,
    pytest.mark.x11,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed"),
    pytest.mark.skipif(shutil.which("xdotool") is None, reason="xdotool is not installed"),
]

TESTS = Path(__file__).resolve().parents[1]
SWAP_MS = 150
FOR_S = 6.0
KEYS = 10
WITHIN_S = 60.0
"""Only a hang takes this long, even on a slow machine."""


@dataclass(frozen=True, slots=True)
class Played:
    """What the client measured, and how many presses of keys the host received meanwhile."""

    figures: Figures
    key_presses: int


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("slow_swap") / "slow_swap.so"
    source = TESTS / "helpers" / "slow_swap.c"
    flags = ("-shared", "-fPIC", "-O1", "-Wall", "-Werror")
    subprocess.run(["gcc", *flags, "-o", str(made), str(source), "-ldl"], check=True)
    return made


async def xdotool(*arguments: str) -> str:
    program = await asyncio.create_subprocess_exec(
        "xdotool", *arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    out, _ = await program.communicate()
    return out.decode().strip()


async def key_presses(control: EmulatorControl) -> int:
    presses = (await control.state())["sessions"][0]["game_state"]["key_presses"]
    assert isinstance(presses, int)
    return presses


async def played(library: Path, api: CardApi, swap_ms: int, state: Path) -> Played:
    """A game with swaps of this length more."""
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "xcb",
        "LD_PRELOAD": str(library),
        "QT_VULKAN_LIB": str(library),
        "SLOW_SWAP_MS": str(swap_ms),
        "XDG_STATE_HOME": str(state),
    }
    async with (
        studio(small(5.0)) as there,
        EmulatorControl(there.control_url, there.control_token) as control,
    ):
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "helpers.slow_swap_window"),
            *(there.backend_url, there.player_token, str(FOR_S), api.value),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=TESTS,
            env=environment,
        )
        assert program.stdin is not None
        assert program.stdout is not None
        try:
            line = await asyncio.wait_for(program.stdout.readline(), WITHIN_S)
            assert json.loads(line) == {"live": True}
            [*_, window] = (await xdotool("search", "--onlyvisible", "--name", TITLE)).split()
            await xdotool("windowfocus", "--sync", window)
            for _ in range(KEYS):
                await xdotool("key", "w")
            line = await asyncio.wait_for(program.stdout.readline(), WITHIN_S)
            figures = Figures(**json.loads(line))
            return Played(figures, await key_presses(control))
        finally:
            program.stdin.close()
            try:
                await asyncio.wait_for(program.wait(), WITHIN_S)
            finally:
                if program.returncode is None:
                    program.kill()


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.value)
async def test_a_slow_swap_slows_nothing_but_the_window(
    library: Path, tmp_path: Path, api: CardApi
) -> None:
    if api is CardApi.VULKAN and not has_vulkan():
        pytest.skip("this machine has no Vulkan")
    usual = await played(library, api, 0, tmp_path)
    slow = await played(library, api, SWAP_MS, tmp_path)
    before, after = usual.figures, slow.figures
    assert 0 < after.swaps < after.decoded / 2, "the library works"
    assert after.decoded > 0.7 * before.decoded
    assert after.packets > 0.7 * before.packets
    assert after.samples > 0.7 * before.samples
    assert after.concealed <= before.concealed + 0.05 * after.samples
    assert usual.key_presses == slow.key_presses == KEYS
    # The newest picture wins: what came during a swap was replaced, and none waits in a row.
    assert after.painted > 0
    assert after.replaced > 0
    assert abs(after.decoded - after.painted - after.replaced) < 0.2 * after.decoded
    assert after.most_behind < 1.0 * after.decoded / FOR_S, "less than a second of pictures"
    # One update at most is outstanding: nothing follows once the pictures have stopped.
    assert after.most_at_once == 1
    assert after.painted_afterwards <= 2
    assert after.swaps_afterwards <= 6
