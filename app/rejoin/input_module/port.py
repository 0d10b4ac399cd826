"""The runtime's interface to the input module: commands into the sandbox, reports out of it.

All calls are made on the event loop and return at once; `Reports` are called on the event loop.
Nothing here raises: a module that fails is a `failed` report, and after it the client is view only.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from rejoin.input_events.events import InputEvent, PadState
from rejoin.input_events.wishes import VibrationWish

MAX_APPLICATION_BYTES: Final = 65_536
"""Of one application message, in either direction (documented by AWS)."""


class Channel(enum.Enum):
    """The two data channels by their label (observed in AWS's Web SDK)."""

    INPUT = "inputChannel"
    MESSAGES = "clientMessageChannel"


@dataclass(frozen=True, slots=True)
class ModuleOptions:
    """What the module's constructor gets, besides channels and video element.

    `max_kbps` in kbit/s and `max_height` in pixels: the player's limits, None for none.
    `automatic`: the module listens for events itself; else it is called with each event.
    """

    signal_response: str
    max_kbps: int | None = None
    max_height: int | None = None
    automatic: bool = True


@dataclass(frozen=True, slots=True)
class ChannelState:
    """`ready_state`: as RTCDataChannel.readyState. `buffered_bytes`: bufferedAmount."""

    ready_state: str = "connecting"
    buffered_bytes: int = 0


@dataclass(frozen=True, slots=True)
class PeerState:
    """`connection_state`, `ice_state`: as RTCPeerConnection has them. `statistics`: what getStats
    may show, as stats type -> members; never addresses, candidates or certificates."""

    connection_state: str = "new"
    ice_state: str = "new"
    statistics: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


class ModuleProblem(enum.Enum):
    """Why there is no input from a module; each has one sentence for the player."""

    NO_ENGINE = "no engine"
    CANNOT_START = "cannot start"
    SCRIPT_THREW = "script threw"
    NO_MODULE = "no module"
    HUNG = "hung"
    TOO_MUCH = "too much"


@dataclass(frozen=True, slots=True)
class ModuleFacts:
    """For reports: starts of the process, missing browser features that were requested, counts.

    `events`: without the states of a gamepad that a module looks at by itself: it answers none.
    """

    starts: int = 0
    missing: tuple[str, ...] = ()
    events: int = 0
    events_answered: int = 0
    events_with_bytes: int = 0
    events_without_bytes_in_a_row: int = 0
    bytes_sent: int = 0
    errors: int = 0


class Reports(Protocol):
    """`instance` is the number that `make_instance` was given; reports of older ones never come.

    `send`: the module's bytes for a channel, or text for a text message. `cursor`: a CSS keyword,
    "none" hides. `data` of `application_message` is at most `MAX_APPLICATION_BYTES`. `failed` comes
    once; a restart came before it.
    """

    def send(self, instance: int, channel: Channel, data: bytes | str) -> None: ...
    def server_disconnected(self, instance: int, reason: str) -> None: ...
    def application_message(self, instance: int, data: bytes) -> None: ...
    def performance(self, instance: int, statistics: Mapping[str, object]) -> None: ...
    def pointer_lock(self, instance: int, wanted: bool) -> None: ...
    def full_screen(self, instance: int, wanted: bool) -> None: ...
    def cursor(self, instance: int, keyword: str) -> None: ...
    def vibration(self, instance: int, wish: VibrationWish) -> None: ...
    def failed(self, problem: ModuleProblem) -> None: ...


class InputModulePort(Protocol):
    """One sandbox. `sandbox.Sandbox` implements it.

    `start` starts the process; `prepare` does so if need be, and evaluates the script; called again
    with the same script it does nothing. `make_instance` constructs GameCastInput for one
    connection; the last one is detached before. `attach` and `detach` are GameCastInput's; `detach`
    sends releases if `say_releases`, and else nothing more is sent until `attach`. `dispatch` gives
    one event to the instance; pointer moves may be joined. `lay_down`, on any thread, lets it find
    the newest state of a gamepad when it looks for it, if that is possible, and says whether it is;
    nothing may be on its way to `dispatch` that happened before. `settle` waits until all that was
    asked so far is done and reported, for example the releases of `detach`; it ends within half a
    second, whatever the module does. `video_frame` is only needed while `wants_frames`: a module
    waits for the next picture. `close` ends the process.
    """

    wants_frames: bool

    async def start(self) -> None: ...
    async def prepare(self, script: str) -> None: ...
    def make_instance(self, instance: int, options: ModuleOptions) -> None: ...
    def attach(self) -> None: ...
    def detach(self, *, say_releases: bool) -> None: ...
    def dispatch(self, event: InputEvent) -> None: ...
    def lay_down(self, pad: PadState) -> bool: ...
    def channel_state(self, channel: Channel, state: ChannelState) -> None: ...
    def channel_message(self, channel: Channel, data: bytes | str) -> None: ...
    def peer_state(self, state: PeerState) -> None: ...
    def video_size(self, width: int, height: int) -> None: ...
    def video_frame(self, media_time_s: float) -> None: ...
    def send_application_message(self, data: bytes) -> None: ...
    async def settle(self) -> None: ...
    @property
    def facts(self) -> ModuleFacts: ...
    async def close(self) -> None: ...
