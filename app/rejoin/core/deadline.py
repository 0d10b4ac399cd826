"""The two deadlines of a drop: when the game may end at the earliest, and at the latest.

No field of the service says when its window began, so the truth can only be bounded
(reconnect.md, "The deadlines"):

Rule 1: we were certainly connected when the service sent the last media we received *and* when it
        received our newest packet that it acknowledged; the window cannot have begun before the
        earlier of the two.
Rule 2: a status poll that returned CONNECTED proves the same for the moment the poll began; one
        that returned ACTIVATING proves that no window had begun yet.
Rule 3: PENDING_CLIENT_RECONNECTION proves nothing about its own start and never moves a deadline.
Rule 4: after an answer the second window began no earlier than our create call was sent, once the
        status confirms ACTIVE. This rests on AWS's documented rule that the timer starts when a
        session reaches ACTIVE; a service that let the old window continue would break it. The shown
        deadline moves only if a packet of the answered connection arrived as well: behind a
        firewall the countdown would start again with every answer, and nobody would come back.
Rule 5: no window outlasts the session's own length.
Rule 6: shown = proof + timeout; latest = shown + how late the service may notice.
Rule 7: a client that crashed may have played on after the proof in its ticket, at most until the
        player rejoined; the latest deadline counts from there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rejoin.core.model import ConnectionSample, Policy, SessionView
from rejoin.core.ticket import RejoinState
from rejoin.service_model.status import ACTIVATING, ACTIVE, Status


@dataclass(frozen=True, slots=True)
class Window:
    """What is known of the service's window.

    `proved_at`: newest moment at which we were certainly connected (Rules 1, 2, 4).
    `ends_min_at`, `ends_max_at`: bounds of the end of the session's length (Rule 5).
    `checking_since_at`: set after sleep until the backend answers; nothing is known meanwhile.
    `unseen_until_at`: until when a client that crashed may have played on (Rule 7).
    `renewed_at`: newest create call that the service answered, whether or not a packet arrived; the
    latest deadline counts from it (Rule 4).
    """

    timeout_s: float | None = None
    proved_at: float | None = None
    ends_min_at: float | None = None
    ends_max_at: float | None = None
    checking_since_at: float | None = None
    unseen_until_at: float | None = None
    renewed_at: float | None = None

    @property
    def shown_at(self) -> float | None:
        """The earliest moment at which the service may end the game; None if unknown."""
        if self.timeout_s is None or self.proved_at is None:
            return None
        return _earlier(self.proved_at + self.timeout_s, self.ends_min_at)

    def latest_at(self, dropped_at: float, policy: Policy) -> float:
        """The latest moment at which the service might still accept us."""
        timeout_s = self.timeout_s if self.timeout_s is not None else policy.unknown_timeout_s
        proved_at = self.proved_at if self.proved_at is not None else dropped_at
        for at in (self.unseen_until_at, self.renewed_at):
            proved_at = proved_at if at is None else max(proved_at, at)
        return _earlier(proved_at + timeout_s + policy.notice_delay_max_s, self.ends_max_at)

    def over_at(self, left_at: float, policy: Policy) -> float:
        """When a game that its player left for good at `left_at` is surely over, ended or not."""
        return replace(self, proved_at=left_at).latest_at(left_at, policy)


def from_ticket(state: RejoinState, now: float, policy: Policy) -> Window:
    """Rule 7: the window from a ticket; "checking" if the ticket holds no usable time."""
    timeout_s = state.timeout_s
    if timeout_s is None:
        timeout_s = policy.connection_timeout_default_s
    # With a backend that reports no status, "checking" would never end.
    checking = state.proved_at is None and policy.reports_status
    return Window(
        timeout_s,
        state.proved_at,
        state.ends_min_at,
        state.ends_max_at,
        checking_since_at=now if checking else None,
        unseen_until_at=now,
    )


def _earlier(at: float, other: float | None) -> float:
    return at if other is None else min(at, other)


def _proved(window: Window, at: float) -> Window:
    if window.proved_at is not None and window.proved_at >= at:
        return window
    return replace(window, proved_at=at)


def on_sample(window: Window, sample: ConnectionSample) -> Window:
    """Rule 1: the window after a sample of the old connection."""
    at = sample.last_rtp_at
    if sample.proved_sent_at is not None:
        at = min(at, sample.proved_sent_at)
    return _proved(window, at)


def on_view(window: Window, view: SessionView, requested_at: float, now: float) -> Window:
    """Rules 2, 3 and 5: the window after a session view; `requested_at` is when our poll started.

    The backend's own poll behind `remaining` began at most `age_s` before our request did, however
    long the long poll took; that is the bound used.
    """
    if view.connection_timeout_s is not None:
        window = replace(window, timeout_s=view.connection_timeout_s)
    if view.session_ends_in_s is not None:
        window = replace(
            window,
            ends_min_at=requested_at + view.session_ends_in_s,
            ends_max_at=now + view.session_ends_in_s,
        )
    if view.remaining is not None and window.timeout_s is not None:
        began_at = requested_at - view.remaining.age_s
        window = _proved(window, began_at + view.remaining.at_least_s - window.timeout_s)
    if view.status == ACTIVATING:
        window = _proved(window, requested_at)
    return replace(window, checking_since_at=None)


def on_rejoined(
    window: Window, status: Status | None, create_requested_at: float, *, heard: bool
) -> Window:
    """Rule 4: the second window, once the status confirms it. `heard`: a packet has arrived."""
    return _proved(window, create_requested_at) if heard and status == ACTIVE else window


def on_answer(window: Window, create_requested_at: float) -> Window:
    """Rule 4: the service answered a create call, so it accepted the client at that time."""
    if window.renewed_at is not None and window.renewed_at >= create_requested_at:
        return window
    return replace(window, renewed_at=create_requested_at)


def on_wakeup(window: Window, now: float) -> Window:
    """After sleep nothing is known until the backend has answered."""
    return replace(window, checking_since_at=now)


def need_s(latencies_s: tuple[float, ...], rtt_s: float | None, policy: Policy) -> float:
    """T_need: how long a create call and the connection after it take.

    95th percentile of the measured backend calls + 3.5 RTT + 0.5 s; 2.5 s before anything was
    measured.
    """
    if not latencies_s:
        return policy.need_unmeasured_s
    ordered = sorted(latencies_s)
    p95_s = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return p95_s + policy.need_rtt_factor * (rtt_s or 0.0) + policy.need_floor_s
