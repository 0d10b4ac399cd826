"""A sandbox and a source of scripts that a test controls, in place of the input module's own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from rejoin.errors import RejoinError
from rejoin.input_events.events import InputEvent, PadState
from rejoin.input_module.port import (
    Channel,
    ChannelState,
    ModuleFacts,
    ModuleOptions,
    ModuleProblem,
    PeerState,
    Reports,
)
from rejoin.runtime.module_states import InputParts
from rejoin.runtime.stream_limits import StreamLimits

SCRIPT_URL = "https://service.example/web-sdk-protocol.js?Signature=CANARY-1"


class FakeSandbox:
    """An `InputModulePort`: `calls` lists what was asked of it, in order."""

    def __init__(self, reports: Reports, *, holds: bool = False) -> None:
        self.reports = reports
        self.calls: list[str] = []
        self.events: list[InputEvent] = []
        self.options: list[ModuleOptions] = []
        self.states: dict[Channel, ChannelState] = {}
        self.peer_states: list[PeerState] = []
        self.facts = ModuleFacts(starts=1)
        self.wants_frames = False
        self.frames: list[float] = []
        self.laid_down: list[PadState] = []
        self.lays_down = False
        self.goes_on = asyncio.Event()
        """Cleared: `prepare` does not end."""
        if not holds:
            self.goes_on.set()
        self.fails: ModuleProblem | None = None

    async def start(self) -> None:
        self.calls.append("start")

    async def settle(self) -> None:
        self.calls.append("settle")

    def video_frame(self, media_time_s: float) -> None:
        self.frames.append(media_time_s)

    async def prepare(self, script: str) -> None:
        self.calls.append(f"prepare {script}")
        await self.goes_on.wait()
        if self.fails is not None:
            self.reports.failed(self.fails)

    def make_instance(self, instance: int, options: ModuleOptions) -> None:
        self.calls.append(f"instance {instance}")
        self.options.append(options)

    def attach(self) -> None:
        self.calls.append("attach")

    def detach(self, *, say_releases: bool) -> None:
        self.calls.append(f"detach {'with' if say_releases else 'without'} releases")

    def dispatch(self, event: InputEvent) -> None:
        self.calls.append(type(event).__name__)
        self.events.append(event)

    def lay_down(self, pad: PadState) -> bool:
        if self.lays_down:
            self.laid_down.append(pad)
        return self.lays_down

    def channel_state(self, channel: Channel, state: ChannelState) -> None:
        self.states[channel] = state

    def channel_message(self, channel: Channel, data: bytes | str) -> None:
        self.calls.append(f"{channel.value}: {data!r}")

    def peer_state(self, state: PeerState) -> None:
        self.peer_states.append(state)

    def video_size(self, width: int, height: int) -> None:
        self.calls.append(f"video {width}x{height}")

    def send_application_message(self, data: bytes) -> None:
        self.calls.append(f"message {data!r}")

    async def close(self) -> None:
        self.calls.append("close")


@dataclass
class FakeModule:
    """The parts of an input module, and all that was made of them."""

    scripts: dict[str, str | RejoinError] = field(default_factory=lambda: {SCRIPT_URL: "script 1"})
    sandboxes: list[FakeSandbox] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    prepared: int = 0
    wishes: list[object] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    holds: bool = False
    """Whether new sandboxes stay in `prepare`."""
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared: no script arrives."""
    max_kbps: int | None = None

    def __post_init__(self) -> None:
        self.answers.set()

    async def prepare(self) -> None:
        self.prepared += 1

    async def fetch(self, url: str, *, within_s: float) -> str:
        self.fetched.append(url)
        await self.answers.wait()
        script = self.scripts[url]
        if isinstance(script, RejoinError):
            raise script
        return script

    def make_sandbox(self, reports: Reports) -> FakeSandbox:
        self.sandboxes.append(FakeSandbox(reports, holds=self.holds))
        return self.sandboxes[-1]

    @property
    def parts(self) -> InputParts:
        return InputParts(
            self,
            self.make_sandbox,
            limits=lambda: StreamLimits(self.max_kbps, 720),
            on_wish=self.wishes.append,
            on_message=self.messages.append,
        )
