"""What the input module is made of, and what there is of it for the newest connection."""

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
    """What the input module is made of, and who hears from it.

    `limits`: what the player lets the host send, asked for each instance. `on_wish`: what the
    module wants of the window. `on_message`: an application message of the game. Both are called on
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

    `MADE`: it reads and sends, and gets no input yet. `SUSPENDED`: what it sends is dropped.
    `LEAVING`: detached, its releases may still go. `LEFT`: nothing any more.
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
    """A process with this script stands ready, and the instance is made when it is needed."""

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
