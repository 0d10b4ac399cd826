"""One process of the sandbox, from the outside: its pipes, its answers in order, and its end.

Used on the event loop alone, but for `lay_down`. A command that stays unanswered ends the process
(SIGKILL).
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import os
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, cast

from rejoin.clock import boot_s
from rejoin.errors import InputModuleError
from rejoin.input_events.events import PadState
from rejoin.input_module import frames, outbox, pad_mailbox
from rejoin.input_module.frames import Kind
from rejoin.input_module.limits import Limits, Spending
from rejoin.input_module.outbox import Answer, Status


class Ended(enum.Enum):
    """Why a process ended. NOT_STARTED: it never said hello."""

    NOT_STARTED = "not started"
    DIED = "died"
    HUNG = "hung"
    TOO_MUCH = "too much"
    NO_SENSE = "no sense"


class Sort(enum.Enum):
    """What a frame was sent for. SCRIPT may take long; SCRIPT, INSTANCE and ATTACH must not throw;
    EVENT is counted."""

    SCRIPT = enum.auto()
    INSTANCE = enum.auto()
    ATTACH = enum.auto()
    EVENT = enum.auto()
    OTHER = enum.auto()


_MESSAGES: Final = (outbox.Sent, outbox.ApplicationMessage)


class Listener(Protocol):
    """The owner of a worker. After `ended` nothing more is called."""

    def answered(self, sort: Sort | None, answer: Answer) -> None:
        """`sort`: of the frame that is answered; None if nothing was asked."""

    def ended(self, why: Ended) -> None: ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    sort: Sort
    sent_tick: int
    then: asyncio.Future[None] | None = None


def environment() -> dict[str, str]:
    """Empty, but for what Python cannot start without on Windows."""
    needed = ("SYSTEMROOT",) if sys.platform == "win32" else ()
    return {name: os.environ[name] for name in needed if name in os.environ}


class Worker(asyncio.SubprocessProtocol):
    """Frames that are sent before the process runs wait for it."""

    def __init__(self, listener: Listener, limits: Limits) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener: Listener | None = listener
        self._limits = limits
        self._spending = Spending(limits)
        self._decoder = frames.Decoder(frames.MAX_ANSWER_BYTES)
        self._process: asyncio.SubprocessTransport | None = None
        self._input: asyncio.WriteTransport | None = None
        self._unsent = bytearray()
        self._pads: pad_mailbox.Sender | None = None
        self._sent = 0
        """Frames, to say after which of them the state of a gamepad counts."""
        self._waiting: deque[_Waiting] = deque()
        self._said_hello = False
        self._has_exited = self._read_all = False
        self._tick = 0
        self._fresh_tick = 0
        self._idle_ticks = 0
        self._timer = self._loop.call_later(limits.tick_s, self._on_tick)
        self._exited: asyncio.Future[None] = self._loop.create_future()

    async def start(self, command: Sequence[str]) -> None:
        """Start the process. If that fails, the listener hears it."""
        with contextlib.suppress(OSError):  # without it states are sent
            self._pads = None if sys.platform == "win32" else pad_mailbox.Sender()
        pads = self._pads
        try:
            transport, _ = await self._loop.subprocess_exec(
                lambda: self,
                *command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL if pads is None else pads.descriptor,
                env=environment(),
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError:
            self._exited.set_result(None)
            self.end(Ended.NOT_STARTED)
            return
        finally:
            if pads is not None:
                pads.started()
        self._process = transport
        if self.is_over():  # ended meanwhile
            self._kill()
            self._close_pads()
            if self._exited.done():
                transport.close()
            return
        # uvloop's transports are no subclasses of asyncio's.
        self._input = cast(asyncio.WriteTransport, transport.get_pipe_transport(0))
        self._input.write(bytes(self._unsent))
        self._unsent.clear()

    def send(self, kind: Kind, payload: bytes, sort: Sort) -> None:
        self._send(kind, payload, _Waiting(sort, self._tick))

    def lay_down(self, pad: PadState) -> bool:
        """Lay the state of a gamepad where the process finds it at its next command or timer. It is
        not woken, and answers nothing. False: the state has to be sent. On any thread."""
        return (
            self._pads is not None and self._input is not None and self._pads.put(self._sent, pad)
        )

    def settled(self) -> asyncio.Future[None]:
        """Done when all that was sent so far is answered, or the process has ended."""
        future: asyncio.Future[None] = self._loop.create_future()
        if self._listener is None or not self._waiting:
            future.set_result(None)
        else:
            self._send(Kind.PING, b"", _Waiting(Sort.OTHER, self._tick, future))
        return future

    def is_behind(self) -> bool:
        """Whether so much waits to be read by the process that nothing optional should be added."""
        size = len(self._unsent)
        if self._input is not None:
            size += self._input.get_write_buffer_size()
        return size > self._limits.unsent_bytes

    def _send(self, kind: Kind, payload: bytes, waiting: _Waiting) -> None:
        if self._listener is None:
            return
        self._waiting.append(waiting)
        self._sent += 1
        self._idle_ticks = 0
        frame = frames.encode(kind, payload)
        if self._input is None:
            self._unsent += frame
        elif not self._input.is_closing():
            self._input.write(frame)

    def end(self, why: Ended | None) -> None:
        """Kill the process. The listener hears it with a reason, and without one not."""
        listener, self._listener = self._listener, None
        self._timer.cancel()
        self._close_pads()
        self._kill()
        for waiting in self._waiting:
            if waiting.then is not None and not waiting.then.done():
                waiting.then.set_result(None)
        self._waiting.clear()
        if listener is not None and why is not None:
            listener.ended(why)

    def _close_pads(self) -> None:
        if self._pads is not None:
            self._pads.close()

    def _kill(self) -> None:
        if self._process is not None and self._process.get_returncode() is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def gone(self) -> None:
        """Wait until the process is gone, and its pipes are closed."""
        await asyncio.shield(self._exited)

    def is_over(self) -> bool:
        """Whether it was ended, by whatever."""
        return self._listener is None

    def is_gone(self) -> bool:
        return self._exited.done() and self.is_over()

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.get_pid()

    # --- asyncio.SubprocessProtocol ---

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        if self._listener is None or isinstance(data, str):
            return
        try:
            for kind, payload in self._decoder.feed(data):
                self._on_frame(kind, payload)
                if self.is_over():
                    return
        except InputModuleError:
            self.end(Ended.NO_SENSE)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1:
            self._read_all = True
            self._on_end()

    def process_exited(self) -> None:
        self._has_exited = True
        self._on_end()

    def _on_end(self) -> None:
        """What it said last is read first: a loop that stood still may hear of the end before."""
        if self._has_exited and self._read_all:
            self.end(Ended.DIED if self._said_hello else Ended.NOT_STARTED)

    def connection_lost(self, exc: Exception | None) -> None:
        """The process has ended and its pipes are closed."""
        if self._process is not None:
            self._process.close()
        if not self._exited.done():
            self._exited.set_result(None)

    # --- what came ---

    def _on_frame(self, kind: Kind, payload: bytes) -> None:
        if not self._said_hello:
            if kind is not Kind.HELLO:
                raise InputModuleError("The sandbox did not begin with hello.")
            self._said_hello = True
            self._fresh_tick = self._tick
            return
        if kind is Kind.UNASKED:
            self._on_answer(None, payload)
        elif kind is Kind.ANSWER and self._waiting:
            self._on_answer(self._waiting.popleft(), payload)
        else:
            raise InputModuleError("The sandbox answered what nobody asked.")

    def _on_answer(self, waiting: _Waiting | None, payload: bytes) -> None:
        cpu_s, text = frames.decode_answer(payload)
        answer = outbox.parse(text)
        sort = None if waiting is None else waiting.sort
        if sort is Sort.SCRIPT:
            self._fresh_tick = self._tick
        if not self._within(answer, cpu_s, asked=waiting is not None):
            self.end(Ended.TOO_MUCH)
            return
        if answer.status is Status.BROKEN:
            self.end(Ended.NO_SENSE)
            return
        if self._listener is not None:
            self._listener.answered(sort, answer)
        if waiting is not None and waiting.then is not None and not waiting.then.done():
            waiting.then.set_result(None)

    def _within(self, answer: Answer, cpu_s: float, *, asked: bool) -> bool:
        now = boot_s()
        within = self._spending.answer(cpu_s, now, asked=asked)
        sizes = [len(said.data) for said in answer.said if isinstance(said, _MESSAGES)]
        return (not sizes or self._spending.messages(len(sizes), sum(sizes), now)) and within

    # --- the watch ---

    def _on_tick(self) -> None:
        """Ages are counted in ticks: a loop that stood still itself blames nobody."""
        self._tick += 1
        limits = self._limits
        self._timer = self._loop.call_later(limits.tick_s, self._on_tick)
        patience_s = limits.patience_s
        slow = any(waiting.sort is Sort.SCRIPT for waiting in self._waiting)
        if not self._said_hello or slow:
            patience_s = limits.start_s
        since = self._fresh_tick
        if self._waiting:
            since = max(since, self._waiting[0].sent_tick)
        if self._said_hello and not self._waiting:
            self._idle_ticks += 1
            if self._idle_ticks * limits.tick_s >= limits.ping_s:
                self.send(Kind.PING, b"", Sort.OTHER)
            return
        # One tick more: the first one may have come right after the command.
        if (self._tick - since - 1) * limits.tick_s >= patience_s - 1e-9:
            self.end(Ended.HUNG)
