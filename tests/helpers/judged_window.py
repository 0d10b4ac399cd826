"""Rejoin's window with an input module in its sandbox: `python -m helpers.judged_window FILE W H`.

FILE is the module's script; the window is W x H pixels large, without a frame, at 0, 0. Prints one
JSON object a line: `{"ready": [left, top, width, height]}`, the place of the picture, and then
`{"sent": [label, hex or text]}` for each message of the module. Each line of the standard input is
a command: `message HEX` for an application message. It ends when its standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import Qt, QTimer

from helpers.fake_port import FakePort, picture
from helpers.module_sandbox import PATIENT
from helpers.window_faces import LIVE
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.qt_application import make_application
from rejoin.gui.view_state import view_of
from rejoin.gui.window_options import WindowOptions
from rejoin.input_events.events import InputEvent
from rejoin.input_events.wishes import (
    CursorWish,
    FullScreenWish,
    PointerLockWish,
    VibrationWish,
    Wish,
)
from rejoin.input_module.port import (
    Channel,
    ChannelState,
    ModuleOptions,
    ModuleProblem,
    PeerState,
)
from rejoin.input_module.sandbox import Sandbox

_printing = threading.Lock()


def say(**what: object) -> None:
    with _printing:
        print(json.dumps(what), flush=True)


class Said:
    """The sandbox's reports: messages are printed, wishes go to the window."""

    def __init__(self, wish: Callable[[Wish], None]) -> None:
        self._wish = wish

    def send(self, instance: int, channel: Channel, data: bytes | str) -> None:
        say(sent=[channel.value, data if isinstance(data, str) else data.hex()])

    def server_disconnected(self, instance: int, reason: str) -> None: ...
    def application_message(self, instance: int, data: bytes) -> None: ...
    def performance(self, instance: int, statistics: Mapping[str, object]) -> None: ...

    def pointer_lock(self, instance: int, wanted: bool) -> None:
        self._wish(PointerLockWish(wanted))

    def full_screen(self, instance: int, wanted: bool) -> None:
        self._wish(FullScreenWish(wanted))

    def cursor(self, instance: int, keyword: str) -> None:
        self._wish(CursorWish(keyword))

    def vibration(self, instance: int, wish: VibrationWish) -> None: ...

    def failed(self, problem: ModuleProblem) -> None:
        say(failed=problem.value)


class SandboxPort(FakePort):
    """A port whose input goes to a module, on an event loop of another thread."""

    def __init__(self, script: str) -> None:
        super().__init__(locks_pointer=False)
        self._script = script
        self._loop = asyncio.new_event_loop()
        self._box = Sandbox(Said(self._wish), limits=PATIENT)
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result()

    async def _begin(self) -> None:
        await self._box.prepare(self._script)
        self._box.make_instance(1, ModuleOptions("{}", 8000, 720))
        for channel in Channel:
            self._box.channel_state(channel, ChannelState("open"))
        self._box.peer_state(PeerState("connected", "connected"))

    def attach(self) -> None:
        """Once the window has said where the picture is."""

        async def attach() -> None:
            self._box.attach()
            await self._box.settle()

        asyncio.run_coroutine_threadsafe(attach(), self._loop).result()

    def _wish(self, wish: Wish) -> None:
        for listener in tuple(self.wish_listeners):
            listener(wish)

    def send_input(self, event: InputEvent) -> None:
        super().send_input(event)
        self._loop.call_soon_threadsafe(self._box.dispatch, event)

    def send_message(self, data: bytes) -> None:
        self._loop.call_soon_threadsafe(self._box.send_application_message, data)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._box.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def main() -> None:
    script, width, height = Path(sys.argv[1]).read_text(), int(sys.argv[2]), int(sys.argv[3])
    application = make_application()
    port = SandboxPort(script)
    window = RejoinWindow(port, WindowOptions("Judged window", first_size=(width, height)))
    window.setWindowFlag(Qt.WindowType.FramelessWindowHint)
    window.setMinimumSize(width, height)
    window.move(0, 0)
    window.show()
    port.show(picture(1280, 720))
    port.publish(LIVE)
    ended = threading.Event()

    def read() -> None:
        for line in sys.stdin:
            _command, data = line.split()
            port.send_message(bytes.fromhex(data))
        ended.set()

    def begin_when_live() -> None:
        if not (window.inputs.is_open and window.isActiveWindow()):
            QTimer.singleShot(20, begin_when_live)
            return
        port.attach()
        view = view_of(window, window.layers.view, captured=False)
        say(ready=[view.left, view.top, view.width, view.height])

    def end_when_asked() -> None:
        if ended.is_set():
            application.quit()

    threading.Thread(target=read, daemon=True).start()
    begin_when_live()
    ending = QTimer()
    ending.timeout.connect(end_when_asked)
    ending.start(50)
    application.exec()
    port.close()


if __name__ == "__main__":
    main()
