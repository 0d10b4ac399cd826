from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from aioice import stun
from aioice.ice import StunProtocol

from rejoin.rtc.outgoing import Datagram, Outgoing, OutgoingGate

HOST = ("127.0.0.1", 40_000)


class Socket:
    """What aioice's socket sends, by kind."""

    def __init__(self) -> None:
        self.data: list[bytes] = []
        self.stun = 0
        self.closing = False
        self.transport = SimpleNamespace(
            is_closing=lambda: self.closing, sendto=lambda data, _: self.data.append(data)
        )

    async def send_data(self, data: bytes, address: tuple[str, int]) -> None:
        self.data.append(data)

    def send_stun(self, message: Any, address: tuple[str, int]) -> None:
        self.stun += 1


class Scene:
    def __init__(self) -> None:
        self.gate, self.socket = OutgoingGate(), Socket()
        self.protocol = cast(StunProtocol, self.socket)
        self.gate.watch(self.protocol)

    async def leaves(self) -> tuple[bool, bool]:
        """Whether data, and whether a STUN message, leaves now."""
        before = len(self.socket.data), self.socket.stun
        await self.send(b"x")
        self.protocol.send_stun(stun.Message(stun.Method.BINDING, stun.Class.REQUEST), HOST)
        return len(self.socket.data) > before[0], self.socket.stun > before[1]

    async def send(self, data: bytes) -> None:
        await self.protocol.send_data(data, HOST)


async def test_a_muted_connection_sends_neither_data_nor_stun_responses_but_may_check() -> None:
    scene = Scene()
    assert await scene.leaves() == (True, True)
    scene.gate.mute()
    assert scene.gate.state is Outgoing.CHECKS_ONLY
    assert await scene.leaves() == (False, False)
    assert (scene.gate.may_send, scene.gate.may_check) == (False, True)
    scene.gate.unmute()
    assert await scene.leaves() == (True, True)
    assert (scene.gate.may_send, scene.gate.may_check) == (True, True)


async def test_a_goodbye_leaves_even_a_muted_connection_and_is_recorded() -> None:
    scene = Scene()
    scene.gate.mute()
    scene.gate.begin_goodbye()
    await scene.send(b"bye")
    assert scene.socket.data == [b"bye"]
    assert scene.gate.silence() == [Datagram(scene.protocol, b"bye", HOST)]
    assert scene.gate.silence() == []


async def test_a_silent_connection_stays_silent() -> None:
    scene = Scene()
    scene.gate.silence()
    scene.gate.unmute()
    scene.gate.mute()
    scene.gate.unmute()
    assert scene.gate.state is Outgoing.SILENT
    assert await scene.leaves() == (False, False)
    assert (scene.gate.may_send, scene.gate.may_check) == (False, False)


def test_a_recorded_datagram_is_sent_again_until_its_socket_closes() -> None:
    scene = Scene()
    datagram = Datagram(scene.protocol, b"bye", HOST)
    datagram.send_again()
    scene.socket.closing = True
    datagram.send_again()
    assert scene.socket.data == [b"bye"]
