"""The goodbye over real sockets is tested in test_peer.py; here the host is played by hand."""

from __future__ import annotations

import pytest
from aiortc.rtcdtlstransport import State
from aiortc.rtp import RtcpByePacket, RtcpPacket
from pylibsrtp import Policy, Session

from helpers.gathered_connection import GatheredConnection, gathered_connection
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
