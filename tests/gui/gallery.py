"""Saves every face of a game's window, the menu over it, and the home's pages, as PNG.

`gallery.py OUTDIR [WIDTHxHEIGHT] [THEME] [PERCENT] [LANGUAGE] [NAME...]`. THEME is dark, light or
high-contrast; PERCENT is the size of text; LANGUAGE is one of the setting's (de, ja, pseudo); NAME
is a face or a page, and without any it is all of them. Runs without a display; `QT_SCALE_FACTOR=2`
shows what a HiDPI screen shows. `guide.py` makes the pictures of the players' guide with it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from helpers.home_pages import save_home_pages
from helpers.menu_scene import save_menu_pages
from helpers.window_faces import FACES, destroy, show_face
from rejoin.gui import report
from rejoin.gui.qt_application import make_application
from rejoin.gui.roles import Appearance, ThemeChoice

_SYSTEM = SimpleNamespace(system=lambda: "Linux", release=lambda: "6.1.0", machine=lambda: "x86_64")
_WRITTEN = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
_FOLDERS = ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")


def invent_the_machine() -> None:
    """So that a report in a picture says the same on each one. The time is the players' own."""
    module: Any = report
    module.platform = _SYSTEM
    module.datetime = SimpleNamespace(now=lambda: _WRITTEN)
    os.environ["TZ"] = "UTC"
    time.tzset()


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    width, _, height = (sys.argv[2] if len(sys.argv) > 2 else "1280x720").partition("x")
    theme = sys.argv[3] if len(sys.argv) > 3 else "dark"
    percent = sys.argv[4] if len(sys.argv) > 4 else "100"
    language = sys.argv[5] if len(sys.argv) > 5 else "en"
    names = frozenset(sys.argv[6:])
    high = theme == "high-contrast"
    choice = ThemeChoice.DARK if high else ThemeChoice(theme)
    appearance = Appearance(choice, high, int(percent), language=language)
    application = make_application(appearance)
    invent_the_machine()
    faces = [face for face in FACES if not names or face.name in names]
    for face in faces:
        window, _port, _clock = show_face(face, (int(width), int(height)))
        window.save_picture(folder / f"{face.name}.png")
        destroy(window)
    application.processEvents()
    with tempfile.TemporaryDirectory() as private:
        os.environ.update(dict.fromkeys(_FOLDERS, private))
        save_home_pages(folder, (int(width), int(height)), appearance, names)
    # Last: its settings, from a file that is not there, are those of the window from then on.
    make_application(appearance)
    if not names or any(name.startswith("menu") for name in names):
        save_menu_pages(folder, (int(width), int(height)))
    pictures = {each.stem for each in folder.glob("*.png")}
    print(f"{len(pictures)} pictures in {folder}")
    if names - pictures:
        sys.exit(f"There is no face or page {', '.join(sorted(names - pictures))}.")


if __name__ == "__main__":
    main()
