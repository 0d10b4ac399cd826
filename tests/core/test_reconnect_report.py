"""What is reported of an episode, by transcripts of the engine."""

from __future__ import annotations

import pytest

from helpers.playbook import ONE, SESSION, TWO, Playbook
from rejoin.core import events
from rejoin.core.model import AttemptNumber, HardEvidence
from rejoin.core.phases import Connecting, Live
from rejoin.core.reconnect_report import CAUSES, EpisodeObserver, ReconnectReport
from rejoin.core.retry import FailureKind
from rejoin.core.ticket import RejoinState
from rejoin.core.verdict import BackendState, Findings, InternetState
from rejoin.runtime.report_queue import body_of
from rejoin.signaling.wire import ReportBody

DROPPED = "PENDING_CLIENT_RECONNECTION"


class Observed(Playbook):
    """A playbook whose engine is observed: the reports so far."""

    def __init__(self) -> None:
        super().__init__()
        self.reports: list[ReconnectReport] = []
        self._observer = EpisodeObserver(self.reports.append)

    def give(self, *given: events.Event) -> Observed:
        for event in given:
            super().give(event)
            self._observer.step(event, self.state, self.now)
        return self

    def report(self) -> ReconnectReport:
        """The only one."""
        [report] = self.reports
        body = ReportBody.model_validate(body_of("0" * 32, report) | {"ended_ago_s": 0.0})
        assert body.cause == report.cause
        return report


def test_a_drop_is_saved_by_a_new_connection() -> None:
    play = Observed()
    play.drop(DROPPED)
    play.wait(0.5)
    play.poll_fails(FailureKind.NOT_SENT)
    play.answers(play.requests())
    assert play.reports == []
    play.wait(0.25).connects(TWO).phase(Live)
    report = play.report()
    assert (report.cause, report.verdict) == ("silence", None)
    assert (report.outcome, report.ending) == ("rejoined", None)
    assert (report.attempts, report.tries) == (1, 1)
    assert report.failures == ("not_sent",)
    assert 0.9 <= report.noticed_after_s <= 1.1
    assert report.requested_after_s is not None
    assert report.answered_after_s is not None
    assert report.noticed_after_s < report.requested_after_s <= report.answered_after_s
    assert report.lost_s == pytest.approx(report.answered_after_s + 0.25)


def test_a_short_pause_heals_without_a_call() -> None:
    play = Observed()
    play.drop()
    play.healthy(0.3).phase(Live)
    report = play.report()
    assert (report.outcome, report.attempts, report.tries) == ("healed", 0, 0)
    assert (report.requested_after_s, report.answered_after_s) == (None, None)


def test_refused_tries_are_counted_with_their_kinds() -> None:
    play = Observed()
    play.drop(DROPPED)
    play.refuses(play.requests(), FailureKind.REUSED_OFFER)
    play.wait(5.0)
    play.answers(play.requests())
    play.connects(play.phase(Connecting).connection)
    report = play.report()
    assert (report.attempts, report.tries) == (2, 2)
    assert report.failures == ("reused_offer",)


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        (HardEvidence.RTCP_BYE, "host_closed"),
        (HardEvidence.DTLS_CLOSED, "host_closed"),
        (HardEvidence.ADDRESS_GONE, "network_changed"),
        (HardEvidence.PLAYER_ASKED, None),
    ],
)
def test_a_verdict_is_only_what_is_certain(evidence: HardEvidence, verdict: str | None) -> None:
    play = Observed()
    play.live()
    play.give(events.HardEvidenceSeen(ONE, evidence), play.status(DROPPED))
    play.give(play.status("TERMINATED", reason="applicationExit"))
    report = play.report()
    assert (report.cause, report.verdict) == (evidence.value, verdict)
    assert (report.outcome, report.ending) == ("ended", "game_ended")


def test_without_a_network_that_is_the_verdict() -> None:
    play = Observed()
    play.drop("CONNECTED")
    play.give(events.NetworkLost()).wait(3.0)
    play.give(events.NetworkFound())
    play.healthy(0.3)
    assert play.report().verdict == "network_gone"


def test_what_the_probes_proved_last_is_the_verdict() -> None:
    play = Observed()
    play.drop("CONNECTED")
    found = Findings(backend=BackendState.SILENT, internet=InternetState.REACHED)
    play.give(events.ProbesFinished(found)).healthy(0.3)
    assert play.report().verdict == "service_silent"


def test_what_answers_in_place_of_the_backend_is_the_verdict() -> None:
    play = Observed()
    play.drop("CONNECTED")
    play.poll_fails(FailureKind.NOT_BACKEND).healthy(0.3)
    assert play.report().verdict == "other_server"


def test_a_player_who_ends_the_game_waits_no_longer() -> None:
    play = Observed()
    play.drop("CONNECTED")
    play.give(events.EndGameRequested())
    at = play.now
    play.wait(3.0).give(events.SessionTerminated())
    report = play.report()
    assert (report.outcome, report.ending) == ("ended", "ended_by_player")
    assert report.lost_s == pytest.approx(at - (play.now - 3.0 - 1.1), abs=0.2)


def test_a_return_with_a_ticket_is_one_too() -> None:
    play = Observed()
    play.rejoin(RejoinState(SESSION, AttemptNumber(3), 120.0, proved_at=70.0))
    play.give(play.status(DROPPED))
    play.answers(play.requests())
    play.connects(ONE)
    report = play.report()
    assert (report.cause, report.outcome) == ("returned", "rejoined")


def test_the_start_of_a_game_is_no_episode_and_the_next_drop_is_a_new_one() -> None:
    play = Observed()
    play.live()
    assert play.reports == []
    for count in (1, 2):
        play.silence(1.1)
        play.healthy(0.7)
        assert len(play.reports) == count
    assert {report.cause for report in play.reports} <= CAUSES
