"""The only connection between the stream's threads and Qt.

Snapshots, new pictures and the input module's wishes are reported on other threads and become
signals on the GUI thread, in order. In the other direction `post`, `send_input` and `set_sound`
return at once. No lock is held
while other code is called, and after `close` everything that still arrives is ignored.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Protocol

from PySide6.QtCore import QObject, Qt, Signal, Slot

from rejoin.core.events import Event
from rejoin.core.model import Snapshot
from rejoin.core.play_report import PlayReport
from rejoin.input_events.events import InputEvent, ReleaseAll, View
from rejoin.input_events.wishes import AnyWish, VibrationWish, Wish
from rejoin.media.audio.volume import SoundChoice
from rejoin.media.statistics import StreamStatistics
from rejoin.media.video.picture import PaintTelemetry, Picture, PictureSlot, ViewHints
from rejoin.runtime.microphone import PlayerMicrophone
from rejoin.runtime.stream_limits import StreamLimits


class StreamPort(Protocol):
    """The window's interface to the stream; `rejoin.runtime` implements it."""

    slot: PictureSlot
    microphone: PlayerMicrophone
    """What it is now, and what the player does with it. Thread-safe, every call returns at once."""

    def post(self, event: Event) -> None:
        """Pass an event to the engine. Thread-safe, returns at once."""

    def send_input(self, event: InputEvent) -> None:
        """Pass the player's input to the input module of the shown connection. Thread-safe, returns
        at once; events keep their order."""

    def subscribe_wishes(self, listener: Callable[[AnyWish], None]) -> Callable[[], None]:
        """Call `listener` with each wish of the input module, on any thread. Returns how to
        unsubscribe."""

    def sound(self) -> SoundChoice:
        """The current volume."""

    def set_sound(self, choice: SoundChoice) -> None:
        """Change the volume. Thread-safe, returns at once."""

    def silence(self, silent: bool) -> None:
        """Mute or unmute; the volume stays unchanged. Thread-safe, returns at once."""

    def use_limits(self, limits: StreamLimits) -> None:
        """For every connection that is made from now on. Thread-safe, returns at once."""

    def subscribe(self, listener: Callable[[Snapshot], None]) -> Callable[[], None]:
        """Call `listener` with each new snapshot, on any thread. Returns how to unsubscribe."""

    def statistics(self) -> StreamStatistics | None:
        """The newest statistics of the shown connection; None before there is one."""

    def play_report(self) -> PlayReport | None:
        """How the game went so far; None before its first picture."""

    def keep_picture(self, picture: Picture) -> None:
        """Keep the last picture of a game that is closed for now. Thread-safe, returns at once."""

    def problem(self) -> str | None:
        """Sentences to show once ("No sound: ..."), one a line, or None."""


class Bridge(QObject):
    """Lives on the GUI thread; without a Qt parent, to outlive late calls from other threads."""

    snapshot_changed = Signal(object)
    """A new `Snapshot`, on the GUI thread."""

    picture_ready = Signal()
    """A picture is in the slot; on the GUI thread. Wake-ups that pile up become one signal."""

    wished = Signal(object)
    """A `Wish` of the input module, on the GUI thread. Of each kind only the newest is kept until
    it is delivered, so a module that wishes in a loop fills no queue."""

    _snapshot_arrived = Signal(object, object)
    """With the port that it comes from."""
    _wish_arrived = Signal()
    _picture_arrived = Signal()

    def __init__(self, port: StreamPort) -> None:
        super().__init__()
        self._port = port
        self._lock = threading.Lock()
        self._closed = False
        self.input_at: float | None = None
        """When the player last did something in the game, in boot time; may be read on any
        thread."""
        self._wake_pending = False
        self._wishes: dict[type[Wish], Wish] = {}
        self._wish_arrived.connect(self._deliver_wishes, Qt.ConnectionType.QueuedConnection)
        self._snapshot_arrived.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._picture_arrived.connect(self._wake, Qt.ConnectionType.QueuedConnection)
        self._unsubscribe: tuple[Callable[[], None], ...] = ()

    def open(self) -> None:
        """Start to listen. A picture that is already in the slot is announced too."""
        port = self._port
        port.slot.on_filled = self._on_filled
        self._unsubscribe = (
            port.subscribe(partial(self._on_snapshot, port)),
            port.subscribe_wishes(partial(self._on_wish, port)),
        )
        self._on_filled()

    def close(self) -> None:
        """Stop listening and drop pending signals. May be called twice."""
        with self._lock:
            closed, self._closed = self._closed, True
            self._wishes = {}
        if closed:
            return
        self._port.slot.on_filled = None
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    @property
    def is_open(self) -> bool:
        """Not before `open`, nor after `close`."""
        return bool(self._unsubscribe) and not self._is_closed()

    def reopen(self, port: StreamPort) -> None:
        """After `close`: listen to the stream of another game, in place of the last one's."""
        port.slot.hints = self._port.slot.hints
        self._port, self.input_at = port, None
        with self._lock:
            self._closed = self._wake_pending = False
        self.open()

    # --- from other threads ---------------------------------------------------------------------

    def _on_snapshot(self, port: StreamPort, snapshot: Snapshot) -> None:
        if not self._is_closed():
            self._snapshot_arrived.emit(port, snapshot)

    def _on_wish(self, port: StreamPort, wish: AnyWish) -> None:
        if isinstance(wish, VibrationWish):
            return  # the gamepads hear of it themselves
        with self._lock:
            if self._closed or port is not self._port:
                return
            pending = bool(self._wishes)
            self._wishes.pop(type(wish), None)  # the newest goes to the end
            self._wishes[type(wish)] = wish
        if not pending:
            self._wish_arrived.emit()

    def _on_filled(self) -> None:
        with self._lock:
            if self._closed or self._wake_pending:
                return
            self._wake_pending = True
        self._picture_arrived.emit()

    def _is_closed(self) -> bool:
        with self._lock:
            return self._closed

    # --- on the GUI thread ----------------------------------------------------------------------

    @Slot(object, object)
    def _deliver(self, port: StreamPort, snapshot: Snapshot) -> None:
        if not self._is_closed() and port is self._port:
            self.snapshot_changed.emit(snapshot)

    @Slot()
    def _deliver_wishes(self) -> None:
        with self._lock:
            wishes, self._wishes = tuple(self._wishes.values()), {}
            if self._closed:
                return
        for wish in wishes:
            self.wished.emit(wish)

    @Slot()
    def _wake(self) -> None:
        with self._lock:
            self._wake_pending = False
            if self._closed:
                return
        self.picture_ready.emit()

    # --- from the window to the stream ----------------------------------------------------------

    def post(self, event: Event) -> None:
        if not self._is_closed():
            self._port.post(event)

    def send_input(self, event: InputEvent) -> None:
        if self._is_closed():
            return
        if not isinstance(event, View | ReleaseAll):
            self.input_at = event.at
        self._port.send_input(event)

    def sound(self) -> SoundChoice:
        return self._port.sound()

    def set_sound(self, choice: SoundChoice) -> None:
        if not self._is_closed():
            self._port.set_sound(choice)

    def silence(self, silent: bool) -> None:
        if not self._is_closed():
            self._port.silence(silent)

    def use_limits(self, limits: StreamLimits) -> None:
        if not self._is_closed():
            self._port.use_limits(limits)

    @property
    def microphone(self) -> PlayerMicrophone:
        return self._port.microphone

    def take_picture(self) -> Picture | None:
        """The newest picture not yet taken, or None."""
        return self._port.slot.take()

    def set_view_hints(self, hints: ViewHints) -> None:
        """The size in which pictures are painted, and whether any would be painted now."""
        self._port.slot.hints = hints

    def count_skipped(self) -> None:
        """A picture was taken but is not painted."""
        self._port.slot.count_skipped()

    def count_painted(self, picture: Picture, at: float, took_s: float) -> None:
        """A picture was painted for the first time, in `took_s` seconds."""
        self._port.slot.count_painted(picture, at, took_s)

    @property
    def painted(self) -> PaintTelemetry:
        return self._port.slot.painted

    def statistics(self) -> StreamStatistics | None:
        return None if self._is_closed() else self._port.statistics()

    def play_report(self) -> PlayReport | None:
        return self._port.play_report()

    def keep_picture(self, picture: Picture) -> None:
        self._port.keep_picture(picture)

    def problem(self) -> str | None:
        return None if self._is_closed() else self._port.problem()
