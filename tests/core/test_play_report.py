"""How a game went: drops, seconds, minutes, and the one piece of advice of the table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rejoin.core.model import ConnectionNumber, Ending, EndingKind, HardEvidence, Snapshot, Stage
from rejoin.core.play_report import (
    FAR_S,
    LOSSY,
    MOST_LOSS_OF,
    RULES,
    SLOW,
    Advice,
    Minute,
    PlayRecorder,
    PlayReport,
    Second,
    advised,
)
from rejoin.core.verdict import Verdict
from rejoin.service_model.status import StatusReason

ONE = ConnectionNumber(1)
TWO = ConnectionNumber(2)
LIVE = Snapshot(Stage.LIVE)
AT = 1000.0
"""When the first picture of each game was shown."""

CALM = PlayReport(
    played_s=600.0,
    drops=0,
    returned=0,
    lost_s=0.0,
    frozen_s=0.0,
    loss=0.0,
    rtt_s=0.02,
    late=0.0,
    worst=None,
    verdicts=(),
    networks_changed=0,
)


def lost(began_at: float, verdict: Verdict | None = None, **more: object) -> Snapshot:
    return Snapshot(Stage.RECONNECTING, dropped_at=began_at, verdict=verdict, **more)  # type: ignore[arg-type]


def ended(verdict: Verdict | None = None) -> Snapshot:
    return Snapshot(Stage.ENDED, ending=Ending(EndingKind.UNCONFIRMED), verdict=verdict)


def playing() -> PlayRecorder:
    recorder = PlayRecorder()
    recorder.on_snapshot(Snapshot(Stage.STARTING, episode=1), AT - 30)
    recorder.on_snapshot(LIVE, AT)
    return recorder


def report(recorder: PlayRecorder, now: float) -> PlayReport:
    found = recorder.report(now)
    assert found is not None
    return found


def test_before_the_first_picture_there_is_nothing_to_report() -> None:
    recorder = PlayRecorder()
    recorder.on_snapshot(Snapshot(Stage.STARTING, episode=2), AT)
    recorder.on_second(Second(ONE, packets_received=10_000, packets_lost=9000), AT)
    recorder.on_snapshot(ended(), AT + 1)
    assert recorder.report(AT + 2) is None


def test_drops_are_counted_with_their_seconds_and_whether_the_player_came_back() -> None:
    recorder = playing()
    for shown in (Stage.LOST, Stage.RECONNECTING):
        recorder.on_snapshot(replace(lost(AT + 10), stage=shown), AT + 11)
    recorder.on_snapshot(LIVE, AT + 14)
    recorder.on_snapshot(lost(AT + 100), AT + 101)
    recorder.on_snapshot(Snapshot(Stage.ENDING), AT + 130)
    recorder.on_snapshot(ended(), AT + 150)
    recorder.on_snapshot(ended(), AT + 999)
    found = report(recorder, AT + 5000)
    assert (found.drops, found.returned, found.lost_s) == (2, 1, 34.0)
    assert found.played_s == 130.0, "until the player ended it"
    assert found.worst == Minute(2, lost_s=20.0)


@pytest.mark.parametrize(
    ("kind", "reason", "cause", "after_s", "drops"),
    [
        (EndingKind.GAME_ENDED, "applicationExit", HardEvidence.DTLS_CLOSED, 1.0, 0),
        (EndingKind.GAME_ENDED, "maxSessionLengthTimeout", HardEvidence.DTLS_CLOSED, 40.0, 0),
        (EndingKind.GAME_ENDED, "internalError", None, 3.0, 0),
        (EndingKind.GAME_ENDED, None, None, 3.0, 0),
        (EndingKind.GAME_ENDED, "internalError", None, 40.0, 1),
        (EndingKind.GAME_ENDED, "reconnectionTimeout", HardEvidence.DTLS_CLOSED, 1.0, 1),
        (EndingKind.GAME_ENDED, "connectionTimeout", None, 1.0, 1),
        (EndingKind.UNCONFIRMED, None, HardEvidence.DTLS_CLOSED, 1.0, 1),
        (EndingKind.ENDED_BY_PLAYER, None, HardEvidence.DTLS_CLOSED, 1.0, 1),
    ],
)
def test_a_connection_that_went_with_the_game_was_no_drop(
    kind: EndingKind, reason: str | None, cause: HardEvidence | None, after_s: float, drops: int
) -> None:
    recorder = playing()
    recorder.on_snapshot(lost(AT + 10, cause=cause), AT + 10.5)
    ending = Ending(kind, StatusReason(reason) if reason else None)
    recorder.on_snapshot(Snapshot(Stage.ENDED, ending=ending), AT + 10 + after_s)
    found = report(recorder, AT + 100)
    assert (found.drops, found.lost_s) == (drops, drops * after_s)
    assert found.advice is (Advice.REPORT_UNKNOWN if drops else Advice.NOTHING)


def test_way_back_into_a_game_is_no_drop_of_this_play() -> None:
    recorder = PlayRecorder()
    recorder.on_snapshot(lost(AT - 20, returning=True), AT - 19)
    recorder.on_snapshot(LIVE, AT)
    assert report(recorder, AT + 60).drops == 0


def test_a_drop_is_shared_among_its_minutes() -> None:
    recorder = playing()
    recorder.on_snapshot(lost(AT + 50), AT + 51)
    recorder.on_snapshot(LIVE, AT + 130)
    found = report(recorder, AT + 200)
    assert found.lost_s == 80.0
    assert found.worst == Minute(2, lost_s=60.0)
    assert found.worst.still_s == 60.0


def test_the_last_certain_verdict_of_a_drop_counts() -> None:
    recorder = playing()
    for began_at, verdicts in (
        (10.0, (None, Verdict.NETWORK_GONE, Verdict.NOT_KNOWN)),
        (30.0, (Verdict.HOST_SILENT, Verdict.PATH_BROKEN)),
        (50.0, (Verdict.PATH_BROKEN,)),
        (70.0, (Verdict.NOT_KNOWN,)),
    ):
        for verdict in verdicts:
            recorder.on_snapshot(lost(AT + began_at, verdict), AT + began_at + 1)
        recorder.on_snapshot(LIVE, AT + began_at + 5)
    recorder.on_snapshot(lost(AT + 90), AT + 91)
    recorder.on_snapshot(ended(Verdict.SERVICE_SILENT), AT + 120)
    found = report(recorder, AT + 120)
    assert found.drops == 5
    assert found.verdicts == (
        (Verdict.PATH_BROKEN, 2),
        (Verdict.NETWORK_GONE, 1),
        (Verdict.SERVICE_SILENT, 1),
    )


def test_counters_begin_anew_with_each_connection() -> None:
    recorder = playing()
    recorder.on_second(Second(ONE, packets_received=900, packets_lost=100, rtt_s=0.1), AT + 1)
    recorder.on_second(Second(ONE, packets_received=1800, packets_lost=200, rtt_s=0.3), AT + 2)
    recorder.on_second(Second(TWO, packets_received=1000, rtt_s=None), AT + 3)
    found = report(recorder, AT + 3)
    assert found.loss == pytest.approx(200 / 3000)
    assert found.rtt_s == pytest.approx(0.2)
    assert found.worst is not None
    assert found.worst.packets_received == 2800


def test_what_was_measured_before_the_first_picture_does_not_count() -> None:
    recorder = PlayRecorder()
    recorder.on_second(Second(ONE, packets_received=100, packets_lost=5000), AT - 1)
    recorder.on_snapshot(LIVE, AT)
    recorder.on_second(Second(ONE, packets_received=1100, packets_lost=5000), AT + 1)
    assert report(recorder, AT + 1).loss == 0.0


def test_a_freeze_counts_beside_drops_and_not_twice() -> None:
    recorder = playing()
    recorder.on_second(Second(ONE), AT + 1)
    recorder.on_second(Second(ONE, frozen_s=3.0), AT + 6)
    recorder.on_snapshot(lost(AT + 70), AT + 71)
    recorder.on_second(Second(ONE, frozen_s=3.0), AT + 72)
    recorder.on_snapshot(LIVE, AT + 75)
    recorder.on_second(Second(ONE, frozen_s=8.0), AT + 76)  # the drop itself: it healed
    recorder.on_second(Second(ONE, frozen_s=8.5), AT + 90)
    found = report(recorder, AT + 100)
    assert (found.frozen_s, found.lost_s) == (3.5, 5.0)
    assert found.worst == Minute(2, lost_s=5.0, frozen_s=0.5)


def test_a_minute_is_bad_from_a_second_or_a_share_of_packets_on() -> None:
    recorder = playing()
    recorder.on_second(Second(ONE, packets_received=10_000, frozen_s=0.9), AT + 1)
    assert report(recorder, AT + 1).worst is None
    received, missing = MOST_LOSS_OF, MOST_LOSS_OF // 10
    recorder.on_second(Second(ONE, 10_000 + received, missing), AT + 130)
    recorder.on_second(Second(ONE, 10_000 + received + 5, missing + 5), AT + 190)
    worst = report(recorder, AT + 200).worst
    assert worst is not None
    assert worst.number == 3, "and not the half of ten packets a minute later"


def test_a_clock_that_stands_and_counters_that_fall_break_nothing() -> None:
    recorder = playing()
    recorder.on_second(Second(ONE, packets_received=900, packets_lost=50, frozen_s=2.0), AT)
    recorder.on_second(Second(ONE), AT - 5)
    recorder.on_snapshot(lost(AT + 10), AT + 5)
    recorder.on_snapshot(LIVE, AT + 5)
    found = report(recorder, AT - 1)
    assert (found.played_s, found.lost_s, found.drops) == (0.0, 0.0, 1)


def with_verdicts(*verdicts: tuple[Verdict, int]) -> PlayReport:
    drops = sum(count for _, count in verdicts)
    return replace(CALM, drops=drops, verdicts=verdicts)


CASES = [
    (CALM, Advice.NOTHING),
    (with_verdicts((Verdict.NETWORK_GONE, 1)), Advice.OWN_NETWORK),
    (with_verdicts((Verdict.SIGN_IN_PAGE, 1)), Advice.SIGN_IN_FIRST),
    (with_verdicts((Verdict.PROXY_REFUSES, 1)), Advice.PROXY),
    (with_verdicts((Verdict.SERVICE_SILENT, 2)), Advice.STUDIO_AWAY),
    (with_verdicts((Verdict.PATH_BROKEN, 1)), Advice.OTHER_NETWORK),
    (with_verdicts((Verdict.HOST_SILENT, 1)), Advice.REPORT_HOST),
    (with_verdicts((Verdict.PATH_BROKEN, 2), (Verdict.NETWORK_GONE, 1)), Advice.OTHER_NETWORK),
    (replace(CALM, drops=2, networks_changed=1), Advice.ONE_NETWORK),
    (
        replace(with_verdicts((Verdict.NETWORK_GONE, 3)), networks_changed=1),
        Advice.OWN_NETWORK,
    ),
    (replace(CALM, drops=1), Advice.REPORT_UNKNOWN),
    (replace(CALM, drops=1, loss=LOSSY), Advice.LOSS),
    (replace(CALM, loss=LOSSY, late=SLOW, rtt_s=FAR_S), Advice.LOSS),
    (replace(CALM, late=SLOW, rtt_s=FAR_S), Advice.SLOW_COMPUTER),
    (replace(CALM, rtt_s=FAR_S), Advice.FAR_HOST),
    (replace(CALM, rtt_s=None, loss=LOSSY - 0.001, late=SLOW - 0.001), Advice.NOTHING),
]


@pytest.mark.parametrize(("found", "advice"), CASES)
def test_there_is_one_piece_of_advice(found: PlayReport, advice: Advice) -> None:
    assert advised(found).advice is advice


def test_every_advice_is_the_first_that_fits_somewhere() -> None:
    assert {advice for _, advice in CASES} == set(Advice)
    assert [advice for advice, _ in RULES] == list(dict.fromkeys(advice for advice, _ in RULES))


def test_the_recorder_notes_a_network_that_changed_and_a_computer_that_is_too_slow() -> None:
    recorder = playing()
    recorder.on_second(Second(ONE, pictures=1000, late=50), AT + 20)
    assert report(recorder, AT + 20).advice is Advice.SLOW_COMPUTER
    recorder.on_snapshot(lost(AT + 30, cause=HardEvidence.ADDRESS_GONE), AT + 31)
    recorder.on_snapshot(LIVE, AT + 32)
    assert report(recorder, AT + 40).advice is Advice.ONE_NETWORK
