"""The profile that options describe, and what is missing for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rejoin.cli.backend_profile import ProfileOptions, check_sign_in, profile_of
from rejoin.errors import BadInputError
from rejoin.rtc.candidates import NetworkRules
from rejoin.signaling.dialects import AWS_BUNDLE, AWS_REACT, OURS

PLAIN = ProfileOptions(
    network="internet",
    connection_timeout_s=None,
    dialect="ours",
    stream_group=None,
    application=None,
    insecure=False,
    ca_file=None,
)


def test_a_profile_has_what_was_chosen() -> None:
    chosen = ProfileOptions(
        network="lan",
        connection_timeout_s=60.0,
        dialect="aws-react",
        stream_group="sg-1",
        application="a-1",
        insecure=True,
        ca_file=Path("ca.pem"),
    )
    made = profile_of("http://studio.example", "token", chosen)
    assert made.network == NetworkRules(allow_private=True)
    assert made.dialect is AWS_REACT
    assert made.choice is not None
    assert (made.choice.stream_group, made.choice.application) == ("sg-1", "a-1")
    assert (made.connection_timeout_s, made.allow_insecure) == (60.0, True)
    assert made.ca_file == Path("ca.pem")
    plain = profile_of("https://studio.example", "token", PLAIN)
    assert (plain.dialect, plain.choice, plain.token) == (OURS, None, "token")


def test_what_a_dialect_needs_has_to_be_given() -> None:
    check_sign_in(PLAIN, "token")
    with pytest.raises(BadInputError, match="token"):
        check_sign_in(PLAIN, None)
    bundle = replace(PLAIN, dialect=AWS_BUNDLE.name)
    with pytest.raises(BadInputError, match="--stream-group"):
        check_sign_in(bundle, "token")
    check_sign_in(replace(bundle, stream_group="sg-1"), "token")
