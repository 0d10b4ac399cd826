"""A studio profile becomes the engine's policy and a backend address, and hides its token."""

from __future__ import annotations

import ssl
from pathlib import Path

import certifi
import pytest

from rejoin.core.ticket import NETWORKS, BackendAddress
from rejoin.errors import BadInputError
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.studio_profile import StudioProfile, network_rules
from rejoin.signaling.aws_samples import StreamChoice
from rejoin.signaling.dialects import AWS_BUNDLE, AWS_REACT, DIALECTS


def test_a_profile_supplies_the_timeout_that_no_backend_reports() -> None:
    assert StudioProfile("http://x", "t").policy().connection_timeout_default_s is None
    profile = StudioProfile("http://x", "t", connection_timeout_s=30.0).policy()
    assert profile.connection_timeout_default_s == 30.0


def test_the_policy_contains_what_the_dialect_can_do() -> None:
    ours = StudioProfile("http://x", "t").policy()
    assert (ours.reports_status, ours.forwards_token) == (True, True)
    bundle = StudioProfile("http://x", None, dialect=AWS_BUNDLE).policy()
    assert (bundle.reports_status, bundle.forwards_token) == (False, False)
    react = StudioProfile("http://x", "t", dialect=AWS_REACT).policy()
    assert (ours.can_terminate, bundle.can_terminate, react.can_terminate) == (True, True, False)


def test_the_token_is_never_shown() -> None:
    assert "hush" not in repr(StudioProfile("http://x", "hush"))


def test_a_ca_file_replaces_the_authorities_of_the_system(tmp_path: Path) -> None:
    assert StudioProfile("https://x", "t").ssl_context() is None
    own = tmp_path / "own.pem"
    own.write_bytes(Path(certifi.where()).read_bytes())
    context = StudioProfile("https://x", "t", ca_file=own).ssl_context()
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\x00\xff"])
def test_a_ca_file_that_cannot_be_used_is_refused_with_a_sentence(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "own.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"own\.pem cannot be used"):
        StudioProfile("https://x", "t", ca_file=path).ssl_context()


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)
def test_an_address_leads_back_to_the_same_profile(network, dialect) -> None:  # type: ignore[no-untyped-def]
    before = StudioProfile(
        "https://studio.example",
        "hush",
        network_rules(network),
        dialect,
        StreamChoice("sg-1", "a-1"),
        90.0,
        True,
        Path("/own.pem"),
        public_only=network == "internet",
        ice_servers_file=Path("/ice.json"),
        allow_444=True,
        takes_reports=True,
        probe_url="https://status.studio.example/up",
        keeps_last_picture=True,
    )
    assert (before.token == "hush") is dialect.needs_token, "who needs none has none to send"
    assert StudioProfile.from_address(before.backend_address(), "hush") == before
    assert "hush" not in repr(before.backend_address())
    bare = StudioProfile("http://127.0.0.1:1", None, NetworkRules(loopback_only=True))
    assert StudioProfile.from_address(bare.backend_address(), None) == bare


def test_a_ca_file_is_found_from_any_folder() -> None:
    address = StudioProfile("https://x", "t", ca_file=Path("own.pem")).backend_address()
    assert address.ca_file == str(Path.cwd() / "own.pem")


def test_ice_servers_are_read_from_their_file_each_time(tmp_path: Path) -> None:
    assert StudioProfile("https://x", "t").ice_servers().turn == ()
    path = tmp_path / "ice.json"
    profile = StudioProfile("https://x", "t", ice_servers_file=path)
    with pytest.raises(BadInputError, match=r"ice\.json cannot be read"):
        profile.ice_servers()
    for host in ("a.example", "b.example"):
        server = f'{{"urls": "turn:{host}", "username": "n", "credential": "hush"}}'
        path.write_text(server, encoding="utf-8-sig")
        assert [each.host for each in profile.ice_servers().turn] == [host]
    assert "hush" not in repr(profile) + repr(profile.backend_address())


def test_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(BadInputError, match="aws-next"):
        StudioProfile.from_address(BackendAddress("https://x", "aws-next"), "t")
