"""The two deadlines of a drop: when the game may end at the earliest, and at the latest.

No field of the service says when its window began, so the truth can only be bounded
(reconnect.md, "The deadlines"):

Rule 1: the service had us for certain when it sent the last media we received *and* when it
        received our newest packet that it answered; the window cannot have begun before the
        earlier of the two.
Rule 2: a look at the session that said CONNECTED proves the same for the moment it began; one that
        said ACTIVATING proves that no window had begun yet.
Rule 3: PENDING_CLIENT_RECONNECTION proves nothing about its own start and never moves a deadline.
Rule 4: after an answer the second window began no earlier than our create call was sent, once the
        status confirms ACTIVE. This rests on AWS's documented rule that the timer starts when a
        session reaches ACTIVE; a service that let the old window run on would break it.
Rule 5: no window outlives the session's own length.
Rule 6: shown = proof + timeout; latest = shown + how late the service may notice.
Rule 7: a client that crashed may have played on after the proof that its ticket holds, at most
        until its player came back; the latest deadline counts from there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rejoin.core.model import ConnectionSample, Policy, SessionView
from rejoin.core.ticket import RejoinState
from rejoin.service_model.status import ACTIVATING, ACTIVE


@dataclass(frozen=True, slots=True)
class Window:
    """What is known of the service's window.

    `proved_at`: newest moment at which the service certainly still had us (Rules 1, 2, 4).
    `ends_min_at`, `ends_max_at`: bounds of the session's own end (Rule 5).
    `checking_since_at`: since when nothing is known, after sleep, until the backend answers.
    `unseen_until_at`: until when a life before this one may have played on (Rule 7).
    """

    timeout_s: float | None = None
    proved_at: float | None = None
    ends_min_at: float | None = None
    ends_max_at: float | None = None
    checking_since_at: float | None = None
    unseen_until_at: float | None = None

    @property
    def shown_at(self) -> float | None:
        """The earliest moment at which the service may end the game; None if nobody told."""
        if self.timeout_s is None or self.proved_at is None:
            return None
        return _earlier(self.proved_at + self.timeout_s, self.ends_min_at)

    def latest_at(self, dropped_at: float, policy: Policy) -> float:
        """The latest moment at which the service might still take us back."""
        timeout_s = self.timeout_s if self.timeout_s is not None else policy.unknown_timeout_s
        proved_at = self.proved_at if self.proved_at is not None else dropped_at
        if self.unseen_until_at is not None:
            proved_at = max(proved_at, self.unseen_until_at)
        return _earlier(proved_at + timeout_s + policy.notice_delay_max_s, self.ends_max_at)


def from_ticket(seat: RejoinState, now: float, policy: Policy) -> Window:
    """Rule 7: what a ticket tells of the window, and "checking" where it tells no time."""
    timeout_s = seat.timeout_s
    if timeout_s is None:
        timeout_s = policy.connection_timeout_default_s
    # Who is never told a status would check for ever.
    checking = seat.proved_at is None and policy.reports_status
    return Window(
        timeout_s,
        seat.proved_at,
        seat.ends_min_at,
        seat.ends_max_at,
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
    """Rule 1: what a sample of the old connection proves."""
    at = sample.last_rtp_at
    if sample.proved_sent_at is not None:
        at = min(at, sample.proved_sent_at)
    return _proved(window, at)


def on_view(window: Window, view: SessionView, asked_at: float, now: float) -> Window:
    """Rules 2, 3 and 5: what a finished look at the session proves.

    The backend's look that `remaining` speaks of began at the earliest `age_s` before our request
    did, whatever the long poll took; that is the bound used.
    """
    if view.connection_timeout_s is not None:
        window = replace(window, timeout_s=view.connection_timeout_s)
    if view.session_ends_in_s is not None:
        window = replace(
            window,
            ends_min_at=asked_at + view.session_ends_in_s,
            ends_max_at=now + view.session_ends_in_s,
        )
    if view.remaining is not None and window.timeout_s is not None:
        began_at = asked_at - view.remaining.age_s
        window = _proved(window, began_at + view.remaining.at_least_s - window.timeout_s)
    if view.status == ACTIVATING:
        window = _proved(window, asked_at)
    return replace(window, checking_since_at=None)


def on_rejoined(window: Window, view: SessionView, create_asked_at: float) -> Window:
    """Rule 4: the second window, once the status confirms it."""
    return _proved(window, create_asked_at) if view.status == ACTIVE else window


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
