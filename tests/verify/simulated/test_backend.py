"""The simulated backend: which calls succeed, and when their answers arrive."""

from __future__ import annotations

import pytest

from rejoin.core import commands, events
from rejoin.core.model import AttemptNumber, ConnectionNumber
from rejoin.core.retry import Failure, FailureKind
from rejoin.service_model import lifecycle
from rejoin.service_model import status as service_status
from rejoin.service_model.status import Status
from rejoin.verify.environment import BackendChange, Change, World
from rejoin.verify.simulated.backend import SESSION, SimulatedBackend
from rejoin.verify.simulated.clock import VirtualClock
from rejoin.verify.simulated.connections import Connection
from rejoin.verify.simulated.service import SimulatedService

WORLD = World(backend_s=0.010, create_s=0.150, placement_s=0.200)
ONE = Connection(ConnectionNumber(1), "sha-1")
START = commands.StartSession(AttemptNumber(1), ONE.number, "token 1", 10.0, "offer 1")


class Scene:
    """A backend, its service, and the events that the client gets, with their times."""

    def __init__(self) -> None:
        self.clock = VirtualClock(0.0)
        self.events: list[tuple[float, events.Event]] = []
        self.service = SimulatedService(WORLD, self.clock, lambda record: None)
        self.backend = SimulatedBackend(
            WORLD,
            self.clock,
            self.service,
            lambda event: self.events.append((round(self.clock.now, 3), event)),
        )

    def run_until(self, at: float) -> list[tuple[float, events.Event]]:
        """The events until then."""
        self.events.clear()
        while self.clock.next_at <= at:
            self.clock.now = self.clock.next_at
            self.clock.pop()()
        self.clock.now = at
        return list(self.events)

    def pending(self) -> None:
        """A game whose client is gone."""
        self.service.start("sha-1")
        for event in (
            lifecycle.Placed(1),
            lifecycle.ClientConnected(1),
            lifecycle.ClientGone(1),
        ):
            self.service.step(event)

    def poll(self, known: Status | None, wait_s: float, after_s: float = 0.0) -> None:
        self.backend.poll_status(commands.PollStatus(SESSION, known, wait_s, 10.0, after_s=after_s))

    def reconnect(self, connection: Connection, token: str = "token 2") -> None:
        command = commands.Reconnect(
            SESSION, AttemptNumber(2), 1, connection.number, token, 6.5, None, 99.0, "offer 2"
        )
        self.backend.reconnect(command, connection)


def two() -> Connection:
    return Connection(ConnectionNumber(2), "sha-2")


def test_a_start_takes_its_time_and_the_status_follows() -> None:
    scene = Scene()
    scene.backend.start(START, ONE)
    [(at, started)] = scene.run_until(0.1)
    assert at == 0.010
    assert isinstance(started, events.SessionStarted)
    assert started.view.status == service_status.ACTIVATING
    assert started.view.signal_response is None
    scene.poll(service_status.ACTIVATING, wait_s=8.0)
    [(at, arrived)] = scene.run_until(5.0)
    assert 0.2 <= at <= 0.5
    assert isinstance(arrived, events.StatusArrived)
    assert arrived.requested_at == 0.1
    assert arrived.view.signal_response == "answer sha-1"


def test_a_long_poll_ends_after_its_wait() -> None:
    scene = Scene()
    scene.pending()
    scene.poll(service_status.PENDING_CLIENT_RECONNECTION, wait_s=1.0)
    [(at, arrived)] = scene.run_until(5.0)
    assert 0.8 <= at <= 1.1
    assert isinstance(arrived, events.StatusArrived)


def test_a_newer_poll_replaces_an_older_one() -> None:
    scene = Scene()
    scene.pending()
    scene.poll(None, wait_s=0.0)
    scene.poll(None, wait_s=0.0, after_s=1.0)
    [(at, _)] = scene.run_until(5.0)
    assert at == 1.010


def test_the_age_of_what_is_known_of_the_window() -> None:
    scene = Scene()
    scene.service.start("sha-1")
    scene.service.step(lifecycle.Placed(1))
    scene.service.step(lifecycle.ClientConnected(1))
    scene.poll(None, 0.0)
    scene.run_until(2.0)
    scene.service.step(lifecycle.ClientGone(1))
    scene.poll(None, 0.0)
    [(_, arrived)] = scene.run_until(3.0)
    assert isinstance(arrived, events.StatusArrived)
    assert arrived.view.remaining is not None
    assert arrived.view.remaining.at_least_s == 120.0
    assert arrived.view.remaining.age_s == pytest.approx(2.005)


def refusals(scene: Scene, until_s: float) -> list[tuple[float, Failure]]:
    arrived = scene.run_until(until_s)
    return [(at, each.failure) for at, each in arrived if isinstance(each, events.ReconnectFailed)]


def test_a_place_in_the_queue_comes_nearer_while_the_client_asks() -> None:
    scene = Scene()
    scene.pending()
    scene.backend.change(Change.CREATE_QUEUED)
    scene.reconnect(two())
    [(at, failure)] = refusals(scene, 1.0)
    assert at == pytest.approx(0.02)
    assert (failure.kind, failure.place, failure.retry_after_s) == (FailureKind.QUEUED, 5, 1.0)
    assert failure.turn_in_s == pytest.approx(5.0)
    scene.reconnect(two())
    [(_, failure)] = refusals(scene, 3.5)
    assert failure.turn_in_s == pytest.approx(4.0)
    scene.reconnect(two())
    [(_, failure)] = refusals(scene, 5.2)
    assert failure.place == 2
    assert failure.turn_in_s == pytest.approx(1.5, abs=0.02)
    scene.reconnect(two())
    assert [type(each) for _, each in scene.run_until(6.0)] == [
        events.RequestWritten,
        events.AnswerArrived,
    ]


def test_a_backend_works_for_a_player_whose_turn_has_come() -> None:
    scene = Scene()
    scene.pending()
    scene.backend.joins_queue()
    assert [scene.backend.works, scene.run_until(5.5), scene.backend.works] == [False, [], True]


def test_a_place_that_lapsed_is_at_the_end_of_the_queue() -> None:
    scene = Scene()
    scene.pending()
    scene.backend.change(Change.CREATE_QUEUED)
    scene.reconnect(two())
    scene.run_until(3.2)
    scene.reconnect(two())
    [(_, failure)] = refusals(scene, 9.0)
    assert failure.turn_in_s == pytest.approx(5.0)


def test_a_backend_without_a_queue_throttles() -> None:
    scene = Scene()
    scene.backend.queues = False
    scene.pending()
    scene.backend.change(Change.CREATE_QUEUED)
    scene.reconnect(two())
    [(_, failure)] = refusals(scene, 1.0)
    assert (failure.kind, failure.place) == (FailureKind.THROTTLED, None)


def test_a_reconnect_is_written_answered_and_remembered_by_its_token() -> None:
    scene = Scene()
    scene.pending()
    scene.reconnect(two())
    [(written_at, written), (at, answer)] = scene.run_until(1.0)
    assert (written_at, type(written)) == (0.0, events.RequestWritten)
    assert at == 0.170
    assert isinstance(answer, events.AnswerArrived)
    assert answer.signal_response == "answer sha-2"
    assert scene.service.held == "sha-2"
    scene.reconnect(two())
    [_, (again_at, again)] = scene.run_until(2.0)
    assert again_at == 1.020, "the service is not called again"
    assert isinstance(again, events.AnswerArrived)


def test_a_reconnect_in_the_wrong_status_is_refused() -> None:
    scene = Scene()
    scene.service.start("sha-1")
    scene.reconnect(two())
    [_, (_, failed)] = scene.run_until(1.0)
    assert isinstance(failed, events.ReconnectFailed)
    assert failed.failure.kind is FailureKind.CONFLICT
    assert failed.failure.session_status == service_status.ACTIVATING


@pytest.mark.parametrize(
    ("change", "kind", "at"),
    [
        (Change.CREATE_THROTTLED, FailureKind.THROTTLED, 0.020),
        (Change.CREATE_FAILS, FailureKind.OUTCOME_UNKNOWN, 0.020),
        (Change.CREATE_HANGS, FailureKind.OUTCOME_UNKNOWN, 6.510),
        (Change.CREATE_RESET, FailureKind.OUTCOME_UNKNOWN, 0.170),
        (Change.ANSWERS_LOST, FailureKind.OUTCOME_UNKNOWN, 0.170),
        (Change.CREATE_DRIPS, None, 4.170),
    ],
)
def test_troubles_of_a_create_call(
    change: BackendChange, kind: FailureKind | None, at: float
) -> None:
    scene = Scene()
    scene.pending()
    scene.backend.change(change)
    assert not scene.backend.works
    scene.reconnect(two())
    [_, (done_at, event)] = scene.run_until(10.0)
    assert done_at == at
    if isinstance(event, events.ReconnectFailed):
        assert event.failure.kind is kind
    else:
        assert kind is None
    scene.backend.change(Change.ANSWERS_KEPT)
    assert scene.backend.works


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (Change.BACKEND_DOWN, FailureKind.NOT_SENT),
        (Change.BACKEND_PORTAL, FailureKind.NOT_BACKEND),
        (Change.BACKEND_UNTRUSTED, FailureKind.TLS),
    ],
)
def test_every_call_fails_while_the_backend_cannot_be_reached(
    change: BackendChange, kind: FailureKind
) -> None:
    scene = Scene()
    scene.pending()
    scene.backend.change(change)
    scene.backend.start(START, ONE)
    scene.poll(None, 0.0)
    scene.reconnect(two())
    scene.backend.terminate()
    failures = [
        event.failure.kind
        for _, event in scene.run_until(1.0)
        if isinstance(
            event,
            events.StartFailed
            | events.StatusFailed
            | events.ReconnectFailed
            | events.TerminateFailed,
        )
    ]
    assert failures == [kind] * 4
    scene.backend.change(Change.BACKEND_UP)
    scene.backend.terminate()
    [(_, event)] = scene.run_until(2.0)
    assert isinstance(event, events.SessionTerminated)


def test_a_crashed_client_and_a_closed_connection_get_no_answers() -> None:
    scene = Scene()
    scene.pending()
    closed = two()
    scene.reconnect(closed)
    closed.closed = True
    assert scene.run_until(1.0) == []
    scene.poll(None, 0.0)
    scene.reconnect(two(), "token 3")
    scene.backend.client_crashed()
    assert scene.run_until(2.0) == []
