"""The one crossing between the stream's threads and Qt.

Snapshots and picture wake-ups arrive on other threads and leave as signals on the GUI thread, in
order; the way back is `post`, `set_controls` and `set_sound`, which return at once. No lock is held
while calling out, and after `close` whatever still arrives is ignored.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QObject, Qt, Signal, Slot

from rejoin.core.events import Event
from rejoin.core.model import Snapshot
from rejoin.input_protocol.controls import Controls
from rejoin.media.audio.volume import SoundChoice
from rejoin.media.statistics import StreamStatistics
from rejoin.media.video.picture import PaintCount, Picture, PictureSlot


class StreamPort(Protocol):
    """The whole world as the window knows it; `runtime/driver` fulfils it."""

    slot: PictureSlot

    def post(self, event: Event) -> None:
        """Tell the engine what the player wants. Thread-safe, returns at once."""

    def set_controls(self, controls: Controls) -> None:
        """What the player holds from now on. Thread-safe, returns at once."""

    def sound(self) -> SoundChoice:
        """How loud it is now."""

    def set_sound(self, choice: SoundChoice) -> None:
        """How loud it shall be from now on. Thread-safe, returns at once."""

    def subscribe(self, listener: Callable[[Snapshot], None]) -> Callable[[], None]:
        """Have `listener` called with each new snapshot, on any thread; returns unsubscribe."""

    def statistics(self) -> StreamStatistics | None:
        """The newest numbers of the connection that is shown; None before there is one."""

    def problem(self) -> str | None:
        """A sentence to show once ("No sound: ..."), or None."""


class Bridge(QObject):
    """Lives on the GUI thread; has no parent, so that it outlives late calls from other threads."""

    snapshot_changed = Signal(object)
    """A new `Snapshot`, on the GUI thread."""

    picture_ready = Signal()
    """A picture waits in the slot, on the GUI thread; wake-ups that pile up are one."""

    _snapshot_arrived = Signal(object)
    _picture_arrived = Signal()

    def __init__(self, port: StreamPort) -> None:
        super().__init__()
        self._port = port
        self._lock = threading.Lock()
        self._closed = False
        self._wake_pending = False
        self._snapshot_arrived.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._picture_arrived.connect(self._wake, Qt.ConnectionType.QueuedConnection)
        self._unsubscribe: Callable[[], None] | None = None

    def open(self) -> None:
        """Begin to listen. Whatever the port already has comes too."""
        self._port.slot.on_filled = self._filled
        self._unsubscribe = self._port.subscribe(self._heard)
        self._filled()

    def close(self) -> None:
        """Stop listening; what was on its way is dropped. May be called twice."""
        with self._lock:
            closed, self._closed = self._closed, True
        if closed:
            return
        self._port.slot.on_filled = None
        if self._unsubscribe is not None:
            self._unsubscribe()

    # --- from other threads ---------------------------------------------------------------------

    def _heard(self, snapshot: Snapshot) -> None:
        if not self._is_closed():
            self._snapshot_arrived.emit(snapshot)

    def _filled(self) -> None:
        with self._lock:
            if self._closed or self._wake_pending:
                return
            self._wake_pending = True
        self._picture_arrived.emit()

    def _is_closed(self) -> bool:
        with self._lock:
            return self._closed

    # --- on the GUI thread ----------------------------------------------------------------------

    @Slot(object)
    def _deliver(self, snapshot: Snapshot) -> None:
        if not self._is_closed():
            self.snapshot_changed.emit(snapshot)

    @Slot()
    def _wake(self) -> None:
        with self._lock:
            self._wake_pending = False
            if self._closed:
                return
        self.picture_ready.emit()

    # --- the way back ---------------------------------------------------------------------------

    def post(self, event: Event) -> None:
        if not self._is_closed():
            self._port.post(event)

    def set_controls(self, controls: Controls) -> None:
        if not self._is_closed():
            self._port.set_controls(controls)

    def sound(self) -> SoundChoice:
        return self._port.sound()

    def set_sound(self, choice: SoundChoice) -> None:
        if not self._is_closed():
            self._port.set_sound(choice)

    def take_picture(self) -> Picture | None:
        """The newest picture not yet taken, or None."""
        return self._port.slot.take()

    def set_target(self, size: tuple[int, int] | None) -> None:
        """Size in device pixels that pictures are painted in."""
        self._port.slot.target = size

    def set_watched(self, watched: bool) -> None:
        """Whether pictures would be painted now."""
        self._port.slot.watched = watched

    def count_skipped(self) -> None:
        """A picture that was taken is not painted."""
        self._port.slot.count_skipped()

    def count_painted(self, picture: Picture, at: float, took_s: float) -> None:
        """A picture is on the screen for the first time; painting it took so long."""
        self._port.slot.count_painted(picture, at, took_s)

    @property
    def painted(self) -> PaintCount:
        return self._port.slot.painted

    def statistics(self) -> StreamStatistics | None:
        return None if self._is_closed() else self._port.statistics()

    def problem(self) -> str | None:
        return None if self._is_closed() else self._port.problem()
