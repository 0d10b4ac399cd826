"""A window with a live game, for tests with a real display: `python -m helpers.window_on_x`.

The first argument: how far the window is beyond the right and the lower edge of the screen ("0,0"),
or "full": full screen. The second: when the game gets the desktop's keys (`SystemKeysMode`).

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
from rejoin.gui.application import make_application
from rejoin.gui.control_options import ControlOptions, SystemKeysMode
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.window_options import WindowOptions
from rejoin.input_events.events import KeyEvent


class Reporting(RejoinWindow):
    """Prints what reaches the game."""

    def __init__(self, port: FakePort, options: WindowOptions) -> None:
        super().__init__(port, options)
        self.port = port
        self.presses = self.moves = 0
        self._last_printed: tuple[object, ...] = (False, False, (0, 0), False)
        self.refreshed.connect(self._print_capture)

    def _print_capture(self) -> None:
        captured = (
            self.mouse.captured,
            self.controls.system_keys.taken,
            self.port.travel,
            self.isActiveWindow(),
        )
        if captured != self._last_printed:
            self._last_printed = captured
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
        hint = self.layers.corners.free_mouse_hint
        state = {
            "active": self.isActiveWindow(),
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
            "system_keys": self.controls.system_keys.taken,
            "hint": hint.text() if hint.isVisible() else "",
            "note": self.layers.corners.note.text(),
        }
        print(json.dumps(state), flush=True)


def main() -> None:
    application = make_application()
    port = FakePort()
    place = sys.argv[1] if len(sys.argv) > 1 else ""
    mode = SystemKeysMode(sys.argv[2]) if len(sys.argv) > 2 else SystemKeysMode.OFF
    window = Reporting(port, WindowOptions(controls=ControlOptions(system_keys=mode)))
    window.setWindowTitle("Rejoin on a real display")
    screen: QScreen = window.screen()
    fits = screen.availableGeometry().contains(window.geometry().translated(-window.pos()))
    if place and place != "full":
        beyond = QPoint(*(int(each) for each in place.split(",")))
        size = screen.size()
        window.move(QPoint(size.width() - window.width(), size.height() - window.height()) + beyond)
    (window.showFullScreen if place == "full" else window.show)()
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
