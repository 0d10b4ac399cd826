"""A feed on a real server: asked for once a day, and what does not count is ignored."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from helpers.misbehaving_server import Behaviour, read_request, server_that
from helpers.signed_feeds import NOTES, NOW, Signer, feed
from rejoin.runtime.updates import check
from rejoin.runtime.updates.build_info import UpdateSource
from rejoin.runtime.updates.check import EVERY_S, UpdateCheck, update_check
from rejoin.runtime.updates.feed import Newer
from rejoin.runtime.updates.memory import Remembered, UpdateMemory
from rejoin.signaling import signed_file
from rejoin.tasks import cancel, spawn

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

SIGNER = Signer()
NEWER = Newer("0.2.0", NOTES, 1_807_776_000.0)


class Publisher:
    """Serves `content` and its signature, and remembers what it was asked for."""

    def __init__(self, content: bytes = b"", signature: bytes | None = None) -> None:
        self.content = content or feed()
        self.signature = signature
        self.head = "200 OK"
        self.asked: list[str] = []

    def behaviour(self) -> Behaviour:
        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            path = (await read_request(reader)).split()[1].decode()
            self.asked.append(path)
            body = self.content
            if path.endswith(".minisig"):
                body = self.signature or SIGNER.sign(self.content).encode()
            head = (
                f"HTTP/1.1 {self.head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            )
            writer.write(head.encode() + body)
            await writer.drain()

        return behave


class Time:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


async def ask(
    publisher: Publisher, path: Path, *, own: str = "0.1.0", time: Time | None = None
) -> UpdateCheck:
    async with server_that(publisher.behaviour()) as port:
        source = UpdateSource(f"http://127.0.0.1:{port}/u/feed.json", SIGNER.key)
        made = UpdateCheck(source, UpdateMemory(path / "updates.json"), own=own, now=time or Time())
        await made.ask()
        return made


async def test_a_newer_version_is_known_from_then_on_until_it_expires(tmp_path: Path) -> None:
    publisher, time = Publisher(), Time()
    made = await ask(publisher, tmp_path, time=time)
    assert publisher.asked == ["/u/feed.json", "/u/feed.json.minisig"]
    assert made.known() == NEWER
    time.now = NEWER.expires_at
    assert made.known() is None


async def test_the_version_that_runs_and_older_ones_are_no_news(tmp_path: Path) -> None:
    assert (await ask(Publisher(), tmp_path, own="0.2.0")).known() is None
    # It was installed since, and the file still has it.
    assert (await ask(Publisher(), tmp_path, own="0.1.0")).known() == NEWER
    assert UpdateMemory(tmp_path / "updates.json").read().highest == "0.2.0"


async def test_it_is_due_once_a_day_whatever_came_of_it(tmp_path: Path) -> None:
    publisher, time = Publisher(), Time()
    publisher.head = "503 Service Unavailable"
    made = await ask(publisher, tmp_path, time=time)
    assert made.known() is None
    for later_s, due in ((0.0, False), (EVERY_S - 1, False), (EVERY_S, True), (-1.0, True)):
        time.now = NOW + later_s
        assert made.is_due() is due


async def given_up(made: UpdateCheck, at: asyncio.Event) -> None:
    """Ask, and cancel that at this moment."""
    asking = spawn(made.ask(), name="ask")
    await at.wait()
    assert not made.is_due()
    await cancel(asking)


async def test_given_up_before_the_question_has_left_it_stays_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the connection takes long and the player opens a game."""
    connecting = asyncio.Event()

    async def fetch_signed(url: str, **settings: object) -> tuple[bytes, bytes]:
        connecting.set()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(signed_file, "fetch_signed", fetch_signed)
    source = UpdateSource("https://rejoin.example/feed.json", SIGNER.key)
    memory = UpdateMemory(tmp_path / "updates.json")
    memory.keep(Remembered(NOW - EVERY_S, "0.1.7", None))
    made = UpdateCheck(source, memory, now=Time())
    await given_up(made, connecting)
    assert made.is_due()
    assert memory.read() == Remembered(NOW - EVERY_S, "0.1.7", None)


async def test_given_up_afterwards_it_was_asked(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        asked.set()
        await reader.read()

    async with server_that(silent) as port:
        source = UpdateSource(f"http://127.0.0.1:{port}/feed.json", SIGNER.key)
        made = UpdateCheck(source, UpdateMemory(tmp_path / "updates.json"), now=Time())
        await given_up(made, asked)
        assert not made.is_due()


def test_it_is_due_the_first_time(tmp_path: Path) -> None:
    source = UpdateSource("https://rejoin.example/feed.json", SIGNER.key)
    assert UpdateCheck(source, UpdateMemory(tmp_path / "updates.json")).is_due()


async def test_nobody_is_asked_where_it_cannot_be_remembered(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    publisher = Publisher()
    await ask(publisher, tmp_path / "file")
    assert publisher.asked == []


@pytest.mark.parametrize(
    "publisher",
    [
        Publisher(feed(version="0.0.1")),
        Publisher(feed(version="0.1.5")),
        Publisher(feed(product="another")),
        Publisher(feed(expires="2026-12-31T00:00:00Z")),
        Publisher(signature=Signer().sign(feed()).encode()),
        Publisher(signature=b"<!doctype html>"),
        Publisher(feed(padding="x" * 70_000)),
    ],
    ids=["older", "older-than-seen", "product", "expired", "key", "page", "large"],
)
async def test_what_does_not_count_is_ignored_and_said_once(
    publisher: Publisher, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    known = Newer("0.1.7", NOTES, NOW + 1000)
    UpdateMemory(tmp_path / "updates.json").keep(Remembered(NOW - EVERY_S, "0.1.7", known))
    made = await ask(publisher, tmp_path)
    assert made.known() == known
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.getMessage().endswith("It is ignored.") for record in warnings] == [True]


@pytest.mark.parametrize(
    "head",
    [
        "302 Found\r\nLocation: https://elsewhere.example/feed.json",
        "301 Moved\r\nLocation: file:///etc/passwd",
        "404 Not Found",
    ],
)
async def test_another_answer_is_not_followed_and_no_warning(head: str, tmp_path: Path) -> None:
    publisher = Publisher()
    publisher.head = head
    assert (await ask(publisher, tmp_path)).known() is None
    assert publisher.asked == ["/u/feed.json"]


async def test_a_body_that_is_too_large_is_not_read_to_its_end(tmp_path: Path) -> None:
    publisher = Publisher(feed(padding="x" * 400_000))
    assert (await ask(publisher, tmp_path)).known() is None
    assert publisher.asked == ["/u/feed.json"]


def test_this_checkout_has_no_check(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert update_check() is None
    source = UpdateSource("https://rejoin.example/feed.json", SIGNER.key)
    monkeypatch.setattr(check, "update_source", lambda: source)
    monkeypatch.setattr(check, "memory_path", lambda: tmp_path / "updates.json")
    assert isinstance(update_check(), UpdateCheck)
