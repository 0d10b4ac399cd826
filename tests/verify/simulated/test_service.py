"""The simulated service: its timers, its records, and when it accepts a create call."""

from __future__ import annotations

from math import inf

from rejoin.core.trace import Record
from rejoin.service_model import lifecycle
from rejoin.service_model import status as service_status
from rejoin.verify.environment import World
from rejoin.verify.simulated.clock import VirtualClock
from rejoin.verify.simulated.service import SimulatedService

SHORT = World(rules=lifecycle.Rules(connection_timeout_s=10.0), create_s=1.0, backend_s=0.0)


def started() -> tuple[SimulatedService, VirtualClock, list[Record]]:
    records: list[Record] = []
    clock = VirtualClock(0.0)
    service = SimulatedService(SHORT, clock, records.append)
    service.start("sha-1")
    return service, clock, records


def run_until(clock: VirtualClock, at: float) -> None:
    while clock.next_at <= at:
        clock.now = clock.next_at
        clock.pop()()
    clock.now = at


def test_every_change_of_the_status_is_recorded_with_the_end_of_its_window() -> None:
    service, _, records = started()
    service.step(lifecycle.Placed(1))
    service.step(lifecycle.ClientConnected(2))
    service.step(lifecycle.ClientConnected(1))
    assert [(each.name, each.data["window_ends_at"]) for each in records] == [
        (service_status.ACTIVATING, None),
        (service_status.ACTIVE, 10.0),
        (service_status.CONNECTED, None),
    ]
    assert service.connected == 1
    assert service.held == "sha-1"


def test_a_window_ends_by_the_services_own_timer() -> None:
    service, clock, records = started()
    service.step(lifecycle.Placed(1))
    run_until(clock, 9.9)
    assert records[-1].name == service_status.ACTIVE
    run_until(clock, 10.0)
    assert records[-1].name == service_status.TERMINATED


def test_a_timer_that_was_set_anew_does_not_fire_at_its_old_time() -> None:
    service, clock, records = started()
    service.step(lifecycle.Placed(1))
    run_until(clock, 5.0)
    service.step(lifecycle.ClientConnected(1))
    run_until(clock, 20.0)
    assert records[-1].name == service_status.CONNECTED
    assert clock.next_at < inf, "the next one is that of an idle player"


def test_a_create_call_is_accepted_if_it_is_answered_within_the_window() -> None:
    service, clock, _ = started()
    assert not service.accepts_create()
    service.step(lifecycle.Placed(1))
    clock.now = 8.9
    assert service.accepts_create()
    clock.now = 9.0
    assert not service.accepts_create()
    service.step(lifecycle.ClientConnected(1))
    assert not service.accepts_create()
    service.step(lifecycle.ClientGone(1))
    clock.now = 18.9
    assert service.accepts_create(), "a call stops the window of PENDING_CLIENT_RECONNECTION"
