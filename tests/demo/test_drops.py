"""Drops: one fault at a time, on a thread, with the failure kept."""

from __future__ import annotations

import threading

from rejoin.core.trace import Record, of_fault
from rejoin.demo.drops import Drops
from rejoin.emulator.service.control import BlockingEmulatorControl
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.errors import RejoinError, ServiceError


class Control(BlockingEmulatorControl):
    """Injects when `released` is set; raises `error` if there is one."""

    def __init__(self, error: RejoinError | None = None) -> None:
        super().__init__("http://127.0.0.1:9", "token")
        self.released = threading.Event()
        self.threads: list[str] = []
        self._error = error

    def inject(self, fault: Fault, session: str | None = None) -> float:
        self.threads.append(threading.current_thread().name)
        assert self.released.wait(60)
        if self._error is not None:
            raise self._error
        return 5.0


def test_a_drop_does_not_wait_and_a_second_one_meanwhile_is_ignored() -> None:
    control, records = Control(), list[Record]()
    drops = Drops(FaultKind.FREEZE, control, records.append)
    drops.wait()
    drops.drop()
    drops.drop()
    assert not records
    control.released.set()
    drops.wait()
    assert control.threads == ["fault"]
    assert records == [of_fault("freeze", 5.0)]
    drops.drop()
    drops.wait()
    assert len(records) == 2


def test_a_failure_is_kept_and_nothing_is_recorded() -> None:
    control, records = Control(ServiceError("It cannot be reached.")), list[Record]()
    control.released.set()
    drops = Drops(FaultKind.KILL, control, records.append)
    drops.drop()
    drops.wait()
    assert drops.failure == "It cannot be reached."
    assert not records
