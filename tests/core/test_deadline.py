"""The bounds of the window: each rule, and that no rule ever promises too much time."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rejoin.core import deadline
from rejoin.core.deadline import Window
from rejoin.core.model import (
    AttemptNumber,
    ConnectionSample,
    Policy,
    RemainingKnowledge,
    SessionId,
    SessionView,
)
from rejoin.core.ticket import RejoinState
from rejoin.service_model.status import ACTIVE, RECONNECTING, Status

POLICY = Policy()


def view(
    status: str = "CONNECTED",
    *,
    remaining: RemainingKnowledge | None = None,
    timeout_s: float | None = 120.0,
    session_ends_in_s: float | None = None,
) -> SessionView:
    return SessionView(
        SessionId("s"),
        Status(status),
        connection_timeout_s=timeout_s,
        remaining=remaining,
        session_ends_in_s=session_ends_in_s,
    )


def media(rtp_at: float, proved_at: float | None) -> ConnectionSample:
    return ConnectionSample(
        last_packet_at=rtp_at,
        last_rtp_at=rtp_at,
        last_frame_at=rtp_at,
        frames_decoded=1,
        frame_interval_s=1 / 60,
        rtt_s=0.04,
        loss=0.0,
        proved_sent_at=proved_at,
    )


def test_without_a_timeout_there_is_no_countdown() -> None:
    window = deadline.on_sample(Window(), media(10.0, 10.0))
    assert window.shown_at is None
    assert window.latest_at(10.0, POLICY) == 10.0 + POLICY.unknown_timeout_s + 60.0


def test_the_last_packet_that_the_host_acknowledged_counts_if_it_is_older() -> None:
    window = deadline.on_sample(Window(timeout_s=120.0), media(10.0, 7.0))
    assert window.shown_at == 127.0
    assert deadline.on_sample(Window(timeout_s=120.0), media(10.0, None)).shown_at == 130.0


def test_knowledge_never_moves_a_deadline_earlier() -> None:
    window = deadline.on_sample(Window(timeout_s=120.0), media(10.0, 10.0))
    assert deadline.on_sample(window, media(5.0, 5.0)).shown_at == 130.0


def test_connected_moves_the_deadline_by_the_age_of_that_knowledge() -> None:
    seen_view = view(remaining=RemainingKnowledge(120.0, age_s=2.0))
    window = deadline.on_view(
        Window(timeout_s=120.0, proved_at=1.0), seen_view, requested_at=50.0, now=58.0
    )
    assert window.shown_at == 50.0 - 2.0 + 120.0


def test_pending_alone_moves_nothing() -> None:
    before = Window(timeout_s=120.0, proved_at=10.0)
    seen_view = view("PENDING_CLIENT_RECONNECTION")
    assert deadline.on_view(before, seen_view, 50.0, 50.0).shown_at == before.shown_at


def test_the_second_window_counts_from_the_create_call_once_active_is_confirmed() -> None:
    before = Window(timeout_s=120.0, proved_at=10.0)
    assert deadline.on_rejoined(before, RECONNECTING, 60.0, heard=True) == before
    assert deadline.on_rejoined(before, ACTIVE, 60.0, heard=True).shown_at == 180.0


def test_an_answer_without_a_packet_moves_the_latest_deadline_alone() -> None:
    before = Window(timeout_s=120.0, proved_at=10.0)
    assert deadline.on_rejoined(before, ACTIVE, 60.0, heard=False) == before
    after = deadline.on_answer(before, 60.0)
    assert after.shown_at == before.shown_at
    assert after.latest_at(10.0, POLICY) == 60.0 + 120.0 + POLICY.notice_delay_max_s
    assert deadline.on_answer(after, 50.0) == after, "an older call proves nothing new"


def test_the_session_length_caps_both_deadlines() -> None:
    window = Window(timeout_s=120.0, proved_at=10.0)
    window = deadline.on_view(window, view(session_ends_in_s=20.0), requested_at=50.0, now=51.0)
    assert window.shown_at == 70.0
    assert window.latest_at(10.0, POLICY) == 71.0


def test_after_sleep_the_countdown_is_checking_until_the_backend_answers() -> None:
    window = deadline.on_wakeup(Window(timeout_s=120.0, proved_at=10.0), 500.0)
    assert window.checking_since_at == 500.0
    assert deadline.on_view(window, view(), 501.0, 501.1).checking_since_at is None


STATE = RejoinState(SessionId("s"), AttemptNumber(2), 120.0, 10.0, 500.0, 510.0)


def test_a_ticket_bounds_the_window_from_below_and_the_rejoin_from_above() -> None:
    """The client that crashed may have played on until the rejoin at most."""
    window = deadline.from_ticket(STATE, 40.0, POLICY)
    assert window.shown_at == 10.0 + 120.0
    assert window.latest_at(40.0, POLICY) == 40.0 + 120.0 + POLICY.notice_delay_max_s
    assert window.checking_since_at is None
    later = deadline.on_view(window, view(remaining=RemainingKnowledge(120.0, 1.0)), 60.0, 60.1)
    assert later.shown_at == 59.0 + 120.0
    assert later.latest_at(40.0, POLICY) == 59.0 + 120.0 + POLICY.notice_delay_max_s
    assert deadline.from_ticket(STATE, 1000.0, POLICY).latest_at(1000.0, POLICY) == 510.0


def test_a_ticket_without_times_is_checking_until_the_backend_answers() -> None:
    window = deadline.from_ticket(replace(STATE, proved_at=None), 40.0, POLICY)
    assert window.checking_since_at == 40.0
    assert deadline.on_view(window, view(), 40.0, 40.1).checking_since_at is None
    without_status = replace(POLICY, reports_status=False)
    assert (
        deadline.from_ticket(replace(STATE, proved_at=None), 40.0, without_status).checking_since_at
        is None
    )


def test_a_ticket_without_a_timeout_takes_the_one_of_the_profile() -> None:
    state = replace(STATE, timeout_s=None)
    assert deadline.from_ticket(state, 40.0, POLICY).shown_at is None
    known = replace(POLICY, connection_timeout_default_s=90.0)
    assert deadline.from_ticket(state, 40.0, known).shown_at == 100.0


def test_the_need_is_the_slow_end_of_the_measured_calls() -> None:
    assert deadline.need_s((), 0.1, POLICY) == POLICY.need_unmeasured_s
    assert deadline.need_s((0.1,) * 19 + (2.0,), 0.1, POLICY) == 2.0 + 0.35 + 0.5


@given(
    began_after=st.floats(0, 100),
    lasted=st.floats(0, 10),
    age=st.floats(0, 5),
    timeout=st.floats(1, 3600),
)
def test_a_poll_never_promises_more_time_than_the_service_gives(
    began_after: float, lasted: float, age: float, timeout: float
) -> None:
    """The service cannot notice before the poll began, whenever its answer arrives."""
    requested_at = 100.0 + began_after
    look_began_at = requested_at + lasted - age  # the backend's last seen_view at the service
    answered_at = requested_at + lasted
    known = RemainingKnowledge(timeout, age_s=age)
    seen = deadline.on_view(
        Window(), view(remaining=known, timeout_s=timeout), requested_at, answered_at
    )
    assert seen.shown_at is not None
    assert seen.shown_at <= look_began_at + timeout + 1e-6
