"""Drops the connection: injects the fault on a thread, so that the window does not wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from rejoin.core.trace import Record, of_fault
from rejoin.emulator.service.control import BlockingEmulatorControl
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.errors import RejoinError

_INJECT_TIMEOUT_S: Final = 8.0


class Drops:
    """Injects one kind of fault, each time that `drop` is called."""

    def __init__(
        self,
        kind: FaultKind,
        control: BlockingEmulatorControl,
        record: Callable[[Record], None],
    ) -> None:
        self._kind = kind
        self._control = control
        self._record = record
        self._thread: threading.Thread | None = None
        self.failure: str | None = None
        """Why the newest fault could not be injected."""

    def drop(self) -> None:
        """Start to inject the fault; ignored while the one before is still being injected."""
        if self._thread is not None and self._thread.is_alive():
            return
        self._thread = threading.Thread(target=self._inject, name="fault", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until the newest fault is injected, or its time is up."""
        if self._thread is not None:
            self._thread.join(_INJECT_TIMEOUT_S)

    def _inject(self) -> None:
        try:
            at = self._control.inject(Fault(self._kind))
        except RejoinError as error:
            self.failure = str(error)
        else:
            self._record(of_fault(self._kind.value, at))
