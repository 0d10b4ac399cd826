"""What a status means for a client, whether it is one that we know or not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rejoin.service_model.status import STATUSES, accepts_reconnect, is_live, is_terminal


def test_what_a_status_means_for_a_client() -> None:
    accepting = [status for status in STATUSES if accepts_reconnect(status)]
    assert accepting == ["ACTIVE", "PENDING_CLIENT_RECONNECTION"]
    assert [status for status in STATUSES if is_terminal(status)] == ["TERMINATED", "ERROR"]
    over = [status for status in STATUSES if not is_live(status)]
    assert over == ["TERMINATING", "TERMINATED", "ERROR"]


@given(st.text())
def test_an_unknown_status_is_live_and_accepts_no_reconnect(status: str) -> None:
    if status in STATUSES:
        return
    assert is_live(status)
    assert not is_terminal(status)
    assert not accepts_reconnect(status)
