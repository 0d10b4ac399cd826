"""One page of Rejoin on a real display, for tests: `python -m helpers.shown_page NAME`.

NAME is a face of `window_faces`, "home", or "settings" with or without the name of a section
("settings:sound"). Prints a line once it is shown, and ends when its standard input ends. Folders
of XDG must be private.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from helpers.home_scene import TIDE, WOOD, HomeScene, save_ticket
from helpers.settings_page import page_on
from helpers.window_faces import FACES, destroy, show_face
from rejoin.gui.home.extra_pages import EXTRAS
from rejoin.gui.qt_application import make_application, qt_log
from rejoin.runtime.settings_file import settings_path

SIZE = (1024, 600)


@contextmanager
def shown(name: str) -> Iterator[QWidget]:
    """The page, until the block ends."""
    kind, _, section = name.partition(":")
    if kind == "home":
        scene = HomeScene()
        save_ticket(WOOD.address, timeout_s=3600.0)  # longer than anybody looks at it
        scene.open(WOOD, TIDE, extras=tuple(EXTRAS))
        scene.window.resize(*SIZE)
        yield scene.window
        scene.close()
    elif kind == "settings":
        with page_on(settings_path(), SIZE) as page:
            if section:
                page.show_section(section)
            yield page
    else:
        face = next(each for each in FACES if each.name == name)
        window, _port, _clock = show_face(face, SIZE)
        yield window
        destroy(window)


def main() -> None:
    application = make_application()
    ended = threading.Event()

    def read_to_the_end() -> None:
        sys.stdin.read()
        ended.set()

    with qt_log(), shown(sys.argv[1]):
        print("shown", flush=True)
        threading.Thread(target=read_to_the_end, daemon=True).start()
        ending = QTimer()
        ending.timeout.connect(lambda: application.quit() if ended.is_set() else None)
        ending.start(50)
        application.exec()


if __name__ == "__main__":
    main()
