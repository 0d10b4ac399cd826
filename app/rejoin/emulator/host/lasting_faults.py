"""The faults of a host that last until they are cleared: one class each, one active at a time.

A fault acts on the host's parts when it begins and undoes that when it is cleared. Faults that
happen once (DTLS close, graceful close, kill) are methods of `GameHost`.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from rejoin import tasks
from rejoin.clock import Clock
from rejoin.emulator.host.connection import HostConnection
from rejoin.emulator.host.relay import Relay
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.injector.seeds import chance_of, network_profiles
from rejoin.netem.link import Direction, Link

SLOW_START_S: Final = 3.0
"""The delay of a slow start whose fault has no duration."""


class FaultyHost(Protocol):
    """The parts of a host that a fault acts on."""

    @property
    def clock(self) -> Clock: ...
    @property
    def relay(self) -> Relay: ...
    @property
    def settings(self) -> EmulatorSettings: ...
    @property
    def connection(self) -> HostConnection | None:
        """The current connection."""
        ...


@dataclass(frozen=True, slots=True)
class FaultStep:
    """Something that belongs to a fault and happens some time after its beginning."""

    after_s: float
    run: Callable[[], Awaitable[None]]


class LastingFault(ABC):
    """One fault that lasts until it is cleared."""

    mutes_new_connections: bool = False
    """Whether connections that are made while it lasts get no RTP."""
    media_delay_s: float = 0.0
    """How late connections that are made while it lasts get their first RTP."""

    def __init__(self, fault: Fault, host: FaultyHost) -> None:
        self.fault = fault
        self._host = host

    @abstractmethod
    def begin(self) -> float:
        """Make it happen; returns the boot time at which it took effect."""

    @abstractmethod
    def clear(self) -> None:
        """Undo what it did to the host and to the current connection."""

    @property
    def ends_after_s(self) -> float | None:
        """Seconds from its beginning until it is cleared automatically; None: never."""
        return self.fault.duration_s

    def steps(self) -> list[FaultStep]:
        """Timed steps of the fault; called once, after `begin`."""
        return []

    def _set_client_silent(self, silent: bool) -> None:
        connection = self._host.connection
        if connection is not None:
            connection.set_silent_since(self._host.clock() if silent else None)


class Silence(LastingFault):
    """The relay drops both directions."""

    def begin(self) -> float:
        if self.fault.for_all:
            self._host.relay.all_silent = True
        else:
            self._host.relay.silence_existing()
        at = self._host.clock()
        self._set_client_silent(True)
        return at

    def clear(self) -> None:
        self._host.relay.end_silence()
        self._set_client_silent(False)


class Freeze(LastingFault):
    """The host neither sends nor receives on the current connection; the game goes on."""

    def begin(self) -> float:
        if self._host.connection is not None:
            self._host.connection.set_frozen(True)
        at = self._host.clock()
        self._set_client_silent(True)
        return at

    def clear(self) -> None:
        if self._host.connection is not None:
            self._host.connection.set_frozen(False)
        self._set_client_silent(False)


class NoMedia(LastingFault):
    """The host sends no RTP and does everything else."""

    def begin(self) -> float:
        if self._host.connection is not None:
            self._host.connection.mute()
        self.mutes_new_connections = self.fault.for_all
        return self._host.clock()

    def clear(self) -> None:
        if self._host.connection is not None:
            self._host.connection.unmute()


class NoPicture(LastingFault):
    """The host sends sound and no picture."""

    def begin(self) -> float:
        if self._host.connection is not None:
            self._host.connection.pause_picture(True)
        return self._host.clock()

    def clear(self) -> None:
        if self._host.connection is not None:
            self._host.connection.pause_picture(False)


class SlowStart(LastingFault):
    """New connections get their first RTP late. Its duration is that delay, not its own length."""

    def begin(self) -> float:
        self.media_delay_s = self.fault.duration_s or SLOW_START_S
        return self._host.clock()

    def clear(self) -> None:
        if self._host.connection is not None:
            self._host.connection.unmute()

    @property
    def ends_after_s(self) -> float | None:
        return None


class ShapedNetwork(LastingFault):
    """The relay follows a network profile."""

    def __init__(self, fault: Fault, host: FaultyHost) -> None:
        super().__init__(fault, host)
        assert fault.profile is not None
        name, settings = fault.profile, host.settings
        self._profile = network_profiles()[name]
        self._window_s = fault.window_s
        if self._window_s is None:
            self._window_s = settings.notice_silent_client_s + settings.connection_timeout_s

    def begin(self) -> float:
        relay = self._host.relay
        link = Link(
            self._profile,
            relay.now(),
            chance_of(self.fault.seed),
            directions=self.fault.directions,
            window_s=self._window_s,
        )
        relay.set_link(link, existing=not self.fault.for_all)
        return self._host.clock()

    def clear(self) -> None:
        self._host.relay.remove_link()
        self._set_client_silent(False)

    def steps(self) -> list[FaultStep]:
        async def silence_client() -> None:
            self._set_client_silent(True)

        async def end_client_silence() -> None:
            self._set_client_silent(False)

        steps = []
        cut = self._profile.cut
        # Only a cut of what the client sends counts as a silence with a known beginning.
        if cut is not None and Direction.UP in cut.directions & self.fault.directions:
            steps.append(FaultStep(cut.after_s, silence_client))
            length_s = cut.length_s(self._window_s)
            if length_s is not None:
                steps.append(FaultStep(cut.after_s + length_s, end_client_silence))
        if self._profile.rebind_after_s is not None:
            steps.append(FaultStep(self._profile.rebind_after_s, self._host.relay.rebind))
        return steps


LASTING: Final[dict[FaultKind, type[LastingFault]]] = {
    FaultKind.SILENCE: Silence,
    FaultKind.FREEZE: Freeze,
    FaultKind.NO_MEDIA: NoMedia,
    FaultKind.NO_PICTURE: NoPicture,
    FaultKind.SLOW_START: SlowStart,
    FaultKind.PROFILE: ShapedNetwork,
}


class ActiveFault:
    """The one lasting fault of a host, if there is one, with its timed steps."""

    def __init__(self, host: FaultyHost) -> None:
        self._host = host
        self._active: LastingFault | None = None
        self._steps: asyncio.Task[None] | None = None

    @property
    def fault(self) -> Fault | None:
        """The active fault."""
        return None if self._active is None else self._active.fault

    @property
    def mutes_new_connections(self) -> bool:
        return self._active is not None and self._active.mutes_new_connections

    @property
    def media_delay_s(self) -> float:
        return 0.0 if self._active is None else self._active.media_delay_s

    def begin(self, fault: Fault) -> float:
        """Replace the active fault; returns the boot time at which the new one took effect."""
        lasting = LASTING[fault.kind](fault, self._host)
        self.clear()
        at = lasting.begin()
        self._active = lasting
        steps = lasting.steps()
        ends_after_s = lasting.ends_after_s
        if ends_after_s is not None:
            # What would come after its end is left out.
            steps = [step for step in steps if step.after_s < ends_after_s]
            steps.append(FaultStep(ends_after_s, self._clear_later))
        if steps:
            self._steps = tasks.spawn(self._run(steps), name="emulator-fault")
        return at

    def clear(self) -> None:
        """Clear the active fault. Packets that any link delays are sent at once."""
        active, self._active = self._active, None
        if active is not None:
            active.clear()
        self._host.relay.remove_link()

    async def stop_steps(self) -> None:
        """Run no further step: the active fault stays as it is until it is cleared."""
        await tasks.cancel(self._steps)
        self._steps = None

    async def _clear_later(self) -> None:
        self.clear()

    async def _run(self, steps: list[FaultStep]) -> None:
        began_at = self._host.clock()
        for step in sorted(steps, key=lambda each: each.after_s):
            await asyncio.sleep(max(0.0, began_at + step.after_s - self._host.clock()))
            await step.run()
