"""A profile becomes the engine's policy, and keeps its token to itself."""

from __future__ import annotations

import ssl
from pathlib import Path

import certifi
import pytest

from rejoin.core.ticket import NETWORKS, BackendAddress
from rejoin.errors import BadInputError
from rejoin.rtc.signal_codec import NetworkRules
from rejoin.runtime.studio_profile import StudioProfile, network_rules
from rejoin.signaling.aws_samples import StreamChoice
from rejoin.signaling.dialects import AWS_BUNDLE, DIALECTS


def test_a_profile_supplies_the_timeout_that_no_backend_told() -> None:
    assert StudioProfile("http://x", "t").policy().connection_timeout_default_s is None
    told = StudioProfile("http://x", "t", connection_timeout_s=30.0).policy()
    assert told.connection_timeout_default_s == 30.0


def test_a_profile_tells_the_engine_what_its_dialect_can_do() -> None:
    ours = StudioProfile("http://x", "t").policy()
    assert (ours.reports_status, ours.forwards_token) == (True, True)
    bundle = StudioProfile("http://x", None, dialect=AWS_BUNDLE).policy()
    assert (bundle.reports_status, bundle.forwards_token) == (False, False)


def test_the_token_is_never_shown() -> None:
    assert "hush" not in repr(StudioProfile("http://x", "hush"))


def test_an_authority_is_trusted_in_place_of_the_usual_ones(tmp_path: Path) -> None:
    assert StudioProfile("https://x", "t").verify() is None
    own = tmp_path / "own.pem"
    own.write_bytes(Path(certifi.where()).read_bytes())
    context = StudioProfile("https://x", "t", authority=own).verify()
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\x00\xff"])
def test_an_authority_that_cannot_be_used_is_a_sentence(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "own.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"own\.pem cannot be used"):
        StudioProfile("https://x", "t", authority=path).verify()


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)
def test_a_ticket_leads_back_to_the_same_backend(network, dialect) -> None:  # type: ignore[no-untyped-def]
    before = StudioProfile(
        "https://studio.example",
        "hush",
        network_rules(network),
        dialect,
        StreamChoice("sg-1", "a-1"),
        90.0,
        True,
        Path("/own.pem"),
    )
    assert StudioProfile.through(before.door(), "hush") == before
    assert "hush" not in repr(before.door())
    bare = StudioProfile("http://127.0.0.1:1", None, NetworkRules(loopback_only=True))
    assert StudioProfile.through(bare.door(), None) == bare


def test_an_authority_is_found_from_any_folder() -> None:
    door = StudioProfile("https://x", "t", authority=Path("own.pem")).door()
    assert door.ca_file == str(Path.cwd() / "own.pem")


def test_a_dialect_of_another_rejoin_is_refused() -> None:
    with pytest.raises(BadInputError, match="aws-next"):
        StudioProfile.through(BackendAddress("https://x", "aws-next"), "t")
