"""Serves an ASGI application inside the running event loop, and reports the port that it got."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn

from rejoin.backend.connection_rules import ConnectionRules, protocol_of
from rejoin.errors import PortInUseError, ServiceError
from rejoin.tasks import cancel, spawn

_CLOSE_PATIENCE_S = 2
"""How long open requests may continue after the end; then they are cut."""
_ACCEPTED_AT_ONCE = 1
"""Connections that are accepted in one turn of the event loop, which asyncio has as its `backlog`;
uvloop always accepts one. Otherwise hundreds that come at once would delay all others until they
are accepted, read and parsed. The rest wait in the kernel's queue, whose length `ConnectionRules`
sets."""
_RULES = ConnectionRules()


@contextlib.asynccontextmanager
async def serving(
    app: Any,
    host: str,
    port: int,
    *,
    tls: ssl.SSLContext | None = None,
    rules: ConnectionRules = _RULES,
    stopping: asyncio.Event | None = None,
    close_patience_s: int = _CLOSE_PATIENCE_S,
) -> AsyncIterator[int]:
    """Serve `app` (ASGI) on `host`:`port`; 0 lets the system choose. Yields the bound port.

    With `tls` it serves https, else http. `stopping` is set on leaving, so that long polls end.

    Installs no signal handlers and configures no logging. On leaving, the port is closed first,
    then requests in flight get `close_patience_s`.

    Raises `PortInUseError` when the address is taken, `ServiceError` when it cannot be used or
    when the application does not start.
    """
    listening = _listen(host, port, rules.backlog)
    bound = int(listening.getsockname()[1])
    server = _QuietServer(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",
            backlog=_ACCEPTED_AT_ONCE,
            workers=1,  # explicit, or uvicorn would read WEB_CONCURRENCY
            timeout_graceful_shutdown=close_patience_s,
            http=protocol_of(rules),
            proxy_headers=bool(rules.proxies),
            forwarded_allow_ips=list(rules.proxies),
            timeout_keep_alive=rules.keep_alive_s,
            ssl_context_factory=None if tls is None else lambda _config, _default: tls,
        )
    )
    task = spawn(_run(server, listening), name=f"serve:{bound}")
    try:
        while not server.started:
            if task.done():
                raise ServiceError(f"The server on port {bound} could not start.")
            await asyncio.sleep(0.005)
        listening.listen(rules.backlog)
        yield bound
    finally:
        if stopping is not None:
            stopping.set()
        server.should_exit = True
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            # A cancelled caller must not leave the server running.
            await cancel(task)
            raise
        finally:
            listening.close()


async def _run(server: uvicorn.Server, listening: socket.socket) -> None:
    try:
        await server.serve(sockets=[listening])
    except SystemExit:
        # uvicorn's answer to an application that fails to start; `started` stays False.
        return


class _QuietServer(uvicorn.Server):
    """uvicorn without its signal handlers: signals belong to the caller of `serving`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(host: str, port: int, backlog: int) -> socket.socket:
    """A listening socket. Bound here because uvicorn would exit the process on failure."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:  # IDNA: a part that is empty or too long
        raise ServiceError(f"{host} is not an address that this machine can listen on.") from error
    listening = socket.socket(family, kind, protocol)
    try:
        # Lets a port that was just closed be bound again; two listeners still cannot share one.
        if hasattr(socket, "SO_REUSEADDR") and socket.SO_REUSEADDR:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setblocking(False)
        listening.bind(address)
        listening.listen(backlog)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(
                f"Port {port} on {host} is already in use; choose another or 0 for any free one."
            ) from error
        raise ServiceError(
            f"Cannot listen on port {port} of {host}: {error.strerror or 'refused'}."
        ) from error
    return listening
