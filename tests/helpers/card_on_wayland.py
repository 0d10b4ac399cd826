"""A window that a graphics card draws: `python -m helpers.card_on_wayland`.

Arguments: Qt's name of the interface, and a file for a screenshot of the whole display. Prints one
JSON object: what drew, how far it was off the reference, and what failed.
"""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
from PySide6.QtTest import QTest

from helpers.card_window import card_window, flat, noise, picture_of
from helpers.float_picture import drawn
from rejoin.gui.card_api import CardApi
from rejoin.gui.qt_application import make_application
from rejoin.gui.rhi_surface import CardOptions
from rejoin.media.video.planes import planes_of

SIZE = (320, 180)
RED = (63, 102, 240)


def main(arguments: list[str]) -> None:
    name, screenshot = arguments
    application = make_application()
    with card_window(CardOptions(CardApi(name)), SIZE) as window:
        frame = noise(SIZE)
        window.show(picture_of(frame))
        off = float(np.abs(window.seen() - drawn(planes_of(frame), SIZE)).max())
        window.show(picture_of(flat(RED)))
        QTest.qWait(500)
        subprocess.run(["grim", screenshot], check=True)
        found = {
            "platform": application.platformName(),
            "drawn_by": window.surface.drawn_by,
            "off": off,
            "failures": window.failures,
        }
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
