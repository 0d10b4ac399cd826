"""A game in the real window, which says what happens: `python -m helpers.window_elsewhere JSON`.

JSON has the backend's `url`, the player's `token`, and for a way back after a crash the `session`
and the `attempt` of a ticket; `probe_url` is that of a profile. Prints one JSON object a line, each
with its `kind` and boot time `at`: `shown` (what the window shows, when that changes), `announced`,
`picture` (one was decoded), `sample` (when RTP and a frame last arrived), and each `record` of the
trace. A line of standard input is what the player does: `hold KEY`, `release KEY`, `click BUTTON`.
Closes the window when standard input ends.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel

from rejoin.clock import boot_id, boot_s
from rejoin.core.model import AttemptNumber, SessionId, Snapshot, Stage
from rejoin.core.ticket import BackendAddress, RejoinState, Ticket
from rejoin.core.trace import Record
from rejoin.gui import application
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.window_options import WindowOptions
from rejoin.media.audio.output import NullOutput
from rejoin.media.video.picture import Picture, PictureSlot
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.player import Player, PlayerOptions
from rejoin.runtime.stream_thread import END_TIMEOUT_S, StreamThread
from rejoin.runtime.studio_profile import StudioProfile

REPEAT_MS = 33
"""A held key is repeated this often, as on X11: one more press, and no release."""

_printing = threading.Lock()


def say(kind: str, at: float, **what: Any) -> None:
    line = json.dumps({"kind": kind, "at": at, **what})
    with _printing:
        print(line, flush=True)


class ReportingSlot(PictureSlot):
    """Says when a picture was decoded."""

    def put(self, picture: Picture) -> None:
        say("picture", picture.decoded_at, connection=picture.connection)
        super().put(picture)


def on_record(record: Record) -> None:
    sample, view = record.data.get("sample"), record.data.get("view")
    if isinstance(sample, dict):
        say("sample", record.at, rtp_at=sample["last_rtp_at"], frame_at=sample["last_frame_at"])
        return
    session = view["session_id"] if isinstance(view, dict) else None
    until_at = record.data.get("until_at")
    say("record", record.at, name=record.name, session=session, until_at=until_at)


def face(window: RejoinWindow) -> dict[str, Any]:
    """What a person sees, and the facts behind it."""
    shown = window.snapshot
    buttons = [each for each in window.findChildren(QAbstractButton) if each.isVisible()]
    return {
        "stage": shown.stage.value,
        "doing": shown.doing.value,
        "trouble": shown.trouble.value if shown.trouble else None,
        "can_reconnect": shown.can_reconnect,
        "firewall": shown.firewall,
        "offline": shown.offline,
        "verdict": shown.verdict.value if shown.verdict else None,
        "episode": shown.episode,
        "input_open": shown.input_open,
        "shown_deadline_at": shown.shown_deadline_at,
        "texts": [each.text() for each in window.findChildren(QLabel) if each.isVisible()],
        "buttons": {each.text(): each.isEnabled() for each in buttons if each.text()},
    }


class Person:
    """Does what standard input says, with real events of the window."""

    def __init__(self) -> None:
        self._held: dict[Qt.Key, QTimer] = {}

    def act(self, window: RejoinWindow, line: str) -> None:
        verb, _, what = line.partition(" ")
        match verb:
            case "hold":
                self._hold(window, _key(what))
            case "release":
                self._held.pop(_key(what)).stop()
                QTest.keyRelease(window.windowHandle(), _key(what))
            case "click":
                buttons = window.findChildren(QAbstractButton)
                [button] = [each for each in buttons if each.isVisible() and each.text() == what]
                QTest.mouseClick(button, Qt.MouseButton.LeftButton)
            case _:
                raise ValueError(line)

    def _hold(self, window: RejoinWindow, key: Qt.Key) -> None:
        timer = self._held[key] = QTimer(window)
        timer.timeout.connect(lambda: QTest.keyPress(window.windowHandle(), key))
        timer.start(REPEAT_MS)
        QTest.keyPress(window.windowHandle(), key)


def _key(name: str) -> Qt.Key:
    key = getattr(Qt.Key, f"Key_{name}")
    assert isinstance(key, Qt.Key)
    return key


class Reporter:
    """Says what the window shows, lets a person act, and closes it at the end of standard input."""

    def __init__(self) -> None:
        self._before: dict[str, Any] = {}
        self._connected = False
        self._ended = threading.Event()
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._person = Person()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in sys.stdin:
            self._lines.put(line.strip())
        self._ended.set()

    def after_refresh(self, window: RejoinWindow) -> None:
        if not self._connected:
            self._connected = True
            window.announced.connect(lambda text: say("announced", boot_s(), text=text))
        while not self._lines.empty():
            line = self._lines.get()
            QTimer.singleShot(0, window, lambda line=line: self._person.act(window, line))
        now = face(window)
        if now != self._before:
            self._before = now
            say("shown", boot_s(), **now)
        if self._ended.is_set():
            window.close()


def _ticket(where: dict[str, Any]) -> Ticket | None:
    """A ticket of a game that was played in another program until now."""
    if "session" not in where:
        return None
    now = boot_s()
    state = RejoinState(SessionId(where["session"]), AttemptNumber(where["attempt"]), 120.0, now)
    address = BackendAddress(where["url"], "rejoin")
    return Ticket(state, address, boot_id(), now, time.time())


def main() -> None:
    where = json.loads(sys.argv[1])
    profile = StudioProfile(
        where["url"],
        where["token"],
        NetworkRules(allow_private=True),
        allow_insecure=True,
        probe_url=where.get("probe_url"),
    )
    options = PlayerOptions(
        slot=ReportingSlot(),
        audio=NullOutput(),
        ticket=_ticket(where),
        on_record=on_record,
        record_samples=True,
    )
    player = Player(profile, options)
    stream = StreamThread(player.run)
    stream.start()
    application.run(
        player,
        WindowOptions(before_start=Snapshot(Stage.STARTING)),
        after_refresh=Reporter().after_refresh,
    )
    stream.join(END_TIMEOUT_S)
    say("gone", boot_s())


if __name__ == "__main__":
    main()
