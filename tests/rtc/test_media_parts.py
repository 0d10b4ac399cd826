"""What receives the media of a connection, put together."""

from __future__ import annotations

from typing import Any

from rejoin.clock import boot_s
from rejoin.core.model import ConnectionNumber, Policy
from rejoin.media.audio.output import NullOutput
from rejoin.media.video.decoder import Decoder
from rejoin.media.video.picture import PictureSlot
from rejoin.rtc.aiortc_seam import ssrc_of
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.media_parts import MediaOwner, build_media
from rejoin.rtc.playback import MediaSinks
from rejoin.rtc.prepared_connection import PreparedConnections
from rejoin.rtc.transport import Transport


async def test_our_receivers_stand_in_for_the_librarys_and_report_to_the_connection() -> None:
    prepared = PreparedConnections().pop()
    sinks = MediaSinks(PictureSlot(), NullOutput())
    number = ConnectionNumber(1)
    refused: list[str] = []
    ended: list[bool] = []
    transport = Transport(
        prepared.dtls,
        rules=NetworkRules(loopback_only=True),
        clock=boot_s,
        policy=Policy(),
        name="test",
        on_first_packet=lambda: None,
        on_unreachable=lambda _: None,
    )
    owner = MediaOwner(
        number,
        "test",
        boot_s,
        shown=True,
        may_send=lambda: False,
        on_sources_ended=lambda: ended.append(True),
        on_refused=refused.append,
    )
    decoder = Decoder(
        number,
        sinks.slot,
        clock=boot_s,
        on_first_frame=lambda: None,
        on_key_frame_needed=lambda: None,
    )
    media = build_media(prepared, transport, decoder, sinks, owner)
    try:
        assert media.ssrcs == (ssrc_of(prepared.audio.sender), ssrc_of(prepared.video.sender))
        stand_in: Any = prepared.video.receiver
        assert stand_in.receive == media.video.receive
        stand_in = prepared.audio.receiver
        assert stand_in.receive == media.audio.receive
        assert media.video.on_refused is not None
        media.video.on_refused("interlaced video")
        assert refused == ["interlaced video"]
        sources: Any = media.video
        assert sources._sources is media.audio._sources, "one end for both"
    finally:
        await media.video.stop()
        await media.audio.stop()
        await transport.close()
        await prepared.pc.close()
