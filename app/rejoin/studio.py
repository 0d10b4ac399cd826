"""A studio on one machine: the emulated service and the studio's backend, served on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import ssl
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field

from rejoin.backend.aws import AwsStreamService
from rejoin.backend.configuration import BackendSettings
from rejoin.backend.dialects import build_backend
from rejoin.backend.serving import serving
from rejoin.backend.store import Store
from rejoin.emulator.host.game_host import GameHost
from rejoin.emulator.service.api.app import build_app as build_api
from rejoin.emulator.service.api.armed_faults import ApiFaults
from rejoin.emulator.service.backend_faults import BackendFaults
from rejoin.emulator.service.certificates import CertificateAuthority, context_with_wrong_twin
from rejoin.emulator.service.control_server import build_control, new_token
from rejoin.emulator.service.protocol_script import PATH as PROTOCOL_PATH
from rejoin.emulator.service.protocol_script import route as protocol_route
from rejoin.emulator.service.sessions import StreamSessions
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.emulator.service.stream_host import HostListener
from rejoin.errors import BadInputError, RejoinError
from rejoin.signaling.dialects import OURS, Dialect
from rejoin.tasks import cancel, spawn

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where to listen; 0 lets the system choose."""

    backend: int = 0
    api: int = 0
    control: int = 0


@dataclass(frozen=True, slots=True)
class Studio:
    """A running studio. The tokens are made for this run and are worth nothing elsewhere."""

    backend_url: str
    api_url: str
    control_url: str
    player_token: str = field(repr=False)
    control_token: str = field(repr=False)
    authority_pem: str | None = None
    """The certificate of the authority behind the backend's https; None on http."""

    def to_json(self) -> str:
        """One line for whoever started the studio as a process of theirs."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Studio:
        """Read what `to_json` wrote. Raises BadInputError."""
        try:
            return cls(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise BadInputError("The studio did not say where it is.") from error


@contextlib.asynccontextmanager
async def studio(
    settings: EmulatorSettings,
    ports: Ports | None = None,
    *,
    player_token: str | None = None,
    database: str = ":memory:",
    dialect: Dialect = OURS,
    https: bool = False,
) -> AsyncIterator[Studio]:
    """Serve until the block is left; with `https` the backend, by an authority made for this run.

    Raises PortInUseError, ServiceError, BadInputError.
    """
    ports = ports or Ports()
    player_token = player_token or secrets.token_urlsafe(24)
    control_token = new_token()
    api_port = 0

    def host(listener: HostListener, current: EmulatorSettings) -> GameHost:
        url = f"http://{HOST}:{api_port}{PROTOCOL_PATH}"
        return GameHost(listener, current, protocol_url=url)

    async with contextlib.AsyncExitStack() as stack:
        service = StreamSessions(settings, host)
        stack.push_async_callback(service.aclose)
        api_faults = ApiFaults()
        api = build_api(service, api_faults)
        api.router.routes.insert(0, protocol_route())  # the API takes every path that is left
        api_port = await stack.enter_async_context(serving(api, HOST, ports.api))
        api_url = f"http://{HOST}:{api_port}"
        backend_faults = BackendFaults(https=https)
        authority = CertificateAuthority() if https else None
        backend = _Backend(
            backend_faults,
            None
            if authority is None
            else context_with_wrong_twin(authority, backend_faults.take_handshake),
            BackendSettings(
                region=settings.region,
                stream_group=settings.stream_group_ids[0],
                application=settings.application_id,
                tokens=(player_token,),
                endpoint_url=api_url,
                access_key_id=settings.access_key_id,
                secret_access_key=settings.secret_access_key,
                connection_timeout_s=settings.connection_timeout_s,
                session_length_s=settings.session_length_s,
                database=database,
                dialect=dialect.name,
                host=HOST,
                port=ports.backend,
            ),
        )
        backend_port = await stack.enter_async_context(backend.up())
        control = build_control(
            service,
            control_token,
            api_faults=api_faults,
            backend_down=backend.down,
            backend_faults=backend_faults,
        )
        control_port = await stack.enter_async_context(serving(control, HOST, ports.control))
        yield Studio(
            backend_url=f"{'https' if https else 'http'}://{HOST}:{backend_port}",
            api_url=api_url,
            control_url=f"http://{HOST}:{control_port}",
            player_token=player_token,
            control_token=control_token,
            authority_pem=None if authority is None else authority.pem,
        )


class _Backend:
    """The studio's backend on one port, which can be taken down and comes back by itself.

    What it knows of its sessions is in its store, as after the restart of a real one.
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
        """Serve; yields the port."""
        service = AwsStreamService(self._settings)
        store = Store(self._settings.database)
        port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        task = spawn(self._serve(service, store, port), name="backend")
        try:
            task.add_done_callback(lambda _: port.cancel())  # it failed: `await task` says how
            await asyncio.wait([port])
            if port.cancelled():
                await task
            yield port.result()
        finally:
            await cancel(task)
            store.close()
            service.close()

    async def down(self, down_s: float) -> None:
        """Refuse everybody for so long; returns once nobody is answered any more."""
        self._down_s = down_s
        self._is_down.clear()
        self._take_down.set()
        await self._is_down.wait()

    async def _serve(
        self, service: AwsStreamService, store: Store, port: asyncio.Future[int]
    ) -> None:
        number = self._settings.port
        while True:
            app = self._faults.in_front_of(build_backend(service, store, self._settings))
            try:
                async with serving(app, HOST, number, tls=self._tls, close_patience_s=0) as bound:
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
