"""The player's voice at a host that others wrote: Chromium decodes the tone that we encode."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from helpers.chromium import CHROMIUM, FLAGS, PAGES
from helpers.fake_microphone import FakeMicrophone, tone
from rejoin.clock import boot_s
from rejoin.core.events import ConnectionOpened, Event
from rejoin.core.model import ConnectionNumber, Snapshot, Stage
from rejoin.media.audio.output import NullOutput
from rejoin.media.video.picture import PictureSlot
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.peer import Peer, PeerSettings
from rejoin.rtc.playback import MediaSinks
from rejoin.rtc.prepared_connection import PreparedConnections
from rejoin.rtc.signal_codec import encode_response
from rejoin.runtime.microphone import PlayerMicrophone
from rejoin.runtime.microphone_states import Live, MicrophoneChoices, MicrophoneMode, NotTaken

pytestmark = [
    pytest.mark.live,
    pytest.mark.usefixtures("nothing_left_behind"),
    pytest.mark.skipif(CHROMIUM is None, reason="`chromium` is not installed (Debian's package)"),
]

PATIENCE_S = 60.0
TONE_HZ = 1000


async def until(true: Callable[[], Any]) -> Any:
    began_at = boot_s()
    while True:
        found = await true()
        if found:
            return found
        assert boot_s() - began_at < PATIENCE_S, "timed out"
        await asyncio.sleep(0.05)


@asynccontextmanager
async def chromium() -> AsyncIterator[Page]:
    """A page that can be a stream host."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=list(FLAGS)
        )
        try:
            context = await browser.new_context(permissions=["microphone", "camera"])
            page = await context.new_page()
            await page.route(
                "**/*", lambda route: route.fulfill(body="<body></body>", content_type="text/html")
            )
            await page.goto("http://localhost/")
            await page.add_script_tag(path=str(PAGES / "host.js"))
            yield page
        finally:
            await browser.close()


@asynccontextmanager
async def connected(
    page: Page, microphone: PlayerMicrophone, *, takes_sound: bool
) -> AsyncIterator[int]:
    """A connection of ours to the page; its number there."""
    events: list[Event] = []
    peer = Peer(
        ConnectionNumber(1),
        PeerSettings(NetworkRules(loopback_only=True)),
        MediaSinks(PictureSlot(), NullOutput(), microphone),
        post=events.append,
        prepared=PreparedConnections(microphone=microphone.offered),
    )
    try:
        offer = json.loads(await peer.make_offer())["sdp"]
        answered = await page.evaluate(
            "([offer, takes]) => answer(offer, takes)", [offer, takes_sound]
        )
        sdp = "".join(
            f"{line}\r\n"
            for line in answered["sdp"].splitlines()
            if not line.startswith("a=candidate") or " 127.0.0.1 " in line
        )
        peer.show(True)
        await peer.apply_answer(encode_response(sdp, "https://h.example/m.js"))

        async def opened() -> bool:
            return any(isinstance(event, ConnectionOpened) for event in events)

        await until(opened)
        yield answered["number"]
        await page.evaluate("number => leave(number)", answered["number"])
    finally:
        await peer.close()
        microphone.close()


@pytest.mark.parametrize("takes", [True, False])
def test_chromium_hears_the_tone_where_it_takes_it(takes: bool) -> None:
    device = FakeMicrophone(tone(TONE_HZ))
    microphone = PlayerMicrophone(
        MicrophoneChoices(MicrophoneMode.OPEN), allowed=True, make=device.make
    )

    async def script() -> None:
        async with (
            chromium() as page,
            connected(page, microphone, takes_sound=takes) as number,
        ):
            microphone.snapshot_changed(Snapshot(Stage.LIVE))
            if not takes:
                assert microphone.state == NotTaken()
                assert device.opened == 0
                return

            async def hears() -> Any:
                seen = await page.evaluate("number => heard(number)", number)
                near = abs(seen["hertz"] - TONE_HZ) < 12 and seen["level"] > -40
                return seen if near and seen["inbound"].get("packetsReceived", 0) > 100 else None

            seen = await until(hears)
            assert microphone.state == Live()
            assert seen["inbound"]["packetsLost"] <= 0, "sequence numbers without a hole"

            async def reported() -> bool:
                seen = await page.evaluate("number => heard(number)", number)
                return bool(seen["reports"] >= 1)

            await until(reported)

    asyncio.run(script())
