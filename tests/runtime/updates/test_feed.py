"""A feed counts only if it is signed, about Rejoin, current and not older than what is known."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.signed_feeds import NOTES, NOW, Signer, feed
from rejoin.errors import RejoinError
from rejoin.runtime.updates.feed import (
    MAX_FEED_BYTES,
    Feed,
    FeedRefusedError,
    Newer,
    is_notes_url,
    judge,
    read_version,
)
from rejoin.runtime.updates.minisign import SignatureError

SIGNER = Signer()


def judged(content: bytes, *, baseline: str = "0.1.0", now: float = NOW) -> Feed:
    return judge(content, SIGNER.sign(content).encode(), SIGNER.key, baseline=baseline, now=now)


def test_one_that_counts_says_what_is_new() -> None:
    found = judged(feed())
    assert found.newest == Newer("0.2.0", NOTES, 1_807_776_000.0)
    assert found.hashes == (("rejoin_0.2.0_amd64.deb", "ab" * 32),)


def test_fields_that_a_later_release_adds_are_passed_over() -> None:
    assert judged(feed(severity="high")).newest.version == "0.2.0"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (feed(product="other"), "another product"),
        (feed(expires="2027-01-15T08:00:00Z"), "expired"),
        (feed(version="0.0.9"), "older"),
        (feed(version="0.2"), "another form"),
        (feed(version="0.2.0rc1"), "another form"),
        (feed(version="00.2.0"), "another form"),
        (feed(version=2), "another form"),
        (feed(version=None), "another form"),
        (feed(product=None), "another form"),
        (feed(expires=None), "another form"),
        (feed(expires="2027-04-15"), "another form"),
        (feed(expires="2027-02-31T08:00:00Z"), "another form"),
        (feed(notes="http://rejoin.example/"), "another form"),
        (feed(notes="javascript:alert(1)"), "another form"),
        (feed(artefacts={"../x": "ab" * 32}), "another form"),
        (feed(artefacts={"x.deb": "abc"}), "another form"),
        (feed(artefacts=[1]), "another form"),
        (feed(artefacts={str(n): "ab" * 32 for n in range(65)}), "another form"),
        (b"[1]", "another form"),
        (b"\xff\xfe", "another form"),
        (b"[" * 50_000, "another form"),
        (b" " * MAX_FEED_BYTES + feed(), "too large"),
    ],
)
def test_one_that_does_not_count_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(FeedRefusedError, match=why):
        judged(content)


def test_an_old_one_is_no_news_to_who_has_seen_a_newer_one() -> None:
    assert judged(feed(), baseline="0.2.0").newest.version == "0.2.0"
    with pytest.raises(FeedRefusedError, match="older"):
        judged(feed(), baseline="0.10.0")


def test_the_signature_is_verified_before_the_content_is_read() -> None:
    with pytest.raises(SignatureError):
        judge(b"[", Signer().sign(b"[").encode(), SIGNER.key, baseline="0.1.0", now=NOW)
    with pytest.raises(FeedRefusedError, match="too large"):
        judge(feed(), b"x" * 5000, SIGNER.key, baseline="0.1.0", now=NOW)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(field=st.sampled_from(["product", "version", "notes", "expires", "artefacts"]), value=_json)
def test_no_value_of_a_field_causes_another_error(field: str, value: Any) -> None:
    content = json.loads(feed())
    content[field] = value
    try:
        judged(json.dumps(content).encode())
    except RejoinError:
        return
    assert field in ("artefacts",), value


def test_versions_are_compared_by_their_numbers() -> None:
    assert read_version("0.10.0") > read_version("0.9.12")
    for text in ("", "1", "1.2", "1.2.3.4", "1.2.-3", "1.2.3 ", "v1.2.3", "1.2.٣", "1.2.1234567"):
        with pytest.raises(ValueError, match="not a version"):
            read_version(text)


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://rejoin.example/notes#0.2.0", True),
        ("http://rejoin.example/", False),
        ("https://", False),
        ("https://a@rejoin.example/", False),
        ("https://rejoin.example/a b", False),
        ("https://rejoin.example/\n", False),
        ("https://rejoin.example/?a=%C3%A4&b=(c)#d", True),
        ('https://rejoin.example/"><b>', False),
        ("https://rejoin.example/\\@other.example", False),
        ("https://[::1", False),
        ("file:///etc/passwd", False),
        ("https://rejoin.example/" + "a" * 500, False),
    ],
)
def test_a_browser_gets_nothing_but_pages_of_the_web(url: str, taken: bool) -> None:
    assert is_notes_url(url) is taken
