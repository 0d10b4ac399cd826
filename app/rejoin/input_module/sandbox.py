"""The input module in its sandbox, for the runtime: an `InputModulePort`.

The wanted state is kept separate from the process, so that a new process can take over: it gets the
same script, window, channels and instance, and is attached if the old one was.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, assert_never

from rejoin.child_program import child_command
from rejoin.clock import boot_s
from rejoin.input_events.events import (
    InputEvent,
    KeyEvent,
    PadState,
    PointerButton,
    PointerMove,
    ReleaseAll,
    View,
    Wheel,
)
from rejoin.input_events.wishes import VibrationWish
from rejoin.input_module import commands, outbox
from rejoin.input_module.counts import Counts
from rejoin.input_module.frames import MAX_SCRIPT_BYTES, Kind
from rejoin.input_module.limits import Limits
from rejoin.input_module.moves import Moves
from rejoin.input_module.outbox import Answer, Status
from rejoin.input_module.port import (
    MAX_APPLICATION_BYTES,
    Channel,
    ChannelState,
    ModuleFacts,
    ModuleOptions,
    ModuleProblem,
    PeerState,
    Reports,
)
from rejoin.input_module.standing import Connection, Standing
from rejoin.input_module.worker import Ended, Sort, Worker
from rejoin.tasks import spawn

_log = logging.getLogger("rejoin.input")

ACTIVATION_S: Final = 5.0
"""How long after a click or a key a module may lock the pointer or fill the screen."""


_PROBLEMS: Final = {
    Ended.NOT_STARTED: ModuleProblem.CANNOT_START,
    Ended.DIED: ModuleProblem.TOO_MUCH,
    Ended.HUNG: ModuleProblem.HUNG,
    Ended.TOO_MUCH: ModuleProblem.TOO_MUCH,
    Ended.NO_SENSE: ModuleProblem.SCRIPT_THREW,
}


@dataclass(frozen=True, slots=True)
class Idle:
    """No process yet."""


@dataclass(frozen=True, slots=True)
class Running:
    """`evaluated`: done when the script was evaluated, or input was given up."""

    worker: Worker
    evaluated: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class Failed:
    problem: ModuleProblem


@dataclass(frozen=True, slots=True)
class Closed:
    pass


State = Idle | Running | Failed | Closed


def engine_is_installed() -> bool:
    return importlib.util.find_spec("_quickjs") is not None


class Sandbox:
    """Implements `port.InputModulePort`; used on the event loop alone, but for `lay_down`."""

    def __init__(
        self,
        reports: Reports,
        *,
        command: Sequence[str] | None = None,
        limits: Limits | None = None,
        clock: Callable[[], float] = boot_s,
    ) -> None:
        self._reports = reports
        self._command = tuple(command) if command else child_command("input-sandbox")
        self._limits = limits or Limits()
        self._clock = clock
        self._state: State = Idle()
        self._standing = Standing()
        self._moves = Moves()
        self._flush_timer: asyncio.TimerHandle | None = None
        self._counts = Counts()
        self._ends: deque[float] = deque()
        self._throws = 0
        self._muted = False
        self._activated_at = float("-inf")
        self._workers: list[Worker] = []
        self.wants_frames = False

    # --- the process and its script ---

    async def start(self) -> None:
        """Start the process, so that it is ready when there is a script."""
        if isinstance(self._state, Idle):
            self._begin()

    async def prepare(self, script: str) -> None:
        match self._state:
            case Failed() | Closed():
                return
            case Running(worker) if self._standing.script not in (None, script):
                worker.end(None)
                self._throws = 0
                self._standing.script = script
                self._begin()
            case Running() if self._standing.script is None:
                self._standing.script = script
                self._send_script()
            case Running():
                pass
            case Idle():
                self._standing.script = script
                self._begin()
            case _:
                assert_never(self._state)
        if isinstance(self._state, Running):
            await asyncio.shield(self._state.evaluated)

    def _begin(self) -> None:
        """Start a process and send it the present state."""
        if not engine_is_installed():
            self._fail(ModuleProblem.NO_ENGINE)
            return
        old = self._state
        evaluated = old.evaluated if isinstance(old, Running) else None
        if evaluated is None or evaluated.done():
            evaluated = asyncio.get_running_loop().create_future()
        worker = Worker(self, self._limits)
        self._workers = [each for each in self._workers if not each.is_gone()]
        self._workers.append(worker)
        self._state = Running(worker, evaluated)
        self._counts.starts += 1
        self.wants_frames = False
        spawn(worker.start(self._command), name="input-sandbox")
        for command in self._standing.of_the_window():
            self._say(command)
        if self._standing.script is not None:
            self._send_script()

    def _send_script(self) -> None:
        script = (self._standing.script or "").encode("utf-8", "replace")
        if len(script) > MAX_SCRIPT_BYTES:
            self._fail(ModuleProblem.TOO_MUCH)
            return
        if isinstance(self._state, Running):
            self._state.worker.send(Kind.SCRIPT, script, Sort.SCRIPT)
        self._make()

    def _make(self) -> None:
        """Construct the instance that holds, in the process that runs."""
        command = self._standing.of_the_instance()
        if command is None:
            return
        self._say(command, Sort.INSTANCE)
        if self._standing.is_attached:
            self._say(commands.ATTACH, Sort.ATTACH)

    def _say(self, command: str, sort: Sort = Sort.OTHER) -> None:
        if isinstance(self._state, Running):
            self._state.worker.send(Kind.COMMAND, command.encode("ascii"), sort)

    # --- the connection ---

    def make_instance(self, instance: int, options: ModuleOptions) -> None:
        self._drop_moves()
        self._standing.connection = Connection(instance, options)
        self._standing.channels = {channel: ChannelState() for channel in Channel}
        self._standing.peer = PeerState()
        self._muted = False
        self._counts.without_bytes_in_a_row = 0
        self._make()

    def attach(self) -> None:
        connection = self._standing.connection
        if connection is None or connection.attached:
            return
        self._standing.connection = replace(connection, attached=True)
        self._muted = False
        self._say_if_made(commands.ATTACH, Sort.ATTACH)

    def detach(self, *, say_releases: bool) -> None:
        connection = self._standing.connection
        self._muted = self._muted or not say_releases
        if connection is None or not connection.attached:
            return
        self._flush()
        self._standing.connection = replace(connection, attached=False)
        self._say_if_made(commands.DETACH)

    def _say_if_made(self, command: str, sort: Sort = Sort.OTHER) -> None:
        if self._standing.connection is not None and self._standing.script is not None:
            self._say(command, sort)

    def channel_state(self, channel: Channel, state: ChannelState) -> None:
        self._standing.channels[channel] = state
        self._say_if_made(commands.channel_command(channel, state))

    def channel_message(self, channel: Channel, data: bytes | str) -> None:
        """A host that sends faster than the module reads loses messages."""
        if len(data) <= outbox.MAX_MESSAGE_BYTES and not self._is_behind():
            self._say_if_made(commands.message_command(channel, data))

    def peer_state(self, state: PeerState) -> None:
        self._standing.peer = state
        self._say_if_made(commands.peer_command(state))

    def video_size(self, width: int, height: int) -> None:
        self._standing.size = (width, height)
        self._say(commands.size_command(width, height))

    def video_frame(self, media_time_s: float) -> None:
        """A picture was shown. Only needed while `wants_frames`."""
        if self.wants_frames and not self._is_behind():
            self._say_if_made(commands.frame_command(media_time_s))

    def send_application_message(self, data: bytes) -> None:
        if len(data) <= MAX_APPLICATION_BYTES and not self._is_behind():
            self._say_if_made(commands.application_command(data))

    def _is_behind(self) -> bool:
        return isinstance(self._state, Running) and self._state.worker.is_behind()

    # --- the player ---

    def dispatch(self, event: InputEvent) -> None:
        match event:
            case PointerMove():
                for move in self._moves.add(event, self._clock()):
                    self._dispatch(move)
                self._wait_for_moves()
                return
            case View():
                self._standing.view = event
            case PadState():
                if self.lay_down(event):
                    return
                self._standing.keep_pad(event)
            case PointerButton():
                if event.pressed:
                    self._activated_at = self._clock()
            case KeyEvent():
                if event.pressed and event.key != "Escape":
                    self._activated_at = self._clock()
            case Wheel() | ReleaseAll():
                pass
            case _:
                assert_never(event)
        self._flush()
        self._dispatch(event)

    def lay_down(self, pad: PadState) -> bool:
        """Whether the state waits for the module's next command or timer, as it may: the module
        knows the pad, and looks for itself. It is not counted as an event. On any thread; it has
        to be the newest state of this pad."""
        connection, known = self._standing.connection, self._standing.pads.get(pad.index)
        if (
            known is None
            or connection is None
            or not connection.options.automatic
            or not pad.connected
            or pad.name != known.name
            or pad.rumbles != known.rumbles
        ):
            return False
        # In this order: a process that takes over meanwhile is told it, or has it laid down.
        self._standing.pads[pad.index] = pad
        state = self._state
        return isinstance(state, Running) and state.worker.lay_down(pad)

    def _dispatch(self, event: InputEvent) -> None:
        counted = self._standing.is_attached and not isinstance(event, View | ReleaseAll)
        if isinstance(event, PointerMove) and self._is_behind():
            return
        self._say(commands.event_command(event), Sort.EVENT if counted else Sort.OTHER)
        if counted:
            self._counts.event()

    def _flush(self) -> None:
        for move in self._moves.flush(self._clock()):
            self._dispatch(move)

    def _wait_for_moves(self) -> None:
        due_at = self._moves.due_at
        if due_at is not None and self._flush_timer is None:
            delay_s = max(0.0, due_at - self._clock())
            loop = asyncio.get_running_loop()
            self._flush_timer = loop.call_later(delay_s, self._on_flush)

    def _on_flush(self) -> None:
        self._flush_timer = None
        due_at = self._moves.due_at
        if due_at is not None and due_at - self._clock() > 0.0005:
            self._wait_for_moves()
            return
        self._flush()

    def _drop_moves(self) -> None:
        self._moves = Moves()
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None

    # --- what the module said ---

    def answered(self, sort: Sort | None, answer: Answer) -> None:
        self._counts.errors += answer.errors
        if sort is Sort.EVENT:
            self._counts.answer_to_event(answer)
        for said in answer.said:
            self._on_said(said)
            if not isinstance(self._state, Running):
                return
        self._on_status(sort, answer.status)

    def _on_status(self, sort: Sort | None, status: Status) -> None:
        if sort not in (Sort.SCRIPT, Sort.INSTANCE, Sort.ATTACH):
            return
        if status is Status.OK:
            if sort is Sort.SCRIPT and isinstance(self._state, Running):
                self._set_evaluated(self._state)
            elif sort is Sort.ATTACH:
                self._throws = 0
            return
        self._throws += 1
        if self._throws > 1 or not self._may_begin_again():
            no_module = status is Status.NO_MODULE
            self._fail(ModuleProblem.NO_MODULE if no_module else ModuleProblem.SCRIPT_THREW)
        elif isinstance(self._state, Running):
            _log.info("the input module cannot be used (%s), trying again", status.value)
            self._state.worker.end(None)
            self._begin()

    def _on_said(self, said: outbox.Said) -> None:
        match said:
            case outbox.FramesAsked(wanted):
                self.wants_frames = wanted
            case outbox.Missing(name):
                self._counts.asked_for(name)
            case _:
                connection = self._standing.connection
                if connection is not None and said.instance == connection.instance:
                    self._report(said)

    def _report(self, said: outbox.SaidOfInstance) -> None:
        match said:
            case outbox.Sent(instance, channel, data):
                if not self._muted:
                    self._counts.bytes_sent += len(data)
                    self._reports.send(instance, channel, data)
            case outbox.Disconnected(instance, reason):
                self._reports.server_disconnected(instance, reason)
            case outbox.ApplicationMessage(instance, data):
                self._reports.application_message(instance, data)
            case outbox.Performance(instance, statistics):
                self._reports.performance(instance, statistics)
            case outbox.PointerLockAsked(instance, wanted):
                if self._may_have(wanted, commands.REFUSE_LOCK):
                    self._reports.pointer_lock(instance, wanted)
            case outbox.FullScreenAsked(instance, wanted):
                if self._may_have(wanted, commands.REFUSE_FULL_SCREEN):
                    self._reports.full_screen(instance, wanted)
            case outbox.CursorChanged(instance, keyword):
                self._reports.cursor(instance, keyword)
            case outbox.Vibrated(instance, index, strong, weak, duration_s):
                wish = VibrationWish(index, strong, weak, duration_s)
                self._reports.vibration(instance, wish)
            case _:
                assert_never(said)

    def _may_have(self, wanted: bool, refusal: str) -> bool:
        """Whether the player clicked just now; if not, the module hears a refusal."""
        if not wanted or (
            self._standing.view.focused and self._clock() - self._activated_at <= ACTIVATION_S
        ):
            return True
        self._say(refusal)
        return False

    # --- ends ---

    def ended(self, why: Ended) -> None:
        """The process of this sandbox ended. The third time within a minute is the last one."""
        if not isinstance(self._state, Running):
            return
        if not self._may_begin_again():
            self._fail(_PROBLEMS[why])
            return
        _log.info("the sandbox of the input module ended (%s), starting another", why.value)
        self._begin()

    def _may_begin_again(self) -> bool:
        now = self._clock()
        self._ends.append(now)
        while self._ends[0] < now - self._limits.ends_within_s:
            self._ends.popleft()
        return len(self._ends) < self._limits.ends

    def _fail(self, problem: ModuleProblem) -> None:
        self._stop(Failed(problem))
        _log.info("there is no input from a module: %s", problem.value)
        self._reports.failed(problem)

    def _stop(self, state: Failed | Closed) -> None:
        """From now on there is no process."""
        old, self._state = self._state, state
        self._drop_moves()
        if isinstance(old, Running):
            old.worker.end(None)
            self._set_evaluated(old)

    def _set_evaluated(self, state: Running) -> None:
        if not state.evaluated.done():
            state.evaluated.set_result(None)

    # --- the rest of the port ---

    async def settle(self) -> None:
        """Wait until all that was asked so far is done: the module's bytes have been reported.

        It ends within `Limits.patience_s` and a tick, because a module that hangs is ended.
        """
        self._flush()
        if isinstance(self._state, Running):
            await self._state.worker.settled()

    @property
    def facts(self) -> ModuleFacts:
        return self._counts.facts()

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self._state.worker.pid if isinstance(self._state, Running) else None

    async def close(self) -> None:
        self._stop(Closed())
        for worker in self._workers:
            await worker.gone()
        self._workers = []
