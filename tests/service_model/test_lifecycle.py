"""The service's rules one by one, numbered as in the module's docstring."""

from __future__ import annotations

import ast
import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin.service_model import lifecycle
from rejoin.service_model import status as service_status
from rejoin.service_model.lifecycle import (
    Accepted,
    ApplicationExited,
    ClientConnected,
    ClientGone,
    CreateAnswered,
    CreateFailed,
    CreateRequested,
    Event,
    Failed,
    Ignored,
    InputSeen,
    OfferRejected,
    Outcome,
    Placed,
    RefusalKind,
    Refused,
    Rules,
    State,
    TerminateDone,
    TerminateRequested,
    TimerDue,
    next_wakeup,
    reason_of,
    start,
    step,
    window_ends_at,
)
from rejoin.service_model.status import StatusReason

RULES = Rules(
    connection_timeout_s=10, session_length_s=1000, idle_timeout_s=60, placement_timeout_s=75
)


def play(*script: tuple[float, Event], rules: Rules = RULES) -> tuple[State, Outcome]:
    """The last state and outcome of a session started at 0 that gets these events."""
    state: State = start(0.0)
    outcome: Outcome = Accepted()
    for at, event in script:
        state, outcome = step(state, event, at, rules)
    return state, outcome


def seen(*script: tuple[float, Event], rules: Rules = RULES) -> list[str]:
    """The status of such a session after each event, with the reason if it is over."""
    state: State = start(0.0)
    shown: list[str] = []
    for at, event in script:
        state, _ = step(state, event, at, rules)
        reason = reason_of(state)
        shown.append(f"{state.status} {reason}" if reason else state.status)
    return shown


CONNECTED_AT_2: list[tuple[float, Event]] = [(1, Placed(1)), (2, ClientConnected(1))]
PENDING_AT_5: list[tuple[float, Event]] = [*CONNECTED_AT_2, (5, ClientGone(1))]


def test_a_whole_life_with_a_reconnect() -> None:
    assert seen(
        *PENDING_AT_5,
        (6, CreateRequested(2)),
        (7, CreateAnswered(2)),
        (8, ClientConnected(2)),
        (9, TerminateRequested()),
        (10, TerminateDone()),
    ) == [
        "ACTIVE",
        "CONNECTED",
        "PENDING_CLIENT_RECONNECTION",
        "RECONNECTING",
        "ACTIVE",
        "CONNECTED",
        "TERMINATING",
        "TERMINATED apiTerminated",
    ]


def test_no_host_is_found_in_time() -> None:
    assert next_wakeup(start(0.0), RULES) == 75
    assert seen((74.9, TimerDue()), (75, TimerDue())) == ["ACTIVATING", "ERROR placementTimeout"]


def test_the_first_window() -> None:
    state, _ = play((1, Placed(1)))
    assert next_wakeup(state, RULES) == window_ends_at(state) == 11
    assert seen((1, Placed(1)), (11, TimerDue()))[-1] == "TERMINATED connectionTimeout"


def test_the_pending_window() -> None:
    state, _ = play(*PENDING_AT_5)
    assert next_wakeup(state, RULES) == window_ends_at(state) == 15
    assert seen(*PENDING_AT_5, (15, TimerDue()))[-1] == "TERMINATED reconnectionTimeout"


@pytest.mark.parametrize("reason", ["reconnectionTimeout", "connectionTimeout"])
def test_the_second_window_of_a_reconnect_is_a_whole_one(reason: str) -> None:
    rules = Rules(connection_timeout_s=10, reason_after_failed_reconnect=StatusReason(reason))
    answered: list[tuple[float, Event]] = [
        *PENDING_AT_5,
        (14, CreateRequested(2)),
        (14.5, CreateAnswered(2)),
    ]
    state, _ = play(*answered, rules=rules)
    assert window_ends_at(state) == 24.5
    assert seen(*answered, (24.5, TimerDue()), rules=rules)[-1] == f"TERMINATED {reason}"


def test_the_second_window_can_be_what_was_left() -> None:
    rules = Rules(connection_timeout_s=10, window_restarts_at_active=False)
    state, _ = play(*PENDING_AT_5, (14, CreateRequested(2)), (14.5, CreateAnswered(2)), rules=rules)
    assert window_ends_at(state) == 15


def test_a_slow_create_call_does_not_run_into_the_pending_window() -> None:
    state, _ = play(*PENDING_AT_5, (14.9, CreateRequested(2)), (20, TimerDue()))
    assert state.status == service_status.RECONNECTING
    assert next_wakeup(state, RULES) == 1000  # only the session length is left


def test_after_a_failed_create_call_the_old_window_runs_on() -> None:
    state, _ = play(*PENDING_AT_5, (6, CreateRequested(2)), (7, CreateFailed(2)))
    assert state.status == service_status.PENDING_CLIENT_RECONNECTION
    assert window_ends_at(state) == 15
    late, _ = play(*PENDING_AT_5, (6, CreateRequested(2)), (17, CreateFailed(2)), (17, TimerDue()))
    assert reason_of(late) == service_status.RECONNECTION_TIMEOUT


def test_a_create_call_in_active_stays_active_and_only_one_is_allowed_at_a_time() -> None:
    active: list[tuple[float, Event]] = [(1, Placed(0)), (2, CreateRequested(1))]
    state, _ = play(*active)
    assert state.status == service_status.ACTIVE
    assert window_ends_at(state) == 11  # it runs on during the call
    _, outcome = play(*active, (2.5, CreateRequested(2)))
    assert outcome == Refused(RefusalKind.CONFLICT, service_status.ACTIVE)
    state, _ = play(*active, (3, CreateAnswered(1)))
    assert window_ends_at(state) == 13
    # No client was ever connected, so this is not a failed reconnect.
    assert seen(*active, (3, CreateAnswered(1)), (13, TimerDue()))[-1] == (
        "TERMINATED connectionTimeout"
    )
    failed, _ = play(*active, (3, CreateFailed(1)))
    assert (failed.status, window_ends_at(failed)) == (service_status.ACTIVE, 11)


def test_the_answer_after_the_end_of_the_window_is_ignored() -> None:
    state, outcome = play((1, Placed(0)), (10, CreateRequested(1)), (11.5, CreateAnswered(1)))
    assert reason_of(state) == service_status.CONNECTION_TIMEOUT
    assert outcome == Ignored()


@pytest.mark.parametrize("kind", list(RefusalKind))
@pytest.mark.parametrize(
    "script",
    [
        [],
        CONNECTED_AT_2,
        [*PENDING_AT_5, (6, CreateRequested(2))],
        [*CONNECTED_AT_2, (3, TerminateRequested())],
        [*CONNECTED_AT_2, (3, TerminateRequested()), (4, TerminateDone())],
        [*CONNECTED_AT_2, (3, Failed())],
    ],
    ids=["activating", "connected", "reconnecting", "terminating", "terminated", "error"],
)
def test_create_is_refused_in_any_other_status(
    kind: RefusalKind, script: list[tuple[float, Event]]
) -> None:
    rules = Rules(connection_timeout_s=10, wrong_status=kind)
    before, _ = play(*script, rules=rules)
    after, outcome = step(before, CreateRequested(9), 6.5, rules)
    assert outcome == Refused(kind, before.status)
    assert after == before


def test_a_call_on_the_deadline_is_too_late() -> None:
    _, in_time = play(*PENDING_AT_5, (14.999, CreateRequested(2)))
    assert in_time == Accepted()
    state, late = play(*PENDING_AT_5, (15, CreateRequested(2)))
    assert late == Refused(RefusalKind.CONFLICT, service_status.TERMINATED)
    assert reason_of(state) == service_status.RECONNECTION_TIMEOUT


def test_idle_counts_from_the_newest_input() -> None:
    state, _ = play(*CONNECTED_AT_2, (30, InputSeen()))
    assert next_wakeup(state, RULES) == 90
    assert seen(*CONNECTED_AT_2, (30, InputSeen()), (62, TimerDue()), (90, TimerDue()))[-2:] == [
        "CONNECTED",
        "TERMINATED idleTimeout",
    ]


def test_session_length_counts_from_the_start_and_ends_any_live_status() -> None:
    rules = Rules(connection_timeout_s=10, session_length_s=7, placement_timeout_s=75)
    scripts: list[list[tuple[float, Event]]] = [
        [],
        [(1, Placed(1))],
        [(1, Placed(0)), (2, CreateRequested(1))],
        CONNECTED_AT_2,
        PENDING_AT_5,
        [*PENDING_AT_5, (6, CreateRequested(2))],
    ]
    for script in scripts:
        state, _ = play(*script, rules=rules)
        assert next_wakeup(state, rules) == 7
        assert reason_of(step(state, TimerDue(), 7, rules)[0]) == (
            service_status.MAX_SESSION_LENGTH_TIMEOUT
        )


def test_terminate_is_refused_while_activating_and_harmless_when_over() -> None:
    state, outcome = play((0.5, TerminateRequested()))
    assert outcome == Refused(RefusalKind.VALIDATION, service_status.ACTIVATING)
    assert state == start(0.0)
    over, _ = play(*CONNECTED_AT_2, (3, ApplicationExited()))
    assert step(over, TerminateRequested(), 4, RULES) == (over, Ignored())


def test_the_game_exits_or_something_fails() -> None:
    assert seen(*CONNECTED_AT_2, (3, ApplicationExited()))[-1] == "TERMINATED applicationExit"
    assert seen(*CONNECTED_AT_2, (3, Failed()))[-1] == "ERROR internalError"
    assert seen((1, OfferRejected()))[-1] == "ERROR invalidSignalRequest"
    assert seen(*PENDING_AT_5, (6, CreateRequested(2)), (7, OfferRejected()))[-1] == (
        "ERROR invalidSignalRequest"
    )
    assert seen(*CONNECTED_AT_2, (3, TerminateRequested()), (4, Failed()))[-1] == (
        "ERROR internalError"
    )


def test_events_of_older_connections_are_ignored() -> None:
    back: list[tuple[float, Event]] = [
        *PENDING_AT_5,
        (6, CreateRequested(2)),
        (7, CreateAnswered(2)),
    ]
    waiting, _ = play(*back)
    assert step(waiting, ClientConnected(1), 7.5, RULES) == (waiting, Ignored())
    connected, _ = play(*back, (8, ClientConnected(2)))
    assert step(connected, ClientGone(1), 8.5, RULES) == (connected, Ignored())
    calling, _ = play(*PENDING_AT_5, (6, CreateRequested(2)))
    assert step(calling, CreateAnswered(1), 6.5, RULES) == (calling, Ignored())
    assert step(calling, CreateFailed(3), 6.5, RULES) == (calling, Ignored())


NUMBERS = st.integers(0, 4)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Placed, NUMBERS),
    st.builds(ClientConnected, NUMBERS),
    st.builds(ClientGone, NUMBERS),
    st.just(InputSeen()),
    st.builds(CreateRequested, NUMBERS),
    st.builds(CreateAnswered, NUMBERS),
    st.builds(CreateFailed, NUMBERS),
    st.just(OfferRejected()),
    st.just(TerminateRequested()),
    st.just(TerminateDone()),
    st.just(ApplicationExited()),
    st.just(Failed()),
    st.just(TimerDue()),
)


@given(st.lists(st.tuples(st.floats(0, 20), EVENTS), max_size=40), st.booleans())
def test_invariants_hold_for_any_events(script: list[tuple[float, Event]], restarts: bool) -> None:
    rules = Rules(
        connection_timeout_s=10,
        session_length_s=120,
        idle_timeout_s=30,
        window_restarts_at_active=restarts,
    )
    state: State = start(0.0)
    now = 0.0
    for pause_s, event in script:
        now += pause_s
        before = state
        state, outcome = step(before, event, now, rules)
        if service_status.is_terminal(before.status):
            assert state == before  # the end is final
        if service_status.is_terminal(state.status):
            assert reason_of(state) in service_status.REASONS  # and has a reason
            assert next_wakeup(state, rules) is None
        elif service_status.is_live(state.status):
            wakeup_at = next_wakeup(state, rules)
            assert wakeup_at is not None  # every live session has a timer
            assert wakeup_at <= 120
            if service_status.is_live(before.status) and not isinstance(event, CreateFailed):
                assert wakeup_at > now or not restarts  # nothing live is overdue
        if isinstance(outcome, Refused):
            assert isinstance(event, CreateRequested | TerminateRequested)
        ends_at = window_ends_at(state)
        if restarts and ends_at is not None:
            assert ends_at <= now + 10


def test_the_module_imports_values_only() -> None:
    tree = ast.parse(inspect.getsource(lifecycle))
    modules = {
        f"{node.module}.{alias.name}" if node.module == "rejoin.service_model" else node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    modules |= {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert modules == {"__future__", "enum", "dataclasses", "typing", "rejoin.service_model.status"}
