"""Serves the emulated service and the studio's backend in this process.

The service's API and the control API are on loopback. So is what players need, the backend, the
input module's script and the streams, unless an address of the LAN is given.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Final

from starlette.applications import Starlette

from rejoin.backend.aws import AwsStreamService
from rejoin.backend.configuration import BackendSettings
from rejoin.backend.dialects import build_backend
from rejoin.backend.serving import serving
from rejoin.backend.store.database import Database
from rejoin.backend.store.sessions import SessionStore
from rejoin.emulator.host.game_host import GameHost
from rejoin.emulator.host.no_host import NoHost
from rejoin.emulator.service.api.app import build_app as build_api
from rejoin.emulator.service.api.armed_faults import ApiFaults
from rejoin.emulator.service.backend_faults import BackendFaults
from rejoin.emulator.service.certificates import (
    CertificateAuthority,
    context_with_untrusted_certificate,
)
from rejoin.emulator.service.control_server import build_control, new_token
from rejoin.emulator.service.protocol_script import PATH as PROTOCOL_PATH
from rejoin.emulator.service.protocol_script import route as protocol_route
from rejoin.emulator.service.script_faults import ScriptFaults
from rejoin.emulator.service.sessions import StreamSessions
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.emulator.service.stream_host import HostListener, StreamHost
from rejoin.errors import RejoinError
from rejoin.signaling.dialects import OURS, Dialect
from rejoin.studio.address import Studio
from rejoin.tasks import cancel, spawn

HOST: Final = "127.0.0.1"
STUDIO_SETTINGS: Final = EmulatorSettings(width=1280, height=720)
"""What `rejoin studio` starts with: smaller pictures than the service's default, because this
machine encodes them and decodes them too."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports to listen on; 0: the operating system chooses one. `address`: of this machine,
    where players find the backend, the input module's script and the streams."""

    backend: int = 0
    api: int = 0
    control: int = 0
    address: str = HOST


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that calls need; None: a new one."""

    player: str | None = field(default=None, repr=False)
    control: str | None = field(default=None, repr=False)


NEW_TOKENS: Final = Tokens()


@contextlib.asynccontextmanager
async def studio(
    settings: EmulatorSettings,
    ports: Ports | None = None,
    *,
    tokens: Tokens = NEW_TOKENS,
    database: str = ":memory:",
    dialect: Dialect = OURS,
    https: bool = False,
    no_host: bool = False,
) -> AsyncIterator[Studio]:
    """Serve until the block is left. With `https` the backend has a certificate of a CA that is
    made for this run. With `no_host` no game runs, and offers get canned answers.

    Raises PortInUseError, ServiceError, BadInputError.
    """
    ports = ports or Ports()
    address = ports.address
    player_token = tokens.player or secrets.token_urlsafe(24)
    control_token = tokens.control or new_token()
    script_port = 0

    def host(listener: HostListener, current: EmulatorSettings) -> StreamHost:
        url = f"http://{address}:{script_port}{PROTOCOL_PATH}"
        if no_host:
            return NoHost(listener, current, protocol_url=url, timers=service.timers)
        return GameHost(listener, current, protocol_url=url, listen_on=address)

    async with contextlib.AsyncExitStack() as stack:
        service = StreamSessions(settings, host)
        stack.push_async_callback(service.aclose)
        api_faults = ApiFaults()
        api = build_api(service, api_faults)
        script_faults = ScriptFaults()
        script = protocol_route(script_faults)
        api.router.routes.insert(0, script)  # the API's own route matches every path
        api_port = script_port = await stack.enter_async_context(serving(api, HOST, ports.api))
        api_url = f"http://{HOST}:{api_port}"
        if address != HOST:
            scripts = Starlette(routes=[script])
            script_port = await stack.enter_async_context(serving(scripts, address, 0))
        backend_faults = BackendFaults(https=https)
        ca = CertificateAuthority(address=address) if https else None
        backend = _BackendServer(
            backend_faults,
            None
            if ca is None
            else context_with_untrusted_certificate(ca, backend_faults.take_handshake),
            replace(
                _backend_settings(settings, api_url, player_token),
                database=database,
                dialect=dialect.name,
                port=ports.backend,
                host=address,
            ),
        )
        backend_port = await stack.enter_async_context(backend.up())
        control = build_control(
            service,
            control_token,
            api_faults=api_faults,
            backend_down=backend.down,
            backend_faults=backend_faults,
            script_faults=script_faults,
        )
        control_port = await stack.enter_async_context(serving(control, HOST, ports.control))
        yield Studio(
            backend_url=f"{'https' if https else 'http'}://{address}:{backend_port}",
            api_url=api_url,
            control_url=f"http://{HOST}:{control_port}",
            player_token=player_token,
            control_token=control_token,
            ca_pem=None if ca is None else ca.pem,
        )


def _backend_settings(
    settings: EmulatorSettings, api_url: str, player_token: str
) -> BackendSettings:
    """Settings of a backend that uses the emulated service, whose `connection_timeout_s` is that of
    the emulator: so it can be changed while it runs."""
    return BackendSettings(
        region=settings.region,
        stream_group=settings.stream_group_ids[0],
        application=settings.application_id,
        applications={each: each for each in settings.application_ids},
        tokens=(player_token,),
        endpoint_url=api_url,
        access_key_id=settings.access_key_id,
        secret_access_key=settings.secret_access_key,
        session_length_s=settings.session_length_s,
        host=HOST,
        unlimited=True,
    )


class _BackendServer:
    """The studio's backend on one port. It can be down for a while, and then listens again.

    Its sessions survive that in its store, as when a real backend is started again.
    """

    def __init__(
        self, faults: BackendFaults, tls: ssl.SSLContext | None, settings: BackendSettings
    ) -> None:
        self._faults = faults
        self._tls = tls
        self._settings = settings
        self._take_down = asyncio.Event()
        self._is_down = asyncio.Event()
        self._down_s = 0.0

    @contextlib.asynccontextmanager
    async def up(self) -> AsyncIterator[int]:
        """Serve until the block is left; yields the port."""
        service = AwsStreamService(self._settings)
        store = SessionStore(Database(self._settings.database))
        await store.open()
        port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        task = spawn(self._serve(service, store, port), name="backend")
        try:
            task.add_done_callback(lambda _: port.cancel())  # it failed: `await task` raises
            await asyncio.wait([port])
            if port.cancelled():
                await task
            yield port.result()
        finally:
            await cancel(task)
            await store.close()
            service.close()

    async def down(self, down_s: float) -> None:
        """Stop listening for `down_s`. Returns as soon as no request is answered any more."""
        self._down_s = down_s
        self._is_down.clear()
        self._take_down.set()
        await self._is_down.wait()

    async def _serve(
        self, service: AwsStreamService, store: SessionStore, port: asyncio.Future[int]
    ) -> None:
        number = self._settings.port
        while True:
            app = self._faults.in_front_of(build_backend(service, store, self._settings))
            try:
                async with serving(
                    app, self._settings.host, number, tls=self._tls, close_patience_s=0
                ) as bound:
                    if not port.done():
                        port.set_result(bound)
                    number = bound
                    await self._take_down.wait()
            except RejoinError as error:
                if port.done():
                    raise
                port.set_exception(error)
                return
            self._take_down.clear()
            self._is_down.set()
            await asyncio.sleep(self._down_s)
