"""A host without media: canned answers that a client accepts, and a client that comes and goes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers.manual_timers import ManualTimers
from rejoin.emulator.host.no_host import NoHost
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.errors import BadInputError, SignalError
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.signal_codec import decode_response

DATA = Path(__file__).parents[2] / "data"
URL = "http://127.0.0.1:1/protocol.js"
SETTINGS = EmulatorSettings(notice_silent_client_s=5.0, notice_graceful_close_s=1.0)


class Listener:
    def __init__(self) -> None:
        self.heard: list[str] = []

    def client_connected(self, connection: int) -> None:
        if f"connected {connection}" not in self.heard[-1:]:
            self.heard.append(f"connected {connection}")

    def client_gone(self, connection: int, *, graceful: bool) -> None:
        self.heard.append(f"gone {connection}{' gracefully' if graceful else ''}")

    def client_input(self) -> None:
        raise AssertionError("nobody plays")

    def game_exited(self, detail: str) -> None:
        self.heard.append("exited")

    def shares_performance(self) -> bool:
        return False


def offer_of(version: str) -> str:
    return (DATA / f"signal-request-websdk-{version}-chromium-156.json").read_text()


class Scene:
    def __init__(self, settings: EmulatorSettings = SETTINGS) -> None:
        self.timers, self.listener = ManualTimers(), Listener()
        self.host = NoHost(self.listener, settings, protocol_url=URL, timers=self.timers)

    async def playing(self) -> None:
        await self.host.start()
        await self.host.answer(1, offer_of("1.2.0"))
        await self.timers.advance(1)
        assert self.listener.heard == ["connected 1"]


@pytest.mark.parametrize("version", ["1.0.0", "1.2.0"])
async def test_the_canned_answer_is_one_that_a_client_accepts(version: str) -> None:
    scene = Scene()
    await scene.host.start()
    texts = [await scene.host.answer(number, offer_of(version)) for number in (1, 2)]
    assert texts[0] != texts[1], "an answer belongs to its connection"
    answer = decode_response(texts[0], NetworkRules(loopback_only=True))
    assert answer.has_audio
    assert answer.has_data
    assert answer.web_sdk_protocol_url == URL
    assert json.loads(texts[0])["type"] == "answer"


@pytest.mark.parametrize("offer", ["", "{}", '{"type": "offer", "sdp": "v=0"}'])
async def test_what_is_no_offer_is_refused(offer: str) -> None:
    scene = Scene()
    await scene.host.start()
    with pytest.raises(SignalError):
        await scene.host.answer(1, offer)


async def test_without_a_game_there_is_no_answer() -> None:
    scene = Scene()
    with pytest.raises(SignalError):
        await scene.host.answer(1, offer_of("1.2.0"))


@pytest.mark.parametrize(
    ("kind", "after_s", "heard"),
    [
        (FaultKind.SILENCE, 5.0, "gone 1"),
        (FaultKind.FREEZE, 5.0, "gone 1"),
        (FaultKind.GRACEFUL_CLOSE, 1.0, "gone 1 gracefully"),
        (FaultKind.DTLS_CLOSE, 1.0, "gone 1 gracefully"),
    ],
)
async def test_a_fault_ends_the_connection_when_the_service_would_notice(
    kind: FaultKind, after_s: float, heard: str
) -> None:
    scene = Scene()
    await scene.playing()
    assert await scene.host.inject(Fault(kind)) == scene.timers.now()
    await scene.timers.advance(after_s - 0.1)
    assert scene.listener.heard == ["connected 1"]
    await scene.timers.advance(0.1)
    assert scene.listener.heard == ["connected 1", heard]
    await scene.host.answer(2, offer_of("1.2.0"))
    await scene.timers.advance(1)
    assert scene.listener.heard[-1] == "connected 2"


async def test_a_client_stays_as_long_as_the_setting_says() -> None:
    scene = Scene(EmulatorSettings(absent_client_connects_s=2.0, absent_client_stays_s=30.0))
    await scene.host.start()
    await scene.host.answer(1, offer_of("1.2.0"))
    await scene.timers.advance(1.9)
    assert scene.listener.heard == []
    await scene.timers.advance(30)
    assert scene.listener.heard == ["connected 1"]
    await scene.timers.advance(0.2)
    assert scene.listener.heard == ["connected 1", "gone 1"]


async def test_the_game_ends_by_a_fault_and_other_faults_need_a_host() -> None:
    scene = Scene()
    await scene.playing()
    with pytest.raises(BadInputError, match="Without a host"):
        await scene.host.inject(Fault(FaultKind.NO_MEDIA))
    await scene.host.inject(Fault(FaultKind.KILL))
    assert scene.listener.heard[-1] == "exited"
    assert scene.host.game_state() == {"running": True, "connected": False}


async def test_a_stopped_host_leaves_no_alarm() -> None:
    scene = Scene()
    await scene.playing()
    await scene.host.inject(Fault(FaultKind.SILENCE))
    await scene.host.disconnect("terminated")
    await scene.host.stop()
    assert scene.timers.waiting == 0
