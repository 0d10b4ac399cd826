"""The sandbox's interface to a JavaScript engine: a script, one function, promises' jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class ScriptFailedError(Exception):
    """The script threw, could not be parsed, or took all memory. Its text stays in the engine.

    It never leaves the sandbox's process, so it is not an error for a person.
    """


class Engine(Protocol):
    """One JavaScript realm. None of its methods ends before the script does."""

    def evaluate(self, script: str) -> None:
        """Run a classic script. Raises ScriptFailedError."""

    def call(self, text: str, *numbers: float) -> str | float:
        """The result of the browser's one function. Raises ScriptFailedError."""

    def run_jobs(self) -> bool:
        """Run what promises have pending, until there is nothing. Whether there was anything.
        Errors are the script's own."""


EngineFactory = Callable[[str], Engine]
"""Makes a realm; the parameter is the source of the browser, which returns its function."""
