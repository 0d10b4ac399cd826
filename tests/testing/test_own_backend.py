"""The profile of an own backend, from texts."""

from __future__ import annotations

import pytest

from rejoin.errors import BadInputError
from rejoin.testing.own_backend import profile_of

URL = "https://studio.example"


def test_empty_texts_are_defaults() -> None:
    found = profile_of({"backend": URL, "dialect": "", "network": " "}, "token")
    assert (found.backend_url, found.token, found.dialect.name) == (URL, "token", "ours")
    assert found.connection_timeout_s is None
    assert not found.allow_insecure
    assert not found.network.loopback_only


def test_every_text_is_used() -> None:
    found = profile_of(
        {
            "backend": URL,
            "dialect": "aws-react",
            "network": "loopback",
            "stream_group": "sg-1",
            "application": "a-1",
            "connection_timeout": "60",
            "ca_file": "ca.pem",
            "insecure": "True",
        },
        "token",
    )
    assert found.network.loopback_only
    assert found.choice is not None
    assert (found.choice.stream_group, found.choice.application) == ("sg-1", "a-1")
    assert found.connection_timeout_s == 60
    assert found.allow_insecure
    assert str(found.ca_file) == "ca.pem"


@pytest.mark.parametrize(
    ("options", "token", "words"),
    [
        ({}, None, "set REJOIN_TOKEN"),
        ({"dialect": "theirs"}, "t", "rejoin_dialect is one of aws-"),
        ({"network": "moon"}, "t", "rejoin_network is one of internet"),
        ({"dialect": "aws-react"}, "t", "needs rejoin_stream_group"),
        ({"connection_timeout": "soon"}, "t", "1 to 3600 seconds, not soon"),
        ({"connection_timeout": "0"}, "t", "1 to 3600 seconds, not 0"),
    ],
)
def test_what_cannot_be_used_is_a_sentence(
    options: dict[str, str], token: str | None, words: str
) -> None:
    with pytest.raises(BadInputError, match=words):
        profile_of({"backend": URL, **options}, token)
