"""What the module hears of its channels: what it cannot know, and nothing else."""

from __future__ import annotations

import asyncio
import re
from typing import cast

from helpers.waiting import eventually
from rejoin import assets
from rejoin.input_module.port import Channel, ChannelState
from rejoin.rtc import channels as rtc
from rejoin.runtime.channel_reports import SOON_GONE_BYTES, ChannelReports
from rejoin.runtime.ports import PeerPort

INPUT, MESSAGES = Channel.INPUT, Channel.MESSAGES
OPEN = ChannelState("open", 0)


class Scene:
    """A peer whose channels are open, and what was reported of them."""

    def __init__(self) -> None:
        self.buffered = dict.fromkeys(Channel, 0)
        self.is_there = True
        self.looks = 0
        self.told: list[tuple[Channel, ChannelState]] = []
        self.reports = ChannelReports(
            lambda: cast(PeerPort, self) if self.is_there else None,
            lambda channel, state: self.told.append((channel, state)),
        )

    def channel_state(self, label: str) -> rtc.ChannelState:
        self.looks += 1
        return rtc.ChannelState("open", self.buffered[Channel(label)])


async def test_a_new_instance_hears_all() -> None:
    scene = Scene()
    for _ in range(2):
        scene.told.clear()
        scene.reports.check(anew=True)
        assert scene.told == [(INPUT, OPEN), (MESSAGES, OPEN)]
    scene.told.clear()
    scene.reports.check()
    assert scene.told == []


async def test_little_that_is_gone_is_no_news() -> None:
    scene = Scene()
    scene.reports.check(anew=True)
    scene.told.clear()
    looks = scene.looks
    for _ in range(SOON_GONE_BYTES // 100):
        scene.reports.sent(INPUT, bytes(100))
    await eventually(lambda: scene.looks > looks)
    assert scene.looks == looks + 2, "once for all of it"
    assert scene.told == []


async def test_of_much_it_hears_when_it_is_gone() -> None:
    scene = Scene()
    scene.reports.check(anew=True)
    scene.told.clear()
    for _ in range(3):
        scene.reports.sent(MESSAGES, bytes(SOON_GONE_BYTES // 2))
    await eventually(lambda: bool(scene.told))
    assert scene.told == [(MESSAGES, OPEN)]
    scene.reports.sent(INPUT, "€" * (SOON_GONE_BYTES // 3 + 1))
    await eventually(lambda: len(scene.told) == 2)
    assert scene.told[1] == (INPUT, OPEN), "bytes count, not characters"
    scene.reports.stop()


async def test_what_is_stuck_is_reported_until_it_is_gone() -> None:
    scene = Scene()
    scene.reports.check(anew=True)
    scene.told.clear()
    scene.buffered[INPUT] = 50
    scene.reports.sent(INPUT, bytes(50))
    await eventually(lambda: scene.told == [(INPUT, ChannelState("open", 50))])
    scene.buffered[INPUT] = 20
    await eventually(lambda: scene.told[1:] == [(INPUT, ChannelState("open", 20))])
    scene.buffered[INPUT] = 0
    await eventually(lambda: scene.told[2:] == [(INPUT, OPEN)])
    looks = scene.looks
    await asyncio.sleep(0.05)
    assert scene.looks == looks, "nobody looks any more"


async def test_a_peer_that_is_gone_is_not_asked() -> None:
    scene = Scene()
    scene.is_there = False
    scene.reports.check(anew=True)
    assert (scene.looks, scene.told) == (0, [])
    scene.is_there = True
    scene.reports.sent(INPUT, b"x")
    scene.reports.stop()
    await asyncio.sleep(0.3)
    assert scene.looks == 0


def test_the_browser_counts_as_gone_what_nobody_reports() -> None:
    script = assets.text("web/browser/rtc.js")
    assert re.findall(r"const SOON_GONE = (\d+);", script) == [str(SOON_GONE_BYTES)]
