"""Connects the service's input module to the connection that is shown: script, sandbox, channels.

Each answer names a script. An instance of it is made for that answer's connection, attached when
the connection is live, and detached before its goodbye. Between LOST and live its messages are
dropped: they would keep the session CONNECTED, and no create call would be accepted. When the
connection heals, the module is detached and attached again, so that the host learns which keys were
released meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from rejoin.core import events
from rejoin.core.model import ConnectionNumber, NoInput
from rejoin.input_events.events import InputEvent, PadState, View
from rejoin.input_events.held import at_rest
from rejoin.input_events.wishes import AnyWish, CursorWish
from rejoin.input_module.port import (
    MAX_APPLICATION_BYTES,
    Channel,
    ChannelState,
    ModuleFacts,
    ModuleOptions,
)
from rejoin.media.statistics import StreamStatistics
from rejoin.printable import printable
from rejoin.runtime.channel_reports import ChannelReports
from rejoin.runtime.connections import Connections
from rejoin.runtime.module_process import ModuleProcess
from rejoin.runtime.module_scripts import ModuleScripts, Script, script_url
from rejoin.runtime.module_states import (
    Attachment,
    InputParts,
    Loading,
    Missing,
    ModuleState,
    NoConnection,
    Present,
    Ready,
)
from rejoin.runtime.module_statistics import host_load, peer_state
from rejoin.runtime.ports import PeerPort
from rejoin.runtime.waiting_messages import WaitingMessages
from rejoin.signaling.module_script import ScriptUnavailableError
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.module_input")

LEAVE_WITHIN_S: Final = 0.100
"""How long the end of a live connection waits for the module's key releases. A working module needs
less than a millisecond for them."""
MAX_REASON: Final = 64
_MAY_SEND = (Attachment.MADE, Attachment.ATTACHED, Attachment.LEAVING)


class ModuleInput:
    """Use it on the engine's loop. None of its methods raises or waits."""

    def __init__(
        self,
        connections: Connections,
        parts: InputParts | None,
        post: Callable[[events.Event], None],
    ) -> None:
        """`parts`: None: no input module is used, and the game can only be watched."""
        self._connections = connections
        self._parts = parts
        self._post = post
        self._scripts = None if parts is None else ModuleScripts(parts.fetcher)
        self.state: ModuleState = NoConnection()
        self._live: ConnectionNumber | None = None
        """The connection that is live; an instance is attached as soon as there is one."""
        self._process: ModuleProcess | None = None
        self._standby: ModuleProcess | None = None
        """A process with a newer script, for the next connection."""
        self._loading: asyncio.Task[None] | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._preparing: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._waiting = WaitingMessages()
        self._view: View | None = None
        self._pads: dict[int, PadState] = {}
        self._channels = ChannelReports(self._present_peer, self._report_channel)
        self._load: dict[str, Any] = {}
        self._facts = ModuleFacts()
        self._disconnected: ConnectionNumber | None = None

    def begin(self) -> None:
        """The game begins: start a process, so that it waits for the script."""
        if self._parts is not None and self._scripts is not None and self._process is None:
            self._process = ModuleProcess(self._parts.make_sandbox, self)
            self._preparing = spawn(self._scripts.prepare(), name="prepare input module")

    # --- the life of a connection -----------------------------------------------------------------

    def listener(self, connection: ConnectionNumber) -> _Listener:
        """The reader of this connection's channels."""
        return _Listener(self, connection)

    def answered(self, connection: ConnectionNumber, signal_response: str) -> None:
        """An answer was applied: make an instance for its connection as soon as possible.

        If everything is ready, wait for the first picture or message, since making it delays the
        picture. The instance before it is no longer used: its connection cannot heal any more.
        """
        self._cancel_work()
        if self._parts is None or self._scripts is None:
            self._is_missing(connection, NoInput.OFF)
            return
        url = script_url(signal_response)
        if url is None:
            self._is_missing(connection, NoInput.NO_MODULE)
            return
        try:
            known = self._scripts.known(url)
        except ScriptUnavailableError as error:
            _log.warning("%s", error)
            self._is_missing(connection, NoInput.NOT_LOADED)
            return
        self._take_standby()
        self.state = Loading(connection, signal_response)
        if known is not None:
            self._refreshing = spawn(
                self._scripts.refresh(url, self._stand_by), name="refresh input module"
            )
            if self._process is not None and self._process.ready:
                self.state = ready = Ready(connection, signal_response)
                if self._live == connection or self._waiting.any_of(connection):
                    self._make(ready)
                return
        self._loading = spawn(self._prepare(connection, url, known), name="load input module")

    def attach(self, connection: ConnectionNumber) -> None:
        """The connection is live: it was shown, or has healed."""
        self._live = connection
        match self.state:
            case Ready(of) as ready if of == connection:
                self._make(ready)
            case Present(of, Attachment.MADE) if of == connection:
                self._attach(connection)
            case Present(of, Attachment.SUSPENDED) if of == connection and self._process:
                self.state = Present(connection, Attachment.ATTACHED)
                self._process.sandbox.detach(say_releases=True)
                self._attach(connection)
            case _:
                pass

    def suspend(self, connection: ConnectionNumber) -> None:
        """The connection is lost: send nothing on it, and forget held keys."""
        self._live = None
        match self.state:
            case Present(of) if of == connection:
                self.state = Present(connection, Attachment.SUSPENDED)
            case Missing() if self._process is not None and self._process.problem is not None:
                script = self._process.script
                self._start(script)  # it stands ready for the next connection
            case _:
                pass

    def leave(self, connection: ConnectionNumber) -> asyncio.Task[None] | None:
        """Detach before a goodbye or the close; returns the task to wait for, if any."""
        self._waiting.pop(connection)
        match self.state:
            case Present(of, Attachment.ATTACHED) if of == connection and self._process:
                self.state = Present(connection, Attachment.LEAVING)
                self._process.sandbox.detach(say_releases=True)
                return spawn(self._process.settled(LEAVE_WITHIN_S), name="releases")
            case Present(of, Attachment.MADE | Attachment.SUSPENDED) if (
                of == connection and self._process
            ):
                self.state = Present(connection, Attachment.LEFT)
                self._process.sandbox.detach(say_releases=False)
            case Loading(of) | Ready(of) if of == connection:
                self._cancel_work()
                self.state = NoConnection()
            case _:
                pass
        return None

    async def close(self) -> None:
        """End every process and task."""
        self._cancel_work()
        await cancel(self._loading, self._refreshing, self._preparing)
        self._channels.stop()
        self._facts = self.facts
        processes = [each for each in (self._process, self._standby) if each is not None]
        self._process = self._standby = None
        await asyncio.gather(*(each.close() for each in processes), *self._closing)

    # --- what the player does ---------------------------------------------------------------------

    def send_input(self, event: InputEvent) -> None:
        """Input reaches the instance while it is attached; views and gamepads are remembered."""
        if isinstance(event, View):
            self._view = event
        elif isinstance(event, PadState):
            self._pads[event.index] = event
        match self.state:
            case Present(_, Attachment.ATTACHED) if self._process is not None:
                self._process.sandbox.dispatch(event)
            case Present(_, Attachment.MADE | Attachment.SUSPENDED) if (
                isinstance(event, View) and self._process is not None
            ):
                self._process.sandbox.dispatch(event)
            case _:
                pass

    def lay_down(self, pad: PadState) -> bool:
        """Like `send_input`, on any thread, for the newest state of a gamepad; False: use
        `send_input`. Such a state need not be remembered: remembered gamepads count as at rest."""
        match self.state:
            case Present(_, Attachment.ATTACHED):
                process = self._process
                return process is not None and process.sandbox.lay_down(pad)
            case _:
                return False

    def send_application_message(self, data: bytes) -> None:
        """Pass it to the attached instance; lost if there is none. At most 65,536 bytes."""
        match self.state:
            case Present(connection, Attachment.ATTACHED) if self._process is not None:
                self._process.sandbox.send_application_message(data)
                self._post(events.MessageSent(connection, len(data)))
            case _:
                pass

    @property
    def wants_frames(self) -> bool:
        """Whether the module waits for the next picture (requestVideoFrameCallback). May be read on
        any thread."""
        process = self._process
        return process is not None and process.sandbox.wants_frames

    def frame_shown(self, connection: ConnectionNumber, media_time_s: float) -> None:
        """A picture of this connection was shown; `media_time_s` counts from an arbitrary
        moment."""
        match self.state:
            case Present(of) if of == connection and self._process is not None:
                self._process.sandbox.video_frame(media_time_s)
            case _:
                pass

    # --- numbers ----------------------------------------------------------------------------------

    @property
    def facts(self) -> ModuleFacts:
        """Facts of the running process, or of the last one."""
        if self._process is not None:
            self._facts = self._process.facts
        return self._facts

    def with_host_load(
        self, connection: ConnectionNumber, numbers: StreamStatistics
    ) -> StreamStatistics:
        """Once a second: tell the instance these statistics; returns them with the host's own."""
        match self.state:
            case Present(of) if of == connection and self._process is not None:
                self._process.sandbox.peer_state(peer_state(numbers))
                if numbers.width and numbers.height:
                    self._process.sandbox.video_size(numbers.width, numbers.height)
                return replace(numbers, **self._load) if self._load else numbers
            case _:
                return numbers

    # --- the module's reports (module_process.ModuleListener) -------------------------------------

    def on_send(
        self, process: ModuleProcess, instance: int, channel: Channel, data: bytes | str
    ) -> None:
        connection = self._speaker(process, instance, _MAY_SEND)
        if connection is None:
            return
        peer = self._connections.get(connection)
        if peer is not None:
            peer.send(channel.value, data)
            self._channels.sent(channel, data)

    def on_server_disconnected(self, process: ModuleProcess, instance: int, reason: str) -> None:
        """Hard evidence of a drop, once for each connection."""
        connection = self._speaker(process, instance, tuple(Attachment))
        if connection is None or connection == self._disconnected:
            return
        self._disconnected = connection
        said = printable(reason[:MAX_REASON])
        self._connections.if_open(connection, lambda peer: peer.server_disconnected(said))

    def on_application_message(self, process: ModuleProcess, instance: int, data: bytes) -> None:
        connection = self._speaker(process, instance, (Attachment.ATTACHED,))
        if connection is None or self._parts is None or len(data) > MAX_APPLICATION_BYTES:
            return
        self._post(events.MessageReceived(connection, len(data)))
        try:
            self._parts.on_message(data)
        except Exception:
            _log.exception("the receiver of application messages failed")

    def on_performance(
        self, process: ModuleProcess, instance: int, statistics: Mapping[str, object]
    ) -> None:
        if self._speaker(process, instance, tuple(Attachment)) is not None:
            self._load = host_load(statistics)

    def on_wish(self, process: ModuleProcess, instance: int, wish: AnyWish) -> None:
        if self._parts and self._speaker(process, instance, (Attachment.ATTACHED,)) is not None:
            self._parts.on_wish(wish)

    def on_failed(self, process: ModuleProcess) -> None:
        _log.warning("the input module failed: %s", process.problem)
        self._discard(process)
        if process is self._standby:
            self._standby = None
        elif process is self._process:
            self._facts = process.facts
            if isinstance(self.state, Ready | Present):
                self._is_missing(self.state.connection, NoInput.FAILED)

    def _speaker(
        self, process: ModuleProcess, instance: int, allowed: tuple[Attachment, ...]
    ) -> ConnectionNumber | None:
        """The connection that a report is about; None: it is ignored."""
        match self.state:
            case Present(connection, attachment) if (
                process is self._process and connection == instance and attachment in allowed
            ):
                return connection
            case _:
                return None

    # --- the script and its process ---------------------------------------------------------------

    async def _prepare(self, connection: ConnectionNumber, url: str, known: Script | None) -> None:
        assert self._scripts is not None
        try:
            script = known or await self._scripts.fetch(url)
        except ScriptUnavailableError as error:
            _log.warning("%s", error)
            self._is_missing(connection, NoInput.NOT_LOADED)
            return
        process = self._process
        if process is None or not process.takes(script):
            process = self._start(script)
        process.evaluate(script)
        prepared = await process.prepared()
        match self.state:
            case Loading(of) if of == connection:
                if prepared:
                    self._make(self.state)
                else:
                    self._is_missing(connection, NoInput.FAILED)
            case _:
                pass

    def _start(self, script: Script | None) -> ModuleProcess:
        assert self._parts is not None
        if self._process is not None:
            self._discard(self._process)
        self._process = ModuleProcess(self._parts.make_sandbox, self)
        if script is not None:
            self._process.evaluate(script)
        return self._process

    def _stand_by(self, script: Script) -> None:
        """A newer script: it is evaluated now, and used from the next connection on."""
        assert self._parts is not None
        if self._standby is not None:
            self._discard(self._standby)
        self._standby = ModuleProcess(self._parts.make_sandbox, self)
        self._standby.evaluate(script)

    def _take_standby(self) -> None:
        standby, self._standby = self._standby, None
        if standby is not None:
            if self._process is not None:
                self._discard(self._process)
            self._process = standby

    def _discard(self, process: ModuleProcess) -> None:
        task = spawn(process.close(), name="end input module")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _cancel_work(self) -> None:
        for task in (self._loading, self._refreshing):
            if task is not None and task is not asyncio.current_task():
                task.cancel()

    # --- the instance -----------------------------------------------------------------------------

    def _make(self, loading: Loading | Ready) -> None:
        """Make the instance, and give it what the host has sent already."""
        assert self._parts is not None
        assert self._process is not None
        connection, sandbox = loading.connection, self._process.sandbox
        limits = self._parts.limits()
        self.state = Present(connection, Attachment.MADE)
        self._load = {}
        sandbox.make_instance(
            connection,
            ModuleOptions(
                loading.response,
                max_kbps=limits.max_kbps,
                max_height=limits.max_height,
                automatic=self._parts.automatic,
            ),
        )
        self._channels.check(anew=True)
        self._parts.on_wish(CursorWish("default"))
        if self._view is not None:
            sandbox.dispatch(self._view)
        for channel, data in self._waiting.pop(connection):
            sandbox.channel_message(channel, data)
        if self._live == connection and self.state == Present(connection, Attachment.MADE):
            self._attach(connection)

    def _attach(self, connection: ConnectionNumber) -> None:
        assert self._process is not None
        self.state = Present(connection, Attachment.ATTACHED)
        self._channels.check()
        self._connections.if_open(
            connection, lambda peer: self.with_host_load(connection, peer.statistics())
        )
        self._process.sandbox.attach()
        for pad in self._pads.values():
            # Keys that are held now count only when they are pressed again.
            self._process.sandbox.dispatch(at_rest(pad))
        if self.state == Present(connection, Attachment.ATTACHED):
            self._post(events.InputModuleKnown(connection, None))

    def _is_missing(self, connection: ConnectionNumber, why: NoInput) -> None:
        self.state = Missing(connection, why)
        self._waiting.clear()
        self._post(events.InputModuleKnown(connection, why))

    # --- the channels -----------------------------------------------------------------------------

    def message_arrived(self, connection: ConnectionNumber, label: str, data: bytes | str) -> None:
        """The host sent this on a channel: the instance alone reads it."""
        if self._parts is None:
            return
        channel = Channel(label)
        match self.state:
            case Present(of, attachment) if of == connection:
                if attachment is not Attachment.LEFT and self._process is not None:
                    self._process.sandbox.channel_message(channel, data)
            case Loading(of) if of == connection:
                self._waiting.add(connection, channel, data)
            case Ready(of) as ready if of == connection:
                self._waiting.add(connection, channel, data)
                self._make(ready)
            case NoConnection():
                self._waiting.add(connection, channel, data)
            case Loading(of) | Ready(of) | Present(of) | Missing(of) if of < connection:
                self._waiting.add(connection, channel, data)  # its answer is still being applied
            case _:
                pass

    def channel_changed(self, connection: ConnectionNumber) -> None:
        """A channel of this connection opened or closed."""
        match self.state:
            case Present(of) if of == connection:
                self._channels.check()
            case _:
                pass

    def _present_peer(self) -> PeerPort | None:
        match self.state:
            case Present(connection) if self._process is not None:
                return self._connections.get(connection)
            case _:
                return None

    def _report_channel(self, channel: Channel, state: ChannelState) -> None:
        if self._process is not None:
            self._process.sandbox.channel_state(channel, state)


class _Listener:
    """The `rtc.channels.ChannelListener` of one connection."""

    def __init__(self, owner: ModuleInput, connection: ConnectionNumber) -> None:
        self._owner = owner
        self._connection = connection

    def message(self, label: str, data: bytes | str) -> None:
        self._owner.message_arrived(self._connection, label, data)

    def state(self, label: str) -> None:
        self._owner.channel_changed(self._connection)
