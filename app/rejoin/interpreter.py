"""Keeps the interpreter from pausing: its event loop, switches of threads, garbage collection."""

from __future__ import annotations

import asyncio
import ctypes
import functools
import gc
import sys
from collections.abc import Callable

SWITCH_INTERVAL_S = 0.0005
"""How long a thread may hold the interpreter lock while another one waits for it (media.md)."""


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's event loop if it is installed (not on Windows), else None: asyncio's.

    uvloop saves a fifth of the stream thread's CPU time (6.1 instead of 7.4 % of a core at 720p60
    and 15 Mbit/s, emulator, loopback, 2026-11-27).
    """
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def freeze_startup_objects() -> None:
    """Prepare for a stream, or for serving, once everything is imported.

    Makes threads switch quickly, and excludes all objects that exist by now (modules, classes,
    schemas, tables) from garbage collection: with them, a full collection stopped every thread for
    80 ms, in the middle of about one in fifteen rejoins (measured 2026-11-28). Done only once:
    garbage that exists at that moment is never freed, and there is little of it at the start.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    _freeze_once()
    gc.enable()  # where `cli.no_collections` stopped it


@functools.cache
def _freeze_once() -> None:
    """Not by `gc.get_freeze_count`: Python 3.12 freezes some objects itself when it starts.

    The interpreter makes a full collection only once a quarter of the objects of the last one are
    new. Without one now, when hardly any object is left to look at, that would be a quarter of all
    that was frozen: the remains of sixty connections, with their buffers.
    """
    gc.freeze()
    gc.collect()


Collect = Callable[[], object]
_collect_by: Callable[[Collect], object] | None = None


def collect_by(call: Callable[[Collect], object] | None) -> None:
    """`call` gets each collection of `collect_soon`, on the event loop, and has to run it on the
    thread of the window: Qt's objects that are freed on another one leave their timers behind,
    which end the process. None: they run on the event loop."""
    global _collect_by  # noqa: PLW0603 there is one collector
    _collect_by = call


COLLECT_AFTER_S = 2.0
"""Delay until well after the rejoin that closed the old connection."""


def collect_soon(*, trim: bool = False) -> None:
    """A connection was closed: free what the libraries left of it, at a moment when nobody waits.

    That is some 2,000 objects in cycles and 0.3 MB, freed in a few milliseconds. Left to the
    interpreter it would be those of thirty connections at once, in the middle of anything. Called
    on an event loop; where startup objects are not frozen, a collection would take too long.

    `trim`: return the memory to the system, too, for a process that makes a new encoder for each
    connection.
    """
    if _freeze_once.cache_info().currsize:
        collect = _collect_and_trim if trim else gc.collect
        asyncio.get_running_loop().call_later(COLLECT_AFTER_S, _run, collect)


def _run(collect: Collect) -> None:
    if _collect_by is None:
        collect()
    else:
        _collect_by(collect)


def _collect_and_trim() -> None:
    """glibc alone keeps what an arena has free between what is in use: encoders on threads of their
    own leave some 20 MB each in any of the arenas (720p, measured 2026-11-29)."""
    gc.collect()
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
