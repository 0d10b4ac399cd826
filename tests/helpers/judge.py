"""One script of keys, buttons and movements, played to Chromium and to Rejoin's window.

Both run the same input module; what it sends is kept. Between the steps the judge waits until the
module has sent something new, so that no browser joins two of them to one event.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from playwright.async_api import CDPSession, Page, async_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from helpers.chromium import CHROMIUM, FLAGS, PAGES
from helpers.programs import PATIENCE_S
from helpers.x_input import XInput
from rejoin.backend.serving import serving
from rejoin.input_module.commands import NOTCH_PX

CONFIGURATION = {
    "setCursor": "visibility",
    "autoPointerLock": True,
    "resetOnDetach": True,
    "trackWindowFocus": True,
    "autoKeyboard": True,
    "autoMouse": True,
    "autoGamepad": True,
}
POLL_EVERY_S = 0.02
HELD_S = 1.5
LAST_COMES_WITHIN_S = 2.0
"""After the message before it, also from a browser that has no processor for a while."""
"""An X server repeats a key that is held for 0.66 s."""
SIZE = (1200, 800)
"""Of every page and window, in pixels: the picture of 16:9 has bars above and below."""

Sent = tuple[str, str]
"""Label of the channel; the bytes in hexadecimal, or the text of a text message."""


@dataclass(frozen=True, slots=True)
class KeyStep:
    code: str
    pressed: bool


@dataclass(frozen=True, slots=True)
class RepeatStep:
    """A key that is down stays down until it has been repeated; a module may be silent then."""

    code: str


@dataclass(frozen=True, slots=True)
class MoveStep:
    """To a place in the picture, in CSS pixels from its corner."""

    x: int
    y: int


@dataclass(frozen=True, slots=True)
class TravelStep:
    """By so much, with a captured pointer."""

    dx: int
    dy: int


@dataclass(frozen=True, slots=True)
class ButtonStep:
    """`button`: the W3C's number."""

    button: int
    pressed: bool


@dataclass(frozen=True, slots=True)
class WheelStep:
    """In notches, positive right and towards the player."""

    right: int
    down: int


@dataclass(frozen=True, slots=True)
class MessageStep:
    """An application message."""

    data: bytes


Step = KeyStep | RepeatStep | MoveStep | TravelStep | ButtonStep | WheelStep | MessageStep


def stroke(*codes: str) -> list[Step]:
    """Press and release these keys, one after another."""
    return [KeyStep(code, down) for code in codes for down in (True, False)]


def chord(modifiers: Sequence[str], *codes: str) -> list[Step]:
    """Press and release these keys while the modifiers are held."""
    held: list[Step] = [KeyStep(code, True) for code in modifiers]
    return held + stroke(*codes) + [KeyStep(code, False) for code in reversed(modifiers)]


def click(button: int, times: int = 1) -> list[Step]:
    return [ButtonStep(button, down) for _ in range(times) for down in (True, False)]


class Player(Protocol):
    """Plays steps to one program, and knows what its module has sent."""

    sent: list[Sent]

    async def play(self, step: Step) -> None: ...
    async def fetch(self) -> None: ...


async def judged(player: Player, steps: Sequence[Step]) -> list[Sent]:
    """Everything that the module sent, each message once."""
    await player.fetch()
    for step in steps:
        before = len(set(player.sent))
        await player.play(step)
        if isinstance(step, RepeatStep):
            continue
        for _ in range(round(PATIENCE_S / POLL_EVERY_S)):
            await player.fetch()
            if len(set(player.sent)) > before:
                break
            await asyncio.sleep(POLL_EVERY_S)
        else:
            raise AssertionError(f"nothing was sent after {step}")
        if not isinstance(step, KeyStep):  # keys are never joined
            await _until_quiet(player)
    await _until_quiet(player, LAST_COMES_WITHIN_S)
    return list(dict.fromkeys(player.sent))


async def _until_quiet(player: Player, for_s: float = 3 * POLL_EVERY_S) -> None:
    """Until nothing new has come for a moment: one step may be several events."""
    still = 0
    while still < for_s / POLL_EVERY_S:
        before = len(set(player.sent))
        await asyncio.sleep(POLL_EVERY_S)
        await player.fetch()
        still = still + 1 if len(set(player.sent)) == before else 0


_X_BUTTONS = (1, 2, 3, 8, 9)


@dataclass
class XPlayer:
    """Plays to whatever has the focus of the X server; the picture's corner is at `origin`."""

    x: XInput
    origin: tuple[int, int]
    sent: list[Sent] = field(default_factory=list)

    async def play(self, step: Step) -> None:
        match step:
            case KeyStep(code, pressed):
                self.x.key(code, pressed)
            case RepeatStep():
                await asyncio.sleep(HELD_S)
            case MoveStep(x, y):
                self.x.move_to(self.origin[0] + x, self.origin[1] + y)
            case TravelStep(dx, dy):
                self.x.move_by(dx, dy)
            case ButtonStep(button, pressed):
                self.x.button(_X_BUTTONS[button], pressed)
            case WheelStep(right, down):
                for number, notches in ((7, right), (6, -right), (5, down), (4, -down)):
                    for _ in range(notches):
                        self.x.button(number, True)
                        self.x.button(number, False)
            case MessageStep(data):
                await self.send_message(data)

    async def send_message(self, data: bytes) -> None:
        raise NotImplementedError

    async def fetch(self) -> None:
        raise NotImplementedError


async def _fetch_from(page: Page, sent: list[Sent]) -> None:
    new = await page.evaluate("from => judge.sent(from)", len(sent))
    sent.extend((label, data) for label, data in new)


@dataclass
class ChromiumOnX(XPlayer):
    """Chromium with a window, which hears the X server's keys and mouse."""

    page: Page | None = None

    async def send_message(self, data: bytes) -> None:
        assert self.page is not None
        await self.page.evaluate("bytes => judge.sendMessage(bytes)", list(data))

    async def fetch(self) -> None:
        assert self.page is not None
        await _fetch_from(self.page, self.sent)


@dataclass
class WindowOnX(XPlayer):
    """Rejoin's window (`judged_window`)."""

    program: asyncio.subprocess.Process | None = None

    async def send_message(self, data: bytes) -> None:
        assert self.program is not None
        assert self.program.stdin is not None
        self.program.stdin.write(f"message {data.hex()}\n".encode())

    async def fetch(self) -> None: ...

    async def read(self) -> None:
        """Keep what the program prints, to its end."""
        assert self.program is not None
        assert self.program.stdout is not None
        async for line in self.program.stdout:
            said = json.loads(line)
            assert "failed" not in said, said
            label, data = said["sent"]
            self.sent.append((label, data))


@dataclass
class ChromiumByPlaywright:
    """Headless Chromium, whose keys and mouse are Playwright's."""

    page: Page
    tools: CDPSession
    origin: tuple[int, int]
    sent: list[Sent] = field(default_factory=list)
    at: tuple[int, int] = (0, 0)
    held: int = 0

    async def play(self, step: Step) -> None:
        keyboard, mouse = self.page.keyboard, self.page.mouse
        match step:
            case KeyStep(code, pressed):
                await (keyboard.down(code) if pressed else keyboard.up(code))
            case RepeatStep(code):
                await keyboard.down(code)
            case MoveStep(x, y):
                await self._move(self.origin[0] + x, self.origin[1] + y)
            case TravelStep(dx, dy):
                await self._move(self.at[0] + dx, self.at[1] + dy)
            case ButtonStep(button, pressed):
                await self._button(button, pressed)
            case WheelStep(right, down):
                await mouse.wheel(NOTCH_PX * right, NOTCH_PX * down)
            case MessageStep(data):
                await self.page.evaluate("bytes => judge.sendMessage(bytes)", list(data))

    async def _move(self, x: int, y: int) -> None:
        self.at = (x, y)
        await self.page.mouse.move(x, y)

    async def _button(self, button: int, pressed: bool) -> None:
        """Playwright has no back and forward; the protocol beneath it has."""
        names = ("left", "middle", "right", "back", "forward")
        self.held ^= (1, 4, 2, 8, 16)[button]
        await self.tools.send(
            "Input.dispatchMouseEvent",
            {
                "type": "mousePressed" if pressed else "mouseReleased",
                "x": self.at[0],
                "y": self.at[1],
                "button": names[button],
                "buttons": self.held,
                "clickCount": 1,
            },
        )

    async def fetch(self) -> None:
        await _fetch_from(self.page, self.sent)


def _site(script: str) -> Starlette:
    async def file(request: Request) -> Response:
        return FileResponse(PAGES / (request.url.path.strip("/") or "judge.html"))

    async def module(_: Request) -> Response:
        return Response(script, media_type="text/javascript")

    async def icon(_: Request) -> Response:
        return Response(status_code=204)

    return Starlette(
        routes=[
            Route("/", file),
            Route("/judge.js", file),
            Route("/module.js", module),
            Route("/favicon.ico", icon),
        ]
    )


@asynccontextmanager
async def _page(
    script: str, user_data: Path, place: Sequence[float], **launch: object
) -> AsyncIterator[Page]:
    """Chromium with the judge's page, whose module is attached."""
    async with serving(_site(script), "127.0.0.1", 0) as port, async_playwright() as playwright:
        address = f"http://127.0.0.1:{port}/"
        flags = [*FLAGS, *(() if launch.get("headless") else (f"--app={address}",))]
        context = await playwright.chromium.launch_persistent_context(
            user_data,
            executable_path=CHROMIUM,
            args=[*flags, *launch.pop("args", ())],  # type: ignore[misc]
            permissions=["microphone", "camera"],
            **launch,  # type: ignore[arg-type]
        )
        try:
            page = context.pages[0] if context.pages else await context.new_page()
            page.set_default_timeout(PATIENCE_S * 1000)
            await page.goto(address)
            await page.evaluate(
                "([place, wishes]) => judge.start(place, wishes)", [list(place), CONFIGURATION]
            )
            yield page
        finally:
            await context.close()


@asynccontextmanager
async def chromium_on_x(
    script: str, user_data: Path, x: XInput, place: Sequence[float]
) -> AsyncIterator[ChromiumOnX]:
    """Chromium in kiosk mode, so that its window is all page."""
    x.leave(SIZE)
    args = ("--kiosk", "--window-position=0,0", f"--window-size={SIZE[0]},{SIZE[1]}")
    launch = {"headless": False, "no_viewport": True, "args": args}
    async with _page(script, user_data, place, **launch) as page:
        await _focus(x, "Judge")
        player = ChromiumOnX(x, (round(place[0]), round(place[1])), page=page)
        assert await page.evaluate("[innerWidth, innerHeight, screenX, screenY]") == [*SIZE, 0, 0]
        yield player


@asynccontextmanager
async def chromium_by_playwright(
    script: str, user_data: Path, place: Sequence[float]
) -> AsyncIterator[ChromiumByPlaywright]:
    viewport = {"width": SIZE[0], "height": SIZE[1]}
    launch = {"headless": True, "viewport": viewport, "screen": viewport}
    async with _page(script, user_data, place, **launch) as page:
        tools = await page.context.new_cdp_session(page)
        yield ChromiumByPlaywright(page, tools, (round(place[0]), round(place[1])))


async def _focus(x: XInput, name: str) -> None:
    """Give the keyboard to the window of this name, as a window manager would."""
    for _ in range(round(PATIENCE_S / POLL_EVERY_S)):
        search = await asyncio.create_subprocess_exec(
            *("xdotool", "search", "--onlyvisible", "--name", f"^{name}$"),
            stdout=asyncio.subprocess.PIPE,
        )
        found = (await search.communicate())[0].decode().strip()
        if found:
            x.focus(int(found.split()[-1]))
            return
        await asyncio.sleep(POLL_EVERY_S)
    raise AssertionError("no window appeared")


@asynccontextmanager
async def window_on_x(script: Path, x: XInput) -> AsyncIterator[tuple[WindowOnX, list[float]]]:
    """Rejoin's window at 0, 0, and the place of its picture."""
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "helpers.judged_window", str(script)),
        *(str(side) for side in SIZE),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[1],
        env={**os.environ, "QT_QPA_PLATFORM": "xcb"},
        limit=1 << 20,
    )
    assert program.stdin is not None
    assert program.stdout is not None
    sent: list[Sent] = []
    x.leave(SIZE)
    try:
        await _focus(x, "Judged window")
        place: list[float] = []
        async with asyncio.timeout(PATIENCE_S):
            while not place:
                said = json.loads(await program.stdout.readline())
                if "sent" in said:
                    sent.append((said["sent"][0], said["sent"][1]))
                else:
                    place = said["ready"]
        player = WindowOnX(x, (round(place[0]), round(place[1])), sent, program)
        reading = asyncio.create_task(player.read())
        try:
            yield player, place
        finally:
            program.stdin.close()
            await asyncio.wait_for(reading, PATIENCE_S)
    finally:
        if program.returncode is None:
            program.stdin.close()
        await asyncio.wait_for(program.wait(), PATIENCE_S)
