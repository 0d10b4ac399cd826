"""The interfaces to graphics cards, and that to choose one loads nothing that draws."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rejoin.gui.card_api import CardApi, default_api


@pytest.mark.parametrize(
    ("system", "expected"),
    [("win32", CardApi.DIRECT3D11), ("darwin", CardApi.METAL), ("linux", CardApi.OPENGL)],
)
def test_each_system_has_its_interface(system: str, expected: CardApi) -> None:
    assert default_api(system) is expected


def test_the_processors_window_starts_without_the_cards_modules() -> None:
    """Each millisecond of it would be one before the first window."""
    program = "import sys, rejoin.gui.application; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "rejoin.gui.surface_choice" in loaded
    assert not loaded & {"rejoin.gui.rhi_surface", "rejoin.gui.card_drawing"}
