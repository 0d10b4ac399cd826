"""A backend's URL is read by one parser, and says where connections may lead."""

from __future__ import annotations

import pytest

from rejoin.errors import BadInputError
from rejoin.signaling.backend_url import allowed_addresses, base_url, origin_of


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Studio.example/v1", "https://studio.example:443"),
        ("https://studio.example:443", "https://studio.example:443"),
        ("http://[::1]:8470/a", "http://[::1]:8470"),
        ("http://127.0.0.1", "http://127.0.0.1:80"),
        ("https://bücher.example", "https://xn--bcher-kva.example:443"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "https://good.example\\@bad.example",
        "https://good.example\\.bad.example",
        "https://good.example@bad.example",
        "https://good.example%2f@bad.example",
        "https://good.example:443:444",
        "https://good.example:0",
        "https://good.example?@bad.example",
        "https://[::1%25eth0]/",
        "https://good\u3002example\u2044@bad.example",
        "//good.example",
        "https://xn--.example",
        "https://xn--zzzzzzzzzz99999999.example",
        "https://good\udcff.example",
    ],
)
def test_what_two_parsers_may_read_differently_has_no_origin(url: str) -> None:
    with pytest.raises(BadInputError):
        origin_of(url)


@pytest.mark.parametrize(
    ("url", "insecure", "public_only", "allowed", "refused"),
    [
        ("https://a.example", False, False, None, ()),
        ("http://a.example", True, False, None, ()),
        ("http://localhost", False, False, ("127.0.0.1", "::1"), ("10.0.0.1", "1.1.1.1")),
        ("http://x.localhost", False, False, ("127.8.8.8",), ("169.254.1.1", "2606:4700::1")),
        ("http://localhost", False, True, ("127.0.0.1",), ("1.1.1.1",)),
        ("https://a.example", False, True, ("1.1.1.1",), ("127.0.0.1", "10.0.0.1")),
    ],
)
def test_a_url_says_where_connections_may_lead(
    url: str,
    insecure: bool,
    public_only: bool,
    allowed: tuple[str, ...] | None,
    refused: tuple[str, ...],
) -> None:
    allows = allowed_addresses(
        base_url(url, allow_insecure=insecure), allow_insecure=insecure, public_only=public_only
    )
    if allowed is None:
        assert allows is None
        return
    assert allows is not None
    assert all(map(allows, allowed))
    assert not any(map(allows, refused))
