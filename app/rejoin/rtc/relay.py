"""The TURN allocation of one connection: made early, kept, and joined to ICE when it is offered.

It is made with the prepared connection, while the one before it plays, so that its relay candidate
is there when the offer is made. An offer waits 150 ms for it at most; an allocation that comes
later takes part in ICE without having been offered, as its checks reach a host that can be reached.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from aioice import Candidate, stun
from aioice.ice import Connection, StunProtocol

from rejoin.clock import Clock, boot_s
from rejoin.daemon_thread import run_in_daemon_thread
from rejoin.rtc.aiortc_seam import Address, is_closing, nominated_pair
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.ice_servers import TurnServer
from rejoin.rtc.turn_seam import add_socket, allocate, relay_of
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.relay")

JOIN_WITHIN_S: Final = 0.150
"""How long an offer waits for an allocation; a create call is delayed by less than 200 ms."""

ALLOCATE_WITHIN_S: Final = 10.0
APART_S: Final = 0.050
"""Pause between requests to two servers; the first allocation is used."""

KEEP_EVERY_S: Final = 15.0
"""How often the server is asked to confirm. NATs forget a UDP flow after 30 s of silence, and an
allocation that is gone must be noticed while there is time to make another."""

ANSWER_WITHIN_S: Final = 5.0
AGAIN_AFTER_S: Final = 15.0
FRESH_S: Final = 45.0
"""An allocation that was confirmed longer ago (the machine slept) is made anew."""


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """The TURN servers that connections may use. `rules` hold for the servers' addresses too."""

    servers: tuple[TurnServer, ...] = ()
    rules: NetworkRules = field(default_factory=NetworkRules)


class Relay:
    """Makes and keeps one allocation, from `start` to `close`. For one event loop."""

    def __init__(
        self, connection: Connection, settings: RelaySettings, *, clock: Clock = boot_s
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._clock = clock
        self._on_socket: Callable[[StunProtocol], None] | None = None
        self._socket: StunProtocol | None = None
        self._confirmed_at = 0.0
        self._ready = asyncio.Event()
        self._confirm = asyncio.Event()
        self._joined = False
        self._warned = False
        self._task: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether there is an allocation that an offer can have."""
        return self._socket is not None and self._usable(self._socket)

    def start(self) -> None:
        self._task = spawn(self._run(), name="relay")

    def confirm(self) -> None:
        """Ask the server now whether the allocation stands, as it may be needed soon."""
        self._confirm.set()

    async def join(self, on_socket: Callable[[StunProtocol], None]) -> Sequence[Candidate]:
        """Let ICE use the allocation, now or when it comes; the candidate if there is one now.

        `on_socket(socket)` is called before ICE uses it.
        """
        if self._socket is not None and not self._usable(self._socket):
            await cancel(self._task)
            self._drop()
            self.start()
        try:
            async with asyncio.timeout(JOIN_WITHIN_S):
                await self._ready.wait()
        except TimeoutError:
            _log.info("the offer goes without a relay candidate")
        self._on_socket = on_socket
        if self._socket is None:
            return []
        self._join(self._socket, on_socket)
        return [self._socket.local_candidate]

    async def close(self) -> None:
        """End the allocation, whatever its state; the server's answer is not awaited."""
        await cancel(self._task)
        self._drop()

    # --- its life ---------------------------------------------------------------------------------

    async def _run(self) -> None:
        while not self._is_superfluous():
            found = await self._allocate()
            if found is not None:
                self._confirmed_at = self._clock()
                self._ready.set()
                if self._on_socket is not None:
                    self._join(found, self._on_socket)
                await self._keep(found)
                self._drop()
                if self._joined:
                    return
                continue
            await asyncio.sleep(AGAIN_AFTER_S)

    def _join(self, relayed: StunProtocol, on_socket: Callable[[StunProtocol], None]) -> None:
        if not self._joined and not self._is_superfluous():
            self._joined = True
            on_socket(relayed)
            add_socket(self._connection, relayed)

    def _is_superfluous(self) -> bool:
        """Whether ICE has chosen a path without this relay, or has ended."""
        pair = nominated_pair(self._connection)
        chosen = pair is not None and pair.protocol is not self._socket
        return chosen or is_closing(self._connection)

    def _usable(self, relayed: StunProtocol) -> bool:
        transport = relay_of(relayed)
        return (
            transport is not None
            and not transport.is_closing()
            and self._clock() - self._confirmed_at < FRESH_S
            and _source_address(transport.server_address) == transport.local_address
        )

    def _drop(self) -> None:
        self._ready.clear()
        relayed, self._socket = self._socket, None
        transport = None if relayed is None else relay_of(relayed)
        if transport is not None:
            transport.close()

    async def _keep(self, relayed: StunProtocol) -> None:
        """Until it is lost or superfluous. One that is in use is given up only when the server
        says that it is gone: silence is judged by `core/health`."""
        transport = relay_of(relayed)
        assert transport is not None, "made by `allocate`"
        while True:
            self._confirm.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(KEEP_EVERY_S):
                    await self._confirm.wait()
            if transport.is_closing() or self._is_superfluous():
                return
            try:
                async with asyncio.timeout(ANSWER_WITHIN_S):
                    await transport.refresh()
                self._confirmed_at = self._clock()
            except stun.TransactionFailed:
                return
            except (OSError, TimeoutError, stun.TransactionError):
                if not self._joined:
                    return

    # --- making one -------------------------------------------------------------------------------

    async def _allocate(self) -> StunProtocol | None:
        """The first allocation that any server grants, which is kept; None if none does in time."""
        waiting = {
            spawn(self._attempt(number, server), name=f"relay-{number}")
            for number, server in enumerate(self._settings.servers)
        }
        everything, found = set(waiting), None
        assert self._socket is None, "the one before was dropped"
        try:
            async with asyncio.timeout(ALLOCATE_WITHIN_S):
                while waiting and found is None:
                    done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                    found = next((each for task in done if (each := task.result())), None)
                    self._socket = found  # before the next await, where `close` may interrupt
        except TimeoutError:
            self._warn("no TURN server answered in time")
        finally:
            await cancel(*waiting)
            for task in everything:
                if not task.cancelled() and (late := task.result()) not in (None, found):
                    late.transport.close()
        return found

    async def _attempt(self, number: int, server: TurnServer) -> StunProtocol | None:
        await asyncio.sleep(number * APART_S)
        try:
            address, context = await run_in_daemon_thread(
                lambda: _prepare(server, self._settings.rules),
                name="turn-lookup",
                within_s=ALLOCATE_WITHIN_S,
            )
            if address is None:
                self._warn(f"TURN server {number + 1} is at an address that the profile forbids")
                return None
            return await allocate(self._connection, server, address, context)
        except stun.TransactionFailed as error:
            code = error.response.error_code
            why = "its user name or credential is wrong" if code == 401 else f"error {code}"
            self._warn(f"TURN server {number + 1} refused ({why})")
        except (OSError, ValueError, stun.TransactionError) as error:
            self._warn(f"TURN server {number + 1} cannot be used ({type(error).__name__})")
        return None

    def _warn(self, what: str) -> None:
        if self._warned:
            _log.info("%s", what)
        else:
            _log.warning("%s; the game is tried without it", what)
        self._warned = True


def _prepare(
    server: TurnServer, rules: NetworkRules
) -> tuple[Address | None, ssl.SSLContext | None]:
    """What may block: the server's first address that the rules allow, and its TLS context."""
    found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_DGRAM)
    hosts = [str(address[0]) for _, _, _, _, address in found]
    host = next((each for each in hosts if rules.allow_server(each)), None)
    address = None if host is None else (host, server.port)
    return address, ssl.create_default_context() if server.tls else None


def _source_address(server: Address) -> str | None:
    """The address that this machine would send from now; nothing is sent."""
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(server)
            source: str = probe.getsockname()[0]
        except OSError:
            return None
        return source
