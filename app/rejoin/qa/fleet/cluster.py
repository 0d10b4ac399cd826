"""Dask: a cluster of processes on this machine, or one that runs elsewhere (ADR 0086).

Rule 1: a batch stays on its place. A worker that ends takes its batch with it: Dask would give the
        task to the next worker, and to three more after that one.
Rule 2: a place runs one batch at a time. Its players have a process of their own, so that they take
        no time from Dask, and their crash ends no worker.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from typing import Any, Final, Literal, Protocol, TypeVar

import dask
from distributed import Client, Event, Future, LocalCluster, as_completed

from rejoin.errors import ServiceError
from rejoin.qa.fleet import batch as task
from rejoin.qa.fleet.messages import Batch, FromBatch, from_text
from rejoin.qa.fleet.players import Signal

WORKERS_WITHIN_S: Final = 60.0
_CONFIGURATION: Final = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.worker-ttl": None,  # a busy machine is no dead one
    "distributed.comm.timeouts.tcp": "300s",
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
}
_QUIET: Final = "DASK_LOGGING__DISTRIBUTED"
"""How much workers' processes log; the run learns in other ways what happens to them."""

_GONE: Final = (
    "Dask's scheduler is gone, so nothing is known of the players that still played. Workers end "
    "their games by themselves."
)

_NO_WORKERS: Final = "Dask has no workers any more, so that no player can be placed."

State = Literal["playing", "over", "lost"]
_Value = TypeVar("_Value")
_Found = TypeVar("_Found")


class Placement(Protocol):
    """A batch on its place."""

    def state(self) -> State:
        """ "lost": its process is gone, or it failed. Raises ServiceError: nobody knows."""


class Cluster(Protocol):
    """Where batches play. Every call raises ServiceError if whoever places batches is gone: then
    nothing is known of any of them, and their workers end the games by themselves."""

    @property
    def places(self) -> tuple[str, ...]:
        """Those that are there now: a worker may have ended since the last case."""

    def listen(self, run: str, hear: Callable[[FromBatch], None]) -> None:
        """Pass the messages of this run's batches to `hear`, on a thread of its own."""

    def submit(self, batch: Batch, place: str) -> Placement: ...

    def give(self, run: str, signal: Signal) -> None:
        """Give a signal to all batches of this run."""


@contextlib.contextmanager
def opened(scheduler: str | None, workers: int) -> Iterator[DaskCluster]:
    """The cluster of this scheduler; None: one of so many processes on this machine.

    Raises ServiceError where it cannot be reached, or has no workers.
    """
    for name in ("distributed", "distributed.client"):  # Dask gives the second a level of its own
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with contextlib.ExitStack() as stack:
        os.environ[_QUIET] = "critical"
        stack.callback(os.environ.pop, _QUIET, None)
        stack.enter_context(dask.config.set(_CONFIGURATION))
        address: Any = scheduler
        if scheduler is None:
            address = stack.enter_context(
                LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    scheduler_kwargs={"dashboard": False},
                    memory_limit=None,
                    silence_logs=logging.CRITICAL,
                )
            )
        try:
            client = stack.enter_context(Client(address, timeout=WORKERS_WITHIN_S))
            client.wait_for_workers(1 if scheduler else workers, timeout=WORKERS_WITHIN_S)
        except (OSError, TimeoutError, ValueError) as error:
            raise ServiceError(
                f"Dask's scheduler cannot be reached, or has no workers ({type(error).__name__})."
            ) from error
        yield DaskCluster(client)


class DaskCluster:
    """May be used on any thread but Dask's own."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def places(self) -> tuple[str, ...]:
        found = tuple(sorted(self._present()))
        if not found:
            raise ServiceError(_NO_WORKERS)
        return found

    def listen(self, run: str, hear: Callable[[FromBatch], None]) -> None:
        lock = threading.Lock()

        def handle(event: tuple[float, str]) -> None:
            with lock:
                hear(from_text(event[1]))

        with self._scheduler():
            self._client.subscribe_topic(task.topic_of(run), handle)

    def submit(self, batch: Batch, place: str) -> Placement:
        with self._scheduler():
            future = self._client.submit(
                task.play,
                batch,
                key=f"{batch.run}-{batch.number}",
                workers=[place],
                allow_other_workers=False,
                retries=0,
                pure=False,
            )
        return _DaskPlacement(future, lambda: place in self._present())

    def give(self, run: str, signal: Signal) -> None:
        with self._scheduler():
            Event(task.event_of(run, signal), client=self._client).set()

    def each(
        self,
        work: Callable[[_Value], _Found],
        values: Sequence[_Value],
        progress: Callable[[int], None],
    ) -> tuple[_Found, ...]:
        """Compute this of each value on any worker, in the order of the values. `progress` gets how
        many are done. Raises ServiceError if a worker cannot do it, or the scheduler is gone.

        Unlike a batch it may be done twice: `work` has to be pure, and of a module that the workers
        have.
        """
        try:
            with self._scheduler():
                futures = self._client.map(work, values, pure=False)
                for done, _ in enumerate(as_completed(futures), 1):
                    progress(done)
                return tuple(self._client.gather(futures))
        except ServiceError:
            raise  # of the scheduler
        except Exception as error:
            # of Dask, or whatever a worker raised; it may be of another version of Rejoin
            raise ServiceError(
                f"A worker of Dask could not compute its part ({type(error).__name__}). "
                "Workers need this version of Rejoin with the parts qa and fleet."
            ) from error

    def _present(self) -> set[str]:
        # Not `scheduler_info`: it reads a record that the client also writes every two seconds,
        # then without workers, so that all of them seemed to be gone now and then.
        with self._scheduler():
            scheduler = self._client.scheduler
            if scheduler is None:
                raise ServiceError(_GONE)
            return set(self._client.sync(scheduler.identity, n_workers=-1)["workers"])

    @contextlib.contextmanager
    def _scheduler(self) -> Iterator[None]:
        """Raises ServiceError where it is gone, before or after what is done with it: calls of the
        client pass over that."""
        try:
            self._check()
            yield
            self._check()
        except (OSError, TimeoutError, CancelledError) as error:
            raise ServiceError(_GONE) from error

    def _check(self) -> None:
        if self._client.status != "running":
            raise ServiceError(_GONE)


class _DaskPlacement:
    def __init__(self, future: Future[int], is_present: Callable[[], bool]) -> None:
        self._future = future
        self._is_present = is_present

    def state(self) -> State:
        # In this order: a client that has lost its scheduler says so before it cancels its futures.
        status = self._future.status
        present = self._is_present()
        if status == "finished":
            return "over"
        if status in ("error", "cancelled", "lost") or not present:
            # Its worker may come back under another address: it must not be played there again.
            self._future.cancel()
            return "lost"
        return "playing"
