"""One sandbox, and one script of the input module in it, from its start to its failure or end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, Protocol

from rejoin.input_events.wishes import (
    AnyWish,
    CursorWish,
    FullScreenWish,
    PointerLockWish,
    VibrationWish,
)
from rejoin.input_module.port import (
    Channel,
    InputModulePort,
    ModuleFacts,
    ModuleProblem,
    Reports,
)
from rejoin.runtime.module_scripts import Script
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.module_process")

CLOSE_WITHIN_S: Final = 1.0

MakeSandbox = Callable[[Reports], InputModulePort]
"""Makes a sandbox that reports there; `input_module.sandbox.Sandbox` is one."""


class ModuleListener(Protocol):
    """Reports of a process to `ModuleInput`; `instance` is a connection's number."""

    def on_send(
        self, process: ModuleProcess, instance: int, channel: Channel, data: bytes | str
    ) -> None: ...
    def on_server_disconnected(
        self, process: ModuleProcess, instance: int, reason: str
    ) -> None: ...
    def on_application_message(
        self, process: ModuleProcess, instance: int, data: bytes
    ) -> None: ...
    def on_performance(
        self, process: ModuleProcess, instance: int, statistics: Mapping[str, object]
    ) -> None: ...
    def on_wish(self, process: ModuleProcess, instance: int, wish: AnyWish) -> None: ...
    def on_failed(self, process: ModuleProcess) -> None: ...


class ModuleProcess:
    """A sandbox and its `Reports`. Each report is passed on with its process, so that reports of an
    older one can be recognised. It starts when it is made, before there is a script."""

    def __init__(self, make_sandbox: MakeSandbox, listener: ModuleListener) -> None:
        self.script: Script | None = None
        self.problem: ModuleProblem | None = None
        """Why it failed; None while it has not."""
        self._listener = listener
        self.sandbox = make_sandbox(self)
        self._preparing = spawn(self._run(self.sandbox.start()), name="start input module")
        self._closing: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether the script is evaluated and nothing failed."""
        return self.script is not None and self._preparing.done() and self.problem is None

    def takes(self, script: Script) -> bool:
        """Whether this script can be used here: it is in use, or none is."""
        same = self.script is None or self.script.text == script.text
        return same and self.problem is None

    def evaluate(self, script: Script) -> None:
        """Evaluate the script, one that it `takes`; `prepared` waits for that."""
        if self.script is None:
            self.script = script
            self._preparing = spawn(
                self._run(self.sandbox.prepare(script.text), after=self._preparing),
                name="prepare input module",
            )

    @property
    def facts(self) -> ModuleFacts:
        return self.sandbox.facts

    async def prepared(self) -> bool:
        """Wait until the script is evaluated; whether it was, without a failure."""
        await asyncio.shield(self._preparing)
        return self.problem is None

    async def close(self) -> None:
        """End the process. May be called again."""
        if self._closing is None:
            self._closing = spawn(self._close(), name="close input module")
        await asyncio.shield(self._closing)

    async def settled(self, within_s: float) -> None:
        """Wait, for a limited time, until all its requests are done and reported."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self.sandbox.settle()

    async def _run(
        self, step: Coroutine[Any, Any, None], after: asyncio.Task[None] | None = None
    ) -> None:
        try:
            if after is not None:
                await after
            await step
        except Exception:
            _log.exception("the input module could not be started")
            self.failed(ModuleProblem.CANNOT_START)

    async def _close(self) -> None:
        await cancel(self._preparing)
        try:
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self.sandbox.close()
        except Exception:
            _log.exception("the input module did not end")

    # --- Reports ----------------------------------------------------------------------------------

    def send(self, instance: int, channel: Channel, data: bytes | str) -> None:
        self._listener.on_send(self, instance, channel, data)

    def server_disconnected(self, instance: int, reason: str) -> None:
        self._listener.on_server_disconnected(self, instance, reason)

    def application_message(self, instance: int, data: bytes) -> None:
        self._listener.on_application_message(self, instance, data)

    def performance(self, instance: int, statistics: Mapping[str, object]) -> None:
        self._listener.on_performance(self, instance, statistics)

    def pointer_lock(self, instance: int, wanted: bool) -> None:
        self._listener.on_wish(self, instance, PointerLockWish(wanted))

    def full_screen(self, instance: int, wanted: bool) -> None:
        self._listener.on_wish(self, instance, FullScreenWish(wanted))

    def cursor(self, instance: int, keyword: str) -> None:
        self._listener.on_wish(self, instance, CursorWish(keyword))

    def vibration(self, instance: int, wish: VibrationWish) -> None:
        self._listener.on_wish(self, instance, wish)

    def failed(self, problem: ModuleProblem) -> None:
        if self.problem is None:
            self.problem = problem
            self._listener.on_failed(self)
