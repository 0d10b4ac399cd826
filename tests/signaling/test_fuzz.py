"""For any JSON from a backend of any dialect: a value or CallFailedError, at once."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from helpers.backend_client import LEFT
from helpers.fake_stream_service import new_offer, new_token
from helpers.misbehaving_server import read_request, server_that
from rejoin.core.model import AttemptNumber, SessionId
from rejoin.signaling.aws_bundle import BundleClient
from rejoin.signaling.aws_react import ReactClient
from rejoin.signaling.aws_samples import StreamChoice
from rejoin.signaling.client import BackendClient, CallFailedError

CHOICE = StreamChoice("sg-1AB2C3De4", "a-9ZY8X7Wv6", ("us-west-2",), "player-1")
ANSWER = json.dumps({"type": "answer", "sdp": "v=0"})
VALID: dict[str, list[dict[str, Any]]] = {
    "ours": [
        {
            "session_id": "s-1",
            "status": "ACTIVE",
            "reason": None,
            "connection_timeout_s": 120,
            "session_ends_in_s": 3600,
            "remaining": {"at_least_s": 120, "age_s": 0.5},
            "attempt": 1,
            "signal_request_sha256": "a" * 64,
            "signal_response": ANSWER,
        },
        {"attempt": 2, "signal_request_sha256": "a" * 64, "signal_response": ANSWER},
        {"type": "about:blank", "title": "x", "status": 409, "code": "CONFLICT", "detail": "x"},
    ],
    "aws-bundle": [{"token": "t"}, {"signalResponse": ANSWER}, {"connected": True}],
    "aws-react": [
        {"arn": "arn:aws:x", "status": "ACTIVE", "signalResponse": ANSWER},
        {"signalResponse": ANSWER, "status": "PENDING_CLIENT_RECONNECTION"},
    ],
}
STRANGE: tuple[Any, ...] = (
    None, True, -1, 0, 2**70, 1e308, float("nan"), float("inf"), "", "\x00", "é" * 9, [], {},
    [[]], {"a": {}}, "ACTIVE", "9" * 5000,
)  # fmt: skip
STATUSES = ("200 OK", "201 Created", "400 Bad Request", "409 Conflict", "429 Too Many Requests",
            "500 Internal Server Error", "302 Found", "204 No Content")  # fmt: skip
ROUNDS = 120


def spoiled(name: str, chance: random.Random) -> bytes:
    """A valid document of the dialect with something wrong in it, or nothing like one."""
    document: Any = dict(chance.choice(VALID[name]))
    for _ in range(chance.randint(0, 3)):
        key = chance.choice([*document, "more", "__proto__"])
        if chance.random() < 0.3:
            document.pop(key, None)
        else:
            document[key] = chance.choice(STRANGE)
    match chance.randint(0, 7):
        case 0:
            document = chance.choice(STRANGE)
        case 1:
            return b"[" * 100_000
        case 2:
            return json.dumps(document).encode()[: chance.randint(0, 40)]
        case 3:
            return b"\xff\xfe" + json.dumps(document).encode()
        case 4:
            return (b'{"status":1,' * 3) + json.dumps(document).encode()[1:]
        case _:
            pass
    return json.dumps(document).encode()


def client_of(name: str, url: str) -> BackendClient | BundleClient | ReactClient:
    if name == "aws-bundle":
        return BundleClient(url, CHOICE, None, poll_every_s=0.01)
    if name == "aws-react":
        return ReactClient(url, CHOICE, "token", poll_every_s=0.01)
    return BackendClient(url, "token")


def calls(client: Any) -> list[Callable[[], Coroutine[Any, Any, object]]]:
    session = SessionId("s-1")
    return [
        lambda: client.start(
            attempt=AttemptNumber(1), token=new_token(), signal_request=new_offer(), budget_s=60
        ),
        lambda: client.status(session, known=None, wait_s=0, budget_s=60),
        lambda: client.reconnect(
            session,
            attempt=AttemptNumber(2),
            token=new_token(),
            signal_request=new_offer(),
            budget_s=60,
            left=LEFT,
            on_written=lambda: None,
        ),
        lambda: client.terminate(session, budget_s=60),
    ]


@pytest.mark.usefixtures("nothing_left_behind")
@pytest.mark.parametrize("name", VALID)
async def test_whatever_a_backend_sends_is_a_value_or_one_exception(name: str) -> None:
    chance = random.Random(name)
    body, status = b"", ""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n"
        size = 0 if status.startswith("204") else len(body)
        writer.write(f"{head}Content-Length: {size}\r\n\r\n".encode() + body[:size])
        await writer.drain()

    async def main() -> tuple[int, int]:
        nonlocal body, status
        values = failures = 0
        sentences: set[str] = set()
        async with server_that(behave) as port:
            client = client_of(name, f"http://127.0.0.1:{port}")
            try:
                for _ in range(ROUNDS):
                    body, status = spoiled(name, chance), chance.choice(STATUSES)
                    for call in calls(client):
                        try:
                            await asyncio.wait_for(call(), 30)
                            values += 1
                        except CallFailedError as error:
                            sentences.add(str(error))
                            failures += 1
            finally:
                await client.aclose()
        assert all(sentence.endswith(".") for sentence in sentences)
        return values, failures

    values, failures = await main()
    assert values + failures == ROUNDS * 4
    assert failures > ROUNDS
