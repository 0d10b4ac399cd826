"""The sandbox's program: reads commands, runs the module, and writes what it did.

Its only descriptors are standard input and output, and in the place of standard error the pipe of
the gamepads' states. It parses nothing of what the module says: that text goes to the parent
process, which treats it as data.
"""

from __future__ import annotations

import itertools
import os
import queue
import select
import stat
import sys
import threading
import time
from collections.abc import Iterator
from typing import Protocol

from rejoin.errors import RejoinError
from rejoin.input_module import frames, lockdown
from rejoin.input_module.browser_source import browser_source
from rejoin.input_module.engine import Engine, ScriptFailedError
from rejoin.input_module.frames import Kind
from rejoin.input_module.pad_mailbox import DESCRIPTOR, Numbers, Receiver

EXIT_NOT_CLOSED_IN = 3
"""The process could not be closed in, so no script was run."""

_CHUNK = 65_536
SILENT = "ok\n-1\n0\n"
"""The answer where nothing was said."""

GO_ON = "+"
"""For the browser: what follows belongs to the answer before."""

BROKEN = "broken\n-1\n1\n"
"""The answer where the browser itself failed: the module took all memory or broke the realm."""


MAX_STATES = 32
"""That wait for a module that does not run."""

_ANY_PAD = -2.0
"""As in commands.js: -2 - 12.5: 12.5 ms, or until there is a state of a gamepad."""


class Reader(Protocol):
    def read(self, timeout_s: float | None, *, for_pads: bool = False) -> bytes | None:
        """What came; b"" at the end; None after `timeout_s`, or with `for_pads`, where that is
        possible, when a state of a gamepad lies there."""


class PollReader:
    """Reads a pipe, where it can be waited for with a time limit (not on Windows)."""

    def __init__(self, descriptor: int, pads: int | None = None) -> None:
        """`pads`: of the pipe where states of gamepads lie, if there is one."""
        self._descriptor = descriptor
        self._alone, self._with_pads = select.poll(), select.poll()
        for each in (self._alone, self._with_pads):
            each.register(descriptor, select.POLLIN)
        if pads is not None:
            self._with_pads.register(pads, select.POLLIN)

    def read(self, timeout_s: float | None, *, for_pads: bool = False) -> bytes | None:
        timeout_ms = None if timeout_s is None else max(0.0, timeout_s * 1000)
        found = (self._with_pads if for_pads else self._alone).poll(timeout_ms)
        if not found or all(descriptor != self._descriptor for descriptor, _ in found):
            return None
        return os.read(self._descriptor, _CHUNK)


class ThreadReader:
    """Reads a pipe on a thread of its own, for Windows."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._chunks: queue.Queue[bytes] = queue.Queue(maxsize=64)
        threading.Thread(target=self._run, name="rejoin-commands", daemon=True).start()

    def _run(self) -> None:
        while True:
            chunk = os.read(self._descriptor, _CHUNK)
            self._chunks.put(chunk)
            if not chunk:
                return

    def read(self, timeout_s: float | None, *, for_pads: bool = False) -> bytes | None:
        try:
            return self._chunks.get(timeout=timeout_s)
        except queue.Empty:
            return None


def write_all(descriptor: int, data: bytes) -> None:
    """Write to a pipe, which may take only a part at a time."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class Sandbox:
    """Runs commands in the engine, and timers when they are due."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._due_at: float | None = None
        self._cpu_s = time.process_time()
        self._pads: list[Numbers] = []
        """The states that the browser has not got, in order."""
        self.waits_for_pads = False
        """Whether a state of a gamepad shall end the pause."""

    def wait_s(self) -> float | None:
        """How long to wait for a command before `wake`; None without a limit."""
        return None if self._due_at is None else max(0.0, self._due_at - time.monotonic())

    def take_pad(self, state: Numbers) -> None:
        """The state of a gamepad, for whatever runs next."""
        pads = self._pads
        if pads and state[1] == 0 and pads[-1][0] == state[0]:  # sticks alone have moved
            state = (*pads.pop()[: -int(state[2])], *state[3:])
        elif len(pads) == MAX_STATES:
            del pads[0]
        pads.append(state)

    def take(self, kind: Kind, payload: bytes) -> bytes:
        """The answer to one frame."""
        match kind:
            case Kind.SCRIPT:
                text = self._evaluate(payload.decode("utf-8", "replace"))
            case Kind.COMMAND:
                text = self._steps(payload.decode("ascii"))
            case _:
                text = SILENT
        return self._answer(Kind.ANSWER, text)

    def wake(self) -> bytes:
        """What the module did by itself because a timer was due; nothing if it said nothing."""
        text = self._steps("")
        if text == SILENT:
            return b""  # its CPU time counts with the next answer
        return self._answer(Kind.UNASKED, text)

    def _answer(self, kind: Kind, text: str) -> bytes:
        before, self._cpu_s = self._cpu_s, time.process_time()
        return frames.encode_answer(kind, self._cpu_s - before, text)

    def _evaluate(self, script: str) -> str:
        try:
            self._engine.evaluate(script)
        except ScriptFailedError:
            self._steps("")
            return "threw\n-1\n1\n"
        self._engine.run_jobs()
        return self._steps('["e"]')

    def _steps(self, command: str) -> str:
        try:
            said = self._engine.call(command, *self._moved())
            while self._engine.run_jobs() or said == "1":
                said = self._engine.call(GO_ON)
        except ScriptFailedError:
            self._due_at, self.waits_for_pads = None, False
            return BROKEN
        if isinstance(said, str):
            self._schedule(_due_in(said))
            return said
        self._schedule(said)
        return SILENT

    def _moved(self) -> Iterator[float]:
        pads, self._pads = self._pads, []
        return itertools.chain.from_iterable(pads)

    def _schedule(self, due_ms: float) -> None:
        self.waits_for_pads = due_ms <= _ANY_PAD
        if self.waits_for_pads:
            due_ms = _ANY_PAD - due_ms
        # Not NaN either: what the module may have put there is only a time to wake up at.
        self._due_at = time.monotonic() + due_ms / 1000 if 0 <= due_ms < 1e9 else None


def _due_in(text: str) -> float:
    """The milliseconds in a text of the browser's."""
    try:
        return float(text.split("\n", 2)[1])
    except (IndexError, ValueError):
        return -1.0


def serve(sandbox: Sandbox, reader: Reader, output: int, pads: Receiver | None = None) -> None:
    """Answer commands until the pipe ends. `pads`: where states of gamepads lie, if anywhere."""
    decoder = frames.Decoder(frames.MAX_SCRIPT_BYTES)
    lockdown.still_there()
    heard_at = time.monotonic()
    taken = 0

    def hand_over_pads() -> None:
        for state in () if pads is None else pads.due(taken):
            sandbox.take_pad(state)

    while True:
        for_pads = sandbox.waits_for_pads and pads is not None and pads.is_open
        data = reader.read(sandbox.wait_s(), for_pads=for_pads)
        if pads is not None:
            pads.fetch()
        if data is None:
            hand_over_pads()
            write_all(output, sandbox.wake())
            continue
        if not data:
            return
        now = time.monotonic()
        if now - heard_at > 1:
            heard_at = now
            lockdown.still_there()
        for kind, payload in decoder.feed(data):
            hand_over_pads()
            write_all(output, sandbox.take(kind, payload))
            taken += 1


def main(_arguments: list[str]) -> int:
    """The program. It ends when its standard input does."""
    from rejoin.input_module.quickjs_engine import QuickJS

    sandbox = Sandbox(QuickJS(browser_source()))
    on_windows = sys.platform == "win32"
    pads = None if on_windows or not stat.S_ISFIFO(os.fstat(DESCRIPTOR).st_mode) else Receiver()
    reader: Reader = (
        ThreadReader(0) if on_windows else PollReader(0, None if pads is None else DESCRIPTOR)
    )
    try:
        lockdown.close_in()
    except RejoinError:
        return EXIT_NOT_CLOSED_IN
    try:
        write_all(1, frames.encode(Kind.HELLO))
        serve(sandbox, reader, 1, pads)
    except (OSError, RejoinError):
        pass  # the parent is gone
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
