"""The newest snapshot of the engine, and the listeners that get each new one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from rejoin.core.model import Snapshot
from rejoin.runtime.loop_access import LoopAccess

_log = logging.getLogger("rejoin.snapshots")

Listener = Callable[[Snapshot], None]


class Snapshots:
    """`publish` is called on the engine's loop, everything else on any thread."""

    def __init__(self, first: Snapshot, access: LoopAccess) -> None:
        self._current = first
        self._access = access
        self._lock = threading.Lock()
        self._listeners: dict[int, Listener] = {}
        self._subscriptions = 0

    @property
    def current(self) -> Snapshot:
        return self._current

    def publish(self, snapshot: Snapshot) -> None:
        """Pass a snapshot to every listener, unless it equals the one before."""
        if snapshot == self._current:
            return
        self._current = snapshot
        with self._lock:
            listeners = tuple(self._listeners.values())
        for listener in listeners:
            _deliver(listener, snapshot)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with the current snapshot and then with each new one, in order.

        Listeners are called on the engine's loop while it runs; before and after, the current
        snapshot is delivered at once. Returns the callable that unsubscribes.
        """
        with self._lock:
            self._subscriptions += 1
            key = self._subscriptions
        unsubscribed: set[int] = set()

        def begin() -> None:
            with self._lock:
                if key in unsubscribed:
                    return
                self._listeners[key] = listener
            _deliver(listener, self._current)

        def unsubscribe() -> None:
            with self._lock:
                unsubscribed.add(key)
                self._listeners.pop(key, None)

        if self._access.is_on_loop_thread or not self._access.call(begin):
            begin()
        return unsubscribe


def _deliver(listener: Listener, snapshot: Snapshot) -> None:
    try:
        listener(snapshot)
    except Exception:
        _log.exception("a snapshot listener failed")
