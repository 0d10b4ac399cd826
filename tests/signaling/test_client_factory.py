"""Each dialect has its client, and one sentence names what is missing."""

from __future__ import annotations

import asyncio

import pytest

from helpers.backend_client import PATIENT
from helpers.misbehaving_server import read_request, server_that
from rejoin.core.model import AttemptNumber
from rejoin.errors import BadInputError
from rejoin.signaling.aws_bundle import BundleClient
from rejoin.signaling.aws_react import ReactClient
from rejoin.signaling.aws_samples import StreamChoice
from rejoin.signaling.client import BackendClient
from rejoin.signaling.client_factory import make_client
from rejoin.signaling.dialects import AWS_BUNDLE, AWS_REACT, DIALECTS, OURS, Dialect
from rejoin.signaling.exchange import CallFailedError

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


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
async def test_a_dialect_without_sign_in_is_sent_no_token(dialect: Dialect) -> None:
    """Not the first one, nor one that a sign-in brings later."""
    heads: list[bytes] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await read_request(reader)).lower().partition(b"\r\n\r\n")[0])

    async with server_that(behave) as port:
        client = make_client(
            dialect,
            f"http://127.0.0.1:{port}",
            "canary-1",
            CHOICE,
            http=PATIENT,
        )
        for token in ("canary-1", "canary-2"):
            client.use_token(token)
            with pytest.raises(CallFailedError):
                await client.start(
                    attempt=AttemptNumber(1), token="t" * 36, signal_request=token, budget_s=20
                )
        await client.aclose()
    sent = [b"authorization: bearer canary-1", b"authorization: bearer canary-2"]
    assert [line in head for line, head in zip(sent, heads, strict=True)] == (
        [dialect.needs_token] * 2
    )
    assert any(b"canary" in head for head in heads) is dialect.needs_token


def test_the_names_are_those_of_the_command_line() -> None:
    assert list(DIALECTS) == ["ours", "aws-bundle", "aws-react"]
