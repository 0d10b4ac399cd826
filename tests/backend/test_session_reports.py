"""A session as its owner sees it: whose answer it is, and how old the proof of CONNECTED is."""

from __future__ import annotations

from dataclasses import replace

from rejoin.backend.service import StreamId, StreamStatus
from rejoin.backend.session_memory import SessionMemory
from rejoin.backend.session_reports import answer_held, report_of
from rejoin.backend.store.schema import secret_hash
from rejoin.backend.store.session_rows import StoredSession
from rejoin.signaling.wire import sha256_hex

ROW = StoredSession(
    id="s",
    owner_hash="me",
    stream=StreamId("sg", "session"),
    attempt=3,
    key_hash="k",
    client_token="ct",
    request_sha256=sha256_hex("request 3"),
    answer=None,
    earlier_answers=frozenset(
        {secret_hash("answer", "answer 1"), secret_hash("answer", "answer 2")}
    ),
    tag=None,
    ended_status=None,
    ended_reason=None,
)


def held(request: str | None, answer: str | None) -> StreamStatus:
    return StreamStatus("CONNECTED", signal_request=request, signal_response=answer)


def test_an_answer_is_an_attempts_only_if_it_is_no_known_earlier_one() -> None:
    ours = sha256_hex("request 3")
    assert answer_held(ROW, held("request 3", "answer 3")) == (ours, "answer 3")
    for earlier in ("answer 1", "answer 2"):
        assert answer_held(ROW, held("request 3", earlier)) == (ours, None)
    older = sha256_hex("request 2")
    assert answer_held(ROW, held("request 2", "answer 2")) == (older, "answer 2")
    assert answer_held(ROW, held(None, "answer 2")) == (None, None)
    stored = replace(ROW, answer="stored")
    assert answer_held(stored, held("request 2", "answer 2")) == (ours, "stored")


def test_the_proof_of_connected_ages_by_our_clock() -> None:
    memory = SessionMemory(connected_asked_at=10.0, connection_timeout_s=30.0)
    remaining = report_of(ROW, held(None, None), memory, 14.0).remaining
    assert remaining is not None
    assert (remaining.at_least_s, remaining.age_s) == (30.0, 4.0)
    assert (
        report_of(ROW, replace(held(None, None), status="ACTIVE"), memory, 14.0).remaining is None
    )
    memory.connected_asked_at = None
    assert report_of(ROW, held(None, None), memory, 14.0).remaining is None
