"""Links into a game: read, made, and refused where they want more than a link may."""

from __future__ import annotations

import contextlib
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rejoin.core.ticket import BackendAddress
from rejoin.errors import BadInputError
from rejoin.runtime.deep_link import MAX_LINK, is_link, parse_link, to_link

HTTPS = quote("https://games.example/rejoin", safe="")
LINK = f"rejoin://play?backend={HTTPS}"


def test_a_link_names_a_door() -> None:
    assert parse_link(LINK) == BackendAddress("https://games.example/rejoin", "ours")
    full = f"{LINK}&dialect=aws-react&stream_group=sg-1&application=a-1&connection_timeout=60"
    assert parse_link(full) == BackendAddress(
        "https://games.example/rejoin", "aws-react", "internet", "sg-1", "a-1", 60.0
    )


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_this_machine_needs_no_https_and_plays_on_itself(host: str) -> None:
    door = parse_link(f"rejoin://play?backend={quote(f'http://{host}:8470', safe='')}")
    assert door.network == "loopback"


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ("rejoin://stop?backend=" + HTTPS, "does not begin with"),
        ("rejoin://play/more?backend=" + HTTPS, "does not begin with"),
        ("rejoin://user@play?backend=" + HTTPS, "does not begin with"),
        (LINK + "#part", "does not begin with"),
        ("https://play?backend=" + HTTPS, "does not begin with"),
        ("rejoin://play?", "no URL"),
        ("rejoin://play?dialect=ours", "no URL"),
        (LINK + "&backend=" + HTTPS, "twice"),
        (LINK + "&token=canary", "holds more"),
        (LINK + "&authority=canary", "holds more"),
        (LINK + "&network=lan", "holds more"),
        (LINK + "&dialect=canary", "does not speak"),
        (LINK + "&dialect=aws-react", "does not name the game"),
        (LINK + "&stream_group=sg-1", "does not name the game"),
        (LINK + "&dialect=aws-react&stream_group=canary%0A", "no name"),
        (LINK + "&connection_timeout=0", "1 to 3600"),
        (LINK + "&connection_timeout=1e3", "1 to 3600"),
        (LINK + "&connection_timeout=nan", "1 to 3600"),
        ("rejoin://play?backend=http%3A%2F%2Fcanary.example", "not on https"),
        ("rejoin://play?backend=ftp%3A%2F%2Flocalhost", "not on https"),
        ("rejoin://play?backend=https%3A%2F%2Fcanary%40games.example", "names a user"),
        ("rejoin://play?backend=https%3A%2F%2Fgames.example%2F%3Fq%3Dcanary", "more than"),
        ("rejoin://play?backend=https%3A%2F%2Fgames.example%3A99999", "no URL"),
        ("rejoin://play?backend=https%3A%2F%2Fgames.example%2F%0A", "no URL"),
        (LINK + "\n", "characters"),
        (LINK + "é", "characters"),
        (LINK + "&x=" + "a" * MAX_LINK, "too long"),
        ("rejoin://[play?backend=" + HTTPS, "it is none"),
        ("rejoin://play?" + "&".join(f"k{n}=1" for n in range(20)), "it is none"),
    ],
)
def test_what_a_link_must_not_say_is_refused(link: str, sentence: str) -> None:
    with pytest.raises(BadInputError, match=sentence) as caught:
        parse_link(link)
    assert "canary" not in str(caught.value)


@given(st.text(max_size=80), st.booleans())
@example("rejoin://play?backend=%00", False)
def test_any_text_is_a_door_or_one_sentence(text: str, as_query: bool) -> None:
    link = f"rejoin://play?{text}" if as_query else text
    door = None
    with contextlib.suppress(BadInputError):
        door = parse_link(link)
    if door is not None:
        assert parse_link(to_link(door)) == door


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
def test_a_link_leads_back_to_its_door(
    url: str, dialect: str, group: str, application: str | None, timeout_s: float | None
) -> None:
    network = "loopback" if "127.0.0.1" in url else "internet"
    door = BackendAddress(url, dialect, network, group, application, timeout_s)
    assert parse_link(to_link(door)) == door


@pytest.mark.parametrize(
    "door",
    [
        BackendAddress("https://games.example", "ours", "lan"),
        BackendAddress("http://games.example", "ours"),
        BackendAddress("https://games.example", "ours", allow_insecure=True),
        BackendAddress("https://games.example", "ours", ca_file="/etc/mine.pem"),
    ],
)
def test_no_link_is_made_to_what_a_link_may_not_name(door: BackendAddress) -> None:
    with pytest.raises(BadInputError):
        to_link(door)


def test_a_link_is_told_from_a_url() -> None:
    assert is_link("rejoin://play?x")
    assert is_link("REJOIN:anything")
    assert not is_link("https://games.example/rejoin:")
