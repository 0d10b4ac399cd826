"""Lets a connection's pictures into the slot only while that connection is shown."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import assert_never

from rejoin.media.video.picture import Picture, PictureSlot


@dataclass(frozen=True, slots=True)
class _Hidden:
    newest: Picture | None = None
    """Kept until the connection is shown."""


@dataclass(frozen=True, slots=True)
class _Shown:
    pass


@dataclass(frozen=True, slots=True)
class _Closed:
    pass


class PictureGate:
    """While hidden it keeps the newest picture; `show(True)` puts that one into the slot at once.

    `put` is called on the decoder's thread, `show` and `close` on the event loop's.
    """

    def __init__(self, slot: PictureSlot) -> None:
        self._slot = slot
        self._lock = threading.Lock()
        self._state: _Hidden | _Shown | _Closed = _Hidden()

    @property
    def shown(self) -> bool:
        return isinstance(self._state, _Shown)

    def put(self, picture: Picture) -> None:
        with self._lock:
            match self._state:
                case _Shown():
                    self._slot.put(picture)
                case _Hidden():
                    self._state = _Hidden(picture)
                case _Closed():
                    pass
                case _:
                    assert_never(self._state)

    def show(self, shown: bool) -> None:
        with self._lock:
            match self._state:
                case _Hidden(newest) if shown:
                    self._state = _Shown()
                    if newest is not None:
                        self._slot.put(newest)
                case _Shown() if not shown:
                    self._state = _Hidden()
                case _Hidden() | _Shown() | _Closed():
                    pass
                case _:
                    assert_never(self._state)

    def close(self) -> None:
        """From now on no picture passes and none is kept."""
        with self._lock:
            self._state = _Closed()
