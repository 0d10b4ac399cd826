"""Which moves are possible, and what they lead to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rejoin.core.model import HealthLevel
from rejoin.core.phases import Ended, Live, Lost, Offering
from rejoin.service_model import lifecycle
from rejoin.service_model import status as service_status
from rejoin.verify.interleavings import engine
from rejoin.verify.interleavings.moves import MoveKind, moves
from rejoin.verify.interleavings.system import Budget, MessageKind, System, flows, live


def after(system: System, *labels: str) -> System:
    """The system after these moves, each given by the end of its label."""
    for wanted in labels:
        found = [move for move in moves(system) if move.label.endswith(wanted)]
        assert found, f"{wanted} is not possible: {[move.label for move in moves(system)]}"
        system = found[0].after
        assert found[0].violations == ()
    return system


def test_without_trouble_there_is_no_move_while_the_game_is_played() -> None:
    system = live(Budget())
    assert list(moves(system)) == []
    assert isinstance(system.clients[0].state.phase, Live)
    assert flows(system, 1)
    assert engine.last_start_at(system.clients[0].state) is None


def test_trouble_is_subtracted_from_the_budget() -> None:
    cut = after(live(Budget(cuts=1)), "the path is cut")
    assert cut.budget == Budget()
    assert not flows(cut, 1)
    assert flows(after(cut, "the path works again"), 1)


def test_every_kind_of_trouble_is_possible_when_the_budget_allows_it() -> None:
    trouble = [
        move.label
        for move in moves(live(Budget(1, 1, 1, 1, 1, 1, 1, 1, 1, 1)))
        if move.kind is MoveKind.TROUBLE
    ]
    assert trouble == [
        "the path is cut",
        "the downlink is cut",
        "the uplink is cut",
        "the system refuses to send",
        "the host sends no media",
        "the host closes the connection",
        "the picture of 1 is lost",
        "the picture of 1 is not sent",
        "client 0 crashes and starts again",
        "a second client takes over",
    ]


@pytest.mark.parametrize(
    ("budget", "label", "flowing", "heard"),
    [
        (Budget(cuts=1), "the path is cut", False, False),
        (Budget(cuts=1), "the downlink is cut", False, True),
        (Budget(cuts=1), "the uplink is cut", True, False),
        (Budget(routes=1), "the system refuses to send", True, False),
        (Budget(dead_media=1), "the host sends no media", False, True),
        (Budget(pictures=1), "the picture of 1 is lost", True, True),
    ],
)
def test_each_trouble_of_the_path_stops_its_direction(
    budget: Budget, label: str, flowing: bool, heard: bool
) -> None:
    system = after(live(budget), label)
    assert flows(system, 1) is flowing
    assert (system.unheard_at is None) is heard


def test_a_cut_is_noticed_on_both_sides_in_any_order() -> None:
    cut = after(live(Budget(cuts=1)), "the path is cut")
    lost = after(cut, "client 0 hears nothing")
    assert isinstance(lost.clients[0].state.phase, Lost)
    for system in (after(lost, "notices that 1 is gone"), after(cut, "notices that 1 is gone")):
        assert system.service.status == service_status.PENDING_CLIENT_RECONNECTION
    assert engine.last_start_at(lost.clients[0].state) is not None


def test_a_whole_reconnect_in_order() -> None:
    lost = after(live(Budget(cuts=1)), "the path is cut", "hears nothing", "1 is gone")
    offering = after(lost, "arrives", "arrives")
    assert isinstance(offering.clients[0].state.phase, Offering)
    requested = after(offering, "arrives")
    requested = after(requested, "(2 1 2) arrives", "the service answers", "the path works again")
    assert requested.held == 2
    connected = after(requested, "reply of client 0 () arrives", "2 connects")
    phase = connected.clients[0].state.phase
    assert isinstance(phase, Live)
    assert phase.connection == 2
    assert connected.service.status == service_status.CONNECTED
    assert connected.clients[0].opened == frozenset({2})


def test_messages_get_lost_and_arrive_twice_where_the_budget_allows_it() -> None:
    system = after(live(Budget(closes=1, losses=1, repeats=1)), "the host closes the connection")
    labels = [move.label for move in moves(system)]
    for end in ("arrives", "is lost", "arrives twice"):
        assert any(label.startswith("evidence") and label.endswith(end) for label in labels)
    twice = after(system, "(1) arrives twice")
    assert [message.kind for message in twice.messages].count(MessageKind.EVIDENCE) == 1
    assert twice.budget == Budget(losses=1)
    lost = after(system, "(1) is lost")
    assert lost.messages == ()
    assert lost.budget == Budget(repeats=1)


def test_an_event_of_the_clients_own_machine_arrives_before_anything_else() -> None:
    lost = after(live(Budget(cuts=1)), "the path is cut", "hears nothing", "1 is gone")
    view = after(lost, "arrives")
    offering = after(view, "arrives")
    kinds = [message.kind for message in offering.messages]
    assert kinds == [MessageKind.EVIDENCE, MessageKind.EVENT]
    [move] = moves(offering)
    assert move.kind is MoveKind.ARRIVAL
    assert move.label.startswith("event of client 0")


def test_the_service_notices_in_the_end_even_if_no_goodbye_arrives() -> None:
    system = after(live(Budget(cuts=1)), "the path is cut")
    for _ in range(5):
        system = after(system, "time passes")
        if system.service.status == service_status.PENDING_CLIENT_RECONNECTION:
            break
    assert system.service.status == service_status.PENDING_CLIENT_RECONNECTION


def test_a_window_ends_in_the_end() -> None:
    system = replace(live(Budget(closes=1)), messages=())
    system = after(system, "the host closes the connection")
    for _ in range(200):
        if isinstance(system.service, lifecycle.Terminated):
            break
        system = after(system, "time passes")
    assert isinstance(system.service, lifecycle.Terminated)
    assert not isinstance(system.clients[0].state.phase, Ended), "it has not noticed that yet"


def test_a_route_comes_back() -> None:
    refused = after(live(Budget(routes=1)), "the system refuses to send")
    assert refused.refused
    whole = after(refused, "the path works again")
    assert (whole.up, whole.refused) == (True, False)


def test_a_dead_uplink_is_noticed_and_heals_by_an_answer_alone() -> None:
    deaf = after(live(Budget(cuts=1)), "the uplink is cut", "time passes")
    assert engine.health_of(deaf.clients[0].state).level is HealthLevel.STALLED
    lost = deaf
    while isinstance(lost.clients[0].state.phase, Live):
        lost = after(lost, "time passes")
    assert not [move for move in moves(lost) if move.kind is MoveKind.HEARD_AGAIN]
    healed = after(lost, "the path works again", "1 is heard again")
    assert isinstance(healed.clients[0].state.phase, Live)


def test_a_lost_picture_is_reconnected_although_one_frame_comes() -> None:
    lost = after(live(Budget(pictures=2)), "the picture of 1 is lost", "time passes")
    began_at = lost.now
    lost = after(lost, "client 0 shows one frame")
    assert lost.budget == Budget()
    while isinstance(lost.clients[0].state.phase, Live):
        lost = after(lost, "time passes")
    assert lost.now - began_at < 9.0
    assert after(live(Budget(pictures=1)), "1 is not sent", "arrives again") == live(Budget())


def test_a_goodbye_into_a_dead_path_is_lost_and_repeated() -> None:
    cut = after(live(Budget(cuts=1)), "the path is cut", "hears nothing", "time passes")
    assert cut.clients[0].leaving is not None
    assert MessageKind.GOODBYE not in [each.kind for each in cut.messages]
    whole = after(cut, "the path works again")
    for _ in range(10):
        if MessageKind.GOODBYE in [each.kind for each in whole.messages]:
            break
        label = "event" if any(m.label.startswith("event") for m in moves(whole)) else "time passes"
        whole = next(move.after for move in moves(whole) if move.label.startswith(label))
    assert MessageKind.GOODBYE in [each.kind for each in whole.messages]


def test_a_create_call_is_put_into_the_queue_where_the_budget_allows_it() -> None:
    requested = after(live(Budget(closes=1, queues=1)), "closes the connection", *["arrives"] * 4)
    assert [message.kind for message in requested.messages] == [MessageKind.CREATE]
    queued = after(requested, "is put into the queue")
    assert queued.budget == Budget()
    assert queued.place is not None
    refused = after(queued, "arrives")
    assert refused.clients[0].ask_by_at == refused.now + 3.0
    again = after(refused, "time passes")
    assert again.clients[0].ask_by_at is None, "it has asked again"
    assert not [move for move in moves(again) if "queue" in move.label]
