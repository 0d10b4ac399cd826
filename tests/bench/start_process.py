"""One start up to the first paint, measured from inside: `python -m bench.start_process rejoin`.

Argument: rejoin (`rejoin play`, at a port where nobody listens), bare (a window of Qt's with a
label), home (`rejoin home`) or loading (the same until all that a game needs is loaded: `stops` are
the times for which the window's thread did not run, in seconds; of each, `own_stops` has what this
process itself did meanwhile, so that other programs do not count). Prints one JSON object and ends
at once. It imports nothing of the tests, so that it also measures another checkout that comes first
in PYTHONPATH.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from typing import Any


def ended(*_: object, **more: object) -> None:
    """Say what it took so far; `at` is comparable between processes."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    found = {"at": time.monotonic(), "cpu_s": used.ru_utime + used.ru_stime}
    print(json.dumps(found | {"modules": len(sys.modules)} | more), flush=True)
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


def home() -> None:
    """Until the first frame of the window is painted whole."""
    _at_first_frame(ended)


def loading() -> None:
    """From there until everything is loaded."""

    def begin(jobs: Any, controller: Any, instance: Any) -> None:
        from PySide6.QtCore import Qt, QTimer

        from rejoin.gui.home import program

        stops: list[float] = []
        own_stops: list[float] = []
        before, used_before = time.monotonic(), time.process_time()

        def tick() -> None:
            nonlocal before, used_before
            now, used = time.monotonic(), time.process_time()
            stops.append(now - before)
            own_stops.append(min(now - before, used - used_before))
            before, used_before = now, used

        timer = QTimer(controller)
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.timeout.connect(tick)
        timer.start(1)
        gc.disable()
        sys.setswitchinterval(program.LOADING_SWITCH_S)
        controller.all_loaded.connect(
            lambda: ended(
                stops=sorted(stops)[-5:], own_stops=sorted(own_stops)[-5:], names=_slowest()
            )
        )
        jobs.start()

    _note_imports()
    _at_first_frame(begin)


def _at_first_frame(begin: Any) -> None:
    """The program imports Qt and its own parts itself, in its order and by its ways."""
    from rejoin.cli import home
    from rejoin.cli.main import main

    run = home._run

    def run_until(link: str | None, instance: Any) -> int:
        from rejoin.gui.home import program

        program._begin = begin
        return run(link, instance)

    home._run = run_until
    sys.argv = ["rejoin", "home"]
    main()


_imports: list[tuple[float, str]] = []


def _note_imports() -> None:
    import importlib

    importing = importlib.import_module

    def noted(name: str, package: str | None = None) -> Any:
        began = time.monotonic()
        found = importing(name, package)
        _imports.append((time.monotonic() - began, name))
        return found

    importlib.import_module = noted


def _slowest() -> list[tuple[float, str]]:
    return sorted(_imports)[-5:]


if __name__ == "__main__":
    {"bare": bare, "rejoin": rejoin, "home": home, "loading": loading}[sys.argv[1]]()
