"""The ports of the engine loop: its interfaces to peers, the backend and the ticket store."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from rejoin.clock import Clock, awake_s, boot_s
from rejoin.core.events import Event
from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    ConnectionSample,
    Policy,
    SessionId,
    SessionView,
    WindowLeft,
)
from rejoin.core.reconnect_report import ReconnectReport
from rejoin.core.retry import Draw
from rejoin.core.ticket import RejoinState
from rejoin.core.trace import Record
from rejoin.core.verdict import Findings
from rejoin.media.statistics import StreamStatistics
from rejoin.rtc.channels import ChannelListener, ChannelState
from rejoin.runtime.network import NetworkWatch, has_address
from rejoin.service_model.status import Status


class PeerPort(Protocol):
    """One WebRTC connection; `rtc.peer.Peer` implements it."""

    async def make_offer(self) -> str: ...
    async def apply_answer(self, signal_response: str, *, rtt_s: float | None = None) -> None: ...
    def request_key_frame(self) -> None: ...
    def start_checks(self) -> None: ...
    def stop_checks(self) -> None: ...
    def mute(self) -> None: ...
    def unmute(self) -> None: ...
    async def say_goodbye(self, times: int) -> None: ...
    def listen(self, listener: ChannelListener) -> None: ...
    def send(self, label: str, data: bytes | str) -> bool: ...
    def channel_state(self, label: str) -> ChannelState: ...
    def server_disconnected(self, reason: str) -> None: ...
    def show(self, shown: bool) -> None: ...
    @property
    def local_addresses(self) -> frozenset[str]: ...
    def sample(self) -> ConnectionSample | None: ...
    def statistics(self) -> StreamStatistics: ...
    async def close(self) -> None: ...


class BackendPort(Protocol):
    """The studio's backend; `signaling.client.BackendClient` implements it.

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
        left: WindowLeft,
        on_written: Callable[[], None],
    ) -> str: ...
    async def terminate(self, session_id: SessionId, *, budget_s: float) -> None: ...
    def drop_pooled_connections(self) -> None: ...


class ProbesPort(Protocol):
    """Probes that find out whose fault it is; `runtime.probes.Probes` implements it."""

    async def findings(self) -> Findings: ...
    async def aclose(self) -> None: ...


class TicketStore(Protocol):
    """Where tickets are saved; `runtime.local_store.LocalStore` implements it. No call raises."""

    async def save(self, rejoin_state: RejoinState) -> None: ...
    async def delete(self, session_id: SessionId) -> None: ...


Post = Callable[[Event], None]
"""Hands an event to the engine."""

PeerFactory = Callable[[ConnectionNumber, Post], PeerPort]
"""Makes the peer of one connection, which posts its events through the callable."""

WatchFactory = Callable[[Post], NetworkWatch | None]
"""Makes the network watch, which posts through the callable; None where there is none."""

MakeProbes = Callable[[], ProbesPort]
"""Makes the probes."""

OnStatistics = Callable[[float, StreamStatistics], None]
"""Receives the shown connection's statistics once a second, with the boot time in seconds."""


def _no_watch(post: Post) -> NetworkWatch | None:
    return None


def _ignore_statistics(at: float, statistics: StreamStatistics) -> None:
    return


@dataclass(frozen=True, slots=True)
class EnginePorts:
    """Everything outside the engine that its commands reach or that posts to it.

    `tickets`: None saves no tickets. `refresh_sign_in`: gets a new sign-in token, may raise
    RejoinError; None if there is no way to get one. `make_probes`: called on a thread when probes
    are first used; None: there are none.
    """

    backend: BackendPort
    make_peer: PeerFactory
    watch: WatchFactory = _no_watch
    tickets: TicketStore | None = None
    refresh_sign_in: Callable[[], Awaitable[None]] | None = None
    on_statistics: OnStatistics = _ignore_statistics
    make_probes: MakeProbes | None = None


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How the engine runs: its constants, its clocks and what it records.

    `clock` is boot time, `awake_clock` stands still while the machine sleeps. `draw`: a random
    number from 0 to 1 for the jitter of the backoff. `record_samples`: put every sample into the
    trace too. `on_report`: receives a report of each episode; None makes none.
    """

    policy: Policy = field(default_factory=Policy)
    clock: Clock = boot_s
    awake_clock: Clock = awake_s
    has_address: Callable[[str], bool] = has_address
    draw: Draw = random.random
    on_record: Callable[[Record], None] | None = None
    record_samples: bool = False
    on_report: Callable[[ReconnectReport], None] | None = None
