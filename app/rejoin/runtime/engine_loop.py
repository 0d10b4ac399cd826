"""Runs the engine: queues events, steps it, executes its commands, publishes its snapshots.

Everything happens on one event loop, that of the stream thread; only `post`, `send_input`,
`send_application_message` and `frame_shown` may be called on any thread. Events are handled one
after the other and completely: when `post` returns on the loop's own thread (for example in the
callback of a written request), the engine has handled the event.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial

from rejoin.core import engine, events
from rejoin.core.model import Ending, EndingKind, Snapshot, Stage
from rejoin.core.phases import State
from rejoin.core.reconnect_report import EpisodeObserver
from rejoin.core.snapshot import snapshot
from rejoin.core.trace import Recorder
from rejoin.input_events.events import InputEvent, PadState, View
from rejoin.media.receive.rtp import VIDEO_CLOCK_HZ
from rejoin.media.video.picture import Picture
from rejoin.runtime.address_loss import AddressLoss
from rejoin.runtime.backend_calls import BackendCalls
from rejoin.runtime.connection_calls import ConnectionCalls
from rejoin.runtime.connections import Connections
from rejoin.runtime.executor import Executor
from rejoin.runtime.loop_access import LoopAccess
from rejoin.runtime.module_input import ModuleInput
from rejoin.runtime.module_states import InputParts
from rejoin.runtime.ports import EngineOptions, EnginePorts
from rejoin.runtime.probe_rounds import ProbeRounds
from rejoin.runtime.sampling import Sampling
from rejoin.runtime.snapshots import Snapshots
from rejoin.runtime.ticket_writer import TicketWriter
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.engine_loop")

CLOSE_WITHIN_S = 3.0
"""How long the end waits for peers that close slowly."""


class EngineLoop:
    """One player's engine, from `run` to its `Ending`."""

    def __init__(
        self,
        ports: EnginePorts,
        options: EngineOptions | None = None,
        parts: InputParts | None = None,
    ) -> None:
        """`parts`: of the input module; None: none is used."""
        options = options or EngineOptions()
        self._options = options
        self._policy = options.policy
        self._clock = options.clock
        self._watch = ports.watch
        self._probe_rounds = ProbeRounds(ports.make_probes, self.post)
        self._recorder = Recorder(
            options.on_record or (lambda record: None),
            options.policy,
            samples=options.record_samples,
        )
        self._episodes = None if options.on_report is None else EpisodeObserver(options.on_report)
        self._state = State()
        self._queue: deque[events.Event] = deque()
        self._stepping = False
        self._wakeup: asyncio.TimerHandle | None = None
        self._ended: asyncio.Future[Ending] | None = None
        self._access = LoopAccess()
        self._coming: deque[None] = deque()
        """One element for each event of the player on its way to the loop."""
        self.snapshots = Snapshots(snapshot(self._state, self._policy), self._access)
        self._connections = Connections()
        self.input = ModuleInput(self._connections, parts, self.post)
        self.sampling = Sampling(
            self._connections, options, self.post, ports.on_statistics, self.input
        )
        self._address_loss = AddressLoss(self._connections, options.has_address, self.post)
        tickets = TicketWriter(ports.tickets)
        self._backend_calls = BackendCalls(
            ports.backend, tickets, ports.refresh_sign_in, options.clock, self.post
        )
        self._executor = Executor(
            self._connections,
            ConnectionCalls(
                self._connections,
                ports.make_peer,
                self.input,
                self._address_loss,
                self.post,
                self._latest_rtt_s,
            ),
            self.input,
            self._backend_calls,
            tickets,
            self._finish,
        )

    # --- on any thread ----------------------------------------------------------------------------

    def post(self, event: events.Event) -> None:
        """Hand an event to the engine. Kept until `run` starts; dropped after its end."""
        if self._access.is_on_loop_thread:
            self._handle(event)
        else:
            self._access.call_or_keep(lambda: self._handle(event))

    def send_input(self, event: InputEvent) -> None:
        """Pass the player's input to the input module.

        A view is kept until `run` starts. States of gamepads, the most frequent events, do not wake
        the loop unless earlier input is still on its way there.
        """
        if isinstance(event, PadState) and not self._coming and self.input.lay_down(event):
            return
        self._coming.append(None)
        take = partial(self._take_input, event)
        if isinstance(event, View):
            self._access.call_or_keep(take)
        elif not self._access.call(take):
            self._coming.pop()

    def send_application_message(self, data: bytes) -> None:
        """A message to the game, through the input module; lost while that is not attached."""
        self._access.call(lambda: self.input.send_application_message(data))

    def frame_shown(self, picture: Picture) -> None:
        """A picture was shown. Costs the caller nothing while the input module waits for none."""
        if self.input.wants_frames:
            connection, media_time_s = picture.connection, picture.rtp_timestamp / VIDEO_CLOCK_HZ
            self._access.call(lambda: self.input.frame_shown(connection, media_time_s))

    # --- on the loop ------------------------------------------------------------------------------

    def _take_input(self, event: InputEvent) -> None:
        try:
            self.input.send_input(event)
        finally:
            self._coming.popleft()

    async def run(self) -> Ending:
        """Run the engine to its end. Nothing is left behind, however it ends."""
        self._ended = asyncio.get_running_loop().create_future()
        kept = self._access.enter()
        sampler = spawn(self.sampling.run(), name="sampler")
        watch = self._watch(self.post)
        self.input.begin()
        try:
            if watch is not None:
                watch.start()
            for call in kept:
                call()
            return await self._ended
        finally:
            self._access.leave()
            if watch is not None:
                watch.close()
            if self._wakeup is not None:
                self._wakeup.cancel()
            await cancel(sampler)
            await self._probe_rounds.close()
            await self._executor.close(CLOSE_WITHIN_S)
            await self.input.close()

    def _handle(self, event: events.Event) -> None:
        if not self._access.is_on_loop_thread:
            return  # this call was scheduled before the end of `run`
        self._queue.append(event)
        if self._stepping:
            return
        self._stepping = True
        try:
            while self._queue:
                self._step(self._queue.popleft())
        finally:
            self._stepping = False

    def _step(self, event: events.Event) -> None:
        """Handle one event completely. A bug of ours ends the game with EndingKind.INTERNAL."""
        try:
            self._step_or_raise(event)
        except Exception as error:
            _log.exception("the engine failed")
            ending = Ending(EndingKind.INTERNAL, detail=type(error).__name__)
            if self._finish(ending):
                self.snapshots.publish(Snapshot(Stage.ENDED, ending=ending))

    def _step_or_raise(self, event: events.Event) -> None:
        now = self._clock()
        network_changed = isinstance(event, (events.NetworkLost, events.NetworkFound))
        if network_changed:
            self._backend_calls.drop_pooled_connections()
        self._recorder.event(event, now)
        self._state, todo = engine.step(self._state, event, now, self._policy, self._options.draw)
        self._recorder.state(self._state, now)
        self._observe(event, now)
        for command in todo:
            self._recorder.command(command, now)
            self._executor.execute(command)
        self._set_wakeup()
        shown = snapshot(self._state, self._policy)
        self.snapshots.publish(shown)
        self._probe_rounds.follow(shown.stage, network_changed=network_changed)
        if network_changed:
            self._address_loss.report()

    def _observe(self, event: events.Event, now: float) -> None:
        """A failing report must not end the game: after a failure no more are made."""
        if self._episodes is None:
            return
        try:
            self._episodes.step(event, self._state, now)
        except Exception:
            _log.exception("reconnects are not reported any more")
            self._episodes = None

    def _set_wakeup(self) -> None:
        """Have the engine woken at the next moment at which time alone changes something."""
        if self._wakeup is not None:
            self._wakeup.cancel()
            self._wakeup = None
        at = engine.next_wakeup(self._state)
        if at is not None:
            delay_s = max(0.0, at - self._clock())
            self._wakeup = asyncio.get_running_loop().call_later(
                delay_s, self._handle, events.WakeupDue()
            )

    def _finish(self, ending: Ending) -> bool:
        """End `run` with this ending; False if it has ended already."""
        if self._ended is None or self._ended.done():
            return False
        self._ended.set_result(ending)
        return True

    def _latest_rtt_s(self) -> float | None:
        sample = self._state.facts.sample
        return sample.rtt_s if sample else None
