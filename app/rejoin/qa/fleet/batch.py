"""A batch as a task of Dask: starts its process, and passes on its messages and the run's
signals."""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import threading
from collections.abc import Callable, Mapping
from typing import IO, Any, Final, Protocol

from distributed import Event, get_worker

from rejoin.child_program import child_command, end_child
from rejoin.qa.fleet.messages import Batch
from rejoin.qa.fleet.players import Signal

SIGNALS: Final[tuple[Signal, ...]] = ("start", "begin", "stop")
ASK_EVERY_S: Final = 0.5
END_WITHIN_S: Final = 60.0
"""How long a process that was stopped may take to end its games."""


class Given(Protocol):
    """A signal of the run."""

    def wait(self, timeout_s: float) -> bool: ...


def topic_of(run: str) -> str:
    """The topic to which the batches of a run send messages."""
    return f"rejoin-{run}"


def event_of(run: str, signal: Signal) -> str:
    """The name of a signal of a run."""
    return f"rejoin-{run}-{signal}"


def play(batch: Batch) -> int:
    """Play the batch on a worker of Dask; returns the exit code of the batch's process."""
    worker = get_worker()
    topic = topic_of(batch.run)
    signals = {name: _DaskEvent(Event(event_of(batch.run, name))) for name in SIGNALS}
    return play_in_process(batch, lambda line: worker.log_event(topic, line), signals)


class _DaskEvent:
    def __init__(self, event: Any) -> None:
        self._event = event

    def wait(self, timeout_s: float) -> bool:
        return bool(self._event.wait(timeout_s))


def play_in_process(
    batch: Batch, say: Callable[[str], None], signals: Mapping[Signal, Given]
) -> int:
    """Play the batch in a process of its own. `say` gets each line of output, on another thread."""
    process = subprocess.Popen(
        child_command("qa-batch"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Ctrl+C in a terminal stops only the run: the batch then ends its games.
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    reader = threading.Thread(target=_pass_on, args=(process.stdout, say), daemon=True)
    reader.start()
    try:
        with contextlib.suppress(OSError, ValueError):  # it ended at once
            pickle.dump(batch, process.stdin)
            process.stdin.flush()
        _signal(process, process.stdin, signals)
    finally:
        end_child(process, END_WITHIN_S)
        reader.join(END_WITHIN_S)
        process.stdout.close()
    return process.returncode


def _signal(
    process: subprocess.Popen[bytes], stdin: IO[bytes], signals: Mapping[Signal, Given]
) -> None:
    """Until it has ended, or is to."""
    waiting = list(SIGNALS)
    while process.poll() is None:
        if not signals[waiting[0]].wait(ASK_EVERY_S):
            if waiting[0] != "stop" and signals["stop"].wait(0.05):
                return
            continue
        name = waiting.pop(0)
        if name == "stop":
            return
        with contextlib.suppress(OSError, ValueError):
            stdin.write(f"{name}\n".encode())
            stdin.flush()


def _pass_on(out: IO[bytes], say: Callable[[str], None]) -> None:
    for line in out:
        say(line.decode("utf-8", "replace").rstrip())
