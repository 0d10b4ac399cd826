"""A real browser plays: headless Chromium at the studio, through its backend, as for a player.

The page (tests/data/chromium) makes its offer and reads its answer in the format of AWS's Web SDK
1.2.0. Page and backend come from one origin, because the backend rejects other origins.
"""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.async_api import Page, async_playwright

from helpers.chromium import CHROMIUM, FLAGS, page_and_backend
from rejoin.backend.serving import serving
from rejoin.emulator.host.strip import StripReading, read_strip, read_voice
from rejoin.emulator.service.control import EmulatorControl
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.studio.serve import studio

DATA = Path(__file__).parents[1] / "data"
HOST = "127.0.0.1"
PATIENCE_S = 60.0
"""For one step, also on a busy machine."""
POLL_EVERY_S = 0.05

pytestmark = [
    pytest.mark.live,
    pytest.mark.usefixtures("nothing_left_behind"),
    pytest.mark.skipif(CHROMIUM is None, reason="`chromium` is not installed (Debian's package)"),
]

PLUG_IN = """
held => {
  const buttons = [{ pressed: held !== 0 }];
  navigator.getGamepads = () => [{ index: 0, connected: true, buttons, axes: [0, 0, 0, 0] }];
  dispatchEvent(new Event("gamepadconnected"));
}
"""
"""A gamepad whose first button is held or not."""

FAKE_MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
"""Chromium's own, which beeps once a second."""

SETTINGS = EmulatorSettings(
    notice_silent_client_s=2.0,
    notice_silent_client_min_s=30.0,  # a browser on a busy machine may be silent for a moment
    width=640,
    height=360,
    fps=30,
    bitrate_bps=2_000_000,
    relay_ports=(0, 0),
)


class Browser:
    """The page, what it reports, and the state of the emulator."""

    def __init__(self, page: Page, control: EmulatorControl, player_token: str) -> None:
        self.page = page
        self.control = control
        self.player_token = player_token
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    async def start(self) -> dict[str, str]:
        """SignalRequest and SignalResponse of a new stream session, which is connected."""
        signals: dict[str, str] = await self.page.evaluate(
            "token => play.start(token)", self.player_token
        )
        return signals

    async def seen(self) -> dict[str, Any]:
        seen: dict[str, Any] = await self.page.evaluate("play.seen()")
        return seen

    async def stats(self) -> dict[str, Any]:
        stats: dict[str, Any] = await self.page.evaluate("play.stats()")
        return stats

    async def sound(self) -> dict[str, Any]:
        sound: dict[str, Any] = await self.page.evaluate("play.sound()")
        return sound

    async def session(self) -> dict[str, Any]:
        (session,) = (await self.control.state())["sessions"]
        assert isinstance(session, dict)
        return session

    async def game(self) -> dict[str, Any]:
        game = (await self.session())["game_state"]
        assert isinstance(game, dict)
        return game

    async def until(
        self,
        poll: Callable[[], Awaitable[dict[str, Any]]],
        condition: Callable[[dict[str, Any]], Any],
    ) -> dict[str, Any]:
        """Poll until the condition holds; returns the last result."""
        found: dict[str, Any] = {}
        for _ in range(round(PATIENCE_S / POLL_EVERY_S)):
            if condition(found := await poll()):
                return found
            await asyncio.sleep(POLL_EVERY_S)
        pytest.fail(f"timed out; last: {found}; page errors: {self.errors}")

    async def frames(self, count: int) -> None:
        """Wait until the page has shown this many more frames."""
        have = (await self.seen())["frames"]
        await self.until(self.seen, lambda seen: seen["frames"] >= have + count)

    async def pixels(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The picture on the page."""
        picture = await self.page.evaluate("play.picture()")
        pixels = np.frombuffer(base64.b64decode(picture["rgba"]), np.uint8)
        return pixels.reshape(picture["height"], picture["width"], 4)

    async def strip(self) -> StripReading:
        """The game's state as encoded in the picture on the page."""
        reading = read_strip(await self.pixels())
        assert reading is not None, "the picture on the page is not the game's"
        return reading


@asynccontextmanager
async def browser(settings: EmulatorSettings, user_data: Path) -> AsyncIterator[Browser]:
    async with (
        studio(settings) as there,
        EmulatorControl(there.control_url, there.control_token) as control,
        httpx.AsyncClient(base_url=there.backend_url, trust_env=False, timeout=30) as backend,
        serving(page_and_backend(backend), HOST, 0) as port,
        async_playwright() as playwright,
    ):
        context = await playwright.chromium.launch_persistent_context(
            user_data,
            executable_path=CHROMIUM,
            headless=True,
            args=[*FLAGS, *FAKE_MICROPHONE],
            permissions=["microphone", "camera"],
        )
        try:
            page = await context.new_page()
            page.set_default_timeout(PATIENCE_S * 1000)
            await page.goto(f"http://{HOST}:{port}/")
            it = Browser(page, control, there.player_token)
            yield it
            assert it.errors == []
        finally:
            await context.close()


def run(
    script: Callable[[Browser], Awaitable[None]],
    user_data: Path,
    settings: EmulatorSettings = SETTINGS,
) -> None:
    async def main() -> None:
        async with browser(settings, user_data) as it:
            await script(it)

    asyncio.run(main())


def sections(sdp: str) -> list[str]:
    return re.split(r"\r?\n(?=m=)", sdp)[1:]


def test_a_browser_plays_loses_its_connection_and_rejoins_the_same_game(tmp_path: Path) -> None:
    async def script(it: Browser) -> None:
        signals = await it.start()
        assert_signals_like_the_web_sdk(signals)
        await it.until(it.seen, lambda seen: seen["state"] == "connected")
        await it.frames(10)
        stats = await it.until(it.stats, lambda stats: stats["video"] and stats["audio"])
        assert stats["video"]["codec"]["mimeType"] == "video/H264"
        assert (stats["video"]["frameWidth"], stats["video"]["frameHeight"]) == (640, 360)
        assert stats["audio"]["codec"]["mimeType"] == "audio/opus"
        assert stats["audio"]["codec"]["channels"] == 2
        sound = await it.until(it.sound, lambda sound: sound["apart"] > 0)
        assert sound["left"] > 0
        assert sound["right"] > 0
        assert (await it.session())["status"] == "CONNECTED"

        # the page shows the current state of the game
        first = await it.strip()
        assert 0 < first.counter <= (await it.game())["counter"]
        await it.frames(5)
        second = await it.strip()
        assert second.counter > first.counter

        # the size changes in mid-stream
        await it.control.change_settings(resolution_scale=0.5)
        await it.until(it.stats, lambda stats: stats["video"]["frameWidth"] == 320)
        await it.frames(5)
        third = await it.strip()
        assert third.counter > second.counter
        await it.control.change_settings(resolution_scale=1)
        await it.until(it.stats, lambda stats: stats["video"]["frameWidth"] == 640)

        # a real key press in the browser, and a click on the picture
        await it.page.keyboard.press("ArrowRight")
        await it.until(it.game, lambda game: game["key_presses"] == 1)
        await it.page.mouse.click(320, 180)
        game = await it.until(it.game, lambda game: game["key_presses"] == 2)
        assert game["score"] >= 2

        # a gamepad, injected into the API by which the page asks for them
        await it.page.evaluate(PLUG_IN, 1)
        await it.until(it.game, lambda game: game["key_presses"] == 3)
        await it.page.evaluate(PLUG_IN, 0)

        await it.page.evaluate("play.sendMessage([114, 101, 106, 111, 105, 110])")
        seen = await it.until(it.seen, lambda seen: seen["messages"])
        assert bytes(seen["messages"][0]) == b"rejoin"

        # the host falls silent; the service notices
        before, lost = await it.game(), await it.strip()
        await it.control.inject(Fault(FaultKind.SILENCE))
        await it.until(
            it.session, lambda session: session["status"] == "PENDING_CLIENT_RECONNECTION"
        )
        await it.page.evaluate("play.reconnect()")
        await it.until(it.seen, lambda seen: seen["states"].count("connected") == 2)
        await it.frames(5)
        assert (await it.session())["status"] == "CONNECTED"
        after, back = await it.game(), await it.strip()
        assert after["started_at"] == before["started_at"], "the same game"
        assert after["key_presses"] == before["key_presses"], "its state is kept"
        assert back.counter > lost.counter, "which went on"
        assert back.counter <= (await it.game())["counter"]
        await it.page.keyboard.press("KeyW")
        await it.until(it.game, lambda game: game["key_presses"] > before["key_presses"])

        assert (await it.seen())["disconnects"] == []
        await it.page.evaluate("play.terminate()")
        seen = await it.until(it.seen, lambda seen: seen["disconnects"])
        assert seen["disconnects"] == ["terminated"]

    run(script, tmp_path)


def assert_signals_like_the_web_sdk(signals: dict[str, str]) -> None:
    """Compare the request with one of the Web SDK, and the answer with what the SDK reads."""
    request = json.loads(signals["signalRequest"])
    real = json.loads((DATA / "signal-request-websdk-1.2.0-chromium-156.json").read_text())
    assert {**request, "sdp": ""} == {**real, "sdp": ""}
    mine, theirs = sections(request["sdp"]), sections(real["sdp"])
    assert [section.split(" ")[0] for section in mine] == [s.split(" ")[0] for s in theirs]
    for section, other in zip(mine, theirs, strict=True):
        for line in ("a=recvonly", "b=TIAS:19000000", "b=AS:19000", "a=ice-options:trickle"):
            assert (line in section) == (line in other), line
    assert "H264" in mine[1]
    assert len(re.findall(r"(?m)^a=rtpmap:", mine[1])) > 10, "all codecs of the browser"
    assert not re.search(r"(?m)^a=(candidate|end-of-candidates)", request["sdp"])
    response = json.loads(signals["signalResponse"])
    assert set(response) == {"type", "sdp", "webSdkProtocolUrl"}
    assert response["type"] == "answer"


BY_HAND = """() => play.configure({ inputConfiguration: {
  autoKeyboard: false, autoMouse: false, autoGamepad: false, autoPointerLock: false,
  keyboardFilter: (event) => event.code !== "KeyX", mouseFilter: (event) => event.buttons !== 4,
} })"""
HANDED_IN = """([name, kind, more]) =>
  play.input()[name](Object.assign(new (eval(kind))(more.type, more), more.over ?? {}))"""


def test_a_page_that_hands_input_in_by_itself_is_obeyed(tmp_path: Path) -> None:
    """The options and calls of the Web SDK's InputConfiguration, on the script as it is served."""

    async def script(it: Browser) -> None:
        async def hand_in(name: str, kind: str, **more: object) -> bool:
            return bool(await it.page.evaluate(HANDED_IN, [name, kind, more]))

        async def key(code: str, *, down: bool = True) -> bool:
            kind = "keydown" if down else "keyup"
            return await hand_in("processKeyboardEvent", "KeyboardEvent", type=kind, code=code)

        await it.page.evaluate(BY_HAND)
        await it.start()
        await it.until(it.seen, lambda seen: seen["state"] == "connected")
        await it.frames(5)
        # The page's own events are the page's.
        await it.page.keyboard.press("ArrowRight")
        await it.page.mouse.click(320, 180)
        assert await key("KeyW")
        await it.until(it.game, lambda game: game["key_presses"] == 1)
        assert await key("KeyW", down=False)
        assert not await key("KeyX"), "the page's filter says no"
        assert not await key("NoSuchKey")
        pressed = {"type": "mousedown", "buttons": 1}
        assert await hand_in("processMouseEvent", "MouseEvent", **pressed)
        await it.until(it.game, lambda game: game["key_presses"] == 2)
        assert not await hand_in("processMouseEvent", "MouseEvent", type="mousedown", buttons=4)
        assert await hand_in("processMouseEvent", "MouseEvent", type="mouseup", buttons=0)
        # A gamepad counts once the page tracks it, and only when the page polls.
        await it.page.evaluate(PLUG_IN, 1)
        await it.page.evaluate("play.input().pollTrackedGamepads()")
        assert (await it.game())["key_presses"] == 2
        connected = {"type": "gamepadconnected", "over": {"gamepad": 0}}
        assert await hand_in("processGamepadEvent", "Event", **connected)
        await it.page.evaluate("play.input().pollTrackedGamepads()")
        await it.until(it.game, lambda game: game["key_presses"] == 3)
        gone = {"type": "gamepaddisconnected", "over": {"gamepad": 0}}
        assert await hand_in("processGamepadEvent", "Event", **gone)
        assert await key("KeyD")
        await it.until(it.game, lambda game: game["keys_held"] != [])
        await it.page.evaluate("play.input().detach()")
        await it.until(it.game, lambda game: game["keys_held"] == [])
        assert not await key("KeyS"), "input is detached"
        assert await it.page.evaluate("play.sendMessage([1])") is False

    run(script, tmp_path)


def test_the_script_leaves_text_fields_alone_and_obeys_limits(tmp_path: Path) -> None:
    async def script(it: Browser) -> None:
        await it.page.evaluate(
            "play.configure({ bitrateMaxKilobits: 700, maximumResolution: '180p',"
            " inputConfiguration: { autoPointerLock: true } })"
        )
        await it.start()
        await it.until(it.seen, lambda seen: seen["state"] == "connected")
        await it.until(it.stats, lambda stats: (stats["video"] or {}).get("frameHeight") == 180)
        # Where the machine does not keep up, it is less.
        await it.until(it.game, lambda game: 0 < game["media"]["bitrate_bps"] <= 700_000)
        assert (await it.game())["key_presses"] == 0
        await it.page.evaluate(
            "document.body.append("
            "Object.assign(document.createElement('textarea'), { id: 'chat' }))"
        )
        await it.page.focus("#chat")
        await it.page.keyboard.type("wasd")
        assert await it.page.input_value("#chat") == "wasd"
        # A key that the game holds is released, wherever the focus is by then.
        await it.page.evaluate("document.activeElement.blur()")
        await it.page.keyboard.down("KeyW")
        await it.until(it.game, lambda game: game["key_presses"] == 1)
        await it.page.focus("#chat")
        await it.page.keyboard.up("KeyW")
        await it.until(it.game, lambda game: game["keys_held"] == [])
        assert (await it.game())["key_presses"] == 1
        await it.page.mouse.click(160, 90)

        async def locked() -> dict[str, Any]:
            return {"on": await it.page.evaluate("document.pointerLockElement?.id")}

        await it.until(locked, lambda locked: locked["on"] == "video")

    run(script, tmp_path)


@pytest.mark.parametrize("raises", [True, False])
def test_our_end_raises_channel_errors_in_a_page_only_if_the_setting_says_so(
    raises: bool, tmp_path: Path
) -> None:
    async def script(it: Browser) -> None:
        await it.start()
        await it.until(it.seen, lambda seen: seen["state"] == "connected")
        await it.frames(3)
        await it.page.evaluate("play.terminate()")
        await it.until(it.seen, lambda seen: seen["disconnects"] == ["terminated"])
        await it.until(it.session, lambda session: session["status"] == "TERMINATED")
        await it.until(it.seen, lambda seen: seen["state"] in ("closed", "failed", "disconnected"))
        assert (await it.seen())["channelErrors"] == (2 if raises else 0)

    run(script, tmp_path, dataclasses.replace(SETTINGS, end_raises_channel_errors=raises))


def test_the_microphone_of_a_page_reaches_the_game_and_its_strip(tmp_path: Path) -> None:
    """As the Web SDK's `enableMicrophone`: sound of a browser, which others encoded."""

    async def script(it: Browser) -> None:
        await it.page.evaluate("play.enableMicrophone()")
        signals = await it.start()
        audio = sections(json.loads(signals["signalRequest"])["sdp"])[0]
        assert "a=sendrecv" in audio
        await it.until(it.seen, lambda seen: seen["state"] == "connected")

        async def heard() -> dict[str, Any]:
            media = (await it.game())["media"] or {}
            return media.get("microphone") or {"packets": 0}

        microphone = await it.until(heard, lambda heard: heard["packets"] > 50)
        assert microphone["lost"] <= 5
        levels: set[float] = set()

        async def level() -> dict[str, Any]:
            found = read_voice(await it.pixels())
            levels.update(() if found is None else (found,))
            return {"levels": len(levels), "most": max(levels, default=0.0)}

        await it.until(level, lambda seen: seen["levels"] >= 2 and seen["most"] > 0.3)

    run(script, tmp_path)
