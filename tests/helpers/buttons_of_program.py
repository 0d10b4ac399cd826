"""Where the buttons of a running `rejoin` are, for a hand that has one device alone.

A program with these variables writes into a file, ten times a second, the middle of each button
that can be seen, by its name, in Qt's pixels of the desktop (on Wayland: of the window), what has
the focus, and what a game's window is doing. Nothing else in it is different.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.programs import PATIENCE_S, Program

_WRITES_A_FILE = """if True:
    import json, os, sys, threading, time

    def look():
        from PySide6.QtCore import QPoint
        from PySide6.QtWidgets import QAbstractButton, QApplication
        from rejoin.gui.main_window import RejoinWindow
        state = {"at": time.monotonic(), "buttons": {}, "game": None, "window": None}
        focused = QApplication.focusWidget()
        state["focus"] = "" if focused is None else focused.accessibleName()
        for top in QApplication.topLevelWidgets():
            if not top.isVisible():
                continue
            at = top.mapToGlobal(QPoint(0, 0))
            if top.isWindow() and top.windowTitle():
                state["window"] = [at.x(), at.y(), top.width(), top.height()]
                state["id"], state["active"] = int(top.winId()), top.isActiveWindow()
            for button in top.findChildren(QAbstractButton):
                inside = button.visibleRegion().boundingRect()
                if button.isVisible() and button.isEnabled() and not inside.isEmpty():
                    middle = button.mapToGlobal(inside.center())
                    state["buttons"][button.accessibleName()] = [middle.x(), middle.y()]
            for game in (top, *top.findChildren(RejoinWindow)):
                if isinstance(game, RejoinWindow) and game.isVisible():
                    hint = game.layers.corners.free_mouse_hint
                    state["game"] = {
                        "stage": game.snapshot.stage.value,
                        "episode": game.snapshot.episode,
                        "captured": game.mouse.captured,
                        "menu": game.menu.is_open,
                        "hint": hint.text() if hint.isVisible() else "",
                        "takes_input": game.inputs.is_open,
                    }
        path = os.environ["BUTTONS_FILE"]
        with open(path + ".new", "w") as file:
            json.dump(state, file)
        os.replace(path + ".new", path)

    def follow():
        while "PySide6.QtWidgets" not in sys.modules:
            time.sleep(0.05)
        from PySide6.QtCore import QTimer
        from PySide6.QtWidgets import QApplication
        while QApplication.instance() is None:
            time.sleep(0.05)
        application = QApplication.instance()
        timer = []

        def begin():
            timer.append(QTimer(application))
            timer[0].timeout.connect(look)
            timer[0].start(100)

        time.sleep(1.0)  # the program itself imports what it shows
        QTimer.singleShot(0, application, begin)

    threading.Thread(target=follow, daemon=True).start()
"""


class ButtonsOfProgram:
    """What the file of one program says."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "buttons.json"
        with (folder / "sitecustomize.py").open("a", encoding="utf-8") as site:
            site.write(_WRITES_A_FILE)
        self.environment = {"PYTHONPATH": str(folder), "BUTTONS_FILE": str(self._file)}
        """The program needs these variables."""

    def until(
        self,
        program: Program,
        wanted: Callable[[dict[str, Any]], bool],
        act: Callable[[], object] = lambda: None,
    ) -> dict[str, Any]:
        """The first state that is as wanted; `act` is repeated until then."""
        deadline = time.monotonic() + PATIENCE_S
        state: dict[str, Any] = {}
        while time.monotonic() < deadline:
            assert program.process.poll() is None, "it ended too soon"
            if self._file.exists():
                state = json.loads(self._file.read_text(encoding="utf-8"))
                if wanted(state):
                    return state
            act()
            time.sleep(0.1)
        raise AssertionError(f"this did not come: {state}")

    def find(
        self, program: Program, name: str, act: Callable[[], object] = lambda: None
    ) -> tuple[int, int]:
        """Where a button is, once it can be seen. `name`: without a value behind a colon."""

        def place(state: dict[str, Any]) -> tuple[int, int] | None:
            for full, (x, y) in state["buttons"].items():
                if full.partition(":")[0] == name:
                    return x, y
            return None

        found = place(self.until(program, lambda state: place(state) is not None, act))
        assert found is not None
        return found


@dataclass
class Eyes:
    """See the program."""

    sees: ButtonsOfProgram
    program: Program

    def state(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        return self.sees.until(self.program, wanted)

    def until(self, **wanted: object) -> dict[str, Any]:
        """Until the game's window says so."""
        return self.state(
            lambda state: bool(state["game"]) and wanted.items() <= state["game"].items()
        )

    def window(self) -> tuple[int, int, int, int]:
        """Where it is: left, top, width and height."""
        x, y, width, height = self.state(lambda state: bool(state["window"]))["window"]
        return x, y, width, height

    def later(self, s: float = 0.15) -> dict[str, Any]:
        """How it stands once the program has gone on for so long, however busy it is."""
        later_at = time.monotonic() + s
        return self.state(lambda state: state["at"] > later_at)

    def focus(self) -> str:
        """The name of what has it, without a value; after what was pressed before."""
        return str(self.later()["focus"]).partition(":")[0]

    def until_focus(self, name: str, act: Callable[[], object]) -> None:
        """Until this has it; `act` is repeated until then."""
        deadline = time.monotonic() + PATIENCE_S
        while self.focus() != name:
            assert time.monotonic() < deadline, f"{name} is not reached"
            act()
