"""A profile becomes the engine's policy, and keeps its token to itself."""

from __future__ import annotations

from rejoin.runtime.settings import Profile


def test_a_profile_supplies_the_timeout_that_no_backend_told() -> None:
    assert Profile("http://x", "t").policy().connection_timeout_default_s is None
    told = Profile("http://x", "t", connection_timeout_s=30.0).policy()
    assert told.connection_timeout_default_s == 30.0


def test_the_token_is_never_shown() -> None:
    assert "hush" not in repr(Profile("http://x", "hush"))
