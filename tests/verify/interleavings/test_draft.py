"""The next system while a move is carried out."""

from __future__ import annotations

from dataclasses import replace

from rejoin.service_model import lifecycle
from rejoin.service_model import status as service_status
from rejoin.verify.interleavings.draft import Draft
from rejoin.verify.interleavings.system import Budget, MessageKind, live
from rejoin.verify.invariants import closed_early

PLAYING = live(Budget(cuts=2))


def test_a_draft_without_a_change_is_the_system_again() -> None:
    assert Draft(PLAYING).current() == PLAYING
    assert Draft(PLAYING).finished() == PLAYING


def test_what_flows_has_arrived_when_the_move_is_over() -> None:
    draft = Draft(PLAYING)
    draft.now += 2.0
    [client] = draft.finished().clients
    assert (client.heard_at, client.rtp_at) == (PLAYING.now + 2.0, PLAYING.now + 2.0)


def test_a_silent_host_still_answers_checks() -> None:
    draft = Draft(replace(PLAYING, silent=frozenset({1})))
    draft.now += 2.0
    [client] = draft.finished().clients
    assert (client.heard_at, client.rtp_at) == (PLAYING.now + 2.0, PLAYING.now)


def test_since_when_the_host_hears_nothing() -> None:
    draft = Draft(PLAYING)
    draft.up = False
    cut = draft.finished()
    assert cut.unheard_at == PLAYING.now
    later = Draft(cut)
    later.now += 3.0
    assert later.finished().unheard_at == PLAYING.now
    later.up = True
    assert later.finished().unheard_at is None


def test_budget_messages_and_violations() -> None:
    draft = Draft(PLAYING)
    draft.spend(cuts=1)
    draft.send(MessageKind.GOODBYE, 0, 1, after_s=0.5)
    draft.add(None)
    draft.add(closed_early(1))
    system = draft.finished()
    assert system.budget == Budget(cuts=1)
    [message] = system.messages
    assert (message.kind, message.ready_at, message.data) == ("goodbye", PLAYING.now + 0.5, (1,))
    assert draft.violations == [closed_early(1)]


def test_a_client_that_is_gone_gets_evidence_once() -> None:
    draft = Draft(PLAYING)
    draft.client_gone(1)
    draft.client_gone(1)
    system = draft.finished()
    assert system.service.status == service_status.PENDING_CLIENT_RECONNECTION
    assert [message.kind for message in system.messages] == [MessageKind.EVIDENCE]


def test_the_service_is_the_real_one() -> None:
    draft = Draft(PLAYING)
    assert isinstance(draft.step_service(lifecycle.CreateRequested(2)), lifecycle.Refused)
    assert isinstance(draft.step_service(lifecycle.ClientGone(1)), lifecycle.Accepted)
