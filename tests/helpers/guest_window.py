"""A window with a live game, as a guest on a desktop: `python -m helpers.guest_window`.

Each line of standard input is a command: live, lost, minimise, restore, move X Y, resize W H, or
close. After each it prints one JSON object about the window. `--place FILE`: keeps its place there.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakePort, picture
from helpers.window_faces import LIVE
from rejoin.clock import boot_s
from rejoin.core.model import Doing, HealthLevel, Snapshot, Stage
from rejoin.gui import application
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.window_options import WindowOptions
from rejoin.runtime.place_file import PlaceFile


class Commands(QObject):
    """Reads standard input on a thread and carries commands out on Qt's."""

    read = Signal(str)

    def __init__(self, port: FakePort) -> None:
        super().__init__()
        self.port = port
        self.window: RejoinWindow | None = None
        self.read.connect(self.carry_out, Qt.ConnectionType.QueuedConnection)

    def on_refresh(self, window: RejoinWindow) -> None:
        if self.window is None:
            self.window = window
            threading.Thread(target=self.read_all, daemon=True).start()

    def read_all(self) -> None:
        for line in sys.stdin:
            self.read.emit(line.strip())
        self.read.emit("close")

    def carry_out(self, line: str) -> None:
        window = self.window
        assert window is not None
        match line.split():
            case ["live"]:
                self.port.publish(LIVE)
                self.port.show(picture(1280, 720))
            case ["lost", left_s]:
                self.port.publish(lost(float(left_s)))
            case ["minimise"]:
                window.showMinimized()
            case ["restore"]:
                window.showNormal()
            case ["move", x, y]:
                window.move(int(x), int(y))
            case ["resize", width, height]:
                window.resize(int(width), int(height))
            case ["close"]:
                self.port.publish(Snapshot(Stage.IDLE))
                QTimer.singleShot(0, window, window.close)
                return
            case _:
                pass
        QTimer.singleShot(300, window, self.print_state)

    def print_state(self) -> None:
        window = self.window
        assert window is not None
        state = {
            "platform": QApplication.platformName(),
            "title": window.windowTitle(),
            "minimised": window.isMinimized(),
            "active": window.isActiveWindow(),
            "screen": window.screen().name(),
            "x": window.x(),
            "y": window.y(),
            "width": window.width(),
            "height": window.height(),
            "ratio": window.devicePixelRatioF(),
            "picture": list(self.port.slot.hints.size or ()),
            "painted": self.port.slot.painted.pictures,
        }
        print(json.dumps(state), flush=True)


def lost(left_s: float) -> Snapshot:
    """Lost a moment ago, with this much time left."""
    now = boot_s()
    return Snapshot(
        Stage.RECONNECTING,
        doing=Doing.CONNECTING,
        health=HealthLevel.LOST,
        dropped_at=now,
        shown_deadline_at=now + left_s,
        episode=1,
    )


def main() -> int:
    port = FakePort()
    commands = Commands(port)
    place = None
    if sys.argv[1:2] == ["--place"]:
        place = PlaceFile(Path(sys.argv[2]))
    options = WindowOptions(title="Rejoin as a guest", place=place)
    return application.run(port, options, after_refresh=commands.on_refresh)


if __name__ == "__main__":
    sys.exit(main())
