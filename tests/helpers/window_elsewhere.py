"""A game in the real window, which says what happens: `python -m helpers.window_elsewhere JSON`.

JSON has the backend's `url` and the player's `token`. Prints one JSON object a line, each with its
`kind` and boot time `at`: `shown` (what the window shows, when that changes), `announced`,
`picture` (one was decoded), and each `record` of the trace. Closes the window when standard input
ends.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

from PySide6.QtWidgets import QAbstractButton, QLabel

from rejoin.clock import boot_s
from rejoin.core.model import Snapshot, Stage
from rejoin.core.trace import Record
from rejoin.gui import application
from rejoin.gui.main_window import RejoinWindow, WindowOptions
from rejoin.media.audio.output import NullOutput
from rejoin.media.video.picture import Picture, PictureSlot
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.player import Player, PlayerOptions
from rejoin.runtime.stream_thread import END_TIMEOUT_S, StreamThread
from rejoin.runtime.studio_profile import StudioProfile

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
    say("record", record.at, name=record.name)


def face(window: RejoinWindow) -> dict[str, Any]:
    """What a person sees, and the facts behind it."""
    shown = window.snapshot
    return {
        "stage": shown.stage.value,
        "doing": shown.doing.value,
        "trouble": shown.trouble.value if shown.trouble else None,
        "can_reconnect": shown.can_reconnect,
        "firewall": shown.firewall,
        "episode": shown.episode,
        "input_open": shown.input_open,
        "shown_deadline_at": shown.shown_deadline_at,
        "texts": [each.text() for each in window.findChildren(QLabel) if each.isVisible()],
        "buttons": [
            each.text() for each in window.findChildren(QAbstractButton) if each.isVisible()
        ],
    }


class Reporter:
    """Says what the window shows, and closes it at the end of standard input."""

    def __init__(self) -> None:
        self._before: dict[str, Any] = {}
        self._connected = False
        self._ended = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        sys.stdin.read()
        self._ended.set()

    def after_refresh(self, window: RejoinWindow) -> None:
        if not self._connected:
            self._connected = True
            window.announced.connect(lambda text: say("announced", boot_s(), text=text))
        now = face(window)
        if now != self._before:
            self._before = now
            say("shown", boot_s(), **now)
        if self._ended.is_set() or window.snapshot.stage is Stage.ENDED:
            window.close()


def main() -> None:
    where = json.loads(sys.argv[1])
    profile = StudioProfile(
        where["url"], where["token"], NetworkRules(allow_private=True), allow_insecure=True
    )
    options = PlayerOptions(slot=ReportingSlot(), audio=NullOutput(), on_record=on_record)
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
