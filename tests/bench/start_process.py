"""One start up to the first paint, measured from inside: `python -m bench.start_process rejoin`.

Argument: rejoin (`rejoin play`, at a port where nobody listens) or bare (a window of Qt's with a
label). Prints one JSON object and ends at once. It imports nothing of the tests, so that it also
measures another checkout that comes first in PYTHONPATH.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from typing import Any


def ended(*_: object) -> None:
    """Say what it took so far; `at` is comparable between processes."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    found = {"at": time.monotonic(), "cpu_s": used.ru_utime + used.ru_stime}
    print(json.dumps(found | {"modules": len(sys.modules)}), flush=True)
    os._exit(0)


def painted(kind: Any) -> None:
    """End with the first paint of any widget of this class."""
    paint = kind.paintEvent

    def first(self: Any, event: Any) -> None:
        paint(self, event)
        ended()

    kind.paintEvent = first


def bare() -> None:
    from PySide6.QtWidgets import QApplication, QLabel

    class Label(QLabel):
        pass

    application = QApplication([])
    painted(Label)
    label = Label("Rejoin")
    label.resize(1280, 720)
    label.show()
    application.exec()


def rejoin() -> None:
    import importlib.abc

    class Patching(importlib.abc.MetaPathFinder):
        """Hooks in when the program itself imports what paints."""

        def find_spec(self, name: str, path: Any, target: Any = None) -> None:
            if name == "rejoin.gui.application":
                sys.meta_path.remove(self)
                try:
                    from rejoin.gui import raster_surface
                except ImportError:  # before there were surfaces
                    from rejoin.gui import video_view

                    painted(video_view.VideoView)
                else:
                    painted(raster_surface.RasterSurface)

    sys.meta_path.insert(0, Patching())
    sys.argv = ["rejoin", "play", "--network", "loopback", "http://127.0.0.1:9"]
    os.environ["REJOIN_TOKEN"] = "x" * 20
    from rejoin.cli.main import main

    main()


if __name__ == "__main__":
    {"bare": bare, "rejoin": rejoin}[sys.argv[1]]()
