"""A stream host without media: it answers offers with numbered texts and records its calls."""

from __future__ import annotations

import asyncio
import json

from rejoin.emulator.service.faults import Fault
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.emulator.service.stream_host import HostListener
from rejoin.errors import SignalError


class FakeHost:
    """A `rejoin.emulator.service.stream_host.StreamHost`; refuses offers that contain "bad"."""

    def __init__(self, listener: HostListener, settings: EmulatorSettings) -> None:
        self.listener = listener
        self.settings = settings
        self.calls: list[str] = []
        self.faults: list[Fault] = []
        self._called = asyncio.Event()
        self.running = False
        self.offers: list[str] = []
        self.hold: asyncio.Event | None = None
        """If this is an event, answers wait until it is set."""
        self.fails_to_start = False

    def _note(self, call: str) -> None:
        self.calls.append(call)
        self._called.set()

    async def until(self, call: str) -> None:
        """Wait until this call has been made."""
        while call not in self.calls:
            self._called.clear()
            await self._called.wait()

    async def start(self) -> None:
        self._note("start")
        if self.fails_to_start:
            raise RuntimeError("no game")
        self.running = True

    async def answer(self, connection: int, signal_request: str) -> str:
        self._note(f"answer {connection}")
        if self.hold is not None:
            await self.hold.wait()
        if "bad" in signal_request:
            raise SignalError("This is not an offer.")
        self.offers.append(signal_request)
        return json.dumps({"type": "answer", "sdp": f"answer {connection}"})

    async def disconnect(self, reason: str) -> None:
        self._note(f"disconnect {reason}")

    async def stop(self) -> None:
        self._note("stop")
        self.running = False

    async def inject(self, fault: Fault) -> float:
        scope = "all" if fault.for_all else "existing"
        what = fault.profile or fault.kind.value
        self._note(f"inject {what} {scope} {fault.duration_s}")
        self.faults.append(fault)
        return 1234.5

    def settings_changed(self, settings: EmulatorSettings) -> None:
        self.settings = settings

    def game_state(self) -> dict[str, object]:
        return {"counter": len(self.calls)}


class FakeHosts:
    """A host factory that keeps the hosts it made."""

    def __init__(self) -> None:
        self.made: list[FakeHost] = []
        self.fail_to_start = False
        self.hold: asyncio.Event | None = None

    def __call__(self, listener: HostListener, settings: EmulatorSettings) -> FakeHost:
        host = FakeHost(listener, settings)
        host.fails_to_start = self.fail_to_start
        host.hold = self.hold
        self.made.append(host)
        return host

    @property
    def newest(self) -> FakeHost:
        return self.made[-1]


def offer(words: str) -> str:
    """A SignalRequest of the right outer shape; different words give a different offer."""
    password = words.replace(" ", "+")
    sdp = f"v=0\r\na=ice-ufrag:{password[:4]}\r\na=ice-pwd:{password}\r\n"
    return json.dumps({"type": "offer", "sdp": sdp, "webSdkVersion": "1.2.0"})
