"""A window that a graphics card draws, moved to another screen: `-m helpers.card_between_screens`.

Argument: Qt's name of the interface. Runs on sway with two screens, of which the second has a scale
of 2. Prints one JSON object: where the window was, how far the last picture was off the reference
on each screen, and what failed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from helpers.card_window import CardWindow, card_window, noise, picture_of
from helpers.float_picture import drawn
from helpers.window_faces import wait_until
from rejoin.gui.card_api import CardApi
from rejoin.gui.qt_application import make_application
from rejoin.gui.rhi_surface import CardOptions
from rejoin.media.video.planes import planes_of

SIZE = (320, 180)
TITLE = "moves"


def move_to(screen: str) -> None:
    (socket,) = Path(os.environ["XDG_RUNTIME_DIR"]).glob("sway-ipc.*.sock")
    command = f'[title="{TITLE}"] move container to output {screen}'
    subprocess.run(["swaymsg", "-s", str(socket), command], check=True, stdout=subprocess.DEVNULL)


def main(arguments: list[str]) -> None:
    (name,) = arguments
    make_application()
    frame = noise(SIZE)
    expected = planes_of(frame)
    found: list[dict[str, object]] = []
    with card_window(CardOptions(CardApi(name)), SIZE) as window:
        window.window.setWindowTitle(TITLE)
        window.show(picture_of(frame))
        for screen, ratio in (("HEADLESS-1", 1.0), ("HEADLESS-2", 2.0), ("HEADLESS-1", 1.0)):
            move_to(screen)
            assert wait_until(lambda at=ratio: is_at(window, at), 60.0)  # type: ignore[misc]
            size = window.view.device_size()
            off = float(np.abs(window.seen() - drawn(expected, size)).max())
            found.append({"screen": screen, "size": list(size), "off": off})
        result = {
            "found": found,
            "painted": window.view.painted.pictures,
            "failures": window.failures,
        }
    print(json.dumps(result), flush=True)


def is_at(window: CardWindow, ratio: float) -> bool:
    """Whether the window is on the screen of this scale, and was drawn there."""
    here = (round(SIZE[0] * ratio), round(SIZE[1] * ratio))
    drawn_size = window.surface.renderTarget()
    return (
        window.window.devicePixelRatioF() == ratio
        and window.view.device_size() == here
        and drawn_size is not None
    )


if __name__ == "__main__":
    main(sys.argv[1:])
