"""The module's state, independent of its process: script, window, channels, instance. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from rejoin.input_events.events import PadState, View
from rejoin.input_module import commands
from rejoin.input_module.port import Channel, ChannelState, ModuleOptions, PeerState

MAX_PADS: Final = 4


@dataclass(frozen=True, slots=True)
class Connection:
    """The instance of the module for one connection, as it was asked for."""

    instance: int
    options: ModuleOptions
    attached: bool = False


@dataclass(slots=True)
class Standing:
    """The state that a new process gets first."""

    script: str | None = None
    view: View = field(default_factory=View)
    size: tuple[int, int] = (0, 0)
    pads: dict[int, PadState] = field(default_factory=dict)
    channels: dict[Channel, ChannelState] = field(
        default_factory=lambda: {channel: ChannelState() for channel in Channel}
    )
    peer: PeerState = field(default_factory=PeerState)
    connection: Connection | None = None

    def keep_pad(self, pad: PadState) -> None:
        """Remember the state of a gamepad that is there."""
        if pad.connected and 0 <= pad.index < MAX_PADS:
            self.pads[pad.index] = pad
        else:
            self.pads.pop(pad.index, None)

    def of_the_window(self) -> Iterator[str]:
        """Commands that tell a new process about window, picture and gamepads."""
        yield commands.view_command(self.view)
        yield commands.size_command(*self.size)
        for pad in self.pads.values():
            yield commands.event_command(pad)

    def of_the_instance(self) -> str | None:
        """The command that constructs the module's object; None without a script."""
        connection = self.connection
        if connection is None or self.script is None:
            return None
        return commands.instance_command(
            connection.instance, connection.options, self.channels, self.peer
        )

    @property
    def is_attached(self) -> bool:
        return self.connection is not None and self.connection.attached
