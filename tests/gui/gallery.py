"""Saves every face of the window as PNG: `python tests/gui/gallery.py OUTDIR [WIDTHxHEIGHT]`.

Runs without a display; `QT_SCALE_FACTOR=2` shows what a HiDPI screen shows.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from helpers.window_faces import FACES, destroy, show_face
from rejoin.gui.qt_application import make_application


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    width, _, height = (sys.argv[2] if len(sys.argv) > 2 else "1280x720").partition("x")
    application = make_application()
    for face in FACES:
        window, _port, _clock = show_face(face, (int(width), int(height)))
        window.save_picture(folder / f"{face.name}.png")
        destroy(window)
    application.processEvents()
    print(f"{len(FACES)} pictures in {folder}")


if __name__ == "__main__":
    main()
