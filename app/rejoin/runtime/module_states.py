"""The parts of the input module, and its state for the newest connection."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from rejoin.core.model import ConnectionNumber, NoInput
from rejoin.input_events.wishes import AnyWish
from rejoin.runtime.module_process import MakeSandbox
from rejoin.runtime.module_scripts import ScriptFetcher
from rejoin.runtime.stream_limits import StreamLimits


@dataclass(frozen=True, slots=True)
class InputParts:
    """The parts of the input module, and its listeners.

    `limits`: the player's limits for the host, read for each instance. `on_wish`: gets the module's
    requests to the window. `on_message`: gets application messages of the game. Both are called on
    the engine's loop.
    """

    fetcher: ScriptFetcher
    make_sandbox: MakeSandbox
    limits: Callable[[], StreamLimits] = StreamLimits
    automatic: bool = True
    on_wish: Callable[[AnyWish], None] = lambda wish: None
    on_message: Callable[[bytes], None] = lambda data: None


class Attachment(enum.Enum):
    """What an instance may do.

    `MADE`: it reads and sends, and gets no input yet. `SUSPENDED`: its messages are dropped.
    `LEAVING`: detached, its key releases may still be sent. `LEFT`: nothing any more.
    """

    MADE = "made"
    ATTACHED = "attached"
    SUSPENDED = "suspended"
    LEAVING = "leaving"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class NoConnection:
    """No answer was applied yet."""


@dataclass(frozen=True, slots=True)
class Loading:
    """The script is fetched, or the process starts."""

    connection: ConnectionNumber
    response: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ready:
    """A process with this script is ready, and the instance is made when it is needed."""

    connection: ConnectionNumber
    response: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Present:
    """There is an instance for this connection."""

    connection: ConnectionNumber
    attachment: Attachment


@dataclass(frozen=True, slots=True)
class Missing:
    """There is none, and why."""

    connection: ConnectionNumber
    why: NoInput


ModuleState = NoConnection | Loading | Ready | Present | Missing
