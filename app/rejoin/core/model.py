"""Values that several packages share: numbers, policy, the session's view, samples, the snapshot.

Times ending in `_at` are boot time in seconds (`rejoin.clock`), which continues during sleep;
durations end in `_s`. All values are immutable, and nothing here reads a clock.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from rejoin.core.ids import AttemptNumber as AttemptNumber
from rejoin.core.ids import ConnectionNumber as ConnectionNumber
from rejoin.core.ids import SessionId as SessionId
from rejoin.core.verdict import Verdict
from rejoin.service_model.status import Status, StatusReason


class HealthLevel(enum.Enum):
    """The health of the live connection, from best to worst (reconnect.md, "Detecting a drop")."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    STALLED = "stalled"
    NO_MEDIA = "no_media"
    LOST = "lost"


class HardEvidence(enum.Enum):
    """Signs that a connection is gone; there is no need to wait for silence."""

    DTLS_CLOSED = "dtls_closed"
    CHANNEL_CLOSED = "channel_closed"
    SERVER_DISCONNECTED = "server_disconnected"
    UNREACHABLE = "unreachable"
    ADDRESS_GONE = "address_gone"
    RTCP_BYE = "rtcp_bye"
    PICTURE_FROZEN = "picture_frozen"
    """Sound arrives, and the picture's packets have been lost for
    `Policy.frozen_reconnect_after_s`."""
    PLAYER_ASKED = "player_asked"
    """The player gave the connection up and asked for a new one (ReconnectRequested)."""


class Trouble(enum.Enum):
    """What is wrong with a connection that is not lost, for the text of the badge."""

    UNSTABLE = "unstable"
    """Pauses, loss or short freezes."""
    UPLINK = "uplink"
    """Our packets do not arrive: keys and mouse have no effect in the game."""
    PICTURE_LOST = "picture_lost"
    """The picture stands still: the host sends it, and its packets are lost on the way."""
    PICTURE_STOPPED = "picture_stopped"
    """The picture stands still, and nothing says that it is sent: a game may be paused."""


class NoInput(enum.Enum):
    """Why the player's input does not reach the game; each has its own sentence in the window."""

    NO_CHANNEL = "no_channel"
    """The host has no input channel."""
    NO_MODULE = "no_module"
    """The service named no input module that may be loaded."""
    NOT_LOADED = "not_loaded"
    """The service's input module could not be fetched."""
    FAILED = "failed"
    """The service's input module, or its process, failed."""
    OFF = "off"
    """The profile says that no input module is to be used."""


class Stage(enum.Enum):
    """Where the player is; the window shows a different view for each."""

    IDLE = "idle"
    STARTING = "starting"
    LIVE = "live"
    LOST = "lost"
    RECONNECTING = "reconnecting"
    ENDING = "ending"
    ENDED = "ended"


class Doing(enum.Enum):
    """What the client is doing right now, for the texts of the window."""

    NOTHING = "nothing"
    PREPARING = "preparing"
    ASKING_BACKEND = "asking_backend"
    PLACING = "placing"
    CONNECTING = "connecting"
    CHECKING = "checking"
    WAITING_FOR_SERVICE = "waiting_for_service"
    WAITING_TO_RETRY = "waiting_to_retry"
    WAITING_FOR_TURN = "waiting_for_turn"
    WAITING_FOR_NETWORK = "waiting_for_network"
    CONFIRMING_END = "confirming_end"
    TERMINATING = "terminating"


class EndingKind(enum.Enum):
    """Why the game is over; each has its own sentence in `gui/texts.py`."""

    GAME_ENDED = "game_ended"
    """The service said so (TERMINATED or ERROR); `reason` is the service's own."""
    UNCONFIRMED = "unconfirmed"
    """The latest deadline passed, and it is unknown how the game ended."""
    NOT_ALLOWED = "not_allowed"
    SIGN_IN_NEEDED = "sign_in_needed"
    NOT_FOUND = "not_found"
    STREAM_NOT_FOUND = "stream_not_found"
    """The service has no such stream group or application; there is no game yet."""
    BUSY = "busy"
    """The backend's Retry-After is longer than the window, or it kept throttling the start."""
    BACKEND_UNTRUSTED = "backend_untrusted"
    """TLS could not prove the identity of the backend."""
    BACKEND_UNUSABLE = "backend_unusable"
    """The answer is not one of a Rejoin backend, or cannot be understood."""
    BACKEND_UNREACHABLE = "backend_unreachable"
    """No answer at start; there is no game yet, so nothing is lost."""
    BACKEND_FAILED = "backend_failed"
    """The backend answered the start with an error; there is no game yet, so nothing is lost."""
    OFFER_REFUSED = "offer_refused"
    BAD_ANSWER = "bad_answer"
    """The service's answer cannot be used, or requires something that the profile forbids."""
    UNSUPPORTED_VIDEO = "unsupported_video"
    """The game sends video of a kind that this client does not decode; `detail` says which."""
    COULD_NOT_CONNECT = "could_not_connect"
    CONTINUED_ELSEWHERE = "continued_elsewhere"
    CLOSED_FOR_NOW = "closed_for_now"
    ENDED_BY_PLAYER = "ended_by_player"
    CANCELLED = "cancelled"
    INTERNAL = "internal"
    """Our own fault: the offer could not be made."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a game for this client. `reason` and `detail` are raw texts for a report."""

    kind: EndingKind
    reason: StatusReason | None = None
    status: Status | None = None
    detail: str = ""
    expired_asleep: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """Every constant of the engine, in seconds unless the name says otherwise (reconnect.md)."""

    # What the backend's dialect can do.
    reports_status: bool = True
    """The status can be polled at any time, not only while a new game is placed."""
    forwards_token: bool = True
    """The attempt's token becomes the service's ClientToken: identical bytes may be sent again."""
    can_terminate: bool = True
    """The backend has a call that ends the game; without one a game runs until its time is up."""

    # Detecting a drop.
    degraded_after_s: float = 0.150
    freeze_extra_s: float = 0.150
    loss_degraded: float = 0.05
    loss_recovered: float = 0.02
    loss_window_s: float = 3.0
    stalled_min_s: float = 0.300
    stalled_max_s: float = 0.800
    largest_gap_factor: float = 1.5
    stalled_rtt_extra_s: float = 0.200
    gap_memory_s: float = 60.0
    recovered_after_s: float = 0.500
    no_media_after_s: float = 1.0
    no_media_patience_s: float = 5.0
    lost_min_s: float = 0.900
    lost_rtt_factor: float = 3.0
    lost_rtt_extra_s: float = 0.300
    commit_uncorroborated_s: float = 5.0
    flap_count: int = 3
    flap_window_s: float = 60.0
    flap_lost_cap_s: float = 2.5
    flap_hold_s: float = 300.0
    sleep_is_drop_s: float = 5.0
    uplink_doubt_after_s: float = 3.0
    """Checks unanswered for this long: three of those that are sent each second."""
    uplink_lost_after_s: float = 5.0
    uplink_unknown_loss: float = 0.7
    """While the path loses this share of small packets or more, unanswered checks say nothing: of
    the fourteen that are sent in five seconds, all answers are lost more often than once in 150."""
    frozen_after_s: float = 2.0
    frozen_again_within_s: float = 4.0
    """A picture that moved for less than this, with the time it takes to notice, stayed frozen."""
    frame_gap_s: float = 0.450
    """Frames further apart than this count as single ones. Less than `recovered_after_s`."""
    frozen_offer_after_s: float = 5.0
    frozen_reconnect_after_s: float = 10.0
    frozen_over_after_s: float = 10.0
    """A picture that moved without trouble for this long has nothing to do with an earlier
    freeze."""
    # Connectivity checks and sampling.
    check_every_s: float = 0.100
    check_slow_every_s: float = 0.250
    check_fast_count: int = 5
    # Calls to the backend, and trying again.
    backoff_base_s: float = 0.250
    backoff_cap_s: float = 4.0
    settled_after_s: float = 10.0
    """Failed tries are forgotten only once a connection was live for this long."""
    played_after_s: float = 1.0
    """A new connection that was live for less is a failed try. After one that lasted longer the
    next drop is handled as fast as the first."""
    create_apart_s: float = 0.250
    """The least pause between two create calls of one session."""
    network_reset_every_s: float = 5.0
    """How often a network that came back may reset the backoff."""
    throttle_base_s: float = 1.0
    throttle_cap_s: float = 8.0
    turn_ask_s: float = 1.0
    """The least pause between two requests while we have a place in the backend's queue; also the
    pause where the backend names none."""
    turn_spread_s: float = 0.5
    """Each of these requests comes up to this much later, so that players who dropped together do
    not call together. A place lapses 2 s after the time that the backend named."""
    turn_ask_max_s: float = 5.0
    """A longer Retry-After is too long for a queue: past the window the game ends as busy."""
    tries_per_attempt: int = 2
    connect_timeout_s: float = 1.0
    start_connect_timeout_s: float = 5.0
    """For the first connection to the backend, when nothing is lost by waiting."""
    read_timeout_s: float = 9.0
    read_timeout_min_s: float = 5.5
    """AWS's samples say that a reconnect answers in under 5 s."""
    long_poll_max_s: float = 8.0
    poll_pause_s: float = 0.5
    poll_after_answer_s: float = 0.1
    """Between the answer of a reconnect and the next poll, which competes with the first frame for
    whatever is slow: on one machine it cost 3 ms of connecting and 5 ms of the first frame."""
    poll_window_share: float = 0.25
    """A long poll may be held for this share of the time until the shown deadline; its answer may
    take the same share again."""
    poll_budget_min_s: float = 2.0
    """How long a poll may take in addition to its hold time. Each failed try adds as much."""
    # Deadlines.
    notice_delay_max_s: float = 60.0
    need_floor_s: float = 0.5
    need_unmeasured_s: float = 2.5
    need_rtt_factor: float = 3.5
    connection_timeout_default_s: float | None = None
    """The profile's value, for a backend that does not report one; None means unknown."""
    unknown_timeout_s: float = 600.0
    """Assumed while the timeout is unknown: the longer one of AWS's two samples."""
    answer_grace_s: float = 1.0
    """A call without a result this long after its budget counts as failed."""
    ticket_every_s: float = 15.0
    """How often the ticket is saved while live; after a crash, the shown deadline is at most this
    much too early."""
    # Answers without one packet: a firewall.
    firewall_attempts: int = 3
    """After this many answered attempts in a row without an authenticated packet, something between
    client and host seems to block the stream."""
    firewall_every_s: float = 15.0
    firewall_share: float = 0.25
    """From then on the pause between create calls is `firewall_every_s`, or this share of the
    connection timeout if that is less."""
    # Connecting and goodbye.
    connect_deadline_s: float = 5.0
    connect_deadline_rtts: float = 4.0
    connect_min_s: float = 1.0
    connect_min_share: float = 0.25
    """A new connection gets at least `connect_min_s`, and at least this share of the connection
    timeout, however little is left of the window."""
    first_frame_deadline_s: float = 5.0
    sample_every_s: float = 0.050
    sample_missing_s: float = 0.500
    """Without a sample for this long, the engine judges the last one again."""
    goodbye_times: int = 3
    goodbye_grace_s: float = 0.15
    goodbye_heard_within_s: float = 0.300
    goodbye_heard_within_rtts: float = 2.0
    """RTP that comes later than the longer of the two shows that the goodbye was lost."""
    goodbye_again_every_s: float = 0.250
    goodbye_again_times: int = 40
    # Starting.
    start_deadline_s: float = 660.0
    """Placement can take ten minutes on on-demand Windows capacity (service.md)."""
    start_tries: int = 4
    """How often a start is tried; there is no game yet that could be lost. Without a network it is
    tried without limit."""
    start_unconnected_s: float = 60.0
    """A start whose answered connections all fail ends this long after the first answer."""
    terminate_tries: int = 3
    """After this many failed calls the card says that the game has not ended yet, or that it
    could not be ended where the backend refuses."""
    terminate_late_after_s: float = 5.0
    """Or once a call failed after this long: a backend that hangs uses up the whole budget of each
    call."""
    terminate_budget_s: float = 8.0
    terminate_every_s: float = 15.0
    """The longest backoff between two calls that end a game, which go on until it is surely over.
    Longer than for a reconnect: nobody waits to play."""


@dataclass(frozen=True, slots=True)
class RemainingKnowledge:
    """What the backend knows about the window: `age_s` ago, at least `at_least_s` was left."""

    at_least_s: float
    age_s: float


@dataclass(frozen=True, slots=True)
class SessionView:
    """The stream session as one poll of the backend returned it.

    `signal_request_sha256` is the hash of the SignalRequest that the service holds, and
    `signal_response` the answer to exactly that one: together they recover a lost answer.
    """

    session_id: SessionId
    status: Status
    reason: StatusReason | None = None
    connection_timeout_s: float | None = None
    session_ends_in_s: float | None = None
    remaining: RemainingKnowledge | None = None
    signal_request_sha256: str | None = None
    signal_response: str | None = field(default=None, repr=False)
    attempt: AttemptNumber | None = None


@dataclass(frozen=True, slots=True)
class ConnectionSample:
    """Statistics of one connection, taken every 50 ms by `rtc/statistics`.

    `last_packet_at`: newest authenticated inbound packet of any kind (SRTP, SRTCP, STUN, SCTP).
    `last_rtp_at`: newest SRTP media packet. `last_frame_at`: newest decoded frame, or complete one
    that was not decoded as nobody sees the picture. `frame_interval_s`: mean of the last frames.
    `rtt_s`: smoothed, None before it is known.
    `loss`: share of RTP packets missing over the last 3 s, 0..1.
    `proved_sent_at`: sending time of our newest packet that the host acknowledged.
    `loop_lag_s`: how late our own loop ran since the last sample; the detector subtracts it.
    `largest_gap_s`: largest pause between two authenticated packets since the last sample.
    `unanswered_since_at`: when the first check was sent after the newest one that was answered;
    None while every check is answered. `sends_fail_since_at`: since when the operating system has
    refused to send, with an error that nobody else can cause; None while it sends.
    `video_missing`: share of the video that did not arrive of what the host sent since the newest
    frame, by its sender reports, 0..1; 0 if it sent none; None while no report says.
    `sound_loss`: share of the sound's packets missing over the last 3 s, 0..1; None without sound.
    """

    last_packet_at: float
    last_rtp_at: float
    last_frame_at: float
    frames_decoded: int
    frame_interval_s: float
    rtt_s: float | None
    loss: float
    proved_sent_at: float | None = None
    loop_lag_s: float = 0.0
    largest_gap_s: float = 0.0
    unanswered_since_at: float | None = None
    sends_fail_since_at: float | None = None
    video_missing: float | None = None
    sound_loss: float | None = None


@dataclass(frozen=True, slots=True)
class WindowLeft:
    """The time left for a reconnect when its request goes out.

    `shown_s`: until the deadline that the player sees, 0 once it has passed; None where it is not
    known. `latest_s`: until the last moment at which the service may accept us.
    """

    shown_s: float | None
    latest_s: float


@dataclass(frozen=True, slots=True)
class Turn:
    """A place in the backend's queue of reconnects, as of the last request.

    `place`: from 1, for the next one; `expected_at`: the backend's estimate. None: not given.
    """

    place: int | None = None
    expected_at: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the player's window may show; deadlines are boot times, not remaining seconds."""

    stage: Stage
    doing: Doing = Doing.NOTHING
    health: HealthLevel = HealthLevel.HEALTHY
    trouble_since_at: float | None = None
    """Since when something is wrong; the badge shows once this is 500 ms old."""
    trouble: Trouble | None = None
    """What is wrong while live; None while nothing is."""
    can_reconnect: bool = False
    """The picture has stood still for so long that *Reconnect* is offered (ReconnectRequested)."""
    dropped_at: float | None = None
    """When media last arrived before the drop: the time since the drop counts from here."""
    cause: HardEvidence | None = None
    """Why the connection is being replaced; None for silence, and while none is."""
    shown_deadline_at: float | None = None
    deadline_checking: bool = False
    """After sleep or reboot the countdown reads "checking" until the backend has answered."""
    next_try_at: float | None = None
    turn: Turn | None = None
    """With WAITING_FOR_TURN: the place in the backend's queue. An estimate that ends nothing."""
    length_ends_at: float | None = None
    """When the session's length (SessionLengthSeconds) is over, at the earliest; None where the
    backend does not say."""
    offline: bool = False
    unreached: bool = False
    """The studio's backend did not answer the last call."""
    portal: bool = False
    """Something like a captive portal answers in place of the backend."""
    stranger: bool = False
    """Something with another certificate, or none, answers in place of the backend."""
    firewall: bool = False
    """The game server answers, but not one packet of the stream arrives: something blocks it."""
    verdict: Verdict | None = None
    """Why the player is not back yet; None before the first probes of an episode were answered. At
    the end of a game: the last verdict of its last episode, if the game ended in it."""
    unnoticed_until_at: float | None = None
    """Until then the newest CONNECTED is fresh: the service has not noticed the drop, so the whole
    `connection_timeout_s` is still to come, and `shown_deadline_at` would not move."""
    connection_timeout_s: float | None = None
    can_try_now: bool = False
    can_terminate: bool = True
    """The backend has a call that ends the game; otherwise *End game* is not offered."""
    input_open: bool = False
    view_only: NoInput | None = None
    """Why the game can only be watched; None while it can be played, or may be soon."""
    back_at: float | None = None
    """When the last episode ended live; "You're back" shows for three seconds after."""
    episode: int = 0
    returning: bool = False
    """The player rejoins with a ticket and has seen no picture yet; when the connection was lost is
    unknown, and `dropped_at` is when they rejoined."""
    ending: Ending | None = None
    status: Status | None = None
