"""When requests with the same token are read."""

from __future__ import annotations

import pytest

from rejoin.backend import token_turns
from rejoin.backend.owner_rules import CallPace
from rejoin.backend.token_turns import MOST_WAIT_S, TokenTurns

NOW = 1000.0
FOUR = CallPace(per_s=8.0, at_once=4.0)


def request(token: str) -> bytes:
    head = f"POST /v1/sessions HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n"
    return head.encode() + b"Content-Length: 2\r\n\r\n{}"


def test_some_are_read_at_once_and_the_others_one_after_another() -> None:
    turns = TokenTurns(FOUR)
    waits = [turns.wait_s(request("a"), NOW) for _ in range(7)]
    assert waits == pytest.approx([0.0, 0.0, 0.0, 0.0, 0.125, 0.25, 0.375])
    assert turns.wait_s(request("b"), NOW) == 0.0
    assert turns.wait_s(request("a"), NOW + 0.375) == pytest.approx(0.125)
    assert turns.wait_s(request("a"), NOW + 60.0) == 0.0


def test_a_quiet_time_gives_no_more_than_at_once() -> None:
    turns = TokenTurns(FOUR)
    turns.wait_s(request("a"), NOW)
    waits = [turns.wait_s(request("a"), NOW + 3600.0) for _ in range(5)]
    assert waits == pytest.approx([0.0, 0.0, 0.0, 0.0, 0.125])


def test_nothing_waits_longer_than_the_limit() -> None:
    turns = TokenTurns(FOUR)
    waits = [turns.wait_s(request("a"), NOW) for _ in range(100)]
    assert max(waits) == MOST_WAIT_S
    assert waits[-1] == 0.0, "it is read now"
    assert turns.wait_s(request("a"), NOW + 0.125) == MOST_WAIT_S, "in its turn again"


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"GET /v1/health HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET / HTTP/1.1\r\nAuthorization: Bearer cut",
        b"GET / HTTP/1.1\r\nX-Authorization: Bearer a\r\n\r\n",
    ],
)
def test_without_a_token_nothing_waits(first: bytes) -> None:
    turns = TokenTurns(FOUR)
    assert [turns.wait_s(first, NOW) for _ in range(20)] == [0.0] * 20


def test_what_waits_takes_only_so_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_turns, "_MOST_BYTES", 1000)
    turns = TokenTurns(FOUR)
    for _ in range(4):
        turns.wait_s(request("a"), NOW)
    turns.held_bytes = 990
    assert turns.wait_s(request("a"), NOW) == 0.0
    turns.held_bytes = 0
    assert turns.wait_s(request("a"), NOW) > 0.0


def test_tokens_that_were_used_last_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_turns, "_MOST_TOKENS", 3)
    turns = TokenTurns(CallPace(per_s=10.0, at_once=1.0))
    for token in ("a", "b", "a", "c", "d"):
        turns.wait_s(request(token), NOW)
    assert turns.wait_s(request("a"), NOW) > 0.0
    assert turns.wait_s(request("b"), NOW) == 0.0
