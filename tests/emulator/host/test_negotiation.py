"""What the answer says of media, for what the offer asks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiortc import RTCSessionDescription

from rejoin.emulator.host.negotiation import negotiate
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.rtc.prepared_connection import PreparedConnections
from rejoin.rtc.signal_codec import decode_request, encode_request


@pytest.mark.parametrize(
    ("offers", "takes", "direction"),
    [
        (True, True, "sendrecv"),
        (True, False, "sendonly"),
        (False, True, "sendonly"),
        (False, False, "sendonly"),
    ],
)
async def test_sound_is_taken_where_it_is_offered_and_wanted(
    offers: bool, takes: bool, direction: str
) -> None:
    ours = PreparedConnections(microphone=offers).pop()
    host = PreparedConnections().pop()
    try:
        request = encode_request((await ours.pc.createOffer()).sdp)
        offer = decode_request(request)
        audio = offer.sdp.split("m=video")[0]
        assert ("a=sendrecv" in audio) == offers
        assert ("a=msid:" in request) == offers, "as a browser that sends"
        pc = host.pc
        await pc.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
        settings = replace(EmulatorSettings(), takes_microphone=takes)
        negotiate(pc.getTransceivers(), offer.sdp, settings)
        answer = (await pc.createAnswer()).sdp
        assert f"a={direction}" in answer.split("m=video")[0]
        assert "a=sendonly" in answer.split("m=video")[1]
    finally:
        await ours.close()
        await host.close()
