"""Each dialect has its client, and one sentence names what is missing."""

from __future__ import annotations

import pytest

from rejoin.errors import BadInputError
from rejoin.signaling.aws_bundle import BundleClient
from rejoin.signaling.aws_react import ReactClient
from rejoin.signaling.aws_samples import StreamChoice
from rejoin.signaling.client import BackendClient
from rejoin.signaling.client_factory import make_client
from rejoin.signaling.dialects import AWS_BUNDLE, AWS_REACT, DIALECTS, OURS, Dialect

URL = "http://127.0.0.1:9"
CHOICE = StreamChoice("sg-1")


@pytest.mark.parametrize(
    ("dialect", "token", "kind"),
    [
        (OURS, "token", BackendClient),
        (AWS_BUNDLE, None, BundleClient),
        (AWS_BUNDLE, "token", BundleClient),
        (AWS_REACT, "token", ReactClient),
    ],
)
async def test_each_dialect_has_its_client(dialect: Dialect, token: str | None, kind: type) -> None:
    client = make_client(dialect, URL, token, CHOICE)
    assert type(client) is kind
    await client.aclose()


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_what_is_missing_is_named(dialect: Dialect) -> None:
    for token, choice, needed in (
        (None, CHOICE, dialect.needs_token),
        ("token", None, dialect.needs_stream_group),
    ):
        if needed:
            with pytest.raises(BadInputError) as caught:
                make_client(dialect, URL, token, choice)
            assert str(caught.value).endswith(".")
    with pytest.raises(BadInputError):
        make_client(dialect, "http://studio.example", "token", CHOICE)


def test_the_names_are_those_of_the_command_line() -> None:
    assert list(DIALECTS) == ["ours", "aws-bundle", "aws-react"]
