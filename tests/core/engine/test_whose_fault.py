"""A verdict comes from probes and from what the engine has seen, and changes nothing it does."""

from __future__ import annotations

from helpers.playbook import ONE, Playbook
from rejoin.core import events
from rejoin.core.model import ConnectionNumber, HardEvidence, Stage
from rejoin.core.phases import Connecting, Live, Lost
from rejoin.core.retry import FailureKind
from rejoin.core.trace import of_state
from rejoin.core.verdict import BackendState, Findings, InternetState, LinkState, Verdict

ANSWERS = events.ProbesFinished(Findings(LinkState.UP, backend=BackendState.ANSWERS))
SERVICE_SILENT = events.ProbesFinished(
    Findings(LinkState.UP, backend=BackendState.SILENT, internet=InternetState.REACHED)
)
TWO = ConnectionNumber(2)


def test_before_the_first_probes_nothing_is_known() -> None:
    assert Playbook().drop().shown.verdict is None


def test_silence_alone_is_nobodys_fault() -> None:
    play = Playbook().drop("CONNECTED").silence(2.0).give(ANSWERS)
    assert play.shown.verdict is Verdict.NOT_KNOWN


def test_a_game_server_that_answers_checks_and_sends_no_media_has_stopped_sending() -> None:
    play = Playbook().live().no_media(7.0)
    assert play.shown.stage is Stage.RECONNECTING
    assert play.shown.verdict is Verdict.HOST_SILENT, "no probe is needed for that"
    play.give(ANSWERS)
    assert play.shown.verdict is Verdict.HOST_SILENT


def test_one_whose_picture_is_lost_on_the_way_has_not_stopped_sending() -> None:
    """A path that loses every large packet, and a game without sound: checks come through, and the
    game server's reports say that it sends."""
    play = Playbook().live()
    since_at = play.now
    play._samples(7.0, ONE, lambda: (play.now, since_at, since_at), video_missing=1.0)
    assert play.shown.stage is Stage.RECONNECTING
    play.give(ANSWERS)
    assert play.shown.verdict is Verdict.NOT_KNOWN


def test_one_that_fell_silent_altogether_has_not_only_stopped_sending() -> None:
    """A second without media, and then without anything."""
    play = Playbook().live().no_media(1.5)
    last_at = play.now
    play._samples(2.0, ONE, lambda: (last_at, last_at - 1.5, last_at - 1.5))
    assert play.shown.stage is Stage.LOST
    play.give(ANSWERS)
    assert play.shown.verdict is Verdict.NOT_KNOWN


def test_a_connection_that_was_closed_proves_nothing_by_its_checks() -> None:
    play = Playbook().live().no_media(2.0)
    play.give(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED)).no_media(0.3).give(ANSWERS)
    assert play.shown.verdict is Verdict.NOT_KNOWN


def unheard(play: Playbook) -> Playbook:
    """The service answers an offer, and no packet of the new connection arrives."""
    play.drop("PENDING_CLIENT_RECONNECTION")
    play.answers(play.requests())
    play.phase(Connecting)
    return play.wait(20.0)


def test_an_answer_without_one_packet_shows_that_the_way_is_broken() -> None:
    play = unheard(Playbook()).give(ANSWERS)
    assert play.shown.verdict is Verdict.PATH_BROKEN


def test_without_a_network_that_is_known_at_once() -> None:
    play = Playbook().drop().give(SERVICE_SILENT, events.NetworkLost())
    assert play.shown.verdict is Verdict.NETWORK_GONE
    play.give(events.NetworkFound())
    assert play.shown.verdict is None, "what was found before it says nothing about this network"


def test_a_backend_that_answers_refutes_that_it_does_not() -> None:
    play = Playbook().drop().poll_fails(FailureKind.NOT_SENT).give(SERVICE_SILENT)
    assert play.shown.verdict is Verdict.SERVICE_SILENT
    play.give(play.status("CONNECTED"))
    assert play.shown.verdict is None


def test_back_in_the_game_the_verdict_is_gone_and_late_probes_are_stale() -> None:
    play = Playbook().drop().give(SERVICE_SILENT).healthy(0.3)
    play.phase(Live)
    assert play.shown.verdict is None
    stale = play.state.facts.stale_events
    play.give(SERVICE_SILENT)
    assert play.shown.verdict is None
    assert play.state.facts.stale_events == stale + 1


def test_probes_change_nothing_that_is_done() -> None:
    play = Playbook().drop("CONNECTED")
    before = play.phase(Lost)
    play.commands.clear()
    play.give(SERVICE_SILENT, ANSWERS)
    assert play.phase(Lost) == before
    assert not play.commands


def test_a_game_that_ends_in_an_episode_keeps_its_verdict() -> None:
    play = Playbook().drop().give(SERVICE_SILENT, events.CloseForNowRequested())
    assert play.shown.stage is Stage.ENDED
    assert play.shown.verdict is Verdict.SERVICE_SILENT


def test_the_trace_has_the_verdict() -> None:
    play = Playbook().drop().give(SERVICE_SILENT)
    assert of_state(play.state, play.now, play.policy).data["verdict"] == "service_silent"
