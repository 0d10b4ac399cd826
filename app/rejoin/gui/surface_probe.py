"""A program that tests if a graphics card draws pictures right: `python -m` and Qt's interface.

It is a separate process because a driver that crashes or hangs takes its process down. It draws
flat patches without a window, as the player's window would, and reads them back. Standard output
is one JSON object: the card, and why it is refused. The exit code is 0 unless it could not say.
"""

from __future__ import annotations

import sys

import numpy as np
from PySide6.QtCore import qVersion
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from rejoin.clock import boot_s
from rejoin.gui.card_api import CardApi
from rejoin.gui.card_identity import CardIdentity
from rejoin.gui.qt_application import make_application
from rejoin.gui.rhi_surface import CardOptions, RhiSurface
from rejoin.gui.video_surface import SurfaceEvents
from rejoin.media.video.colour_bands import BAND_PX, colour_bands
from rejoin.runtime.renderer_memory import Verdict

TOLERANCE = 3
"""How much a level of a flat patch may be off, of 255."""

HEIGHT = 180

PATCHES = {
    (16, 128, 128): (0, 0, 0),
    (235, 128, 128): (255, 255, 255),
    (126, 128, 128): (128, 128, 128),
    (63, 102, 240): (255, 0, 0),
    (173, 42, 26): (0, 255, 0),
    (32, 240, 118): (0, 0, 255),
}
"""Levels in BT.709, limited range, and their colour (ITU-T H.273, 8.3)."""


def probed(api: CardApi) -> Verdict:
    """What this card does, as a verdict."""
    failures: list[str] = []
    view = QWidget()
    view.resize(BAND_PX * len(PATCHES), HEIGHT)
    events = SurfaceEvents(boot_s, lambda picture, at, took_s: None, failures.append)
    surface = RhiSurface(view, events, CardOptions(api))
    refused: str | None = None
    try:
        surface.show_picture(colour_bands(list(PATCHES), HEIGHT), at_once=False)
        seen = surface.grab()  # once: without a window, Qt's second one shows nothing
        if seen.isNull():
            refused = "there is no device"
        elif _off(seen) > TOLERANCE:
            refused = "its colours are wrong"
        identity = surface.identity
    finally:
        surface.close()
    if identity is None:
        return Verdict(api.value, "", "", qVersion(), refused or "it cannot be set up")
    if identity.software:
        refused = "it is a rasteriser in software"
    return verdict_of(identity, refused)


def verdict_of(identity: CardIdentity, refused: str | None) -> Verdict:
    """The verdict about a card."""
    return Verdict(identity.backend, identity.device, identity.driver, qVersion(), refused)


def _off(seen: QImage) -> int:
    """The largest difference of any level, in the middle of each band."""
    image = seen.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), dtype=np.uint8).reshape(image.height(), -1)
    levels = rows[:, : image.width() * 3].reshape(image.height(), -1, 3).astype(int)
    wide, worst = image.width() / len(PATCHES), 0
    for number, expected in enumerate(PATCHES.values()):
        band = levels[:, round((number + 0.25) * wide) : round((number + 0.75) * wide)]
        worst = max(worst, int(np.abs(band - np.array(expected)).max()))
    return worst


def main(arguments: list[str]) -> int:
    """The program. `arguments`: Qt's name of the interface."""
    (name,) = arguments
    application = make_application()
    try:
        verdict = probed(CardApi(name))
    finally:
        application.processEvents()
    print(verdict.to_json())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
