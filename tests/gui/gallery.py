"""Saves every face of a game's window, the menu over it, and the home's pages, as PNG.

`gallery.py OUTDIR [WIDTHxHEIGHT] [THEME] [PERCENT]`. THEME is dark, light or high-contrast; PERCENT
is the size of text. Runs without a display; `QT_SCALE_FACTOR=2` shows what a HiDPI screen shows.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from helpers.home_pages import save_home_pages
from helpers.menu_scene import save_menu_pages
from helpers.window_faces import FACES, destroy, show_face
from rejoin.gui.qt_application import make_application
from rejoin.gui.roles import Appearance, ThemeChoice

_FOLDERS = ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    width, _, height = (sys.argv[2] if len(sys.argv) > 2 else "1280x720").partition("x")
    theme = sys.argv[3] if len(sys.argv) > 3 else "dark"
    percent = sys.argv[4] if len(sys.argv) > 4 else "100"
    high = theme == "high-contrast"
    choice = ThemeChoice.DARK if high else ThemeChoice(theme)
    appearance = Appearance(choice, high, int(percent))
    application = make_application(appearance)
    for face in FACES:
        window, _port, _clock = show_face(face, (int(width), int(height)))
        window.save_picture(folder / f"{face.name}.png")
        destroy(window)
    menus = save_menu_pages(folder, (int(width), int(height)))
    application.processEvents()
    with tempfile.TemporaryDirectory() as private:
        os.environ.update(dict.fromkeys(_FOLDERS, private))
        pages = save_home_pages(folder, (int(width), int(height)), appearance)
    print(f"{len(FACES) + menus + pages} pictures in {folder}")


if __name__ == "__main__":
    main()
