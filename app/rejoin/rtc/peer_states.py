"""The states of a peer, from before its offer to after its close, and what belongs to each.

    New -> Offered -> Connecting -> Connected -> Playing

From each of these it can become Failed, Leaving (it said goodbye) or Closed, which keep the state
before them. A state never goes back.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from aiortc import RTCPeerConnection
from aiortc.rtcdtlstransport import RTCDtlsTransport

from rejoin.core.model import HardEvidence
from rejoin.rtc.channels import Channels
from rejoin.rtc.media_parts import MediaParts
from rejoin.rtc.transport import Transport
from rejoin.tasks import cancel, spawn

CLOSE_WITHIN_S = 2.0
"""After this time a close no longer waits: sockets are aborted, tasks cancelled."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The objects of one connection: created with its offer, used until its close."""

    loop: asyncio.AbstractEventLoop
    pc: RTCPeerConnection
    dtls: RTCDtlsTransport
    transport: Transport
    channels: Channels
    media: MediaParts

    async def close(self, name: str) -> None:
        """Close them all, bounded in time."""
        self.channels.close()
        await self.media.stop()
        ending = spawn(self.pc.close(), name=f"{name}-library-close")
        _, late = await asyncio.wait({ending}, timeout=CLOSE_WITHIN_S)
        await self.transport.close()
        if late:
            await cancel(ending)


@dataclass(frozen=True, slots=True)
class New:
    """Before the offer."""


@dataclass(frozen=True, slots=True)
class Offered:
    """The offer was made, or is being made; no answer yet."""

    parts: Parts


@dataclass(frozen=True, slots=True)
class Connecting:
    """The answer was accepted; ICE and DTLS are under way."""

    parts: Parts
    deadline: asyncio.Task[None]
    ice: asyncio.Task[None] | None = None
    """Our early start of ICE, ahead of aiortc's."""


@dataclass(frozen=True, slots=True)
class Connected:
    """DTLS is up; no frame decoded yet."""

    parts: Parts
    opened_at: float
    """Boot time."""


@dataclass(frozen=True, slots=True)
class Playing:
    """The first frame was decoded."""

    parts: Parts
    opened_at: float
    evidence: frozenset[HardEvidence] = frozenset()
    """The kinds of evidence posted so far; each is posted once."""
    preparing: asyncio.TimerHandle | None = None
    """Timer after which the next connection is prepared."""


Progress: TypeAlias = New | Offered | Connecting | Connected | Playing


@dataclass(frozen=True, slots=True)
class Failed:
    """ConnectionFailed or VideoRefused was posted; nothing is posted any more."""

    before: Progress


@dataclass(frozen=True, slots=True)
class Leaving:
    """The goodbye was sent, or is being sent; no failure and no evidence is posted any more."""

    before: Progress | Failed


@dataclass(frozen=True, slots=True)
class Closed:
    """`close` was called; no event is posted any more."""

    before: Progress | Failed | Leaving
    closing: asyncio.Task[None]


PeerState: TypeAlias = Progress | Failed | Leaving | Closed


def progress_of(state: PeerState) -> Progress:
    """How far the connection got, before it failed, left or was closed."""
    while isinstance(state, Failed | Leaving | Closed):
        state = state.before
    return state


def parts_of(state: PeerState) -> Parts | None:
    """None before the offer."""
    progress = progress_of(state)
    return None if isinstance(progress, New) else progress.parts


def opened_at(state: PeerState) -> float | None:
    """Boot time at which DTLS was up; None if it never was."""
    progress = progress_of(state)
    return progress.opened_at if isinstance(progress, Connected | Playing) else None


def connection_state(state: PeerState) -> str:
    """RTCPeerConnection.connectionState of a peer in this state."""
    match state:
        case New() | Offered():
            return "new"
        case Connecting():
            return "connecting"
        case Connected() | Playing():
            return "connected"
        case Failed():
            return "failed"
        case Leaving() | Closed():
            return "closed"
        case _:
            assert_never(state)


def is_connected(state: PeerState) -> bool:
    """Whether DTLS is up: also during the goodbye, not after a failure or the close."""
    if isinstance(state, Leaving):
        state = state.before
    return isinstance(state, Connected | Playing)
