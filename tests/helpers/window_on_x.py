"""A window with a live game, for tests with a real display: `python -m helpers.window_on_x`.

Prints one JSON object a line: first whether its first size `fits` the screen, then at each key and
mouse event what has reached the window and the game. Ends when its standard input ends.
"""

from __future__ import annotations

import json
import sys
import threading

from PySide6.QtCore import QPoint, QTimer
from PySide6.QtGui import QKeyEvent, QMouseEvent, QScreen

from helpers.fake_port import FakePort, picture
from helpers.window_faces import LIVE
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.qt_application import make_application
from rejoin.input_events.events import KeyEvent


class Reporting(RejoinWindow):
    """Prints what reaches the game."""

    def __init__(self, port: FakePort) -> None:
        super().__init__(port)
        self.port = port
        self.presses = self.moves = 0
        self._was_captured = False
        self.refreshed.connect(self._print_capture)

    def _print_capture(self) -> None:
        if self.mouse.captured != self._was_captured:
            self._was_captured = self.mouse.captured
            self.print_state()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        super().keyPressEvent(event)
        self.presses += 1
        self.print_state()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        super().keyReleaseEvent(event)
        self.print_state()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self.moves += 1
        self.print_state()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        self.print_state()

    def print_state(self) -> None:
        state = {
            "presses": self.presses,
            "moves": self.moves,
            "keys": [
                [event.code, event.key, event.pressed, event.repeat]
                for event in self.port.inputs
                if isinstance(event, KeyEvent)
            ],
            "held": sorted(self.port.codes),
            "travel": list(self.port.travel),
            "captured": self.mouse.captured,
            "note": self.layers.corners.note.text(),
        }
        print(json.dumps(state), flush=True)


def main() -> None:
    application = make_application()
    port = FakePort()
    window = Reporting(port)
    window.setWindowTitle("Rejoin on a real display")
    screen: QScreen = window.screen()
    fits = screen.availableGeometry().contains(window.geometry().translated(-window.pos()))
    if len(sys.argv) > 1:  # how far beyond the right and the lower edge of the screen
        beyond = QPoint(*(int(each) for each in sys.argv[1].split(",")))
        size = screen.size()
        window.move(QPoint(size.width() - window.width(), size.height() - window.height()) + beyond)
    window.show()
    port.show(picture(1280, 720))
    port.publish(LIVE)
    print(json.dumps({"fits": fits}), flush=True)
    ended = threading.Event()

    def read_to_the_end() -> None:
        sys.stdin.read()
        ended.set()

    def end_when_asked() -> None:
        if ended.is_set():
            application.quit()

    threading.Thread(target=read_to_the_end, daemon=True).start()
    ending = QTimer()
    ending.timeout.connect(end_when_asked)
    ending.start(50)
    application.exec()


if __name__ == "__main__":
    main()
