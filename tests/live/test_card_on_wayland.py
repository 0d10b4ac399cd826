"""The picture on the graphics card on a Wayland desktop: sway without a screen, Mesa's drivers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from helpers.card_on_wayland import SIZE
from helpers.card_window import APIS, has_vulkan, rgb_of
from helpers.sway import AVAILABLE, sway
from rejoin.gui.card_api import CardApi

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not AVAILABLE, reason="sway is not installed"),
    pytest.mark.skipif(shutil.which("grim") is None, reason="grim is not installed"),
]


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.value)
def test_the_desktop_shows_the_picture_with_its_colours(api: CardApi) -> None:
    if api is CardApi.VULKAN and not has_vulkan():
        pytest.skip("this machine has no Vulkan")
    # Not pytest's folder: the path of a socket has to be short.
    with tempfile.TemporaryDirectory(prefix="sw") as folder, sway(Path(folder)) as environment:
        screenshot = Path(folder) / "screen.png"
        done = subprocess.run(
            [sys.executable, "-m", "helpers.card_on_wayland", api.value, str(screenshot)],
            cwd=Path(__file__).resolve().parents[1],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        shown = rgb_of(QImage(str(screenshot)))
    assert found["platform"] == "wayland"
    assert found["failures"] == []
    assert api.value in found["drawn_by"]
    assert found["off"] <= 5
    red = (shown[..., 0] >= 252) & (shown[..., 1] <= 3) & (shown[..., 2] <= 3)
    assert red.sum() == SIZE[0] * SIZE[1]


@pytest.mark.skipif(shutil.which("swaymsg") is None, reason="swaymsg is not installed")
@pytest.mark.parametrize("api", APIS, ids=lambda api: api.value)
def test_the_last_picture_survives_another_screen(api: CardApi) -> None:
    """To one with twice the scale and back, without a new picture."""
    if api is CardApi.VULKAN and not has_vulkan():
        pytest.skip("this machine has no Vulkan")
    with (
        tempfile.TemporaryDirectory(prefix="sw") as folder,
        sway(Path(folder), second_scale=2) as environment,
    ):
        done = subprocess.run(
            [sys.executable, "-m", "helpers.card_between_screens", api.value],
            cwd=Path(__file__).resolve().parents[1],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
    assert found["failures"] == []
    assert [each["size"] for each in found["found"]] == [[320, 180], [640, 360], [320, 180]]
    assert all(each["off"] <= 5 for each in found["found"]), found
    assert found["painted"] == 1, "it is not counted again"
