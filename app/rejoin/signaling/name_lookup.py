"""Looks up the addresses of the studio's backend; a name server that hangs delays nothing else.

`socket.getaddrinfo` blocks for as long as the resolver likes and cannot be stopped. In the event
loop's thread pool two hung look-ups held the opening of a UDP socket for 5 s each under uvloop,
and one that was still running at the end crashed the process (measured 2026-11-29). So each runs
on a daemon thread. The last good addresses are kept: if the name server fails, a reachable backend
is still found.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rejoin.clock import Clock, boot_s
from rejoin.daemon_thread import run_in_daemon_thread
from rejoin.tasks import cancel, spawn

DEADLINE_S: Final = 2.0
"""How long a look-up may take when no address is known yet."""
REFRESH_S: Final = 0.25
"""How long it may take when addresses are known; after that the last good ones are used."""
_MAX_HUNG: Final = 4
"""The most look-ups at the same time; more would hang too."""
_HUNG_AFTER_S: Final = 60.0
"""When a thread stops waiting for the outcome; the resolver's own time-outs are shorter."""

Resolve = Callable[[str, int], list[str]]
"""The addresses of a name, in order of preference; blocks. Raises OSError or UnicodeError."""


def resolved(host: str, port: int) -> list[str]:
    """The addresses from this machine's resolver, each once. Blocks."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_address(host: str) -> bool:
    """Whether this is an address in its usual spelling, which needs no look-up."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Running:
    task: asyncio.Task[list[str] | OSError | UnicodeError]
    began_at: float


class NameLookup:
    """The look-ups of one backend's client. To be used in one event loop."""

    def __init__(self, resolve: Resolve | None = None, clock: Clock = boot_s) -> None:
        """`resolve`: None: `resolved`."""
        self._resolve = resolve or resolved
        self._clock = clock
        self._last_good: dict[tuple[str, int], list[str]] = {}
        self._running: dict[tuple[str, int], list[_Running]] = {}

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host, at least one.

        Raises OSError if there are none, or the look-up took longer than `DEADLINE_S`.
        """
        if is_address(host):
            return [host]
        key = host, port
        last_good = self._last_good.get(key)
        running = self._lookup(key)
        patience_s = DEADLINE_S if last_good is None else REFRESH_S
        await asyncio.wait({running}, timeout=patience_s)
        if running.done() and not running.cancelled():
            found = running.result()
            if not isinstance(found, Exception):
                return found
            if last_good is None:
                raise _as_os_error(found)
        if last_good is not None:
            return last_good
        raise socket.gaierror(socket.EAI_AGAIN, "the name was not looked up in time")

    def _lookup(self, key: tuple[str, int]) -> asyncio.Task[list[str] | OSError | UnicodeError]:
        """A new look-up of this name, or an earlier one that may still end soon."""
        running = [each for each in self._running.get(key, []) if not each.task.done()]
        self._running[key] = running
        now = self._clock()
        newest = running[-1] if running else None
        fresh = newest is not None and now - newest.began_at < DEADLINE_S
        if newest is not None and (fresh or len(running) >= _MAX_HUNG):
            return newest.task
        task = spawn(self._resolve_name(key), name="look up the backend")
        running.append(_Running(task, now))
        return task

    async def _resolve_name(self, key: tuple[str, int]) -> list[str] | OSError | UnicodeError:
        host, port = key
        try:
            found = await run_in_daemon_thread(
                lambda: self._resolve(host, port), name="lookup", within_s=_HUNG_AFTER_S
            )
        except (OSError, UnicodeError) as error:
            return error
        if not found:
            return socket.gaierror(socket.EAI_NONAME, "the name has no address")
        self._last_good[key] = found
        return found

    async def aclose(self) -> None:
        """Stop waiting for look-ups."""
        await cancel(*(each.task for running in self._running.values() for each in running))
        self._running.clear()


def _as_os_error(error: OSError | UnicodeError) -> OSError:
    if isinstance(error, OSError):
        return error
    return socket.gaierror(socket.EAI_NONAME, "the name cannot be looked up")
