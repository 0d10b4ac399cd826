"""Links into a game: parsed, and refused if they contain more than a link may."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rejoin.core.ticket import BackendAddress
from rejoin.errors import BadInputError
from rejoin.runtime.deep_link import MAX_LINK, is_link, link_of, parse_link

HTTPS = quote("https://games.example/rejoin", safe="")
LINK = f"rejoin://play?backend={HTTPS}"


def link_to(address: BackendAddress) -> str:
    """A link with everything in it that a link may say about this backend."""
    parameters = {
        "backend": address.backend_url,
        "dialect": None if address.dialect == "ours" else address.dialect,
        "stream_group": address.stream_group,
        "application": address.application,
        "connection_timeout": (
            None if address.connection_timeout_s is None else f"{address.connection_timeout_s:g}"
        ),
    }
    if address.takes_reports:
        parameters["reports"] = "yes"
    if address.allows_microphone:
        parameters["microphone"] = "yes"
    given = {key: value for key, value in parameters.items() if value is not None}
    return f"rejoin://play?{urlencode(given)}"


def test_a_link_becomes_the_address_of_a_backend() -> None:
    assert parse_link(LINK) == BackendAddress(
        "https://games.example/rejoin", "ours", public_only=True
    )
    assert parse_link(f"{LINK}&reports=yes").takes_reports
    assert not parse_link(f"{LINK}&reports=no").takes_reports
    assert parse_link(f"{LINK}&microphone=yes").allows_microphone
    assert not parse_link(LINK).allows_microphone
    full = f"{LINK}&dialect=aws-react&stream_group=sg-1&application=a-1&connection_timeout=60"
    assert parse_link(full) == BackendAddress(
        "https://games.example/rejoin",
        "aws-react",
        "internet",
        "sg-1",
        "a-1",
        60.0,
        public_only=True,
    )


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_this_machine_may_use_http_and_streams_come_from_it(host: str) -> None:
    address = parse_link(f"rejoin://play?backend={quote(f'http://{host}:8470', safe='')}")
    assert address.network == "loopback"


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ("rejoin://stop?backend=" + HTTPS, "does not begin with"),
        ("rejoin://play/more?backend=" + HTTPS, "does not begin with"),
        ("rejoin://user@play?backend=" + HTTPS, "does not begin with"),
        (LINK + "#part", "does not begin with"),
        ("https://play?backend=" + HTTPS, "does not begin with"),
        ("rejoin://play?", "not a URL"),
        ("rejoin://play?dialect=ours", "not a URL"),
        (LINK + "&backend=" + HTTPS, "parameter twice"),
        (LINK + "&token=canary", "has parameters other than"),
        (LINK + "&authority=canary", "has parameters other than"),
        (LINK + "&network=lan", "has parameters other than"),
        (LINK + "&dialect=canary", "does not know its dialect"),
        (LINK + "&dialect=aws-react", "requires different parameters"),
        (LINK + "&stream_group=sg-1", "requires different parameters"),
        (LINK + "&dialect=aws-react&stream_group=canary%0A", "not a valid name"),
        (LINK + "&reports=canary", "are neither yes nor no"),
        (LINK + "&microphone=canary", "its microphone is neither yes nor no"),
        (LINK + "&connection_timeout=0", "1 to 3600"),
        (LINK + "&connection_timeout=1e3", "1 to 3600"),
        (LINK + "&connection_timeout=nan", "1 to 3600"),
        ("rejoin://play?backend=http%3A%2F%2Fcanary.example", "does not use https"),
        ("rejoin://play?backend=ftp%3A%2F%2Flocalhost", "does not use https"),
        ("rejoin://play?backend=https%3A%2F%2Fcanary%40games.example", "a user name or password"),
        (
            "rejoin://play?backend=https%3A%2F%2Fgames.example%2F%3Fq%3Dcanary",
            "a query or a fragment",
        ),
        ("rejoin://play?backend=https%3A%2F%2Fgames.example%3A99999", "not a URL"),
        ("rejoin://play?backend=https%3A%2F%2Fgames.example%2F%0A", "not a URL"),
        (LINK + "\n", "characters"),
        (LINK + "é", "characters"),
        (LINK + "&x=" + "a" * MAX_LINK, "too long"),
        ("rejoin://[play?backend=" + HTTPS, "is malformed"),
        ("rejoin://play?" + "&".join(f"k{n}=1" for n in range(20)), "is malformed"),
    ],
)
def test_a_link_with_anything_else_in_it_is_refused(link: str, sentence: str) -> None:
    with pytest.raises(BadInputError, match=sentence) as caught:
        parse_link(link)
    assert "canary" not in str(caught.value)


@given(st.text(max_size=80), st.booleans())
@example("rejoin://play?backend=%00", False)
def test_any_text_is_parsed_or_refused_with_one_sentence(text: str, as_query: bool) -> None:
    link = f"rejoin://play?{text}" if as_query else text
    address = None
    with contextlib.suppress(BadInputError):
        address = parse_link(link)
    if address is not None:
        assert parse_link(link_to(address)) == address
        assert address.network in ("internet", "loopback"), "no link opens the LAN"
        assert not address.allow_insecure
        assert address.public_only
        assert address.ca_file is None


NAMES = st.text("abcXYZ019-_:/.", min_size=1, max_size=40)


@given(
    st.sampled_from(
        ["https://games.example", "https://g.example:8443/a/b", "http://127.0.0.1:8470"]
    ),
    st.sampled_from(["aws-bundle", "aws-react"]),
    NAMES,
    st.none() | NAMES,
    st.none() | st.integers(1, 3600).map(float),
)
def test_every_part_of_a_link_is_read_back(
    url: str, dialect: str, group: str, application: str | None, timeout_s: float | None
) -> None:
    network = "loopback" if "127.0.0.1" in url else "internet"
    address = BackendAddress(url, dialect, network, group, application, timeout_s, public_only=True)
    assert parse_link(link_to(address)) == address


def test_a_link_is_distinguished_from_a_url() -> None:
    assert is_link("rejoin://play?x")
    assert is_link("REJOIN:anything")
    assert not is_link("https://games.example/rejoin:")


@pytest.mark.parametrize(
    "address",
    [
        BackendAddress("https://play.example/a%20b", "ours", takes_reports=True),
        BackendAddress("https://play.example/a", "ours", allows_microphone=True),
        BackendAddress("http://127.0.0.1:8470", "ours", "loopback", connection_timeout_s=120.0),
        BackendAddress("https://play.example", "aws-react", "internet", "sg-1", "a/1"),
    ],
)
def test_a_link_that_is_made_leads_to_the_same_backend(address: BackendAddress) -> None:
    link = link_of(address)
    assert link is not None
    assert parse_link(link) == replace(address, public_only=True)


@pytest.mark.parametrize(
    "address",
    [
        BackendAddress("https://play.example", "ours", ca_file="/etc/x.pem"),
        BackendAddress("http://play.example", "ours", allow_insecure=True),
        BackendAddress("https://play.example", "ours", probe_url="https://status.example"),
    ],
)
def test_what_no_link_may_say_has_none(address: BackendAddress) -> None:
    assert link_of(address) is None


def test_no_link_has_pictures_of_the_game_kept() -> None:
    with pytest.raises(BadInputError):
        parse_link(f"{LINK}&keeps_last_picture=yes")
    link = link_of(BackendAddress("https://play.example", "ours", keeps_last_picture=True))
    assert link is not None, "the game has a shortcut all the same"
    assert parse_link(link) == BackendAddress("https://play.example", "ours", public_only=True)
