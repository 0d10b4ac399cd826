"""The connections between client and host, seen from both ends, and the paths between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import assert_never

from rejoin.core import events, goodbye
from rejoin.core.goodbye import SaidGoodbye
from rejoin.core.model import ConnectionNumber, ConnectionSample, HardEvidence, Policy
from rejoin.service_model import lifecycle
from rejoin.verify.environment import Change, PathChange, Picture, World
from rejoin.verify.simulated.clock import VirtualClock
from rejoin.verify.simulated.service import SimulatedService

_EPSILON_S = 1e-6
_HANDSHAKE_RTTS, _HANDSHAKE_S = 2.5, 0.010
"""How long ICE and DTLS take after the answer has arrived: round trips, and the work itself."""
_FIRST_RETRY_S, _LAST_RETRY_S = 0.5, 4.0
"""STUN repeats a check over a path that is cut after 0.5, 1, 2 and 4 s."""
_CHANNELS_RETRY_S = 1.0
_OUTAGE_S = 0.2
"""After a longer pause of RTP the next frames need a key frame."""
_HELD_BACK_S = 1.0
"""How long they are held back if no key frame comes."""
_FRAME_S = 1 / 60


@dataclass(slots=True)
class Connection:
    """One connection. `sha256`: of its offer; `heard_at`: when the host last heard the client."""

    number: ConnectionNumber
    sha256: str
    up: bool = False
    dead: bool = False
    muted: bool = False
    checking: bool = False
    closed: bool = False
    host_closed: bool = False
    framed: bool = False
    heard_at: float = 0.0
    last_packet_at: float = 0.0
    last_rtp_at: float = 0.0
    largest_gap_s: float = 0.0
    last_frame_at: float = 0.0
    unanswered_since_at: float | None = None
    goodbye: SaidGoodbye | None = None
    picture: Picture = Picture.ARRIVES
    needs_key_frame_since_at: float | None = None
    """Since the first RTP after an outage."""
    key_frame_at: float | None = None
    """When the key frame arrives that the host was asked for."""
    answerable_since_at: float | None = None
    """Since when, after its last outage, RTP comes, the host could be asked, and what becomes of
    its picture has not changed."""


class SimulatedConnections:
    """Every connection of a run. `deliver` passes an event to the client."""

    def __init__(
        self,
        world: World,
        policy: Policy,
        clock: VirtualClock,
        service: SimulatedService,
        deliver: Callable[[events.Event], None],
    ) -> None:
        self.down = self.up = self.media = self.handshakes = True
        self.refused = False
        """Whether the client's system refuses to send."""
        self.client_asleep = False
        self._all: dict[ConnectionNumber, Connection] = {}
        self._world = world
        self._policy = policy
        self._clock = clock
        self._service = service
        self._deliver = deliver

    def __getitem__(self, number: ConnectionNumber) -> Connection:
        return self._all[number]

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._all.values()))

    def new(self, number: ConnectionNumber) -> Connection:
        """The connection of a fresh offer."""
        self._all[number] = Connection(number, f"sha-{number}")
        return self._all[number]

    @property
    def current(self) -> Connection | None:
        """The connection that the service considers connected."""
        number = self._service.connected
        return None if number is None else self._all.get(number)

    def change(self, change: PathChange) -> None:  # noqa: C901 - plain dispatch
        """Change the paths, or what the host sends."""
        match change:
            case Change.PATH_DOWN:
                self.down = self.up = False
            case Change.DOWNLINK_DOWN:
                self.down = False
            case Change.UPLINK_DOWN:
                self.up = False
            case Change.UPLINK_REFUSED:
                self.up, self.refused = False, True
            case Change.PATH_UP:
                self.down = self.up = True
                self.refused = False
            case Change.FLOW_DIES:
                for connection in self:
                    connection.dead = True
            case Change.MEDIA_STOPS:
                self.media = False
            case Change.MEDIA_GOES:
                self.media = True
            case Change.PICTURE_LOST | Change.PICTURE_STOPS | Change.PICTURE_GOES:
                for connection in self:
                    connection.picture = _PICTURES[change]
                    connection.answerable_since_at = None
            case Change.PICTURE_BLINKS:
                for connection in self:
                    if connection.picture is Picture.LOST and self.flows(connection):
                        connection.last_frame_at = self._clock.now
            case Change.HANDSHAKES_FAIL | Change.HANDSHAKES_WORK:
                self.handshakes = change is Change.HANDSHAKES_WORK
            case Change.HOST_CLOSES:
                current = self.current
                if current is not None:
                    self._notice(current, self._world.notice_graceful_close_s)
                    self._host_closes(current)
            case _:
                assert_never(change)

    # --- what passes ------------------------------------------------------------------------------

    def _downward(self, connection: Connection) -> bool:
        return self.down and not (connection.dead or connection.closed)

    def _upward(self, connection: Connection) -> bool:
        return self.up and not (connection.dead or connection.closed)

    def host_hears(self, connection: Connection) -> bool:
        """Whether anything from the client arrives at the host."""
        sends = not self.client_asleep and (not connection.muted or connection.checking)
        return connection.up and sends and self._upward(connection)

    def _host_reaches(self, connection: Connection) -> bool:
        awake = not self.client_asleep
        return connection.up and awake and self._downward(connection) and not connection.host_closed

    def flows(self, connection: Connection) -> bool:
        """Whether media arrives at the client."""
        return self.media and self._host_reaches(connection)

    def arrives(self, connection: Connection) -> bool:
        """Whether anything arrives at the client: media, or the answer to a connectivity check."""
        checked = connection.checking and self._upward(connection)
        return self._host_reaches(connection) and (self.media or checked)

    def flow(self, since_at: float) -> None:
        """Account for what passed between the last event and now."""
        now = self._clock.now
        for connection in self._all.values():
            if not connection.up or connection.closed:
                continue
            heard = self.host_hears(connection)
            if heard:
                connection.heard_at = now
            if heard and self._host_reaches(connection):
                connection.unanswered_since_at = None
            elif connection.unanswered_since_at is None:
                connection.unanswered_since_at = now
            if self.arrives(connection):
                gap_s = since_at - connection.last_packet_at
                if gap_s > 2 * self._policy.sample_every_s:
                    connection.largest_gap_s = max(connection.largest_gap_s, gap_s)
                connection.last_packet_at = now
                if self.media:
                    self._rtp_arrives(connection, since_at)

    def _rtp_arrives(self, connection: Connection, since_at: float) -> None:
        """RTP from `since_at` until now: frames, and what the client answers."""
        now = self._clock.now
        if since_at - connection.last_rtp_at > _OUTAGE_S:
            connection.needs_key_frame_since_at = now
            connection.key_frame_at = connection.answerable_since_at = None
        if connection.answerable_since_at is None and self._upward(connection):
            connection.answerable_since_at = now
        connection.last_rtp_at = now
        if connection.goodbye is not None:
            again = goodbye.after_rtp(connection.goodbye, now, self._policy)
            if again is not None:
                connection.goodbye = again
                self._goodbye_leaves(connection)
        needed_since_at, key_frame_at = connection.needs_key_frame_since_at, connection.key_frame_at
        if needed_since_at is not None:
            self.request_key_frame(connection)  # the receiver repeats that without the engine
            held_back = now - needed_since_at < _HELD_BACK_S
            if held_back and (key_frame_at is None or now < key_frame_at):
                return
            connection.needs_key_frame_since_at = None
        if connection.picture is Picture.ARRIVES:
            connection.last_frame_at = now

    def request_key_frame(self, connection: Connection) -> None:
        """Ask the host for a key frame; a muted connection cannot."""
        if self.host_hears(connection) and not connection.muted:
            arrives_at = self._clock.now + self._world.rtt_s + _FRAME_S
            if connection.key_frame_at is None:
                connection.key_frame_at = arrives_at

    def sample(self, connection: Connection) -> ConnectionSample:
        """What the client measures on this connection now."""
        gap_s, connection.largest_gap_s = connection.largest_gap_s, 0.0
        both_ways_at = min(connection.heard_at, connection.last_packet_at)
        unanswered_since_at = connection.unanswered_since_at
        return ConnectionSample(
            last_packet_at=connection.last_packet_at,
            last_rtp_at=connection.last_rtp_at,
            last_frame_at=connection.last_frame_at,
            frames_decoded=1,
            frame_interval_s=_FRAME_S,
            rtt_s=self._world.rtt_s,
            loss=0.0,
            proved_sent_at=both_ways_at - self._world.rtt_s,
            largest_gap_s=gap_s,
            unanswered_since_at=unanswered_since_at,
            sends_fail_since_at=unanswered_since_at if self.refused else None,
            video_missing=1.0 if connection.picture is Picture.LOST else 0.0,
        )

    # --- what the service and the host notice -----------------------------------------------------

    @property
    def silence_noticed_at(self) -> float:
        """When the service will notice that its client is silent; infinite while it is not."""
        current = self.current
        if current is None or self.host_hears(current):
            return inf
        return current.heard_at + self._world.notice_silent_client_s

    def notice_silence(self) -> None:
        """Let the service notice a silent client if the time for it has come."""
        current = self.current
        if current is None or self.host_hears(current):
            return
        if self._clock.now - current.heard_at >= self._world.notice_silent_client_s - _EPSILON_S:
            self._notice(current, 0.0)

    def _notice(self, connection: Connection, delay_s: float) -> None:
        self._clock.after(delay_s, partial(self._noticed, connection))

    def _noticed(self, connection: Connection) -> None:
        """The service notices that this client is gone; its host closes the connection."""
        before = self._service.state
        self._service.step(lifecycle.ClientGone(connection.number))
        if self._service.state is not before:
            self._host_closes(connection)

    def _host_closes(self, connection: Connection) -> None:
        if connection.host_closed:
            return
        connection.host_closed = True
        if self._downward(connection):
            self._clock.after(self._world.rtt_s / 2, partial(self._close_arrives, connection))

    def say_over(self) -> ConnectionNumber | None:
        """The host tells its client that the game is over, and closes. Returns the connection, if
        the message arrives."""
        current = self.current
        if current is None or not self._downward(current):
            return None
        said = events.HardEvidenceSeen(
            current.number, HardEvidence.SERVER_DISCONNECTED, "terminated"
        )
        self._clock.after(self._world.rtt_s / 2, partial(self._deliver, said))
        self._host_closes(current)
        return current.number

    def _close_arrives(self, connection: Connection) -> None:
        if not connection.closed:
            self._deliver(events.HardEvidenceSeen(connection.number, HardEvidence.DTLS_CLOSED))

    # --- what the client does ---------------------------------------------------------------------

    def connect(self, connection: Connection) -> None:
        """Begin ICE and DTLS; then the first frame and the channels follow."""
        takes_s = _HANDSHAKE_RTTS * self._world.rtt_s + _HANDSHAKE_S
        self._clock.after(takes_s, partial(self._open, connection, _FIRST_RETRY_S))

    def _open(self, connection: Connection, retry_s: float) -> None:
        if connection.closed or connection.up:
            return
        if not (self._upward(connection) and self._downward(connection)):
            if retry_s <= _LAST_RETRY_S:
                self._clock.after(retry_s, partial(self._open, connection, 2 * retry_s))
            return
        if not self.handshakes:
            self._deliver(events.FirstPacketArrived(connection.number))
            self._deliver(events.ConnectionFailed(connection.number, "DTLS"))
            return
        outcome = self._service.step(lifecycle.ClientConnected(connection.number))
        if not isinstance(outcome, lifecycle.Accepted):
            return
        connection.up = True
        now = self._clock.now
        connection.heard_at = connection.last_packet_at = connection.last_rtp_at = now
        connection.last_frame_at = now
        self._deliver(events.FirstPacketArrived(connection.number))
        self._deliver(events.ConnectionOpened(connection.number))
        self._clock.after(self._world.decode_s, partial(self._decode_first_frame, connection))
        self._clock.after(self._world.rtt_s, partial(self._open_channels, connection))

    def _decode_first_frame(self, connection: Connection) -> None:
        if connection.closed or connection.host_closed:
            return
        if not self.flows(connection):
            again = partial(self._decode_first_frame, connection)
            self._clock.after(self._policy.sample_every_s, again)
            return
        connection.framed = True
        self._deliver(events.FirstFrameDecoded(connection.number))

    def _open_channels(self, connection: Connection) -> None:
        if connection.closed or connection.host_closed:
            return
        if not (self._upward(connection) and self._downward(connection)):
            self._clock.after(_CHANNELS_RETRY_S, partial(self._open_channels, connection))
            return
        self._deliver(events.InputOpened(connection.number))

    def attach_input(self, connection: Connection) -> None:
        """The input module is ready: it is attached at once."""
        known = events.InputModuleKnown(connection.number, None)
        self._clock.after(0.0, partial(self._deliver, known))

    def say_goodbye(self, connection: Connection) -> None:
        """Goodbye: if it gets through, the service soon notices. The client sends no more."""
        if connection.up and connection.goodbye is None:
            connection.goodbye = goodbye.said(self._clock.now, self._world.rtt_s)
            self._goodbye_leaves(connection)
        connection.muted = True
        connection.checking = False

    def _goodbye_leaves(self, connection: Connection) -> None:
        if self._upward(connection) and not connection.host_closed:
            self._notice(connection, self._world.rtt_s / 2 + self._world.notice_graceful_close_s)

    def close(self, connection: Connection) -> None:
        """Say goodbye and close the connection for good."""
        self.say_goodbye(connection)
        connection.closed = True


_PICTURES = {
    Change.PICTURE_LOST: Picture.LOST,
    Change.PICTURE_STOPS: Picture.NOT_SENT,
    Change.PICTURE_GOES: Picture.ARRIVES,
}
