from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest
from aiortc.rtcdtlstransport import RTCDtlsTransport

from rejoin import tasks
from rejoin.media.receive.rtp import RtpPacket
from rejoin.media.receive.transport_feedback import parse
from rejoin.rtc.congestion_feedback import CongestionFeedback

OURS, VIDEO = 99, 7
pytestmark = pytest.mark.usefixtures("nothing_left_behind")


class FakeDtls:
    """Records what is sent."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[bytes] = asyncio.Queue()
        self.errors: list[Exception] = []
        self.failed = asyncio.Event()

    async def _send_rtp(self, data: bytes) -> None:
        if self.errors:
            self.failed.set()
            raise self.errors.pop()
        self.sent.put_nowait(data)


class Scene:
    def __init__(self) -> None:
        self.dtls = FakeDtls()
        self.now = 50.0
        self.feedback = CongestionFeedback(
            cast(RTCDtlsTransport, self.dtls), clock=lambda: self.now, name="test"
        )

    def arrive(self, number: int | None, *, ssrc: int = VIDEO, extension_id: int = 4) -> None:
        value = b"" if number is None else struct.pack("!BH", extension_id << 4 | 1, number)
        extension = struct.pack("!HH4s", 0xBEDE, 1, value) if value else b""
        packet = RtpPacket(96, 0, 1, 0, ssrc, b"x", extension=extension)
        self.feedback.on_packet(packet, 1200, self.now)

    async def report(self) -> bytes:
        return await asyncio.wait_for(self.dtls.sent.get(), 60)


@asynccontextmanager
async def scene(extension_id: int | None = 4) -> AsyncIterator[Scene]:
    it = Scene()
    it.feedback.start(extension_id, OURS)
    try:
        yield it
    finally:
        await it.feedback.close()


async def test_arrivals_are_reported_with_our_ssrc_and_that_of_the_media() -> None:
    async with scene() as it:
        it.arrive(100)
        it.arrive(102, ssrc=8)
        packet = await it.report()
        assert struct.unpack("!LL", packet[4:12]) == (OURS, 8)
        (report,) = parse(packet)
        assert [(number, at is not None) for number, at in report.arrivals] == [
            (100, True),
            (101, False),
            (102, True),
        ]


async def test_one_task_reports_for_all_streams_and_only_when_something_came() -> None:
    async with scene() as it:
        it.feedback.start(4, OURS)  # once is enough
        assert tasks.alive() == {"test-transport-cc"}
        it.arrive(1)
        it.arrive(2, ssrc=8)
        await it.report()
        it.arrive(3)
        (report,) = parse(await it.report())
        assert [number for number, _ in report.arrivals] == [3]
        assert it.dtls.sent.empty()


async def test_without_agreement_nothing_is_noted_or_sent() -> None:
    async with scene(None) as it:
        it.arrive(1)
        assert not it.feedback.running
        assert not it.feedback.numbering
        assert not tasks.alive()


async def test_only_the_agreed_extension_is_read() -> None:
    async with scene(9) as it:
        it.arrive(1)
        assert not it.feedback.numbering
        it.arrive(1, extension_id=9)
        assert it.feedback.numbering


async def test_media_without_numbers_ends_the_numbering_after_a_second() -> None:
    async with scene() as it:
        it.arrive(1)
        it.arrive(None)
        it.now += 0.99
        it.arrive(None)
        assert it.feedback.numbering
        it.now += 0.02
        it.arrive(None)
        assert not it.feedback.numbering


async def test_a_report_that_cannot_be_sent_does_not_stop_the_next() -> None:
    async with scene() as it:
        it.dtls.errors = [ConnectionError()]
        it.arrive(1)
        await asyncio.wait_for(it.dtls.failed.wait(), 60)
        it.arrive(2)
        await it.report()
        assert it.feedback.failed == 1


async def test_a_report_that_cannot_be_made_does_not_stop_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with scene() as it:
        failed = asyncio.Event()

        def broken(*_: object, **__: object) -> list[bytes]:
            failed.set()
            raise RuntimeError

        with monkeypatch.context() as patch:
            patch.setattr(it.feedback._arrivals, "reports", broken)
            it.arrive(1)
            await asyncio.wait_for(failed.wait(), 60)
        it.arrive(2)
        await it.report()
        assert it.feedback.failed == 1


async def test_after_the_close_nothing_is_noted() -> None:
    async with scene() as it:
        it.arrive(1)
        await it.feedback.close()
        it.arrive(2)
        assert not it.feedback.running
        assert it.dtls.sent.empty()
