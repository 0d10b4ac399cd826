"""The probe's program under Xvfb: Mesa's rasterisers draw right, and are refused as software."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from PySide6.QtCore import qVersion
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication

from helpers.card_window import APIS, has_vulkan
from rejoin.gui import surface_probe
from rejoin.gui.card_api import CardApi
from rejoin.gui.card_identity import CardIdentity
from rejoin.gui.rhi_surface import RhiSurface
from rejoin.gui.surface_probe import probed, verdict_of
from rejoin.runtime.renderer_memory import Verdict


@pytest.mark.x11
@pytest.mark.parametrize("api", APIS, ids=lambda api: api.value)
def test_the_program_names_the_rasteriser_and_refuses_it(api: CardApi) -> None:
    if api is CardApi.VULKAN and not has_vulkan():
        pytest.skip("this machine has no Vulkan")
    done = subprocess.run(
        [sys.executable, "-m", "rejoin.gui.surface_probe", api.value],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    verdict = Verdict(**json.loads(done.stdout))
    assert verdict.backend == api.value
    assert "llvmpipe" in verdict.device
    assert verdict.refused == "it is a rasteriser in software"
    assert verdict.qt == qVersion()


@pytest.mark.x11
def test_a_card_whose_colours_are_right_passes(
    application: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_that_it_is_software(monkeypatch)
    assert probed(CardApi.OPENGL).refused is None


@pytest.mark.x11
def test_a_card_whose_colours_are_wrong_is_refused(
    application: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_that_it_is_software(monkeypatch)
    really = RhiSurface.grab

    def greenish(surface: RhiSurface) -> QImage:
        image = really(surface)
        at = image.pixelColor(30, 90)
        image.setPixelColor(30, 90, QColor(at.red(), min(255, at.green() + 4), at.blue()))
        return image

    monkeypatch.setattr(RhiSurface, "grab", greenish)
    assert probed(CardApi.OPENGL).refused == "its colours are wrong"


def hide_that_it_is_software(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rejoin.gui.card_identity.is_software", lambda device: False)


def test_without_a_device_it_is_refused(application: QApplication, qt_messages: list[str]) -> None:
    """As on Qt's offscreen platform."""
    if application.platformName() != "offscreen":
        pytest.skip("this platform has a device")
    verdict = probed(CardApi.OPENGL)
    assert verdict.refused == "there is no device"
    qt_messages.clear()


def test_every_patch_is_a_colour_of_its_own() -> None:
    assert len(set(surface_probe.PATCHES.values())) == len(surface_probe.PATCHES)


def test_a_verdict_is_about_this_qt() -> None:
    identity = CardIdentity("OpenGL", "a card", "1.0", software=False)
    assert verdict_of(identity, None) == Verdict("OpenGL", "a card", "1.0", qVersion())
