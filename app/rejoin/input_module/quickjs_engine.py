"""The engine quickjs-ng (docs/adr/0040): small, quick to start, without a compiler.

It is imported by the name of its extension module: the package `quickjs` starts a thread, and the
sandbox has to be without threads when it closes itself in.
"""

from __future__ import annotations

import os
from typing import Any

import _quickjs  # type: ignore[import-not-found]

from rejoin.input_module.engine import ScriptFailedError

MEMORY_BYTES = 128 * 1024 * 1024
"""What the realm may allocate; the process itself may have twice as much."""

STACK_BYTES = 512 * 1024

_FAILURES = (_quickjs.JSException, ValueError, TypeError, MemoryError)
"""ValueError: a script with a NUL, or a text that is no Unicode (half of a surrogate pair).
TypeError: a value that the binding does not know, as a long text made of parts."""

_MAX_ENTROPY = 65_536


def _entropy(size: Any) -> str:
    """Random bytes as hexadecimal digits, for crypto.getRandomValues."""
    return os.urandom(max(0, min(int(size), _MAX_ENTROPY))).hex()


class QuickJS:
    """An `Engine`."""

    def __init__(self, browser: str) -> None:
        context = _quickjs.Context()
        context.set_memory_limit(MEMORY_BYTES)
        context.set_max_stack_size(STACK_BYTES)
        context.add_callable("entropy", _entropy)
        self._context = context
        self._function = context.eval(browser)

    def evaluate(self, script: str) -> None:
        try:
            self._context.eval(script)
        except _FAILURES as error:
            raise ScriptFailedError from error

    def call(self, text: str, *numbers: float) -> str | float:
        try:
            result = self._function(text, *numbers)
        except _FAILURES as error:
            raise ScriptFailedError from error
        return result if isinstance(result, str | float | int) else ""

    def run_jobs(self) -> bool:
        ran = False
        while True:
            try:
                if not self._context.execute_pending_job():
                    return ran
            except _FAILURES:
                pass
            ran = True
