"""Checks that the sandbox of the input module starts on this computer and is confined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rejoin.input_events.wishes import VibrationWish
from rejoin.input_module.port import Channel, ModuleOptions, ModuleProblem
from rejoin.input_module.sandbox import Sandbox

SCRIPT: Final = "var checked = 1;"
"""A script without an input module: a sandbox that evaluates it reports that."""


class _Problems:
    """`input_module.port.Reports`; only the failure counts."""

    def __init__(self) -> None:
        self.problem: ModuleProblem | None = None

    def send(self, instance: int, channel: Channel, data: bytes | str) -> None:
        pass

    def server_disconnected(self, instance: int, reason: str) -> None:
        pass

    def application_message(self, instance: int, data: bytes) -> None:
        pass

    def performance(self, instance: int, statistics: Mapping[str, object]) -> None:
        pass

    def pointer_lock(self, instance: int, wanted: bool) -> None:
        pass

    def full_screen(self, instance: int, wanted: bool) -> None:
        pass

    def cursor(self, instance: int, keyword: str) -> None:
        pass

    def vibration(self, instance: int, wish: VibrationWish) -> None:
        pass

    def failed(self, problem: ModuleProblem) -> None:
        self.problem = problem


async def sandbox_problem() -> str | None:
    """Why the sandbox does not work, in a few words; None if it evaluated a script."""
    problems = _Problems()
    sandbox = Sandbox(problems)
    try:
        await sandbox.prepare(SCRIPT)
        sandbox.make_instance(1, ModuleOptions(""))
        await sandbox.settle()
    finally:
        await sandbox.close()
    found: ModuleProblem | None = problems.problem
    if found is None or found is ModuleProblem.NO_MODULE:
        return None
    return str(found.value)
