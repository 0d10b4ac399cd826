"""One stream session of `learn`: a client without an engine, so that nothing reconnects by itself.

It connects, leaves in one of three ways, waits until the service notices, and reconnects. Its
observations are `learned.Finding`s.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from rejoin.clock import boot_s
from rejoin.core import events
from rejoin.core.model import AttemptNumber, ConnectionNumber, SessionId, SessionView, WindowLeft
from rejoin.core.retry import FailureKind
from rejoin.errors import RejoinError, SignalError
from rejoin.injector.faults import Rebind, Scope, cut
from rejoin.injector.injector import Injector
from rejoin.media.audio.output import NullOutput
from rejoin.media.video.picture import PictureSlot
from rejoin.netem.link import Direction
from rejoin.qa.learned import Figure, Finding, Leave, Measured, Word
from rejoin.rtc.peer import Peer, PeerSettings
from rejoin.rtc.playback import MediaSinks
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.service_model import status as service_status
from rejoin.signaling.aws_react import ReactClient
from rejoin.signaling.aws_samples import SampleClient
from rejoin.signaling.client import BackendClient
from rejoin.signaling.client_factory import make_client
from rejoin.signaling.dialects import OURS
from rejoin.signaling.exchange import CallFailedError, HttpSettings

CALL_S: Final = 10.0
"""Budget of a call. Nothing here is in a hurry."""
POLL_EVERY_S: Final = 0.5
"""Pause between status calls: two of the 20 calls a second that AWS documents."""
OPEN_WITHIN_S: Final = 20.0
CHANNELS_WITHIN_S: Final = 5.0
"""Acknowledgements of data channels that have not arrived by then count as missing."""
PLAY_S: Final = 1.0
"""How long a connection is up before the client leaves, so that its setup is certainly over."""
FOLLOWS_WITHIN_S: Final = 8.0
"""A host that follows a new port does so with the next check from there, of which one is sent each
second at least."""
_STILL_OLD_S: Final = 1.0
"""Packets that arrive this soon after a rebind may have been sent before it."""
_SAMPLE_S: Final = 0.1
_GOODBYES: Final = 3
_GONE: Final = frozenset({service_status.PENDING_CLIENT_RECONNECTION})


class LearnError(RejoinError):
    """A session that could not be measured to its end; the sentence says why."""

    code = "learn"


@dataclass(frozen=True, slots=True)
class Patience:
    """`start_s`: for a game to be placed. `notice_s`: for the service to notice that a client is
    gone; a longer time gives no finding."""

    start_s: float
    notice_s: float


@dataclass(slots=True)
class _Connection:
    """A connection and its state. `opened_at`: None while it is not up."""

    peer: Peer
    offer: str
    opened_at: float | None = None
    failed: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class LearnSession:
    """One session. `findings` grows during it, so that a failed session keeps earlier findings."""

    def __init__(
        self, profile: StudioProfile, patience: Patience, on_session: Callable[[str], None]
    ) -> None:
        """`on_session` gets the session's id as soon as it is known. Raises BadInputError."""
        self.findings: list[Finding] = []
        self._profile = profile
        self._patience = patience
        self._on_session = on_session
        self._injector = Injector()
        self._client: BackendClient | SampleClient = make_client(
            profile.dialect,
            profile.backend_url,
            profile.token,
            profile.choice,
            http=HttpSettings(
                connect_timeout_s=CALL_S,
                first_connect_timeout_s=CALL_S,
                allow_insecure=profile.allow_insecure,
                verify=profile.ssl_context(),
            ),
        )
        self._session_id = SessionId("")
        self._numbers = 0
        self._attempts = 0
        self._answers: list[str] = []
        """To each connection, the first one first."""
        self._polls_s: list[float] = []
        """How long each status call took."""
        self._audio = NullOutput()

    async def measure(self, leave: Leave) -> None:
        """Play it. Raises LearnError, CallFailedError."""
        try:
            async with self._connection() as first:
                await self._start(first)
                await self._opened(first)
                await asyncio.sleep(PLAY_S)
                reports_status = self._profile.dialect.reports_status
                if leave is Leave.GOODBYE and not reports_status:
                    await self._move(first)
                gone_at = await self._go(first, leave)
            if not reports_status:
                return
            await self._until_noticed(leave, gone_at)
            if leave is Leave.KILLED:
                return
            async with self._connection() as second:
                await self._come_back(second)
                await self._opened(second)
                await self._read_shown()
                await asyncio.sleep(PLAY_S)
                if leave is Leave.GOODBYE:
                    await self._move(second)
                    await self._come_too_early()
        finally:
            await self._injector.close()
            self._audio.close()
            await self._client.aclose()

    # --- connections ------------------------------------------------------------------------------

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[_Connection]:
        self._numbers += 1
        box: list[_Connection] = []
        peer = Peer(
            ConnectionNumber(self._numbers),
            PeerSettings(self._profile.network, filter_sockets=self._injector.hooks.filter_sockets),
            MediaSinks(PictureSlot(), self._audio),
            post=lambda event: _note(box[0], event) if box else None,
        )
        try:
            box.append(_Connection(peer, await peer.make_offer()))
            yield box[0]
        finally:
            await peer.close()

    async def _start(self, connection: _Connection) -> None:
        self._attempts += 1
        asked_at = boot_s()
        view = await self._client.start(
            attempt=AttemptNumber(self._attempts),
            token=secrets.token_hex(20),
            signal_request=connection.offer,
            budget_s=self._patience.start_s,
        )
        self._session_id = view.session_id
        self._on_session(view.session_id)
        last_placing_at = boot_s() if view.status == service_status.ACTIVATING else asked_at
        while view.status == service_status.ACTIVATING or view.signal_response is None:
            if service_status.is_terminal(view.status):
                reason = view.reason or view.status
                raise LearnError(f"the game ended before it was there ({reason})")
            if boot_s() - asked_at > self._patience.start_s:
                raise LearnError("the game was not placed in time")
            await asyncio.sleep(POLL_EVERY_S)
            polled_at = boot_s()
            view = await self._status()
            if view.status == service_status.ACTIVATING:
                last_placing_at = polled_at
        self._found(Figure.PLACEMENT, last_placing_at - asked_at, boot_s() - asked_at)
        if view.connection_timeout_s is not None:
            timeout_s = view.connection_timeout_s
            self._found(Figure.CONNECTION_TIMEOUT, timeout_s, timeout_s)
        await self._apply(connection, view.signal_response)

    async def _apply(self, connection: _Connection, signal_response: str) -> None:
        self._read_answer(connection.offer, signal_response)
        self._answers.append(signal_response)
        try:
            await connection.peer.apply_answer(signal_response)
        except SignalError as error:
            raise LearnError(f"the answer cannot be used: {error}") from None

    async def _opened(self, connection: _Connection) -> None:
        """Wait until it is up, and for its data channels."""
        until_at = boot_s() + OPEN_WITHIN_S
        while connection.opened_at is None:
            if connection.failed or boot_s() > until_at:
                raise LearnError("no connection to the game server was made")
            await _next(connection)
        until_at = boot_s() + CHANNELS_WITHIN_S
        peer = connection.peer
        while not peer.channel_acks and boot_s() < until_at and not connection.failed:
            await _next(connection)
        acknowledged = peer.channel_acks > 0
        self._said(Figure.CHANNELS, "acknowledged" if acknowledged else "not acknowledged")

    def _read_answer(self, request: str, response: str) -> None:
        """Read which side begins DTLS (`active`, RFC 8842), where the offer left the choice."""
        offered, answered = _sdp_of(request), _sdp_of(response)
        if "a=setup:actpass" not in offered:
            return
        found = re.search(r"(?m)^a=setup:(active|passive)\r?$", answered)
        if found is not None:
            self._said(Figure.DTLS, "client" if found[1] == "active" else "server")

    # --- leaving ----------------------------------------------------------------------------------

    async def _go(self, connection: _Connection, leave: Leave) -> float:
        """Leave in this way; returns the time at which the host last heard from us."""
        paths = self._injector.paths
        match leave:
            case Leave.SILENT:
                self._injector.start(cut(scope=Scope.EXISTING))
            case Leave.GOODBYE:
                gone_at = boot_s()
                await connection.peer.say_goodbye(_GOODBYES)
                return gone_at
            case Leave.KILLED:
                # Like a killed process: its sockets close, without a goodbye.
                up = frozenset({Direction.UP})
                self._injector.start(cut(scope=Scope.EXISTING, directions=up))
                await connection.peer.close()
        return boot_s() if paths.passed_at is None else paths.passed_at

    async def _until_noticed(self, leave: Leave, gone_at: float) -> None:
        there_at = gone_at
        while boot_s() - gone_at < self._patience.notice_s:
            asked_at = boot_s()
            view = await self._status()
            if view.status in _GONE:
                self._found(_NOTICED[leave], max(0.0, there_at - gone_at), boot_s() - gone_at)
                return
            if service_status.is_terminal(view.status):
                raise LearnError(f"the service ended the session ({view.reason or view.status})")
            there_at = asked_at
            await asyncio.sleep(POLL_EVERY_S)
        raise LearnError(
            f"within {self._patience.notice_s:g} s the service did not notice that the client was "
            "gone"
        )

    # --- coming back ------------------------------------------------------------------------------

    async def _come_back(self, connection: _Connection) -> None:
        self._injector.lift()
        asked_at = boot_s()
        answer = await self._create(connection)
        took_s = boot_s() - asked_at
        # A status call passes the same backend and calls the service as well.
        fastest_s, slowest_s = min(self._polls_s), max(self._polls_s)
        self._found(Figure.CREATE, max(0.0, took_s - slowest_s), max(0.0, took_s - fastest_s))
        await self._apply(connection, answer)

    async def _create(self, connection: _Connection) -> str:
        self._attempts += 1
        return await self._client.reconnect(
            self._session_id,
            attempt=AttemptNumber(self._attempts),
            token=secrets.token_hex(20),
            signal_request=connection.offer,
            budget_s=CALL_S,
            left=WindowLeft(None, CALL_S),
            on_written=lambda: None,
        )

    async def _read_shown(self) -> None:
        """Read which connection's answer GetStreamSession shows; only `aws-react` passes it on."""
        if not isinstance(self._client, ReactClient):
            return
        await self._status()
        first, latest = self._answers
        word = {first: "the first answer", latest: "the latest answer"}
        self._said(Figure.SHOWN_ANSWER, word.get(self._client.shown_response, "neither answer"))

    async def _move(self, connection: _Connection) -> None:
        """Give the client another port, as a NAT does, and see whether the host sends to it."""
        moved_at = boot_s()
        self._injector.start(Rebind())
        connection.peer.start_checks()
        follows = False
        while not follows and boot_s() - moved_at < FOLLOWS_WITHIN_S:
            await asyncio.sleep(_SAMPLE_S)
            sample = connection.peer.sample()
            follows = sample is not None and sample.last_rtp_at > moved_at + _STILL_OLD_S
        self._said(Figure.NEW_PORT, "followed" if follows else "not followed")

    async def _come_too_early(self) -> None:
        """Make a create call while the service still counts the client as connected."""
        if self._profile.dialect is not OURS or (await self._status()).status != _CONNECTED:
            return
        async with self._connection() as third:
            try:
                await self._create(third)
            except CallFailedError as error:
                word = _REFUSALS.get(error.failure.kind)
                if word is not None:
                    self._said(Figure.TOO_EARLY, word)
                return
        self._said(Figure.TOO_EARLY, "accepted")

    # --- shared -----------------------------------------------------------------------------------

    async def _status(self) -> SessionView:
        asked_at = boot_s()
        view = await self._client.status(self._session_id, known=None, wait_s=0.0, budget_s=CALL_S)
        self._polls_s.append(boot_s() - asked_at)
        return view

    def _found(self, figure: Figure, least_s: float, most_s: float) -> None:
        self.findings.append(Measured(figure, least_s, most_s))

    def _said(self, figure: Figure, word: str) -> None:
        self.findings.append(Word(figure, word))


_CONNECTED: Final = service_status.CONNECTED
_NOTICED: Final = {
    Leave.SILENT: Figure.NOTICE_SILENT,
    Leave.GOODBYE: Figure.NOTICE_GOODBYE,
    Leave.KILLED: Figure.NOTICE_KILLED,
}
_REFUSALS: Final = {FailureKind.CONFLICT: "conflict", FailureKind.INVALID: "validation"}


def _note(connection: _Connection, event: events.Event) -> None:
    match event:
        case events.ConnectionOpened():
            connection.opened_at = boot_s()
        case events.ConnectionFailed():
            connection.failed = True
        case _:
            return
    connection.changed.set()


async def _next(connection: _Connection) -> None:
    """Wait until something happens to the connection, at most a moment."""
    connection.changed.clear()
    try:
        async with asyncio.timeout(_SAMPLE_S):
            await connection.changed.wait()
    except TimeoutError:
        return


def _sdp_of(signal: str) -> str:
    """The SDP of a SignalRequest or SignalResponse; empty where there is none."""
    try:
        sdp = json.loads(signal)["sdp"]
    except (ValueError, KeyError, TypeError):
        return ""
    return sdp if isinstance(sdp, str) else ""
