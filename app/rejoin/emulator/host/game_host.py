"""A stream host: one running game, and at most one current connection to it over real WebRTC.

The game goes on whether or not a client is connected. `answer` makes a new connection for each
offer. All its packets pass the host's relay, whose address is the only candidate of the answer.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import secrets
import time
from typing import assert_never

from rejoin import tasks
from rejoin.clock import Clock, boot_s
from rejoin.emulator.host.connection import HostConnection
from rejoin.emulator.host.encoders import prepare
from rejoin.emulator.host.game import TICKS_PER_S, Game
from rejoin.emulator.host.lasting_faults import ActiveFault
from rejoin.emulator.host.relay import Relay
from rejoin.emulator.host.relay_port import LOOPBACK
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.emulator.service.stream_host import HostListener
from rejoin.errors import BadInputError, SignalError
from rejoin.injector.seeds import chance_of
from rejoin.interpreter import collect_soon
from rejoin.netem.link import Lane, Link, NetworkProfile, ProfileStage
from rejoin.rtc.signal_codec import decode_request, encode_response

TICK_EVERY_S = 0.050
"""How often the game is advanced while nothing reads its state; reading advances it too."""


class GameHost:
    """The emulator's stream host: a `StreamHost` of the service."""

    def __init__(
        self,
        listener: HostListener,
        settings: EmulatorSettings,
        *,
        protocol_url: str,
        clock: Clock = boot_s,
        listen_on: str = LOOPBACK,
    ) -> None:
        """`protocol_url`: where browsers load `service.protocol_script` from. `listen_on`: this
        machine's address that clients send to."""
        self._listener = listener
        self._protocol_url = protocol_url
        self.settings = settings
        self.clock = clock
        self.relay = Relay(settings.relay_ports, listen_on)
        self.connection: HostConnection | None = None
        """The current connection: the newest, until its client is gone."""
        self._connections: set[HostConnection] = set()
        """Those that are not closed yet."""
        self._game: Game | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._used_offers: set[str] = set()
        self._fault = ActiveFault(self)
        self._stopped = False

    # --- StreamHost -----------------------------------------------------------------------------

    async def start(self) -> None:
        """Start the game. Its pictures and music are computed first, which takes 0.3 s once."""
        with concurrent.futures.ThreadPoolExecutor(1, "emulator-prepare") as thread:
            await asyncio.wrap_future(thread.submit(prepare))
        self.relay.set_base_link(_base_link(self.settings, self.relay.now()))
        self._start_game()

    async def answer(self, connection: int, signal_request: str) -> str:
        """The SignalResponse to an offer. Raises SignalError; then nothing has changed."""
        if self._game is None or self._stopped:
            raise SignalError("There is no running game to connect to.")
        request = decode_request(signal_request)
        if request.ice_ufrag in self._used_offers:
            raise SignalError("This offer was used before; a connection needs a fresh one.")
        new = HostConnection(self, connection, self._game, request)
        self._connections.add(new)
        try:
            sdp = await new.answer()
        except BaseException:
            await new.close()
            raise
        self._used_offers.add(request.ice_ufrag)
        former, self.connection = self.connection, new
        if former is not None:
            former.start_closing()
        url = self._protocol_url
        if self.settings.protocol_url_varies:
            url += f"?Expires={int(time.time()) + 300}&Signature={secrets.token_urlsafe(32)}"
        return encode_response(sdp, url)

    async def disconnect(self, reason: str) -> None:
        """Send DISCONNECT on the client's message channel, then close the connection."""
        connection, self.connection = self.connection, None
        if connection is not None:
            await connection.send_disconnect(reason)
            await connection.close()

    async def stop(self) -> None:
        """End the game; no task, thread or socket is left when this returns."""
        self._stopped = True
        self.connection = None
        await tasks.cancel(self._ticking)
        await self._fault.stop_steps()
        self.relay.remove_link()  # No need to wait for packets that a link delays.
        while self._connections:
            await asyncio.gather(*(each.close() for each in list(self._connections)))
        await self.relay.close()

    async def inject(self, fault: Fault) -> float:
        """Make a fault happen; a lasting fault replaces the active one. Boot time in seconds.

        Any injected fault stops the timed steps of the active one, its end among them.
        """
        game = self._game
        if game is None or self._stopped:
            raise BadInputError("The host has no running game to inject a fault into.")
        await self._fault.stop_steps()
        match fault.kind:
            case (
                FaultKind.SILENCE
                | FaultKind.FREEZE
                | FaultKind.NO_MEDIA
                | FaultKind.NO_PICTURE
                | FaultKind.SLOW_START
                | FaultKind.PROFILE
            ):
                return self._fault.begin(fault)
            case FaultKind.DTLS_CLOSE:
                return await self._close_dtls()
            case FaultKind.GRACEFUL_CLOSE:
                return self._close_gracefully()
            case FaultKind.KILL:
                return await self._kill(game)
            case FaultKind.RESTART:
                return await self._restart()
            case FaultKind.NONE:
                at = self.clock()
                self._fault.clear()
                return at
            case _:
                assert_never(fault.kind)

    def game_state(self) -> dict[str, object]:
        """Counter, score, chain, connection, fault, media and relay, as JSON values."""
        game, connection = self._game, self.connection
        if game is None:
            return {"running": False}
        running = self._ticking is not None and not self._stopped
        if running:
            game.advance(self.clock())
        fault, relay = self._fault.fault, self.relay.counters
        return {
            "running": running,
            "counter": game.counter,
            "started_at": game.started_at,
            "ticks_per_s": TICKS_PER_S,
            "score": game.score,
            "chain": game.chain.hex(),
            "key_presses": game.key_presses,
            "keys_held": sorted(game.held.keys),
            "connected": connection is not None and connection.connected,
            "frozen": connection is not None and connection.frozen,
            "fault": None if fault is None else fault.kind.value,
            "profile": None if fault is None else fault.profile,
            "media": None if connection is None else connection.describe(),
            "relay": {
                "packets_up": relay.up,
                "packets_down": relay.down,
                "packets_dropped": relay.dropped,
                "packets_delayed": relay.delayed,
                "packets_waiting": self.relay.waiting,
                "median_lateness_s": self.relay.lateness_s,
                "flows": relay.flows,
                "flows_rebound": relay.rebound,
                "receive_buffer_bytes": self.relay.granted_bytes,
            },
        }

    # --- changed settings -------------------------------------------------------------------------

    def settings_changed(self, settings: EmulatorSettings) -> None:
        """Detection times, the path and the size of the pictures apply at once, frame and bit rate
        from the next connection on; seed and ports stay as they were."""
        before = self.settings
        if (settings.round_trip_s, settings.loss) != (before.round_trip_s, before.loss):
            self.relay.set_base_link(_base_link(settings, self.relay.now()))
        self.settings = settings
        if self.connection is not None:
            self.connection.settings_changed()

    # --- ConnectionHost: a connection that is no longer the current one is ignored ----------------

    @property
    def mutes_new_connections(self) -> bool:
        return self._fault.mutes_new_connections

    @property
    def media_delay_s(self) -> float:
        return self._fault.media_delay_s

    def shares_performance(self) -> bool:
        return self._listener.shares_performance()

    def connection_up(self, connection: HostConnection) -> None:
        if connection is self.connection:
            self._listener.client_connected(connection.number)

    def connection_gone(self, connection: HostConnection, *, graceful: bool) -> None:
        if connection is self.connection:
            self.connection = None
            connection.start_closing()
            self._listener.client_gone(connection.number, graceful=graceful)

    def input_received(self, connection: HostConnection) -> None:
        if connection is self.connection:
            self._listener.client_input()

    def connection_closed(self, connection: HostConnection) -> None:
        self._connections.discard(connection)
        collect_soon(trim=True)

    # --- faults that happen once ------------------------------------------------------------------

    async def _close_dtls(self) -> float:
        at = self.clock()
        if self.connection is not None:
            await self.connection.close_dtls()
        return at

    def _close_gracefully(self) -> float:
        at = self.clock()
        connection, self.connection = self.connection, None
        if connection is not None:
            connected = connection.connected
            connection.start_closing()
            if connected:
                self._listener.client_gone(connection.number, graceful=True)
        return at

    async def _kill(self, game: Game) -> float:
        at = self.clock()
        connection = self.connection
        await tasks.cancel(self._ticking)
        self._ticking = None
        game.advance(at)
        if connection is not None:
            connection.end_game()
        self._listener.game_exited("the game process was killed by an injected fault")
        return at

    async def _restart(self) -> float:
        if self._ticking is None:
            raise BadInputError("The game has ended; it cannot be started again.")
        at = self.clock()
        if self.connection is not None:
            self.connection.end_game()
            self.connection.set_frozen(True)
            self.connection.set_silent_since(at)
        await tasks.cancel(self._ticking)
        self._start_game()
        return at

    def _start_game(self) -> None:
        self._game = game = Game(self.clock(), self.settings.seed)
        self._ticking = tasks.spawn(self._tick(game), name="emulator-game")

    async def _tick(self, game: Game) -> None:
        while True:
            game.advance(self.clock())
            await asyncio.sleep(TICK_EVERY_S)


def _base_link(settings: EmulatorSettings, now: float) -> Link | None:
    """The path between client and host without a fault; None: packets pass unchanged."""
    if settings.round_trip_s == 0 and settings.loss == 0:
        return None
    lane = Lane(delay_s=settings.round_trip_s / 2, loss=settings.loss)
    return Link(
        NetworkProfile("path", stages=(ProfileStage(up=lane, down=lane),)), now, chance_of(0)
    )
