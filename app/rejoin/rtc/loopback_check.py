"""Two peers on 127.0.0.1: proof that this installation does ICE, DTLS and SRTP.

Both are aiortc's, as the client's own connection is underneath. One sends an RTP packet through the
other's keys; both directions are tried. No other address is used, and nothing leaves this computer.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final

from aioice import Candidate
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtcdtlstransport import RTCDtlsTransport

from rejoin.errors import PeerError
from rejoin.rtc.aiortc_seam import (
    ice_connection,
    replace_connect,
    replace_gathering,
    replace_rtp_handler,
    rtp_sender,
)

PACKET: Final = b"\x80\x6f\x00\x01\x00\x00\x03\xc0\x00\x00\x04\xd2" + b"Rejoin's own test packet"
"""RTP (RFC 3550, 5.1): version 2, payload type 111, sequence 1, timestamp 960, SSRC 1234."""
SENT_EVERY_S: Final = 0.05
"""UDP may lose a packet even here; SRTP refuses the same one twice, so its number rises."""


class _End:
    """One of the two peers."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self.received = asyncio.get_running_loop().create_future()

    @property
    def dtls(self) -> RTCDtlsTransport:
        assert self.pc.sctp is not None
        transport: RTCDtlsTransport = self.pc.sctp.transport
        return transport

    def prepare(self) -> None:
        """Stay on loopback, and notice RTP that was decrypted."""
        connection = ice_connection(self.dtls)

        async def gather(
            component: int, addresses: list[str], timeout_s: int = 5
        ) -> Sequence[Candidate]:
            return await original(component, ["127.0.0.1"], timeout_s)

        original = replace_gathering(connection, gather)

        async def on_rtp(packet: bytes, arrival_time_ms: int) -> None:
            if packet[12:] == PACKET[12:] and not self.received.done():
                self.received.set_result(None)

        replace_rtp_handler(self.dtls, on_rtp)

        async def connect() -> None:
            with contextlib.suppress(Exception):  # nobody reads it, and DTLS's state says enough
                await connect_as_aiortc()

        connect_as_aiortc = replace_connect(self.pc, connect)


async def check_loopback(within_s: float) -> None:
    """Connect two peers and send an RTP packet each way. Raises PeerError, which says what failed
    or took too long."""
    ends = _End(), _End()
    step = "the offer could not be made"
    try:
        async with asyncio.timeout(within_s):
            step = "ICE or DTLS did not come up"
            await _connect(*ends)
            step = "SRTP packets did not arrive"
            await asyncio.gather(_exchange(*ends), _exchange(*reversed(ends)))
    except TimeoutError:
        raise PeerError(f"Two peers on this computer: {step} within {within_s:.0f} s.") from None
    except PeerError:
        raise
    except Exception as error:  # the libraries' own, whose text may quote an SDP
        raise PeerError(f"Two peers on this computer: {step} ({type(error).__name__}).") from None
    finally:
        await asyncio.gather(*(end.pc.close() for end in ends), return_exceptions=True)


async def _connect(one: _End, other: _End) -> None:
    one.pc.createDataChannel("check")  # the section that ICE and DTLS come with
    one.prepare()
    await one.pc.setLocalDescription(await one.pc.createOffer())
    await other.pc.setRemoteDescription(_description(one))
    other.prepare()
    await other.pc.setLocalDescription(await other.pc.createAnswer())
    await one.pc.setRemoteDescription(_description(other))
    while not all(end.dtls.state == "connected" for end in (one, other)):
        if any(end.dtls.state in ("failed", "closed") for end in (one, other)):
            raise PeerError("Two peers on this computer: DTLS failed.")
        await asyncio.sleep(0.01)


def _description(end: _End) -> RTCSessionDescription:
    local = end.pc.localDescription
    return RTCSessionDescription(sdp=local.sdp, type=local.type)


async def _exchange(sender: _End, receiver: _End) -> None:
    send = rtp_sender(sender.dtls)
    number = 0
    while not receiver.received.done():
        number += 1
        await send(PACKET[:2] + number.to_bytes(2, "big") + PACKET[4:])
        await asyncio.wait({receiver.received}, timeout=SENT_EVERY_S)
