"""A pool of processes that ends at once after Ctrl+C, an error, or the end of its owner."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor


@contextlib.contextmanager
def process_pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of `count` processes. Their work is cancelled if the block is left by an exception."""
    before = set(multiprocessing.active_children())
    # Spawned, not forked: the caller may have threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_follow_owner) as pool:
        try:
            yield pool
        except BaseException:
            # Without workers the pool is broken, and gives up what is still to be computed.
            for worker in set(multiprocessing.active_children()) - before:
                worker.terminate()
            raise


def _follow_owner() -> None:
    """In a worker: end with the process that owns the pool, which alone hears Ctrl+C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_wait_for_owner, name="owner of the pool", daemon=True).start()


def _wait_for_owner() -> None:
    owner = multiprocessing.parent_process()
    if owner is not None:
        owner.join()
        os._exit(1)
