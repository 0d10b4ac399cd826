"""TURN servers out of a WebRTC application's iceServers."""

from __future__ import annotations

import json

import pytest

from rejoin import assets
from rejoin.errors import BadInputError
from rejoin.gui.languages.catalogue import read
from rejoin.language import ENGLISH, tr, use
from rejoin.rtc.ice_servers import MAX_TEXT, MAX_TURN_SERVERS, TurnServer, read_ice_servers

NAME, SECRET = "CANARY-name", "CANARY-credential"


def document(*urls: object, **members: object) -> str:
    server = {"urls": list(urls), "username": NAME, "credential": SECRET, **members}
    return json.dumps([server])


@pytest.mark.parametrize(
    ("url", "host", "port", "transport", "tls"),
    [
        ("turn:turn.example", "turn.example", 3478, "udp", False),
        ("turn:turn.example:80", "turn.example", 80, "udp", False),
        ("TURN:Turn.Example:443?transport=TCP", "turn.example", 443, "tcp", False),
        ("turn:192.0.2.7?transport=udp", "192.0.2.7", 3478, "udp", False),
        ("turn:[2001:db8::7]:3479", "2001:db8::7", 3479, "udp", False),
        ("turns:turn.example", "turn.example", 5349, "tcp", True),
        ("turns:turn.example:443?transport=tcp", "turn.example", 443, "tcp", True),
    ],
)
def test_every_form_of_url_that_can_be_used(
    url: str, host: str, port: int, transport: str, tls: bool
) -> None:
    found = read_ice_servers(document(url))
    assert found.turn == (TurnServer(host, port, transport, tls, NAME, SECRET),)
    assert found.passed_over == ()
    assert "CANARY" not in repr(found)


@pytest.mark.parametrize("shape", ["configuration", "list", "one server", "one url", "url"])
def test_the_shapes_in_which_applications_have_them(shape: str) -> None:
    server: dict[str, object] = {"urls": ["turn:a.example"], "username": NAME, "credential": SECRET}
    if shape == "one url":
        server["urls"] = "turn:a.example"
    if shape == "url":  # as before 2015
        server["url"] = server.pop("urls")
    given: object = {"list": [server], "configuration": {"iceServers": [server]}}.get(shape, server)
    assert [each.host for each in read_ice_servers(json.dumps(given)).turn] == ["a.example"]


@pytest.mark.parametrize(
    ("url", "members", "why"),
    [
        ("stun:stun.example", {}, "needs no STUN"),
        ("stuns:stun.example", {}, "needs no STUN"),
        ("turn://turn.example", {}, "its URL is not"),
        ("turn:CANARY:pass@turn.example", {}, "its URL is not"),
        ("turn:turn.example:x", {}, "its URL is not"),
        ("http://turn.example", {}, "its URL is not"),
        ("turn:turn.example\n", {}, "its URL is not"),
        ("turn:turn.example:0", {}, "its port"),
        ("turn:turn.example:70000", {}, "its port"),
        ("turn:turn.example?transport=sctp", {}, "neither udp nor tcp"),
        ("turns:turn.example?transport=udp", {}, "over DTLS"),
        (7, {}, "missing or not text"),
        (None, {}, "missing or not text"),
        ("turn:turn.example", {"username": None}, "its username"),
        ("turn:turn.example", {"username": ""}, "its username"),
        ("turn:turn.example", {"username": "x" * 509}, "its username"),
        ("turn:turn.example", {"username": "\ud800"}, "its username"),
        ("turn:turn.example", {"credential": None}, "its credential is"),
        ("turn:turn.example", {"credential": 7}, "its credential is"),
        ("turn:turn.example", {"credentialType": "oauth"}, "its credentialType"),
    ],
)
def test_each_value_that_cannot_be_used_gets_a_sentence_and_leaves_the_others(
    url: object, members: dict[str, object], why: str
) -> None:
    good = {"urls": "turn:good.example", "username": "n", "credential": "c"}
    bad = json.loads(document(url, **members))[0]
    found = read_ice_servers(json.dumps([bad, good]))
    assert [each.host for each in found.turn] == ["good.example"]
    (sentence,) = found.passed_over
    assert sentence.startswith("ICE server 1 is not used: ")
    assert why in sentence
    with pytest.raises(BadInputError, match="no usable TURN server") as refused:
        read_ice_servers(json.dumps([bad]))
    for text in (sentence, str(refused.value)):
        assert "CANARY" not in text
        assert "example" not in text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "7",
        '"turn:x"',
        "null",
        "[]",
        "[7]",
        "{}",
        '{"iceServers": {}}',
        '[{"urls": []}]',
    ],
)
def test_what_names_no_server_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(BadInputError, match="The ICE servers"):
        read_ice_servers(text)


def test_the_size_and_the_number_of_servers_are_bounded() -> None:
    with pytest.raises(BadInputError, match="characters"):
        read_ice_servers(" " * (MAX_TEXT + 1))
    many = read_ice_servers(document(*(f"turn:t{number}.example" for number in range(9))))
    assert len(many.turn) == MAX_TURN_SERVERS
    assert many.passed_over == ("URL 9 of ICE server 1 is not used: 8 are enough.",)
    assert len(read_ice_servers(document("turn:a.example", "turn:a.example")).turn) == 1


def test_what_is_wrong_with_which_server_can_be_translated() -> None:
    """Whole sentences, each with the server's name in it."""
    servers = [{"urls": ["turn:a.example", "stun:b.example"]}, "no object"]
    with pytest.raises(BadInputError) as refused:
        read_ice_servers(json.dumps(servers))
    use(read("de", assets.text("languages/de.po")))
    try:
        sentence = tr(str(refused.value))
    finally:
        use(ENGLISH)
    assert sentence == (
        "Die ICE-Server nennen keinen brauchbaren TURN-Server. "
        "URL 1 von ICE-Server 1 wird nicht verwendet: Der Benutzername fehlt oder ist zu lang. "
        "URL 2 von ICE-Server 1 wird nicht verwendet: Rejoin braucht keinen STUN-Server. "
        "ICE-Server 2 wird nicht verwendet: Das ist kein Objekt."
    )
