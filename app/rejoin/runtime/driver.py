"""The shell around the engine: it hands events to `engine.step` and carries out the commands.

All of it runs on one event loop, that of the stream thread; `post` may be called from anywhere.
Events are taken one after the other and to the end, so that whoever posts on the loop (the tap of
a written request, say) knows that its meaning is settled when `post` returns.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, assert_never

from rejoin.clock import Clock, awake_s, boot_s
from rejoin.core import commands, engine, events
from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    ConnectionSample,
    Ending,
    EndingKind,
    HardEvidence,
    Policy,
    SessionId,
    SessionView,
    Snapshot,
    Stage,
)
from rejoin.core.phases import State
from rejoin.core.retry import Draw, Failure, FailureKind
from rejoin.core.snapshot import snapshot
from rejoin.core.ticket import RejoinState
from rejoin.core.trace import Record, Recorder
from rejoin.errors import RejoinError, SignalError
from rejoin.input_protocol.controls import Controls
from rejoin.media.video.picture import PictureSlot
from rejoin.rtc.signal_codec import sha256_of
from rejoin.rtc.statistics import PeerStatistics
from rejoin.runtime.network import NetworkWatch, has_address
from rejoin.service_model.status import Status
from rejoin.signaling.client import CallFailedError
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.driver")

_CLOSE_PATIENCE_S = 3.0
_TICKET_PATIENCE_S = 1.0
"""A create call waits for its ticket no longer: a disk that hangs must not cost the game."""

ASLEEP_S = 1.0
"""From here on it was sleep, and not how two clocks are read one after the other."""
STATISTICS_EVERY_S = 1.0


class Peer(Protocol):
    """What the driver needs of one WebRTC connection; `rtc.peer.Peer` fulfils it."""

    async def make_offer(self) -> str: ...
    async def apply_answer(self, signal_response: str, *, rtt_s: float | None = None) -> None: ...
    def request_key_frame(self) -> None: ...
    def start_checks(self) -> None: ...
    def stop_checks(self) -> None: ...
    def mute(self) -> None: ...
    def unmute(self) -> None: ...
    async def say_goodbye(self, times: int) -> None: ...
    def set_controls(self, controls: Controls) -> None: ...
    def show(self, shown: bool) -> None: ...
    @property
    def local_addresses(self) -> frozenset[str]: ...
    def sample(self) -> ConnectionSample | None: ...
    def statistics(self) -> PeerStatistics: ...
    async def close(self) -> None: ...


class Backend(Protocol):
    """What the driver needs of the studio's backend; `signaling.client.BackendClient` fulfils it.

    Every call raises CallFailedError and nothing else.
    """

    async def start(
        self, *, attempt: AttemptNumber, token: str, signal_request: str, budget_s: float
    ) -> SessionView: ...
    async def status(
        self, session_id: SessionId, *, known: Status | None, wait_s: float, budget_s: float
    ) -> SessionView: ...
    async def reconnect(
        self,
        session_id: SessionId,
        *,
        attempt: AttemptNumber,
        token: str,
        signal_request: str,
        budget_s: float,
        on_written: Callable[[], None],
    ) -> str: ...
    async def terminate(self, session_id: SessionId, *, budget_s: float) -> None: ...
    def forget_connections(self) -> None: ...


class Tickets(Protocol):
    """Where tickets are written; `runtime.desk.Desk` fulfils it. Neither call raises."""

    async def keep(self, seat: RejoinState) -> None: ...
    async def drop(self, session_id: SessionId) -> None: ...


PeerFactory = Callable[[ConnectionNumber, Callable[[events.Event], None]], Peer]
"""Makes the peer of one connection; it posts its events through the callable."""

WatchFactory = Callable[[Callable[[events.Event], None]], NetworkWatch | None]
"""Makes the watch over the network, which posts through the callable; None: there is none."""


class Driver:
    """One player's engine at work, from `run` to its `Ending`."""

    def __init__(
        self,
        *,
        backend: Backend,
        make_peer: PeerFactory,
        slot: PictureSlot,
        policy: Policy | None = None,
        clock: Clock = boot_s,
        awake: Clock = awake_s,
        watch: WatchFactory = lambda post: None,
        has_address: Callable[[str], bool] = has_address,
        draw: Draw = random.random,
        refresh_sign_in: Callable[[], Awaitable[None]] | None = None,
        on_record: Callable[[Record], None] | None = None,
        record_samples: bool = False,
        on_statistics: Callable[[float, PeerStatistics], None] = lambda at, statistics: None,
        problem: Callable[[], str | None] = lambda: None,
        tickets: Tickets | None = None,
    ) -> None:
        self.slot = slot
        self._backend = backend
        self._make_peer = make_peer
        self._policy = policy or Policy()
        self._clock = clock
        self._awake = awake
        self._watch = watch
        self._has_address = has_address
        self._draw = draw
        self._refresh_sign_in = refresh_sign_in
        self._recorder = Recorder(
            on_record or (lambda record: None), self._policy, samples=record_samples
        )
        self._problem = problem
        self._tickets = tickets
        self._writing: asyncio.Task[None] | None = None
        self._on_statistics = on_statistics
        self._statistics: PeerStatistics | None = None
        self._statistics_due_at = 0.0
        self._state = State()
        self._queue: deque[events.Event] = deque()
        self._taking = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread: int | None = None
        self._early: list[events.Event] = []
        self._listeners: dict[int, Callable[[Snapshot], None]] = {}
        self._listeners_made = 0
        self._snapshot = snapshot(self._state, self._policy)
        self._wakeup: asyncio.TimerHandle | None = None
        self._peers: dict[ConnectionNumber, Peer] = {}
        self._stranded: set[ConnectionNumber] = set()
        """Peers whose loss of their address was told."""
        self._shown: ConnectionNumber | None = None
        self._controls = Controls()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._over = False
        self._signing_in: asyncio.Task[None] | None = None
        self._ended: asyncio.Future[Ending] | None = None
        self._lock = threading.Lock()

    # --- for everybody, from any thread -----------------------------------------------------------

    def post(self, event: events.Event) -> None:
        """Something happened. Before `run` events wait; after its end they are dropped."""
        if self._loop_thread == threading.get_ident():
            self._take(event)
            return
        with self._lock:
            loop = self._loop
            if loop is None:
                if not self._over:
                    self._early.append(event)
                return
        try:
            loop.call_soon_threadsafe(self._take, event)
        except RuntimeError:
            return  # the loop is closed: it is over

    def set_controls(self, controls: Controls) -> None:
        """What the player holds now; it goes to the connection that is shown."""
        with self._lock:
            loop = self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(self._controls_set, controls)
            except RuntimeError:
                return

    def subscribe(self, listener: Callable[[Snapshot], None]) -> Callable[[], None]:
        """Call `listener` with the present snapshot and then with each new one, in order.

        On the stream thread while the driver runs, else at once. Returns what ends it.
        """
        with self._lock:
            self._listeners_made += 1
            key = self._listeners_made
            loop = self._loop

        def begin() -> None:
            with self._lock:
                if key in left:
                    return
                self._listeners[key] = listener
            self._tell(listener, self._snapshot)

        def unsubscribe() -> None:
            with self._lock:
                left.add(key)
                self._listeners.pop(key, None)

        left: set[int] = set()
        if loop is None or self._loop_thread == threading.get_ident():
            begin()
        else:
            try:
                loop.call_soon_threadsafe(begin)
            except RuntimeError:
                begin()  # it is over: the last snapshot is all there is
        return unsubscribe

    def _tell(self, listener: Callable[[Snapshot], None], current: Snapshot) -> None:
        try:
            listener(current)
        except Exception:
            _log.exception("a listener failed")

    def problem(self) -> str | None:
        """One sentence about something that is missing but not fatal (no sound), or None."""
        return self._problem()

    @property
    def snapshot(self) -> Snapshot:
        return self._snapshot

    # --- the life ---------------------------------------------------------------------------------

    async def run(self) -> Ending:
        """Drive until the end; nothing is left behind, however it ends."""
        loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        self._loop_thread = threading.get_ident()
        with self._lock:
            self._loop = loop
            early, self._early = self._early, []
        sampler = spawn(self._sample_peers(), name="sampler")
        watch = self._watch(self.post)
        try:
            if watch is not None:
                watch.start()
            for event in early:
                self._take(event)
            return await self._ended
        finally:
            with self._lock:
                self._loop = None
                self._over = True
            self._loop_thread = None
            if watch is not None:
                watch.close()
            if self._wakeup is not None:
                self._wakeup.cancel()
            await cancel(sampler, self._signing_in, *self._tasks.values())
            for connection in tuple(self._peers):
                self._close_connection(connection)
            closing = self._closing | ({self._writing} if self._writing is not None else set())
            if closing:
                await asyncio.wait(closing, timeout=_CLOSE_PATIENCE_S)

    def _take(self, event: events.Event) -> None:
        self._queue.append(event)
        if self._taking:
            return
        self._taking = True
        try:
            while self._queue:
                self._step(self._queue.popleft())
        finally:
            self._taking = False

    def _step(self, event: events.Event) -> None:
        """One event to its end. A fault of our own ends the game here, and says so."""
        try:
            self._step_or_raise(event)
        except Exception as error:
            _log.exception("the engine failed")
            ending = Ending(EndingKind.INTERNAL, detail=type(error).__name__)
            if self._ended is not None and not self._ended.done():
                self._ended.set_result(ending)
                self._publish(Snapshot(Stage.ENDED, ending=ending))

    def _step_or_raise(self, event: events.Event) -> None:
        now = self._clock()
        if isinstance(event, (events.NetworkLost, events.NetworkFound)):
            self._backend.forget_connections()
        self._recorder.event(event, now)
        self._state, todo = engine.step(self._state, event, now, self._policy, self._draw)
        self._recorder.state(self._state, now)
        for command in todo:
            self._recorder.command(command, now)
            self._execute(command)
        self._set_wakeup()
        self._publish(snapshot(self._state, self._policy))
        if isinstance(event, (events.NetworkLost, events.NetworkFound)):
            self._strand()

    def _strand(self) -> None:
        """The network is another: say which connections have lost the address they go by."""
        for connection, peer in self._peers.items():
            if not self._address_gone(peer):
                self._stranded.discard(connection)
            elif connection not in self._stranded:
                self._stranded.add(connection)
                self._queue.append(events.HardEvidenceSeen(connection, HardEvidence.ADDRESS_GONE))

    def _address_gone(self, peer: Peer) -> bool:
        ours = peer.local_addresses
        return bool(ours) and not any(self._has_address(address) for address in ours)

    def _publish(self, current: Snapshot) -> None:
        if current == self._snapshot:
            return
        self._snapshot = current
        with self._lock:
            listeners = tuple(self._listeners.values())
        for listener in listeners:
            self._tell(listener, current)

    def _set_wakeup(self) -> None:
        if self._wakeup is not None:
            self._wakeup.cancel()
            self._wakeup = None
        at = engine.next_wakeup(self._state)
        if at is not None and self._loop_thread is not None:
            delay_s = max(0.0, at - self._clock())
            self._wakeup = asyncio.get_running_loop().call_later(
                delay_s, self._take, events.WakeupDue()
            )

    # --- commands ---------------------------------------------------------------------------------

    def _execute(self, command: commands.Command) -> None:
        match command:
            case commands.MakeOffer(connection):
                self._run(f"offer {connection}", self._make_offer(connection))
            case commands.StartSession():
                self._run("start", self._start_session(command))
            case commands.PollStatus():
                self._run("status", self._ask_status(command))
            case commands.Reconnect(connection=connection):
                self._run(f"reconnect {connection}", self._reconnect(command))
            case commands.RefreshSignIn():
                self._sign_in()
            case commands.ApplyAnswer(connection, signal_response):
                self._run(f"answer {connection}", self._apply_answer(connection, signal_response))
            case commands.RequestKeyFrame(connection):
                self._with_peer(connection, lambda peer: peer.request_key_frame())
            case commands.StartChecks(connection):
                self._with_peer(connection, lambda peer: peer.start_checks())
            case commands.StopChecks(connection):
                self._with_peer(connection, lambda peer: peer.stop_checks())
            case commands.Mute(connection):
                self._with_peer(connection, lambda peer: peer.mute())
            case commands.Unmute(connection):
                self._with_peer(connection, lambda peer: peer.unmute())
            case commands.SayGoodbye(connection, times):
                self._run(f"goodbye {connection}", self._say_goodbye(connection, times))
            case commands.CloseConnection(connection):
                self._close_connection(connection)
            case commands.ShowConnection(connection):
                self._show(connection)
            case commands.SaveTicket(seat):
                self._write(lambda tickets: tickets.keep(seat))
            case commands.DeleteTicket(session_id):
                self._write(lambda tickets: tickets.drop(session_id))
            case commands.TerminateSession():
                self._run("terminate", self._terminate(command))
            case commands.Finish(ending):
                if self._ended is not None and not self._ended.done():
                    self._ended.set_result(ending)
            case _:
                assert_never(command)

    def _run(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Start a command's work; a newer one of the same name replaces it."""
        before = self._tasks.pop(name, None)
        if before is not None:
            before.cancel()
        task = spawn(work, name=name)
        self._tasks[name] = task
        task.add_done_callback(lambda done: self._forget(name, done))

    def _forget(self, name: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(name) is task:
            del self._tasks[name]

    def _with_peer(self, connection: ConnectionNumber, do: Callable[[Peer], None]) -> None:
        peer = self._peers.get(connection)
        if peer is not None:
            do(peer)

    async def _make_offer(self, connection: ConnectionNumber) -> None:
        try:
            peer = self._make_peer(connection, self.post)
            self._peers[connection] = peer
            request = await peer.make_offer()
        except RejoinError as error:
            self.post(events.OfferFailed(connection, str(error)))
        except Exception as error:
            _log.exception("the offer could not be made")
            self.post(events.OfferFailed(connection, type(error).__name__))
        else:
            self.post(events.OfferMade(connection, sha256_of(request), request))

    async def _apply_answer(self, connection: ConnectionNumber, signal_response: str) -> None:
        peer = self._peers.get(connection)
        if peer is None:
            self.post(events.ConnectionFailed(connection, "the connection was closed"))
            return
        if self._address_gone(peer):
            self.post(events.ConnectionFailed(connection, "its address is gone"))
            return
        try:
            sample = self._state.facts.sample
            await peer.apply_answer(signal_response, rtt_s=sample.rtt_s if sample else None)
        except SignalError as error:
            self.post(events.AnswerRefused(connection, str(error)))
        except RejoinError as error:
            self.post(events.ConnectionFailed(connection, str(error)))
        except Exception as error:
            _log.exception("the answer could not be applied")
            self.post(events.ConnectionFailed(connection, type(error).__name__))

    async def _say_goodbye(self, connection: ConnectionNumber, times: int) -> None:
        peer = self._peers.get(connection)
        if peer is not None:
            try:
                await peer.say_goodbye(times)
            except Exception:
                _log.exception("goodbye could not be said")
        self.post(events.GoodbyeSaid(connection))

    def _close_connection(self, connection: ConnectionNumber) -> None:
        for name in (f"offer {connection}", f"answer {connection}", f"reconnect {connection}"):
            task = self._tasks.pop(name, None)
            if task is not None and task is not asyncio.current_task():
                task.cancel()
        peer = self._peers.pop(connection, None)
        self._stranded.discard(connection)
        if self._shown == connection:
            self._shown = None
        if peer is not None:
            task = spawn(peer.close(), name=f"close {connection}")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _show(self, connection: ConnectionNumber) -> None:
        if self._shown is not None and self._shown != connection:
            self._with_peer(self._shown, lambda peer: peer.show(False))
        self._shown = connection
        self._controls = self._controls.released()
        self._with_peer(connection, lambda peer: peer.show(True))

    def _controls_set(self, controls: Controls) -> None:
        self._controls = controls
        if self._shown is not None:
            self._with_peer(self._shown, lambda peer: peer.set_controls(controls))

    # --- calls to the backend ---------------------------------------------------------------------

    async def _start_session(self, command: commands.StartSession) -> None:
        try:
            await self._signed_in()
            asked_at = self._clock()
            view = await self._backend.start(
                attempt=command.attempt,
                token=command.token,
                signal_request=command.signal_request,
                budget_s=command.budget_s,
            )
        except CallFailedError as error:
            self.post(events.StartFailed(command.attempt, error.failure))
        except Exception as error:
            self.post(events.StartFailed(command.attempt, _unexpected(error)))
        else:
            self.post(events.SessionStarted(command.attempt, asked_at, view))

    async def _ask_status(self, command: commands.PollStatus) -> None:
        if command.after_s > 0:
            await asyncio.sleep(command.after_s)
        asked_at = self._clock()
        try:
            await self._signed_in()
            asked_at = self._clock()
            view = await self._backend.status(
                command.session_id,
                known=command.known,
                wait_s=command.wait_s,
                budget_s=command.budget_s,
            )
        except CallFailedError as error:
            self.post(events.StatusFailed(asked_at, error.failure))
        except Exception as error:
            self.post(events.StatusFailed(asked_at, _unexpected(error)))
        else:
            self.post(events.StatusArrived(asked_at, view))

    async def _reconnect(self, command: commands.Reconnect) -> None:
        asked_at = self._clock()
        attempt, number = command.attempt, command.try_number
        try:
            await self._ticket_written()
            await self._signed_in()
            asked_at = self._clock()
            answer = await self._backend.reconnect(
                command.session_id,
                attempt=attempt,
                token=command.token,
                signal_request=command.signal_request,
                budget_s=command.budget_s,
                on_written=lambda: self.post(events.RequestWritten(attempt, number)),
            )
        except CallFailedError as error:
            self.post(events.ReconnectFailed(attempt, number, asked_at, error.failure))
        except Exception as error:
            self.post(events.ReconnectFailed(attempt, number, asked_at, _unexpected(error)))
        else:
            self.post(events.AnswerArrived(attempt, number, asked_at, answer))

    def _write(self, write: Callable[[Tickets], Awaitable[None]]) -> None:
        """Tickets are written one after the other, in the order in which they were wanted."""
        tickets, before = self._tickets, self._writing
        if tickets is None:
            return

        async def after_the_one_before() -> None:
            if before is not None:
                await asyncio.wait({before})
            try:
                await write(tickets)
            except Exception:
                _log.exception("a ticket could not be written")

        self._writing = writing = spawn(after_the_one_before(), name="ticket")
        writing.add_done_callback(self._written)

    def _written(self, task: asyncio.Task[None]) -> None:
        if self._writing is task:
            self._writing = None

    async def _ticket_written(self) -> None:
        if self._writing is not None:
            await asyncio.wait({self._writing}, timeout=_TICKET_PATIENCE_S)

    async def _terminate(self, command: commands.TerminateSession) -> None:
        try:
            await self._signed_in()
            await self._backend.terminate(command.session_id, budget_s=command.budget_s)
        except CallFailedError as error:
            self.post(events.TerminateFailed(error.failure))
        except Exception as error:
            self.post(events.TerminateFailed(_unexpected(error)))
        else:
            self.post(events.SessionTerminated())

    def _sign_in(self) -> None:
        if self._refresh_sign_in is None or self._signing_in is not None:
            return
        refresh = self._refresh_sign_in

        async def sign_in() -> None:
            try:
                await refresh()
            except RejoinError as error:
                _log.warning("signing in again failed: %s", error)
            finally:
                self._signing_in = None

        self._signing_in = spawn(sign_in(), name="sign in")

    async def _signed_in(self) -> None:
        if self._signing_in is not None:
            await asyncio.shield(self._signing_in)

    # --- samples ----------------------------------------------------------------------------------

    def statistics(self) -> PeerStatistics | None:
        """The newest numbers of the connection that is shown, at most a second old. Any thread."""
        return self._statistics

    def _take_statistics(self, now: float) -> None:
        if now < self._statistics_due_at:
            return
        self._statistics_due_at = now + STATISTICS_EVERY_S
        peer = None if self._shown is None else self._peers.get(self._shown)
        if peer is None:
            return
        try:
            self._statistics = peer.statistics()
            self._on_statistics(now, self._statistics)
        except Exception:
            _log.exception("connection %s could not be measured", self._shown)

    async def _sample_peers(self) -> None:
        """Twenty times a second every connection tells how it is; sleep is noticed here too.

        Sleep shows as boot time that went on without the awake clock.
        """
        slept_s = self._clock() - self._awake()
        while True:
            await asyncio.sleep(self._policy.sample_every_s)
            slept_before_s, slept_s = slept_s, self._clock() - self._awake()
            if slept_s - slept_before_s > ASLEEP_S:
                self.post(events.Woke(slept_s - slept_before_s))
            for connection, peer in tuple(self._peers.items()):
                try:
                    sample = peer.sample()
                except Exception:
                    _log.exception("connection %s could not be sampled", connection)
                    continue
                if sample is not None:
                    self.post(events.Sampled(connection, sample))
            self._take_statistics(self._clock())


def _unexpected(error: Exception) -> Failure:
    """Our own fault in a call: nobody knows what became of it."""
    _log.error("a call to the backend failed unexpectedly", exc_info=error)
    return Failure(FailureKind.OUTCOME_UNKNOWN, detail=f"Internal: {type(error).__name__}")
