"""The seam's second half: private parts of aiortc and aioice that a handshake needs.

The same rules as in `aiortc_seam`: only instances are changed, and
tests/rtc/test_library_contract.py checks every name that is used here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from aioice import stun
from aioice.ice import Connection, StunProtocol
from aiortc.rtcsctptransport import (
    DATA_CHANNEL_OPEN,
    WEBRTC_DCEP,
    RTCSctpTransport,
    SackChunk,
)
from aiortc.utils import uint32_gte

from rejoin.rtc.aiortc_seam import Address, override

# --- ICE ------------------------------------------------------------------------------------------

STRANGERS_ANSWERED_PER_S = 10
"""A socket that answered every request could be made to send to anybody, and to do so all day."""


def limit_answers_to_strangers(connection: Connection, clock: Callable[[], float]) -> None:
    """Answer at most ten requests a second and socket that are not authenticated.

    aioice answers each with an error, 400 or 401. Authenticated requests are always answered, also
    with 487 (role conflict), which ICE needs.
    """
    answered: dict[StunProtocol, deque[float]] = {}

    def respond_error(
        request: stun.Message, address: Address, protocol: StunProtocol, error: tuple[int, str]
    ) -> None:
        if error[0] in (400, 401):
            times = answered.setdefault(protocol, deque(maxlen=STRANGERS_ANSWERED_PER_S))
            now = clock()
            if len(times) == STRANGERS_ANSWERED_PER_S and now - times[0] < 1.0:
                return
            times.append(now)
        respond_as_aioice(request, address, protocol, error)

    respond_as_aioice = override(connection, "respond_error", respond_error)


# --- SCTP -----------------------------------------------------------------------------------------


def watch_association_end(sctp: RTCSctpTransport, on_end: Callable[[], None]) -> None:
    """Call `on_end` when the association is closed, whoever closed it.

    aiortc then closes the channels that it announced to the host; those that it never announced
    stay "connecting" for good.
    """

    def set_state(state: RTCSctpTransport.State) -> None:
        set_as_aiortc(state)
        if state is sctp.State.CLOSED:
            on_end()

    set_as_aiortc = override(sctp, "_set_state", set_state)


def leave_out_data_channels(sctp: RTCSctpTransport) -> None:
    """Never start the association, as the answer has no usable data section."""

    async def start(_capabilities: object, _port: object) -> None:
        """aiortc calls this once DTLS is up."""

    override(sctp, "start", start)


def open_channels_when_acknowledged(sctp: RTCSctpTransport) -> None:
    """A data channel is open as soon as SCTP acknowledged its DATA_CHANNEL_OPEN.

    aiortc waits for DATA_CHANNEL_ACK, which some hosts never send. RFC 8832, 6 lets the opener send
    at once; until an ACK or a message came on the channel, its messages have to be ordered, because
    an unordered one may overtake the OPEN. Call it before the connection starts.
    """
    opening: dict[int, int] = {}  # stream by the TSN of its OPEN
    unconfirmed: set[int] = set()

    async def send(
        stream_id: int,
        pp_id: int,
        user_data: bytes,
        expiry: float | None = None,
        max_retransmits: int | None = None,
        ordered: bool = True,
    ) -> None:
        if pp_id == WEBRTC_DCEP and user_data[0] == DATA_CHANNEL_OPEN:
            opening[sctp._local_tsn] = stream_id
            unconfirmed.add(stream_id)
        await send_as_aiortc(
            stream_id,
            pp_id,
            user_data,
            expiry=expiry,
            max_retransmits=max_retransmits,
            ordered=ordered or stream_id in unconfirmed,
        )

    async def receive(stream_id: int, pp_id: int, data: bytes) -> None:
        unconfirmed.discard(stream_id)
        await receive_as_aiortc(stream_id, pp_id, data)

    async def receive_sack(sack: SackChunk) -> None:
        await receive_sack_as_aiortc(sack)
        if not opening:
            return
        beyond_a_gap = {chunk.tsn for chunk in sctp._sent_queue if chunk._acked}
        for tsn, stream_id in list(opening.items()):
            if uint32_gte(sctp._last_sacked_tsn, tsn) or tsn in beyond_a_gap:
                del opening[tsn]
                channel = sctp._data_channels.get(stream_id)
                if channel is not None and channel.readyState == "connecting":
                    channel._setReadyState("open")

    send_as_aiortc = override(sctp, "_send", send)
    receive_as_aiortc = override(sctp, "_receive", receive)
    receive_sack_as_aiortc = override(sctp, "_receive_sack_chunk", receive_sack)
