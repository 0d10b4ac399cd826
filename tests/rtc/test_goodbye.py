"""The goodbye over real sockets is tested in test_peer.py; here the host is played by hand."""

from __future__ import annotations

import pytest
from aiortc.rtcdtlstransport import State
from aiortc.rtp import RtcpByePacket, RtcpPacket
from pylibsrtp import Policy, Session

from helpers.gathered_connection import HOST, GatheredConnection, gathered_connection
from rejoin.rtc.goodbye import say_goodbye
from rejoin.rtc.outgoing import Outgoing

KEY = bytes(range(30))


def connected(there: GatheredConnection) -> list[bytes]:
    """Give the connection keys and return the datagrams that leave it from now on."""
    sent: list[bytes] = []
    there.dtls._tx_srtp = Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND))
    there.dtls._state = State.CONNECTED
    there.protocol.transport.sendto = lambda data, _: sent.append(data)
    return sent


async def test_the_bye_is_sent_as_often_as_requested_and_then_nothing() -> None:
    async with gathered_connection() as there:
        sent = connected(there)
        gate = there.transport.outgoing
        gate.mute()
        await say_goodbye(there.dtls, gate, times=3, ssrcs=[7, 8], sctp=None)
        host = Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_INBOUND))
        assert RtcpPacket.parse(host.unprotect_rtcp(sent[0])) == [RtcpByePacket(sources=[7, 8])]
        assert sent == [sent[0]] * 3
        assert gate.state is Outgoing.SILENT
        await say_goodbye(there.dtls, gate, times=3, ssrcs=[7, 8], sctp=None)
        assert len(sent) == 3
        there.dtls._state = State.CLOSED


@pytest.mark.parametrize("state", [State.NEW, State.CONNECTING, State.CLOSED])
async def test_a_connection_that_is_not_up_falls_silent_without_a_goodbye(state: State) -> None:
    async with gathered_connection() as there:
        sent = connected(there)
        there.dtls._state = state
        await say_goodbye(there.dtls, there.transport.outgoing, times=2, ssrcs=[7], sctp=None)
        assert sent == []
        assert there.transport.outgoing.state is Outgoing.SILENT
        there.dtls._state = State.CLOSED


async def test_a_connection_that_closes_meanwhile_falls_silent() -> None:
    async with gathered_connection() as there:
        connected(there)
        there.connection._nominated.clear()  # aioice raises ConnectionError without a pair
        await say_goodbye(there.dtls, there.transport.outgoing, times=2, ssrcs=[7], sctp=None)
        assert there.transport.outgoing.state is Outgoing.SILENT
        there.dtls._state = State.CLOSED


class PlayingHost:
    """A host that has not heard the goodbye and still sends RTP."""

    def __init__(self, there: GatheredConnection) -> None:
        self._there = there
        self._sequence = 0
        self._keys = Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND))
        there.dtls._rx_srtp = Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_INBOUND))

    def send(self) -> None:
        self._sequence += 1
        header = bytes.fromhex("8060") + self._sequence.to_bytes(2) + bytes(7) + b"\7"
        self._there.protocol.datagram_received(self._keys.protect(header + b"\x41x"), HOST)


async def test_while_rtp_still_comes_the_same_datagrams_are_sent_again_and_nothing_else() -> None:
    async with gathered_connection() as there:
        sent, host = connected(there), PlayingHost(there)
        await there.transport.goodbye(3, [7, 8], None)
        bye, said_at = sent[0], there.now
        del sent[:]
        for at in (0.05, 0.2, 0.3):
            there.now = said_at + at
            host.send()
        assert sent == [], "this was under way when the goodbye was said"
        there.now = said_at + 6.0
        host.send()
        assert sent == [bye]
        for _ in range(10):
            there.now += 0.024
            host.send()
        assert sent == [bye]
        there.now += 0.02
        host.send()
        assert sent == [bye] * 2
        there.now += 20.0
        assert sent == [bye] * 2, "nothing is sent while no RTP comes"
        for _ in range(100):
            there.now += 0.25
            host.send()
        assert sent == [bye] * 40
        assert there.transport.outgoing.state is Outgoing.SILENT
        there.dtls._state = State.CLOSED


async def test_rtp_that_nobody_authenticated_leads_to_nothing() -> None:
    async with gathered_connection() as there:
        sent, _ = connected(there), PlayingHost(there)
        await there.transport.goodbye(1, [7], None)
        there.now += 6.0
        there.protocol.datagram_received(bytes.fromhex("8060000100000000000000074178"), HOST)
        assert len(sent) == 1
        there.dtls._state = State.CLOSED


async def test_a_goodbye_that_was_never_sent_is_not_sent_again() -> None:
    async with gathered_connection() as there:
        sent, host = connected(there), PlayingHost(there)
        there.dtls._state = State.CLOSED
        await there.transport.goodbye(3, [7], None)
        there.dtls._state = State.CONNECTED
        there.now += 6.0
        host.send()
        assert sent == []
        there.dtls._state = State.CLOSED
