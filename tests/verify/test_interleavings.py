"""The game in which anything may happen: what may come next, and what it leads to."""

from __future__ import annotations

from dataclasses import replace

from rejoin.core.phases import Ended, Live, Lost, Offering
from rejoin.service_model import lifecycle
from rejoin.service_model import status as service_status
from rejoin.verify.interleavings import Budget, System, flows, last_start_at, live, moves


def after(system: System, *labels: str) -> System:
    """The system after these things, each told by how its label ends."""
    for wanted in labels:
        found = [
            (there, broken) for label, there, broken in moves(system) if label.endswith(wanted)
        ]
        assert found, f"{wanted} cannot happen: {[label for label, *_ in moves(system)]}"
        [(system, broken), *_] = found
        assert broken == ()
    return system


def test_without_trouble_nothing_happens_to_who_plays() -> None:
    system = live(Budget())
    assert list(moves(system)) == []
    assert isinstance(system.clients[0].state.phase, Live)
    assert flows(system, 1)
    assert last_start_at(system.clients[0].state) is None


def test_trouble_is_spent() -> None:
    cut = after(live(Budget(cuts=1)), "the path is cut")
    assert cut.budget == Budget()
    assert not flows(cut, 1)
    assert flows(after(cut, "the path is back"), 1)


def test_a_cut_is_noticed_on_both_sides_in_any_order() -> None:
    cut = after(live(Budget(cuts=1)), "the path is cut")
    lost = after(cut, "client 0 hears nothing")
    assert isinstance(lost.clients[0].state.phase, Lost)
    for system in (after(lost, "notices that 1 is gone"), after(cut, "notices that 1 is gone")):
        assert system.service.status == service_status.PENDING_CLIENT_RECONNECTION
    assert last_start_at(lost.clients[0].state) is not None


def test_a_whole_reconnect_in_order() -> None:
    lost = after(live(Budget(cuts=1)), "the path is cut", "hears nothing", "1 is gone")
    offering = after(lost, "arrives", "arrives")
    assert isinstance(offering.clients[0].state.phase, Offering)
    asked = after(offering, "arrives")
    asked = after(asked, "(2 1 2) arrives", "the service answers", "the path is back")
    assert asked.held == 2
    joined = after(asked, "reply of client 0 () arrives", "2 comes up")
    phase = joined.clients[0].state.phase
    assert isinstance(phase, Live)
    assert phase.connection == 2
    assert joined.service.status == service_status.CONNECTED
    assert joined.clients[0].opened == frozenset({2})


def test_messages_get_lost_and_come_twice_where_the_budget_allows_it() -> None:
    system = after(live(Budget(closes=1, losses=1, repeats=1)), "the host closes")
    labels = [label for label, *_ in moves(system)]
    for end in ("arrives", "is lost", "arrives twice"):
        assert any(label.startswith("evidence") and label.endswith(end) for label in labels)
    twice = after(system, "(1) arrives twice")
    assert [message.kind for message in twice.messages].count("evidence") == 1
    assert twice.budget == Budget(losses=1)


def test_a_crash_is_followed_by_a_life_with_the_ticket() -> None:
    system = after(live(Budget(crashes=1)), "client 0 crashes and is back")
    client = system.clients[0]
    assert client.opened == frozenset()
    assert client.state.facts.attempts == 1
    assert [message.kind for message in system.messages] == ["status"]


def test_a_second_client_has_connections_of_its_own() -> None:
    system = after(live(Budget(seconds=1)), "a second client takes over")
    assert len(system.clients) == 2
    assert system.clients[1].state.facts.connections == 100


def test_the_service_notices_in_the_end_even_if_nobody_tells_it() -> None:
    system = after(live(Budget(cuts=1)), "the path is cut")
    for _ in range(5):
        system = after(system, "time passes")
        if system.service.status == service_status.PENDING_CLIENT_RECONNECTION:
            break
    assert system.service.status == service_status.PENDING_CLIENT_RECONNECTION


def test_a_window_runs_out_in_the_end() -> None:
    system = replace(live(Budget(closes=1)), messages=())
    system = after(system, "the host closes")
    for _ in range(200):
        if isinstance(system.service, lifecycle.Terminated):
            break
        system = after(system, "time passes")
    assert isinstance(system.service, lifecycle.Terminated)
    assert not isinstance(system.clients[0].state.phase, Ended), "nobody has told it yet"
