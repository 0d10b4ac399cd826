"""Values of single settings."""

from __future__ import annotations

import pytest

from rejoin.backend.setting_values import is_host, is_http_url, is_network, is_word, meant


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("http://127.0.0.1:8471", True),
        ("https://vpce-1.gameliftstreams.us-west-2.vpce.amazonaws.com/", True),
        ("https://[::1]:8471/path", True),
        ("http://localhost.", True),
        ("ftp://localhost", False),
        ("http://", False),
        ("http:///path", False),
        ("http://127.0.0.1:0", False),
        ("http://127.0.0.1:99999", False),
        ("http://[::1", False),
        ("http://a b", False),
        ("http://a..b", False),
        ("http://a/ b", False),
        ("http://a\n", False),
        ("http://ex\xe4mple", False),
        ("http://user@a", False),
        ("http://user:password@a", False),
        ("http://a/?x", False),
        ("http://a/#x", False),
    ],
)
def test_urls_of_the_service(url: str, good: bool) -> None:
    assert is_http_url(url) == good


def test_hosts_networks_and_words() -> None:
    assert all(map(is_host, ("a", "play.example.org", "127.0.0.1", "::1", "[::1]")))
    assert not any(map(is_host, ("", "a b", "a:80", "[::1]:80", "https://a", "*", "a\n")))
    assert all(map(is_network, ("127.0.0.1", "10.0.0.0/8", "10.1.2.3/8", "::1")))
    assert not any(map(is_network, ("", "*", "nginx", "10.0.0.0/99", "10.0.0.0/8 ")))
    assert is_word("AKIA/+=")
    assert not any(map(is_word, ("", "a b", "a\n", "\xe9", "\0")))


def test_a_name_is_told_only_what_it_is_near_to() -> None:
    names = ("stream_group", "region")
    assert meant("Stream_Groups", names) == "; stream_group is one that it may have"
    assert meant("canary", names) == meant("", names) == ""
