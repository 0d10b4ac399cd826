"""A profile becomes the engine's policy, and keeps its token to itself."""

from __future__ import annotations

from rejoin.runtime.settings import Profile
from rejoin.signaling.dialects import AWS_BUNDLE


def test_a_profile_supplies_the_timeout_that_no_backend_told() -> None:
    assert Profile("http://x", "t").policy().connection_timeout_default_s is None
    told = Profile("http://x", "t", connection_timeout_s=30.0).policy()
    assert told.connection_timeout_default_s == 30.0


def test_a_profile_tells_the_engine_what_its_dialect_can_do() -> None:
    ours = Profile("http://x", "t").policy()
    assert (ours.tells_status, ours.passes_token_on) == (True, True)
    bundle = Profile("http://x", None, dialect=AWS_BUNDLE).policy()
    assert (bundle.tells_status, bundle.passes_token_on) == (False, False)


def test_the_token_is_never_shown() -> None:
    assert "hush" not in repr(Profile("http://x", "hush"))
