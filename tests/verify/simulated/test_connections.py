"""The simulated connections: what passes, what each end notices."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from rejoin.core import events
from rejoin.core.model import ConnectionNumber, HardEvidence, Policy
from rejoin.service_model import lifecycle
from rejoin.service_model import status as service_status
from rejoin.verify.environment import Change, PathChange, World
from rejoin.verify.simulated.clock import VirtualClock
from rejoin.verify.simulated.connections import Connection, SimulatedConnections
from rejoin.verify.simulated.service import SimulatedService

ONE = ConnectionNumber(1)
WORLD = World(rtt_s=0.040, decode_s=0.030, notice_silent_client_s=5.0)


class Scene:
    """A service that waits for connection 1, and the events that the client gets."""

    def __init__(self, world: World = WORLD) -> None:
        self.clock = VirtualClock(0.0)
        self.service = SimulatedService(world, self.clock, lambda record: None)
        self.events: list[events.Event] = []
        self.connections = SimulatedConnections(
            world, Policy(), self.clock, self.service, self.events.append
        )
        self.one = self.connections.new(ONE)
        self.service.start(self.one.sha256)
        self.service.step(lifecycle.Placed(1))

    def run_until(self, at: float) -> None:
        while self.clock.next_at <= at:
            self.clock.now = self.clock.next_at
            self.clock.pop()()
        self.clock.now = at

    def current(self) -> Connection | None:
        """The connection that the service considers connected."""
        return self.connections.current

    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.events]

    def connected(self) -> Connection:
        self.connections.connect(self.one)
        self.run_until(1.0)
        self.events.clear()
        self.one.heard_at = self.one.last_packet_at = self.one.last_rtp_at = 1.0
        return self.one


def test_ice_and_dtls_then_the_first_frame_and_the_channels() -> None:
    scene = Scene()
    scene.connections.connect(scene.one)
    scene.run_until(0.109)
    assert scene.events == []
    scene.run_until(0.111)
    assert scene.names() == ["FirstPacketArrived", "ConnectionOpened"]
    assert scene.current() is scene.one
    scene.run_until(0.200)
    assert scene.names() == [
        "FirstPacketArrived",
        "ConnectionOpened",
        "FirstFrameDecoded",
        "InputOpened",
    ]
    assert scene.one.framed
    scene.connections.attach_input(scene.one)
    scene.run_until(0.201)
    assert scene.names()[-1] == "InputModuleKnown"


def test_a_path_that_is_cut_is_tried_again_and_then_given_up() -> None:
    scene = Scene()
    scene.connections.change(Change.PATH_DOWN)
    scene.connections.connect(scene.one)
    scene.run_until(1.0)
    scene.connections.change(Change.PATH_UP)
    scene.run_until(2.0)
    assert "ConnectionOpened" in scene.names(), "0.5 + 1 s after the first try"

    late = Scene()
    late.connections.change(Change.DOWNLINK_DOWN)
    late.connections.connect(late.one)
    late.run_until(9.0)
    late.connections.change(Change.PATH_UP)
    late.run_until(30.0)
    assert late.events == []


def test_a_connection_that_the_service_does_not_expect_stays_closed() -> None:
    scene = Scene()
    two = scene.connections.new(ConnectionNumber(2))
    scene.connections.connect(two)
    scene.run_until(5.0)
    assert not two.up
    assert scene.events == []


@pytest.mark.parametrize(
    ("change", "media", "anything", "heard"),
    [
        (Change.PATH_UP, True, True, True),
        (Change.PATH_DOWN, False, False, False),
        (Change.DOWNLINK_DOWN, False, False, True),
        (Change.UPLINK_DOWN, True, True, False),
        (Change.FLOW_DIES, False, False, False),
        (Change.MEDIA_STOPS, False, True, True),
    ],
)
def test_what_passes(change: PathChange, media: bool, anything: bool, heard: bool) -> None:
    scene = Scene()
    one = scene.connected()
    one.checking = True
    scene.connections.change(change)
    assert scene.connections.flows(one) is media
    assert scene.connections.arrives(one) is anything
    assert scene.connections.host_hears(one) is heard
    scene.clock.now = 2.0
    scene.connections.flow(1.0)
    assert one.last_rtp_at == (2.0 if media else 1.0)
    assert one.last_packet_at == (2.0 if anything else 1.0)
    assert one.heard_at == (2.0 if heard else 1.0)


def test_a_client_that_sleeps_or_is_muted_is_not_heard() -> None:
    scene = Scene()
    one = scene.connected()
    one.muted = True
    assert not scene.connections.host_hears(one)
    one.checking = True
    assert scene.connections.host_hears(one)
    scene.connections.client_asleep = True
    assert not scene.connections.host_hears(one)
    assert not scene.connections.flows(one)


def test_a_sample_holds_the_largest_gap_since_the_one_before() -> None:
    scene = Scene()
    one = scene.connected()
    scene.clock.now = 3.0
    scene.connections.flow(2.5)
    sample = scene.connections.sample(one)
    assert sample.largest_gap_s == 1.5
    assert sample.last_packet_at == 3.0
    assert sample.proved_sent_at == 3.0 - WORLD.rtt_s
    assert scene.connections.sample(one).largest_gap_s == 0.0


def test_the_service_notices_a_silent_client_late() -> None:
    scene = Scene()
    one = scene.connected()
    assert scene.connections.silence_noticed_at == inf
    scene.connections.change(Change.UPLINK_DOWN)
    assert scene.connections.silence_noticed_at == 6.0
    scene.clock.now = 5.9
    scene.connections.notice_silence()
    scene.run_until(5.95)
    assert scene.current() is one
    scene.clock.now = 6.0
    scene.connections.notice_silence()
    scene.run_until(6.1)
    assert scene.current() is None
    assert one.host_closed
    assert scene.events == [events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED)]


def test_a_goodbye_that_arrives_is_noticed_soon() -> None:
    scene = Scene()
    one = scene.connected()
    scene.connections.close(one)
    scene.run_until(1.019)
    assert scene.current() is one
    scene.run_until(1.030)
    assert scene.current() is None
    assert scene.events == [], "a closed connection has no events"


def test_a_goodbye_over_a_path_that_is_cut_is_not_noticed() -> None:
    scene = Scene()
    one = scene.connected()
    scene.connections.change(Change.PATH_DOWN)
    scene.connections.say_goodbye(one)
    scene.run_until(3.0)
    assert scene.current() is one
    assert one.muted


def test_the_host_closes() -> None:
    scene = Scene(replace(WORLD, notice_graceful_close_s=0.5))
    one = scene.connected()
    scene.connections.change(Change.HOST_CLOSES)
    scene.run_until(1.03)
    assert scene.names() == ["HardEvidenceSeen"]
    scene.run_until(1.6)
    assert scene.service.state is not None
    assert scene.service.state.status == service_status.PENDING_CLIENT_RECONNECTION
    assert one.host_closed


def test_a_handshake_that_fails_reaches_the_host_and_leaves_the_service_waiting() -> None:
    scene = Scene()
    before = scene.service.state
    scene.connections.change(Change.HANDSHAKES_FAIL)
    two = scene.connections.new(ConnectionNumber(2))
    scene.connections.connect(two)
    scene.run_until(5.0)
    assert scene.names() == ["FirstPacketArrived", "ConnectionFailed"]
    assert (two.up, scene.service.state) == (False, before)
