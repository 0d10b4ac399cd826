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
from rejoin.core.ticket import BackendAddress, RejoinState, Ticket, from_text, to_text
from rejoin.errors import BadInputError

BOOT = "1550ab0d-0052-4cd9-8505-1a0b80365949"
STATE = RejoinState(SessionId("s-1"), AttemptNumber(4), 120.0, 1000.25, 5000.0, 5001.0)
ADDRESS = BackendAddress(
    "https://studio.example/rejoin",
    "aws-react",
    "lan",
    "sg-1",
    "a-1",
    90.0,
    True,
    "/home/player/ca é.pem",
)
TICKET = Ticket(STATE, ADDRESS, BOOT, 1_800_000_000.5)


def changed(path: str, value: Any) -> str:
    """The text of TICKET with one of its values changed; `...` takes it out."""
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


def test_a_written_ticket_can_be_read() -> None:
    assert from_text(to_text(TICKET)) == TICKET
    bare = Ticket(
        RejoinState(SessionId("s"), AttemptNumber(1)),
        BackendAddress("http://127.0.0.1:1", "ours"),
        "",
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
        ),
        st.just(BOOT),
        times,
    )
)
def test_every_ticket_survives_its_text(written: Ticket) -> None:
    assert from_text(to_text(written)) == written


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "damaged"),
        (to_text(TICKET)[:-20], "damaged"),
        ("[" * 100_000, "too long"),
        ("[" * 10_000, "damaged"),
        ("null", "did not write it"),
        ("[]", "did not write it"),
        ('{"kind":"something else","version":2}', "did not write it"),
        (changed("version", 1), "another version"),
        (changed("version", 3), "another version"),
        (changed("version", "1"), "another version"),
        (changed("version", True), "another version"),
        (to_text(TICKET) + " " * ticket.MAX_TEXT, "too long"),
        (to_text(TICKET).replace("1000.25", "NaN"), "damaged"),
        (to_text(TICKET).replace("1000.25", "1e999"), "proved_at"),
        (to_text(TICKET).replace("1000.25", "9" * 4000), "proved_at"),
        (to_text(TICKET).replace("1000.25", "9" * 5000), "damaged"),
        (changed("state", None), "state"),
        (changed("state.token", "secret"), "more than it should"),
        (changed("token", "secret"), "more than it should"),
        (changed("state.session_id", ...), "session_id"),
        (changed("state.session_id", "a b"), "session_id"),
        (changed("state.session_id", "../../etc\n"), "session_id"),
        (changed("state.session_id", "s" * 1025), "session_id"),
        (changed("state.attempt", 0), "attempt"),
        (changed("state.attempt", 2**31), "attempt"),
        (changed("state.attempt", 1.0), "attempt"),
        (changed("state.attempt", True), "attempt"),
        (changed("state.timeout_s", -1), "timeout_s"),
        (changed("state.timeout_s", False), "timeout_s"),
        (changed("wall_s", None), "wall_s"),
        (changed("wall_s", 10**400), "wall_s"),
        (changed("boot_id", 7), "boot_id"),
        (changed("boot_id", "a" * 65), "boot_id"),
        (changed("backend.backend_url", "file:///etc/passwd"), "backend_url"),
        (changed("backend.backend_url", "https://a b"), "backend_url"),
        (changed("backend.network", "anywhere"), "network"),
        (changed("backend.dialect", "../ours"), "dialect"),
        (changed("backend.allow_insecure", 1), "allow_insecure"),
        (changed("backend.ca_file", "a\0b"), "ca_file"),
    ],
)
def test_any_other_text_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadInputError) as caught:
        from_text(text)
    sentence = str(caught.value)
    assert why in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "secret" not in sentence


def refused_or_read(text: str) -> None:
    """Nothing but BadInputError comes out."""
    with contextlib.suppress(BadInputError):
        read = from_text(text)
        assert from_text(to_text(read)) == read


@given(st.text())
def test_any_text_is_a_ticket_or_refused(text: str) -> None:
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
    "wall_s",
    "state",
    "backend",
    *(f"state.{name}" for name in RejoinState.__dataclass_fields__),
    *(f"backend.{name}" for name in BackendAddress.__dataclass_fields__),
]


@given(st.sampled_from(PATHS), json_values)
def test_any_value_in_any_place_is_read_or_refused(path: str, value: Any) -> None:
    refused_or_read(changed(path, value))


@given(st.integers(0, 600), st.integers(0, 600), st.text(max_size=8))
def test_a_text_that_was_cut_and_patched_is_read_or_refused(
    begin: int, length: int, patch: str
) -> None:
    text = to_text(TICKET)
    refused_or_read(text[:begin] + patch + text[begin + length :])


def test_times_of_another_boot_are_dropped() -> None:
    assert TICKET.state_at(BOOT, 1001.0) == STATE
    dropped = replace(STATE, proved_at=None, ends_min_at=None, ends_max_at=None)
    assert TICKET.state_at("another", 1001.0) == dropped
    assert TICKET.state_at("", 1001.0) == dropped
    assert replace(TICKET, boot_id="").state_at("", 1001.0) == dropped
    assert TICKET.state_at(BOOT, 999.0) == dropped, (
        "a proof from the future is not one of this boot"
    )


def test_a_game_ends_within_a_day() -> None:
    assert not TICKET.outlived(TICKET.wall_s + 86400.0)
    assert TICKET.outlived(TICKET.wall_s + 86401.0)
    assert not TICKET.outlived(TICKET.wall_s - 1e6), "a clock that was set back proves nothing"
