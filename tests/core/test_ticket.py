"""A ticket is read as it was written; any other text is refused with one sentence."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin.core import ticket
from rejoin.core.model import AttemptNumber, SessionId
from rejoin.core.ticket import BackendAddress, Now, RejoinState, Ticket, from_text, to_text
from rejoin.errors import BadInputError

BOOT = "1550ab0d-0052-4cd9-8505-1a0b80365949"
STATE = RejoinState(SessionId("s-1"), AttemptNumber(4), 120.0, 1000.25, 5000.0, 5001.0)
BACKEND = BackendAddress(
    "https://studio.example/rejoin",
    "aws-react",
    "lan",
    "sg-1",
    "a-1",
    90.0,
    True,
    "/home/player/ca é.pem",
    True,
)
TICKET = Ticket(STATE, BACKEND, BOOT, 1000.5, 1_800_000_000.5, "ab" * 16 + ":" + "0f" * 32)


def changed(path: str, value: Any) -> str:
    """The text of TICKET with one value changed, or removed if it is `...`."""
    document = json.loads(to_text(TICKET))
    part = document
    *parents, key = path.split(".")
    for parent in parents:
        part = part[parent]
    if value is ...:
        del part[key]
    else:
        part[key] = value
    return json.dumps(document)


def test_a_written_ticket_is_read_back() -> None:
    assert from_text(to_text(TICKET)) == TICKET
    bare = Ticket(
        RejoinState(SessionId("s"), AttemptNumber(1)),
        BackendAddress("http://127.0.0.1:1", "ours"),
        "",
        0.0,
        0.0,
    )
    assert from_text(to_text(bare)) == bare


words = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64)
times = st.floats(0, 1e10)


@given(
    st.builds(
        Ticket,
        st.builds(
            RejoinState,
            words.map(SessionId),
            st.integers(1, 10**6).map(AttemptNumber),
            st.none() | times,
            st.none() | times,
            st.none() | times,
            st.none() | times,
        ),
        st.builds(
            BackendAddress,
            words.map(lambda word: "https://" + word),
            st.just("ours"),
            st.sampled_from(ticket.NETWORKS),
            st.none() | words,
            st.none() | words,
            st.none() | times,
            st.booleans(),
            st.none() | words,
            st.booleans(),
        ),
        st.just(BOOT),
        times,
        times,
    )
)
def test_every_ticket_is_read_back(written: Ticket) -> None:
    assert from_text(to_text(written)) == written


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "damaged"),
        (to_text(TICKET)[:-20], "damaged"),
        ("[" * 100_000, "too long"),
        ("[" * 10_000, "damaged"),
        ("null", "not written by Rejoin"),
        ("[]", "not written by Rejoin"),
        ('{"kind":"something else","version":3}', "not written by Rejoin"),
        (changed("version", 1), "different version"),
        (changed("version", 2), "different version"),
        (changed("version", "1"), "different version"),
        (changed("version", True), "different version"),
        (to_text(TICKET) + " " * ticket.MAX_TEXT, "too long"),
        (to_text(TICKET).replace("1000.25", "NaN"), "damaged"),
        (to_text(TICKET).replace("1000.25", "1e999"), "proved_at"),
        (to_text(TICKET).replace("1000.25", "9" * 4000), "proved_at"),
        (to_text(TICKET).replace("1000.25", "9" * 5000), "damaged"),
        (changed("rejoin_state", None), "rejoin_state"),
        (changed("rejoin_state.token", "secret"), "unknown keys"),
        (changed("token", "secret"), "unknown keys"),
        (changed("rejoin_state.session_id", ...), "session_id"),
        (changed("rejoin_state.session_id", "a b"), "session_id"),
        (changed("rejoin_state.session_id", "../../etc\n"), "session_id"),
        (changed("rejoin_state.session_id", "s" * 1025), "session_id"),
        (changed("rejoin_state.attempt", 0), "attempt"),
        (changed("rejoin_state.attempt", 2**31), "attempt"),
        (changed("rejoin_state.attempt", 1.0), "attempt"),
        (changed("rejoin_state.attempt", True), "attempt"),
        (changed("rejoin_state.timeout_s", -1), "timeout_s"),
        (changed("rejoin_state.timeout_s", False), "timeout_s"),
        (changed("written_unix_s", None), "written_unix_s"),
        (changed("written_unix_s", 10**400), "written_unix_s"),
        (changed("written_at", ...), "written_at"),
        (changed("token_digest", "the token itself"), "token_digest"),
        (changed("backend.public_only", None), "public_only"),
        (changed("boot_id", 7), "boot_id"),
        (changed("boot_id", "a" * 65), "boot_id"),
        (changed("backend.backend_url", "file:///etc/passwd"), "backend_url"),
        (changed("backend.backend_url", "https://a b"), "backend_url"),
        (changed("backend.network", "anywhere"), "network"),
        (changed("backend.dialect", "../ours"), "dialect"),
        (changed("backend.allow_insecure", 1), "allow_insecure"),
        (changed("backend.ca_file", "a\0b"), "ca_file"),
        (changed("backend.ice_servers_file", "a\0b"), "ice_servers_file"),
        (changed("backend.allow_444", "yes"), "allow_444"),
        (changed("backend.takes_reports", "yes"), "takes_reports"),
        (changed("backend.keeps_last_picture", 1), "keeps_last_picture"),
    ],
)
def test_a_text_that_is_not_a_ticket_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadInputError) as caught:
        from_text(text)
    sentence = str(caught.value)
    assert why in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "secret" not in sentence


def test_a_ticket_that_does_not_speak_of_reports_allows_none() -> None:
    assert not from_text(changed("backend.takes_reports", ...)).backend.takes_reports
    assert from_text(changed("backend.takes_reports", True)).backend.takes_reports


def test_a_ticket_that_does_not_speak_of_pictures_allows_none() -> None:
    assert not from_text(changed("backend.keeps_last_picture", ...)).backend.keeps_last_picture
    assert from_text(changed("backend.keeps_last_picture", True)).backend.keeps_last_picture


def refused_or_read(text: str) -> None:
    """Raises nothing but BadInputError."""
    with contextlib.suppress(BadInputError):
        read = from_text(text)
        assert from_text(to_text(read)) == read


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    refused_or_read(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
PATHS = [
    "kind",
    "version",
    "boot_id",
    "written_at",
    "written_unix_s",
    "token_digest",
    "rejoin_state",
    "backend",
    *(f"rejoin_state.{name}" for name in RejoinState.__dataclass_fields__),
    *(f"backend.{name}" for name in BackendAddress.__dataclass_fields__),
]


@given(st.sampled_from(PATHS), json_values)
def test_any_value_of_any_key_is_read_or_refused(path: str, value: Any) -> None:
    refused_or_read(changed(path, value))


@given(st.integers(0, 600), st.integers(0, 600), st.text(max_size=8))
def test_a_modified_ticket_is_read_or_refused(begin: int, length: int, patch: str) -> None:
    text = to_text(TICKET)
    refused_or_read(text[:begin] + patch + text[begin + length :])


def test_times_of_a_different_boot_are_dropped() -> None:
    assert TICKET.rejoin_state_at(BOOT, 1001.0) == STATE
    without_times = replace(STATE, proved_at=None, ends_min_at=None, ends_max_at=None)
    assert TICKET.rejoin_state_at("another", 1001.0) == without_times
    assert TICKET.rejoin_state_at("", 1001.0) == without_times
    assert replace(TICKET, boot_id="").rejoin_state_at("", 1001.0) == without_times
    assert TICKET.rejoin_state_at(BOOT, 999.0) == without_times, (
        "a time in the future is of a different boot"
    )


def test_a_ticket_expires_after_a_day() -> None:
    def later(by_s: float) -> Now:
        return Now("another", 5.0, TICKET.written_unix_s + by_s)

    assert not TICKET.expired(later(86400.0))
    assert TICKET.expired(later(86401.0))
    assert not TICKET.expired(later(-1e6)), "the clock may have been set back"


@pytest.mark.parametrize("jump_s", [-1e9, -200_000.0, 200_000.0, 1e9])
def test_within_one_boot_the_wall_clock_decides_nothing(jump_s: float) -> None:
    wall_s = TICKET.written_unix_s + jump_s
    assert not TICKET.expired(Now(BOOT, TICKET.written_at + 86400.0, wall_s))
    assert TICKET.expired(Now(BOOT, TICKET.written_at + 86401.0, wall_s))
    before = replace(TICKET, written_at=TICKET.written_at - 60.0, written_unix_s=wall_s)
    earlier_boot = replace(TICKET, boot_id="another", written_unix_s=wall_s)
    now = Now(BOOT, TICKET.written_at + 1.0, wall_s)
    assert max((TICKET, before, earlier_boot), key=lambda one: one.age_order(now)) is TICKET


def test_a_ticket_of_the_future_is_of_a_different_boot_although_the_id_is_the_same() -> None:
    now = Now(BOOT, TICKET.written_at - 1.0, TICKET.written_unix_s + 90_000.0)
    assert TICKET.expired(now)
    assert not TICKET.age_order(now)[0]
