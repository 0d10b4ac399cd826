"""Passes the input module's requests to the window's listeners."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from rejoin.input_events.wishes import AnyWish

_log = logging.getLogger("rejoin.wishes")

Listener = Callable[[AnyWish], None]


class Wishes:
    """`publish` is called on the engine's loop, `subscribe` on any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[int, Listener] = {}
        self._subscriptions = 0

    def publish(self, wish: AnyWish) -> None:
        """Pass a request to every listener."""
        with self._lock:
            listeners = tuple(self._listeners.values())
        for listener in listeners:
            try:
                listener(wish)
            except Exception:
                _log.exception("a listener of wishes failed")

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with each request from now on. Returns the callable that unsubscribes."""
        with self._lock:
            self._subscriptions += 1
            key = self._subscriptions
            self._listeners[key] = listener

        def unsubscribe() -> None:
            with self._lock:
                self._listeners.pop(key, None)

        return unsubscribe
