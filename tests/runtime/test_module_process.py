"""One sandbox and one script: evaluated once, closed once, its reports passed on with it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from helpers.fake_module import FakeSandbox
from rejoin import tasks
from rejoin.input_events.wishes import (
    AnyWish,
    CursorWish,
    FullScreenWish,
    PointerLockWish,
    VibrationWish,
)
from rejoin.input_module.port import Channel, InputModulePort, ModuleProblem, Reports
from rejoin.runtime import module_process
from rejoin.runtime.module_process import ModuleProcess
from rejoin.runtime.module_scripts import Script

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

ONE, TWO = Script("a", "script 1"), Script("a", "script 2")


class Listener:
    """Lists what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[object, ...]] = []

    def on_send(
        self, process: ModuleProcess, instance: int, channel: Channel, data: bytes | str
    ) -> None:
        self.heard.append((process, instance, channel, data))

    def on_server_disconnected(self, process: ModuleProcess, instance: int, reason: str) -> None:
        self.heard.append((process, instance, reason))

    def on_application_message(self, process: ModuleProcess, instance: int, data: bytes) -> None:
        self.heard.append((process, instance, data))

    def on_performance(
        self, process: ModuleProcess, instance: int, statistics: Mapping[str, object]
    ) -> None:
        self.heard.append((process, instance, statistics))

    def on_wish(self, process: ModuleProcess, instance: int, wish: AnyWish) -> None:
        self.heard.append((process, instance, wish))

    def on_failed(self, process: ModuleProcess) -> None:
        self.heard.append((process, process.problem))


class Broken(FakeSandbox):
    """Raises where it must not."""

    async def prepare(self, script: str) -> None:
        raise ZeroDivisionError

    async def settle(self) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        raise ZeroDivisionError


def made(kind: type[FakeSandbox] = FakeSandbox) -> tuple[ModuleProcess, FakeSandbox, Listener]:
    sandboxes: list[FakeSandbox] = []

    def make(reports: Reports) -> InputModulePort:
        sandboxes.append(kind(reports))
        return sandboxes[-1]

    listener = Listener()
    process = ModuleProcess(make, listener)
    return process, sandboxes[0], listener


async def test_it_starts_before_there_is_a_script_and_evaluates_one() -> None:
    process, sandbox, _ = made()
    await asyncio.sleep(0)
    assert sandbox.calls == ["start"]
    early = process.ready
    assert not early
    assert process.takes(ONE)
    assert process.takes(TWO)
    process.evaluate(ONE)
    process.evaluate(ONE)
    assert await process.prepared()
    assert process.ready
    assert process.takes(ONE)
    assert not process.takes(TWO)
    await process.close()
    await process.close()
    assert sandbox.calls == ["start", "prepare script 1", "close"]


async def test_every_report_is_passed_on_with_its_process() -> None:
    process, sandbox, listener = made()
    reports = sandbox.reports
    reports.send(1, Channel.INPUT, b"x")
    reports.server_disconnected(2, "idle")
    reports.application_message(3, b"y")
    reports.performance(4, {"a": 1})
    reports.pointer_lock(5, wanted=True)
    reports.full_screen(6, wanted=False)
    reports.cursor(7, "none")
    reports.vibration(8, VibrationWish(0, 1.0, 0.5, 0.25))
    for problem in (ModuleProblem.HUNG, ModuleProblem.TOO_MUCH):
        reports.failed(problem)
    assert listener.heard == [
        (process, 1, Channel.INPUT, b"x"),
        (process, 2, "idle"),
        (process, 3, b"y"),
        (process, 4, {"a": 1}),
        (process, 5, PointerLockWish(True)),
        (process, 6, FullScreenWish(False)),
        (process, 7, CursorWish("none")),
        (process, 8, VibrationWish(0, 1.0, 0.5, 0.25)),
        (process, ModuleProblem.HUNG),
    ]
    assert not process.ready
    assert not process.takes(ONE)
    await process.close()


async def test_a_defect_of_the_sandbox_is_a_failure_and_ends_all_the_same(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module_process, "CLOSE_WITHIN_S", 0.1)
    process, _, listener = made(Broken)
    process.evaluate(ONE)
    assert not await process.prepared()
    assert listener.heard == [(process, ModuleProblem.CANNOT_START)]
    await process.settled(0.01)
    await process.close()
    assert "could not be started" in caplog.text
    assert not tasks.alive()
