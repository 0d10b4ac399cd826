"""Fake peers and a fake backend for the engine loop, controlled by a test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from rejoin.core import events
from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    ConnectionSample,
    HardEvidence,
    RemainingKnowledge,
    SessionId,
    SessionView,
    WindowLeft,
)
from rejoin.core.retry import Failure
from rejoin.errors import RejoinError, SignalError
from rejoin.media.statistics import StreamStatistics
from rejoin.rtc.channels import ChannelListener, ChannelState
from rejoin.rtc.signal_codec import sha256_of
from rejoin.service_model.status import Status
from rejoin.signaling.client import CallFailedError

SESSION = SessionId("s-1")


class FakePeer:
    """A `PeerPort` that connects once its answer is applied, unless `connects` is off."""

    def __init__(self, world: FakeWorld, number: ConnectionNumber) -> None:
        self.number = number
        self.actions: list[str] = []
        self.sent: list[tuple[str, bytes | str]] = []
        self.listener: ChannelListener | None = None
        self.muted = False
        self.channel_states: dict[str, ChannelState] = {}
        self.last_packet_at: float | None = None
        self._world = world

    def _post(self, event: events.Event) -> None:
        self._world.post(event)

    async def make_offer(self) -> str:
        await asyncio.sleep(0)
        if self._world.offer_error is not None:
            raise self._world.offer_error
        return f"offer {self.number}"

    async def apply_answer(self, signal_response: str, *, rtt_s: float | None = None) -> None:
        self.actions.append("answer")
        if signal_response != self._world.answer_to(f"offer {self.number}"):
            raise SignalError("This is not the answer to this offer.")
        if self._world.connects:
            self.connect()

    def connect(self) -> None:
        self.last_packet_at = self._world.clock()
        self._post(events.ConnectionOpened(self.number))
        self._post(events.FirstFrameDecoded(self.number))
        self._post(events.InputOpened(self.number))

    def request_key_frame(self) -> None:
        self.actions.append("key frame")

    def start_checks(self) -> None:
        self.actions.append("checks")

    def stop_checks(self) -> None:
        self.actions.append("no checks")

    def mute(self) -> None:
        self.muted = True
        self.actions.append("mute")

    def unmute(self) -> None:
        self.muted = False
        self.actions.append("unmute")

    async def say_goodbye(self, times: int) -> None:
        self.actions.append(f"goodbye x{times}")

    def listen(self, listener: ChannelListener) -> None:
        self.listener = listener

    def hears(self, label: str, data: bytes | str) -> None:
        """The host sends this on a data channel."""
        assert self.listener is not None
        self.listener.message(label, data)

    def send(self, label: str, data: bytes | str) -> bool:
        self.sent.append((label, data))
        return True

    def channel_state(self, label: str) -> ChannelState:
        return self.channel_states.get(label, ChannelState("open", 0))

    def server_disconnected(self, reason: str) -> None:
        self._post(events.HardEvidenceSeen(self.number, HardEvidence.SERVER_DISCONNECTED, reason))

    def show(self, shown: bool) -> None:
        self.actions.append("shown" if shown else "hidden")

    @property
    def local_addresses(self) -> frozenset[str]:
        return self._world.local_addresses

    def sample(self) -> ConnectionSample | None:
        if self._world.sample_error is not None:
            raise self._world.sample_error
        if self.last_packet_at is None:
            return None
        if not self._world.silent:
            self.last_packet_at = self._world.clock()
        return ConnectionSample(
            last_packet_at=self.last_packet_at,
            last_rtp_at=self.last_packet_at,
            last_frame_at=self.last_packet_at,
            frames_decoded=1,
            frame_interval_s=1 / 60,
            rtt_s=0.01,
            loss=0.0,
        )

    def statistics(self) -> StreamStatistics:
        return StreamStatistics(self.number, connected=self.last_packet_at is not None)

    async def close(self) -> None:
        self.actions.append("close")
        self.last_packet_at = None
        await asyncio.sleep(self._world.close_takes_s)
        self.actions.append("closed")


class FakeWorld:
    """A `BackendPort`, and the factory of the peers; `status_now` is what the service reports."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.post: Callable[[events.Event], None] = lambda event: None
        self.peers: list[FakePeer] = []
        self.status_now = Status("ACTIVATING")
        self.offer = ""
        self.script_url: str | None = None
        self.connects = True
        self.silent = False
        self.local_addresses = frozenset({"127.0.0.1"})
        self.close_takes_s = 0.0
        self.sample_error: Exception | None = None
        self.offer_error: RejoinError | None = None
        self.call_error: Exception | None = None
        self.failure: Failure | None = None
        self.started: list[str] = []
        self.reconnected: list[tuple[int, str, str]] = []
        self.left: WindowLeft | None = None
        self.terminated = 0
        self.forgotten = 0
        self.answers = asyncio.Event()
        """Clear it to leave polls of the status without an answer."""
        self.answers.set()

    def make_peer(self, number: ConnectionNumber, post: Callable[[events.Event], None]) -> FakePeer:
        self.post = post
        peer = FakePeer(self, number)
        self.peers.append(peer)
        return peer

    def answer_to(self, offer: str) -> str:
        """Names the script of an input module if there is a `script_url`."""
        answer = f"answer to {offer}"
        if self.script_url is None:
            return answer
        return json.dumps({"sdp": answer, "webSdkProtocolUrl": self.script_url})

    def _view(self) -> SessionView:
        connected = self.status_now == "CONNECTED"
        return SessionView(
            SESSION,
            self.status_now,
            connection_timeout_s=120.0,
            remaining=RemainingKnowledge(120.0, 0.0) if connected else None,
            signal_request_sha256=sha256_of(self.offer),
            signal_response=self.answer_to(self.offer) if self.status_now == "ACTIVE" else None,
        )

    def _maybe_fail(self) -> None:
        if self.call_error is not None:
            raise self.call_error
        if self.failure is not None:
            raise CallFailedError(self.failure)

    async def start(
        self, *, attempt: AttemptNumber, token: str, signal_request: str, budget_s: float
    ) -> SessionView:
        self._maybe_fail()
        self.started.append(token)
        self.offer = signal_request
        view = self._view()
        self.status_now = Status("ACTIVE")
        return view

    async def status(
        self, session_id: SessionId, *, known: Status | None, wait_s: float, budget_s: float
    ) -> SessionView:
        await self.answers.wait()
        self._maybe_fail()
        for _ in range(round(wait_s * 100)):
            if known != self.status_now:
                break
            await asyncio.sleep(0.01)
        return self._view()

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
    ) -> str:
        self._maybe_fail()
        on_written()
        self.left = left
        self.reconnected.append((attempt, token, signal_request))
        self.offer = signal_request
        self.status_now = Status("ACTIVE")
        return self.answer_to(signal_request)

    def drop_pooled_connections(self) -> None:
        self.forgotten += 1

    async def terminate(self, session_id: SessionId, *, budget_s: float) -> None:
        self._maybe_fail()
        self.terminated += 1
