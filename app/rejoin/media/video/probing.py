"""Runs probes on a thread, one after another, each in a process of its own.

A driver that crashes or hangs takes its process down, and no more than that.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Sequence

_END_WITHIN_S = 1.0


class ProbeError(Exception):
    """A probe gave no answer. The message says why, in a few words."""


class Probing:
    """A thread for `work`, which calls `answer`. `timeout_s`: a probe that takes longer is taken to
    hang, and killed."""

    def __init__(self, thread_name: str, work: Callable[[], None], timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._closed = False
        self._child: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=work, name=thread_name, daemon=True)

    @property
    def begun(self) -> bool:
        return self._thread.ident is not None

    @property
    def closed(self) -> bool:
        """Whether the results are no longer wanted."""
        with self._lock:
            return self._closed

    def begin(self) -> None:
        """To be called once."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the end of `work`."""
        self._thread.join()

    def close(self) -> None:
        """Kill a running probe and wait for the end of `work`, for a second at most."""
        with self._lock:
            self._closed = True
            if self._child is not None:
                self._child.kill()
        if self.begun:
            self._thread.join(_END_WITHIN_S)

    def answer(self, command: Sequence[str]) -> tuple[int, str]:
        """The exit code and output of this command. Raises ProbeError."""
        with self._lock:
            if self._closed:
                raise ProbeError("closed")
            try:
                child = self._child = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    encoding="utf-8",
                    errors="replace",
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
            except OSError as error:
                raise ProbeError(f"it could not be probed ({error.strerror})") from error
        try:
            output, _ = child.communicate(timeout=self._timeout_s)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            raise ProbeError(f"the probe did not end within {self._timeout_s:g} s") from None
        finally:
            with self._lock:
                self._child = None
        return child.returncode, output
