from __future__ import annotations

from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.rtcsctptransport import RTCSctpTransport, SackChunk

from rejoin.rtc import handshake_seam as seam


class OpeningChannels:
    """Two channels of an association that is up as far as aiortc knows; nothing is sent."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.input = self.pc.createDataChannel("input", ordered=False, maxRetransmits=0)
        self.messages = self.pc.createDataChannel("messages")
        assert self.pc.sctp is not None
        self.sctp: Any = self.pc.sctp
        self.sent: list[Any] = []
        seam.open_channels_when_acknowledged(self.sctp)

        async def send_chunk(chunk: Any) -> None:
            self.sent.append(chunk)

        self.sctp._send_chunk = send_chunk

    async def establish(self) -> None:
        self.sctp._data_channel_id = 1
        self.sctp._last_received_tsn = 0
        self.sctp._ssthresh = 100_000
        self.sctp._association_state = RTCSctpTransport.State.ESTABLISHED
        await self.sctp._data_channel_flush()

    async def acknowledge(self, cumulative: int, gaps: list[tuple[int, int]]) -> None:
        sack = SackChunk()
        sack.cumulative_tsn, sack.gaps = cumulative % (1 << 32), gaps
        await self.sctp._receive_sack_chunk(sack)

    async def close(self) -> None:
        self.sctp._t3_cancel()
        await self.pc.close()


async def test_a_channel_opens_when_sctp_acknowledged_its_open_also_beyond_a_gap() -> None:
    scene = OpeningChannels()
    first = scene.sctp._local_tsn
    await scene.establish()
    assert [chunk.tsn for chunk in scene.sent] == [first, (first + 1) % (1 << 32)]
    await scene.acknowledge(first - 1, [])
    assert scene.input.readyState == scene.messages.readyState == "connecting"
    await scene.acknowledge(first - 1, [(2, 2)])
    assert (scene.input.readyState, scene.messages.readyState) == ("connecting", "open")
    await scene.acknowledge(first + 1, [])
    assert scene.input.readyState == "open"
    await scene.close()


async def test_an_acknowledgement_does_not_reopen_a_channel_that_closes() -> None:
    scene = OpeningChannels()
    first = scene.sctp._local_tsn
    await scene.establish()
    scene.input._setReadyState("closing")
    await scene.acknowledge(first + 1, [])
    assert (scene.input.readyState, scene.messages.readyState) == ("closing", "open")
    await scene.close()
