"""One client connection against a small host on 127.0.0.1: real UDP, ICE, DTLS, SRTP, SCTP."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import re
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aioice import stun
from aiortc.codecs.h264 import H264Encoder
from aiortc.rtcsctptransport import SCTP_DATA_FIRST_FRAG, DataChunk
from aiortc.rtp import RtpPacket as AiortcPacket

from conftest import LogRecords
from helpers.h264_streams import x264
from helpers.loopback_host import LoopbackHost, make_ed25519_certificate, make_rsa_certificate
from rejoin import tasks
from rejoin.core.events import (
    ConnectionFailed,
    ConnectionOpened,
    Event,
    FirstFrameDecoded,
    FirstPacketArrived,
    HardEvidenceSeen,
    InputOpened,
    InputUnavailable,
    VideoRefused,
)
from rejoin.core.model import ConnectionNumber, HardEvidence, Policy
from rejoin.errors import PeerError, RejoinError, SignalError
from rejoin.input_protocol.controls import (
    INPUT_CHANNEL,
    MESSAGE_CHANNEL,
    Controls,
    ControlsMessage,
    Hello,
    encode,
)
from rejoin.media.audio.output import NullOutput
from rejoin.media.receive.rtp import RtpPacket
from rejoin.media.video.hardware import Hardware, OnHardware
from rejoin.media.video.picture import PictureSlot
from rejoin.rtc.aiortc_seam import override, rtp_sender
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.channels import ChannelState
from rejoin.rtc.handshake_seam import CHECKED_ADDRESSES_MAX, SOURCES_MAX
from rejoin.rtc.peer import Peer, PeerSettings
from rejoin.rtc.peer_states import Parts, parts_of
from rejoin.rtc.playback import MediaSinks
from rejoin.rtc.prepared_connection import PreparedConnections
from rejoin.rtc.sctp_limits import LABEL_MAX_BYTES
from rejoin.rtc.sctp_reassembly import CHUNK_OVERHEAD_BYTES
from rejoin.rtc.signal_codec import AUDIO_MID, DATA_MID, VIDEO_MID
from rejoin.rtc.transport_cc import OFFERED_ID

HELD = encode(ControlsMessage(1, Controls(keys=frozenset({4}))))
LOOPBACK = NetworkRules(loopback_only=True)


class Sound(NullOutput):
    def __init__(self) -> None:
        super().__init__()
        self.bytes_played = 0

    def play(self, samples: bytes) -> float | None:
        self.bytes_played += len(samples)
        return None


class Scene:
    """A peer, a host, and all events that the peer posted."""

    def __init__(
        self,
        number: int = 1,
        policy: Policy | None = None,
        hardware: Hardware | None = None,
        prepared: PreparedConnections | None = None,
        dtls_client: bool = False,
        **host: Any,
    ) -> None:
        self.events: list[Event] = []
        self.slot = PictureSlot()
        self.sound = Sound()
        self.host = LoopbackHost(**host)
        self.peer = Peer(
            ConnectionNumber(number),
            PeerSettings(LOOPBACK, policy or Policy(), hardware, dtls_client),
            MediaSinks(self.slot, self.sound),
            post=self.events.append,
            prepared=prepared,
        )
        self.heard: list[tuple[str, bytes | str]] = []
        self.states: list[tuple[str, str]] = []
        self.peer.listen(self)

    def message(self, label: str, data: bytes | str) -> None:
        self.heard.append((label, data))

    def state(self, label: str) -> None:
        self.states.append((label, self.peer.channel_state(label).ready_state))

    @property
    def parts(self) -> Parts:
        parts = parts_of(self.peer._state)
        assert parts is not None, "no offer was made"
        return parts

    async def connect(self) -> None:
        answer = await self.host.answer(await self.peer.make_offer())
        await self.peer.apply_answer(answer)

    async def until_live(self) -> None:
        await self.connect()
        await self.until(lambda: self.saw(FirstFrameDecoded) and self.saw(InputOpened))

    async def mute_and_arrive(self) -> None:
        """Mute the peer; all that it sent before has arrived at the host, and is not in `heard`."""
        self.peer.mute()
        checks, now = self.parts.transport.checks, self.peer._clock()
        assert checks.send()
        await self.until(lambda: checks.proved_sent_at is not None and checks.proved_sent_at >= now)
        self.host.heard.clear()

    def saw(self, kind: type[Any]) -> bool:
        return any(isinstance(event, kind) for event in self.events)

    def evidence(self) -> set[HardEvidence]:
        return {event.evidence for event in self.events if isinstance(event, HardEvidenceSeen)}

    async def until(self, true: Callable[[], object], within_s: float = 60.0) -> None:
        end = time.monotonic() + within_s
        while not true():
            assert time.monotonic() < end, f"not in time: {self.events}, {asyncio.all_tasks()}"
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        await self.peer.close()
        await self.host.close()


def sockets() -> int:
    """UDP sockets of this process."""
    return sum(
        os.readlink(entry).startswith("socket:")
        for entry in Path("/proc/self/fd").iterdir()
        if entry.exists()
    )


@asynccontextmanager
async def played(**host: Any) -> AsyncIterator[Scene]:
    """A peer and a host; at the end both are closed and nothing of the peer may be left."""
    before = sockets()
    scene = Scene(**host)
    try:
        yield scene
    finally:
        await scene.close()
    posted = len(scene.events)
    await scene.until(lambda: len(asyncio.all_tasks()) == 1)
    await scene.until(lambda: sockets() <= before)
    assert tasks.alive() == frozenset()
    await scene.until(
        lambda: not [t.name for t in threading.enumerate() if t.name.startswith("rejoin-")]
    )
    assert len(scene.events) == posted
    steps = (FirstPacketArrived, ConnectionOpened)
    posted_steps = [type(event) for event in scene.events if isinstance(event, steps)]
    assert posted_steps == list(steps[: len(posted_steps)]), "each once, in this order"
    gc.collect()


async def test_the_offer_is_a_web_sdk_request_without_a_candidate() -> None:
    async with played() as scene:
        request = json.loads(await scene.peer.make_offer())
        sdp = request["sdp"]
        assert [line[:7] for line in sdp.split("\r\n") if line.startswith("m=")] == [
            "m=audio",
            "m=video",
            "m=appli",
        ]
        assert "candidate" not in sdp
        assert re.findall(r"a=mid:(\S+)", sdp) == [AUDIO_MID, VIDEO_MID, DATA_MID]
        assert sdp.count("a=recvonly") == 2
        for profile in ("42001f", "42e01f", "4d001f", "64001f"):
            assert f"profile-level-id={profile};x-google-max-bitrate=19000" in sdp
        assert "goog-remb" in sdp
        audio, video, data = sdp.split("\r\nm=")[1:]
        transport_cc = f"a=extmap:{OFFERED_ID} http://www.ietf.org/id/draft-holmer-rmcat-"
        assert audio.count(transport_cc) == video.count(transport_cc) == 1
        assert audio.count(" transport-cc") == audio.count("opus/48000/2") == 1
        assert video.count(" transport-cc") == video.count(" H264/90000") == 8
        assert "transport-cc" not in data
        assert "b=AS:19000\r\nb=TIAS:19000000" in video
        assert "rtx/90000" in sdp
        assert "abs-send-time" in sdp
        for unwanted in ("VP8", "G722", "a=ssrc"):
            assert unwanted not in sdp
        with pytest.raises(PeerError):
            await scene.peer.make_offer()


async def test_from_offer_to_picture_sound_and_input() -> None:
    async with played() as scene:
        assert scene.peer.sample() is None
        await scene.until_live()
        scene.peer.show(True)
        await scene.until(lambda: scene.heard)
        assert scene.heard == [(INPUT_CHANNEL, encode(Hello(1)))]
        assert scene.slot.take() is not None
        await scene.until(lambda: scene.sound.bytes_played > 0)
        assert scene.peer.channel_state(INPUT_CHANNEL) == ChannelState("open", 0)
        assert scene.peer.send(INPUT_CHANNEL, HELD)
        await scene.until(lambda: scene.host.messages)
        assert isinstance(scene.host.messages[0], ControlsMessage)
        assert scene.host.messages[0].controls.keys == {4}

        first = scene.peer.sample()
        assert first is not None
        await scene.until(lambda: (s := scene.peer.sample()) is not None and s.rtt_s is not None)
        await scene.until(
            lambda: (
                (s := scene.peer.sample()) is not None
                and s.last_packet_at > first.last_packet_at
                and s.last_rtp_at > first.last_rtp_at
                and s.last_frame_at > first.last_frame_at
                and s.frames_decoded > first.frames_decoded
            )
        )
        second = scene.peer.sample()
        assert second is not None
        assert second.frame_interval_s > 0
        assert second.proved_sent_at is not None
        statistics = scene.peer.statistics()
        assert statistics.last_stun_at is not None
        assert statistics.last_stun_at >= second.proved_sent_at
        assert (statistics.width, statistics.height) == (640, 480)
        assert statistics.connected
        assert (statistics.decoder, statistics.hardware_failures) == ("software", 0)
        assert statistics.packets_received > 0
        assert statistics.pli_count >= 1
        assert statistics.receive_buffer_bytes is not None
    kinds = [type(event) for event in scene.events]
    assert kinds.index(ConnectionOpened) < kinds.index(FirstFrameDecoded)
    assert not scene.saw(ConnectionFailed)
    assert not scene.saw(HardEvidenceSeen)


@pytest.mark.parametrize("rejects", [("audio",), ("application",), ("audio", "application")])
async def test_a_host_that_rejects_sound_or_channels_plays(rejects: tuple[str, ...]) -> None:
    async with played(rejects=rejects) as scene:
        await scene.connect()
        scene.peer.show(True)
        await scene.until(lambda: scene.saw(FirstFrameDecoded))
        await scene.until(lambda: scene.slot.take() is not None)
        if "application" in rejects:
            assert scene.parts.pc.sctp is not None
            assert scene.parts.pc.sctp.state == "new", "nothing is sent that the host rejected"
            assert scene.events.count(InputUnavailable(ConnectionNumber(1))) == 1
        else:
            await scene.until(lambda: scene.saw(InputOpened))
        if "audio" not in rejects:
            await scene.until(lambda: scene.sound.bytes_played > 0)
        decoded = scene.peer.statistics().frames_decoded
        await scene.until(lambda: scene.peer.statistics().frames_decoded > decoded + 10)
    assert not scene.saw(ConnectionFailed)
    assert not scene.saw(HardEvidenceSeen)


def without_first_video_type(sdp: str) -> str:
    """The answer of a host that narrowed its codecs, but sends in the type that it left out."""
    found = re.search(r"(?m)^m=video [0-9]+ UDP/TLS/RTP/SAVPF ([0-9]+) ", sdp)
    assert found is not None
    media_line = found[0]
    sdp = sdp.replace(media_line, media_line.replace(f" {found[1]} ", " "))
    return re.sub(rf"(?m)^a=(rtpmap|fmtp|rtcp-fb):{found[1]} .*\r\n", "", sdp)


async def test_video_in_an_offered_type_that_the_answer_leaves_out_is_played() -> None:
    async with played(rewrite=without_first_video_type) as scene:
        await scene.connect()
        await scene.until(lambda: scene.saw(FirstFrameDecoded))
        assert scene.peer.statistics().packets_unrouted == 0


ODD_BUT_HARMLESS: dict[str, Callable[[str], str]] = {
    "trailing blanks": lambda sdp: sdp.replace("\r\n", " \r\n"),
    "only sha-512": lambda sdp: re.sub(r"(?m)^a=fingerprint:sha-(256|384) .*\r\n", "", sdp),
    "only sha-384": lambda sdp: re.sub(r"(?m)^a=fingerprint:sha-(256|512) .*\r\n", "", sdp),
    "a private candidate first": lambda sdp: sdp.replace(
        "a=candidate:",
        "a=candidate:1 1 udp 2130706431 172.31.1.72 33440 typ host\r\na=candidate:",
        1,
    ),
    "header extensions with attributes": lambda sdp: re.sub(
        r"(?m)^(a=extmap:.*)\r$", r"\1 x=1\r", sdp
    ),
    "text in UTF-8": lambda sdp: sdp.replace("s=-", "s=a\tb\u00fc").replace(
        "cname:", "cname:\u00fc"
    ),
    "the older data section": lambda sdp: re.sub(
        r"UDP/DTLS/SCTP webrtc-datachannel(?s:.*?)a=sctp-port:5000",
        lambda match: (
            match[0]
            .replace("UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5000")
            .replace("a=sctp-port:5000", "a=sctpmap:5000 webrtc-datachannel 1024")
        ),
        sdp,
    ),
    "Constrained High of level 6.2": lambda sdp: sdp.replace("64001f", "640c3e"),
    "doubled lines": lambda sdp: re.sub(r"(?m)^(a=(?!mid).*\r\n)", r"\1\1", sdp),
}


@pytest.mark.parametrize("what", ODD_BUT_HARMLESS)
async def test_an_odd_but_harmless_answer_loses_nothing(what: str) -> None:
    async with played(rewrite=ODD_BUT_HARMLESS[what]) as scene:
        await scene.until_live()
        scene.peer.show(True)
        await scene.until(lambda: scene.sound.bytes_played > 0)
        negotiated = scene.parts.media.video.inbound.negotiated
        assert (negotiated.nack, negotiated.remb) == (True, True)
        assert negotiated.send_time_id is not None
        assert len(negotiated.rtx_payload_types) == 8
    assert not scene.saw(ConnectionFailed)


async def test_media_that_belongs_to_no_section_is_counted() -> None:
    async with played(rewrite=lambda sdp: sdp.replace("a=sendonly", "a=inactive", 1)) as scene:
        await scene.connect()
        await scene.until(lambda: scene.saw(FirstFrameDecoded))
        await scene.until(lambda: scene.peer.statistics().packets_unrouted > 5)
    assert not scene.saw(ConnectionFailed)


async def test_while_one_plays_the_next_is_prepared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rejoin.rtc.peer.PREPARE_AFTER_S", 0.0)
    prepared = PreparedConnections()
    first = Scene(prepared=prepared)

    async with played(prepared=prepared) as scene:
        await first.until_live()
        await first.until(lambda: prepared._prepared is not None)
        assert prepared._prepared is not None
        next_pc = prepared._prepared.pc
        await first.close()
        await scene.until_live()
        assert scene.parts.pc is next_pc


async def test_a_dtls_client_offers_that_role_and_accepts_an_answer_with_the_other() -> None:
    async with played(dtls_client=True) as scene:
        offer = await scene.peer.make_offer()
        assert "a=setup:active" in offer
        assert "actpass" not in offer
        # a host that ignores the offered role
        answer = await scene.host.answer(offer.replace("setup:active", "setup:actpass"))
        assert "a=setup:active" in answer
        await scene.peer.apply_answer(answer)
        await scene.until(lambda: scene.saw(FirstFrameDecoded))
        assert scene.parts.dtls.state == "connected"


@pytest.mark.parametrize("dtls_client", [False, True])
async def test_a_host_with_an_rsa_certificate_is_played_in_both_dtls_roles(
    dtls_client: bool,
) -> None:
    async with played(dtls_client=dtls_client, certificate=make_rsa_certificate()) as scene:
        await scene.until_live()
        servers_key = "RSA" if dtls_client else "ECDSA"
        ssl: Any = scene.parts.dtls._ssl
        assert ssl.get_cipher_name() == f"ECDHE-{servers_key}-AES128-GCM-SHA256"
        assert not scene.saw(HardEvidenceSeen)


@pytest.mark.parametrize("ciphers", ["CHACHA20-POLY1305", "AES256-GCM-SHA384"])
async def test_a_dtls_server_with_an_rsa_certificate_may_have_any_aead(ciphers: str) -> None:
    async with played(dtls_client=True, certificate=make_rsa_certificate(ciphers)) as scene:
        await scene.until_live()
        ssl: Any = scene.parts.dtls._ssl
        assert ssl.get_cipher_name() == f"ECDHE-RSA-{ciphers}"


async def test_a_host_with_an_ed25519_certificate_is_played() -> None:
    """As DTLS client; a server with one is in `tests/live/test_foreign_hosts.py` (Pion)."""
    async with played(certificate=make_ed25519_certificate()) as scene:
        await scene.until_live()
        assert not scene.saw(HardEvidenceSeen)


async def test_the_first_check_is_sent_before_the_library_has_read_the_answer() -> None:
    async with played() as scene:
        answer = await scene.host.answer(await scene.peer.make_offer())
        happened: list[str] = []
        for protocol in scene.parts.transport._connection._protocols:

            def sending(
                message: stun.Message, address: Any, send: Any = protocol.send_stun
            ) -> None:
                happened.append(f"{message.message_class.name} sent")
                send(message, address)

            override(protocol, "send_stun", sending)

        async def reading(description: Any) -> None:
            happened.append("read")
            await read(description)

        read = override(scene.parts.pc, "setRemoteDescription", reading)
        await scene.peer.apply_answer(answer)
        await scene.until(lambda: scene.saw(FirstFrameDecoded))
        assert happened[:2] == ["REQUEST sent", "read"]


async def test_lost_sound_stays_counted_when_its_source_changes() -> None:
    async with played() as scene:
        await scene.until_live()
        reception = scene.parts.media.audio.reception
        await scene.until(lambda: reception.ssrc is not None)
        before = scene.peer.statistics().audio_packets_lost
        for ssrc, sequence in ((1, 10), (1, 15), (2, 7)):
            reception.add(RtpPacket(96, 0, sequence, 0, ssrc, b"x"), 0.0)
        assert scene.peer.statistics().audio_packets_lost >= before + 4


async def test_a_hidden_peer_decodes_and_shows_its_newest_picture_at_once() -> None:
    async with played() as scene:
        await scene.until_live()
        assert scene.slot.take() is None
        assert scene.sound.bytes_played == 0
        scene.peer.show(True)
        picture = scene.slot.take()
        assert picture is not None
        assert picture.connection == 1


async def test_a_host_behind_a_cut_network_is_silent_and_then_heard_again() -> None:
    async with played() as scene:
        await scene.until_live()
        scene.host.cut = True
        before = scene.peer.sample()
        for _ in range(20):  # packets in flight still arrive
            await asyncio.sleep(0.3)
            earlier, before = before, scene.peer.sample()
            assert earlier is not None
            assert before is not None
            if earlier.last_packet_at == before.last_packet_at:
                break
        scene.peer.start_checks()
        await asyncio.sleep(0.6)
        after = scene.peer.sample()
        assert before is not None
        assert after is not None
        assert after.last_packet_at == before.last_packet_at
        assert after.proved_sent_at == before.proved_sent_at
        assert scene.peer.statistics().checks_sent > scene.peer.statistics().checks_answered
        scene.host.cut = False
        await scene.until(
            lambda: (
                (s := scene.peer.sample()) is not None
                and s.last_rtp_at > before.last_rtp_at
                and s.proved_sent_at is not None
                and s.proved_sent_at > after.last_packet_at
            )
        )
        scene.peer.stop_checks()
    assert not scene.saw(HardEvidenceSeen)


async def test_datagrams_from_a_stranger_do_not_end_the_connection() -> None:
    async with played() as scene:
        await scene.until_live()
        transport = scene.parts.transport
        port = transport._connection._nominated[1].protocol.transport.get_extra_info("sockname")[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for data in (b"", b"\0", b"\x16", b"\x80\x60" + bytes(40), b"\x80\xc8" + bytes(40)):
                stranger.sendto(data, ("127.0.0.1", port))
        await scene.until(lambda: scene.peer.statistics().packets_failed >= 2)
        decoded = scene.peer.statistics().frames_decoded
        await scene.until(lambda: scene.peer.statistics().frames_decoded > decoded)
    assert not scene.saw(HardEvidenceSeen)


async def test_a_muted_peer_sends_nothing_but_checks() -> None:
    async with played() as scene:
        await scene.until_live()
        await scene.mute_and_arrive()
        assert not scene.peer.send(INPUT_CHANNEL, HELD)
        assert not scene.peer.send(MESSAGE_CHANNEL, b"application message")
        asked = scene.peer.statistics().pli_count
        scene.peer.request_key_frame()
        await asyncio.sleep(1.8)
        assert not scene.host.heard, "muted and without checks it sends nothing"
        assert scene.peer.statistics().pli_count == asked, "what is not sent does not count"
        scene.peer.start_checks()
        await scene.until(lambda: scene.host.heard["stun"] >= 5)
        assert set(scene.host.heard) == {"stun"}
        scene.peer.stop_checks()
        scene.peer.unmute()
        assert scene.peer.send(INPUT_CHANNEL, HELD)
        await scene.until(lambda: scene.host.heard["rtcp"] and scene.host.heard["dtls"])


async def test_goodbye_ends_the_host_at_once_and_is_followed_by_silence() -> None:
    async with played() as scene:
        await scene.until_live()
        scene.host.heard.clear()
        await scene.peer.say_goodbye(3)
        await asyncio.wait_for(scene.host.closed.wait(), 60)
        assert scene.host.heard["rtcp"] >= 1
        assert scene.host.heard["dtls"] >= 2
        assert not scene.parts.transport.checks.send()
        await scene.peer.say_goodbye(3)
    assert not scene.saw(HardEvidenceSeen)
    assert not scene.saw(ConnectionFailed)


async def test_goodbye_is_repeated_for_a_host_that_missed_the_first() -> None:
    async with played() as scene:
        await scene.until_live()
        await scene.mute_and_arrive()
        scene.host.cut = True
        await scene.peer.say_goodbye(3)
        await scene.until(lambda: scene.host.heard["dtls"] == 6)  # ABORT and close_notify
        assert scene.host.heard["rtcp"] == 3
        heard = scene.host.heard.total()
        await asyncio.sleep(1.5)
        assert scene.host.heard.total() == heard


async def test_a_goodbye_lost_in_a_dead_path_is_heard_once_the_path_is_back() -> None:
    async with played() as scene:
        await scene.until_live()
        await scene.mute_and_arrive()
        scene.host.cut = True
        await scene.peer.say_goodbye(3)
        await asyncio.sleep(0.5)
        assert not scene.host.closed.is_set()
        scene.host.heard.clear()
        scene.host.cut = False
        await asyncio.wait_for(scene.host.closed.wait(), 60)
        assert set(scene.host.heard) <= {"rtcp", "dtls"}, "the goodbye and nothing else"
    assert not scene.saw(HardEvidenceSeen)


async def test_a_sample_says_what_is_lost_in_each_direction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with played() as scene:
        await scene.until_live()
        await scene.until(lambda: (s := scene.peer.sample()) and s.proved_sent_at)
        await scene.until(lambda: scene.parts.media.audio.reception.packets_expected)
        scene.parts.transport.checks.note_refused()
        refused = scene.peer.sample()
        assert refused is not None
        assert refused.sends_fail_since_at is not None
        scene.host.cut = True
        await scene.until(lambda: (s := scene.peer.sample()) and s.unanswered_since_at)
        await scene.until(lambda: (s := scene.peer.sample()) and s.sends_fail_since_at is None)
        received = scene.parts.media.video.reception
        at = scene.peer._clock()
        received.count_sent(0, at + 1.0)
        received.count_sent(100, at + 2.0)
        lost = scene.peer.sample()
        assert lost is not None
        assert lost.video_missing == 1.0
        assert lost.sound_loss == 0.0
        sound = scene.parts.media.audio.reception
        monkeypatch.setattr(type(sound), "packets_expected", 0)
        silent = scene.peer.sample()
        assert silent is not None
        assert silent.sound_loss is None, "no sound has come yet"


async def test_a_host_that_closes_is_evidence_at_once() -> None:
    async with played() as scene:
        await scene.until_live()
        await scene.host.close()
        await scene.until(lambda: HardEvidence.DTLS_CLOSED in scene.evidence())
    assert HardEvidence.CHANNEL_CLOSED in scene.evidence()
    evidence = [e.evidence for e in scene.events if isinstance(e, HardEvidenceSeen)]
    assert len(evidence) == len(set(evidence))


async def test_the_bye_of_every_source_is_evidence_that_of_one_is_not() -> None:
    async with played() as scene:
        await scene.until_live()
        await scene.until(lambda: scene.parts.media.audio.reception.ssrc is not None)
        sources = scene.parts.media.audio._sources
        picture = scene.parts.media.video.reception.ssrc
        senders = {each.kind: each.sender for each in scene.host.pc.getTransceivers()}
        await senders["audio"].stop()  # it says BYE
        await scene.until(lambda: sources._playing == {picture})
        assert scene.evidence() == set()
        await senders["video"].stop()
        await scene.until(lambda: scene.saw(HardEvidenceSeen))
    assert scene.evidence() == {HardEvidence.RTCP_BYE}


async def test_a_disconnect_message_is_evidence_with_its_reason() -> None:
    async with played() as scene:
        await scene.until_live()
        await scene.until(lambda: MESSAGE_CHANNEL in scene.host.channels)
        for _ in range(2):
            scene.peer.server_disconnected("terminated")
        await scene.until(lambda: HardEvidence.SERVER_DISCONNECTED in scene.evidence())
    expected = HardEvidenceSeen(ConnectionNumber(1), HardEvidence.SERVER_DISCONNECTED, "terminated")
    assert expected in scene.events


@pytest.mark.parametrize("label", [INPUT_CHANNEL, MESSAGE_CHANNEL])
async def test_a_channel_that_the_host_closes_is_evidence_even_with_media(
    label: str,
) -> None:
    async with played() as scene:
        await scene.until_live()
        await scene.until(lambda: label in scene.host.channels)
        scene.host.channels[label].close()
        await scene.until(lambda: scene.saw(HardEvidenceSeen))
    expected = HardEvidenceSeen(ConnectionNumber(1), HardEvidence.CHANNEL_CLOSED, label)
    assert [e for e in scene.events if isinstance(e, HardEvidenceSeen)] == [expected]


async def test_hardware_that_vanished_costs_no_picture(
    expected_logs: LogRecords,
) -> None:
    class Gone(Hardware):
        """A name that FFmpeg does not know."""

        def __init__(self) -> None:
            super().__init__()
            self._state = OnHardware("no such thing")

    async with played(hardware=Gone()) as scene:
        await scene.until_live()
        numbers = scene.peer.statistics()
        assert (numbers.decoder, numbers.hardware_failures) == ("software", 1)
        assert numbers.frames_failed == 0
    assert len(expected_logs.lines) == 1


async def test_video_that_cannot_be_played_ends_the_attempt_with_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [units] = x264(1, "interlaced=1")
    monkeypatch.setattr(H264Encoder, "_encode_frame", lambda *_: iter(units))
    async with played() as scene:
        await scene.connect()
        await scene.until(lambda: scene.saw(VideoRefused))
        refusals = [event for event in scene.events if isinstance(event, VideoRefused)]
        assert refusals == [VideoRefused(scene.peer.number, "interlaced video")]
        numbers = scene.peer.statistics()
        assert numbers.unsupported == "interlaced video"
        assert numbers.frames_unsupported == numbers.frames_dropped > 0
        assert (numbers.frames_decoded, numbers.frames_failed) == (0, 0)
        assert not scene.saw(ConnectionFailed)


@pytest.mark.parametrize("allowed", [True, False])
async def test_444_is_played_where_it_is_allowed(
    monkeypatch: pytest.MonkeyPatch, allowed: bool
) -> None:
    """The host answers with the profile if it was offered, and sends 4:4:4 in any case."""
    [units] = x264(1, pixels="yuv444p")
    monkeypatch.setattr(H264Encoder, "_encode_frame", lambda *_: iter(units))
    async with played(prepared=PreparedConnections(allow_444=allowed)) as scene:
        await scene.connect()
        answered = scene.host.pc.remoteDescription.sdp
        assert ("profile-level-id=f4001f" in answered) == allowed
        if allowed:
            await scene.until(lambda: scene.saw(FirstFrameDecoded))
            assert scene.peer.statistics().profile == "High 4:4:4 Predictive"
            picture = scene.slot.take()
            assert picture is None or picture.frame.format.name == "yuv444p"
        else:
            await scene.until(lambda: scene.saw(VideoRefused))
            [refusal] = [event for event in scene.events if isinstance(event, VideoRefused)]
            assert "4:4:4" in refusal.detail


async def test_arrival_times_are_kept_by_kind_and_stop_at_a_cut() -> None:
    def arrivals(scene: Scene) -> tuple[float | None, ...]:
        numbers = scene.peer.statistics()
        return (
            numbers.last_rtp_at,
            numbers.last_rtcp_at,
            numbers.last_sender_report_at,
            numbers.last_stun_at,
            numbers.last_data_at,
        )

    async with played() as scene:
        assert arrivals(scene) == (None,) * 5
        await scene.until_live()
        await scene.until(lambda: None not in arrivals(scene))
        first = arrivals(scene)
        scene.peer.start_checks()
        await scene.until(
            lambda: all(a != b for a, b in zip(first[:4], arrivals(scene)[:4], strict=True))
        )
        numbers = scene.peer.statistics()
        assert numbers.last_rtcp_at is not None
        assert numbers.last_sender_report_at is not None
        assert numbers.last_sender_report_at <= numbers.last_rtcp_at + 0.5, "a report is RTCP"
        scene.host.cut = True
        before = None
        for _ in range(20):  # packets in flight still arrive
            if before == arrivals(scene):
                break
            before = arrivals(scene)
            await asyncio.sleep(0.5)
        assert before == arrivals(scene)


async def test_the_addresses_of_a_connection_are_known_from_its_offer_to_its_end() -> None:
    async with played() as scene:
        assert scene.peer.local_addresses == frozenset()
        await scene.until_live()
        assert scene.peer.local_addresses == {"127.0.0.1"}
        await scene.peer.close()
        assert scene.peer.local_addresses == frozenset()


async def test_what_a_hostile_host_makes_us_remember_is_bounded() -> None:
    """Checks from a thousand addresses, and media of a thousand sources."""
    async with played() as scene:
        await scene.until_live()
        connection = scene.parts.dtls.transport._connection
        (protocol,) = connection._protocols
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{connection.local_username}:host"
        request.attributes["PRIORITY"] = 1
        request.attributes["ICE-CONTROLLED"] = 1
        request.add_message_integrity(connection.local_password.encode())
        for port in range(20_000, 21_000):
            protocol.datagram_received(bytes(request), ("127.0.0.1", port))
        assert len(connection._remote_candidates) <= 1 + CHECKED_ADDRESSES_MAX
        send = rtp_sender(scene.host.pc.getTransceivers()[0].sender.transport)
        for ssrc in range(1000, 2000):
            await send(AiortcPacket(payload_type=96, ssrc=ssrc, payload=b"x").serialize())
        keys: Any = scene.parts.dtls._rx_srtp
        await scene.until(lambda: (1999).to_bytes(4) in keys._known)
        assert len(keys._known) <= SOURCES_MAX
        assert len(scene.parts.dtls._rtp_router.ssrc_table) <= SOURCES_MAX + 2
        assert not scene.saw(HardEvidenceSeen)


async def test_a_channel_that_we_refuse_closes_at_the_host() -> None:
    async with played() as scene:
        await scene.until_live()
        refused = scene.host.pc.createDataChannel("x" * (LABEL_MAX_BYTES + 1))
        taken = scene.host.pc.createDataChannel("x")
        await scene.until(lambda: refused.readyState == "closed")
        await scene.until(lambda: taken.readyState == "open")
        assert not scene.saw(HardEvidenceSeen)


async def test_a_host_that_takes_no_message_of_our_length_is_played_all_the_same() -> None:
    def short(sdp: str) -> str:
        return re.sub(r"a=max-message-size:\d+", "a=max-message-size:1", sdp)

    async with played(rewrite=short) as scene:
        await scene.until_live()
        channels = scene.parts.channels
        assert not scene.peer.send(INPUT_CHANNEL, HELD)
        assert (channels.messages_sent, channels.messages_not_sent) == (0, 1)


async def test_a_message_of_the_host_that_never_ends_is_not_kept_and_the_game_goes_on() -> None:
    async with played() as scene:
        await scene.until_live()
        here: Any = scene.parts.pc.sctp
        there: Any = scene.host.pc.sctp
        for index in range(200):
            chunk = DataChunk(SCTP_DATA_FIRST_FRAG if index == 0 else 0)
            chunk.tsn, chunk.stream_id, chunk.user_data = there._local_tsn, 1, bytes(1_100)
            there._local_tsn += 1
            await there._send_chunk(chunk)
        await scene.until(lambda: here._last_received_tsn == there._local_tsn - 1)
        assert here._inbound_streams[1].cost == CHUNK_OVERHEAD_BYTES
        assert scene.peer.statistics().packets_failed == 1
        assert scene.evidence() == set()


async def test_what_the_host_sends_on_either_channel_reaches_the_one_reader() -> None:
    async with played(greet=False) as scene:
        await scene.until_live()
        await scene.until(lambda: len(scene.host.channels) == 2)
        for label in (INPUT_CHANNEL, MESSAGE_CHANNEL):
            scene.host.channels[label].send(b"\x00\xff")
            scene.host.channels[label].send("text")
        await scene.until(lambda: len(scene.heard) == 4)
    assert set(scene.heard) == {
        (label, data)
        for label in (INPUT_CHANNEL, MESSAGE_CHANNEL)
        for data in (b"\x00\xff", "text")
    }
    assert (INPUT_CHANNEL, "open") in scene.states
    assert scene.peer.channel_state(INPUT_CHANNEL) == ChannelState("closed", 0)
    assert not scene.peer.send(INPUT_CHANNEL, HELD), "the connection is closed"


@pytest.mark.parametrize(
    ("acknowledge", "greet", "ordered"),
    [(False, False, True), (False, True, False), (True, False, False)],
    ids=["neither", "message", "acknowledgement"],
)
async def test_a_channel_is_open_without_the_hosts_acknowledgement(
    acknowledge: bool, greet: bool, ordered: bool
) -> None:
    """RFC 8832, 6: until an acknowledgement or a message came, messages have to be ordered."""
    async with played(acknowledge=acknowledge, greet=greet) as scene:
        await scene.until_live()
        if greet:
            await scene.until(lambda: scene.heard)
        for _ in range(3000):  # the channel does not retransmit
            scene.peer.send(INPUT_CHANNEL, HELD)
            await asyncio.sleep(0.02)
            if len(scene.host.messages) >= 3:
                break
        assert set(scene.host.ordered) == {ordered}
        assert isinstance(scene.host.messages[0], ControlsMessage)
    assert not scene.saw(HardEvidenceSeen)


async def test_a_host_that_refuses_the_association_can_be_watched() -> None:
    async with played(associate=False) as scene:
        await scene.connect()
        await scene.until(lambda: scene.saw(FirstFrameDecoded) and scene.saw(InputUnavailable))
        decoded = scene.peer.statistics().frames_decoded
        await scene.until(lambda: scene.peer.statistics().frames_decoded > decoded)
    assert not scene.saw(InputOpened)
    assert not scene.saw(HardEvidenceSeen)
    assert not scene.saw(ConnectionFailed)


async def test_an_exception_inside_the_library_fails_the_connection_at_once() -> None:
    async with played() as scene:

        async def broken(_remote: Any) -> None:
            raise ValueError("secret of aiortc")

        answer = await scene.host.answer(await scene.peer.make_offer())
        override(scene.parts.dtls.transport, "start", broken)
        await scene.peer.apply_answer(answer)
        await scene.until(lambda: scene.saw(ConnectionFailed))
    (failed,) = [event for event in scene.events if isinstance(event, ConnectionFailed)]
    assert "ValueError" in failed.detail
    assert "secret" not in failed.detail


async def test_an_offer_that_cannot_be_built_closes_the_prepared_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_such_method(*_: object, **__: object) -> None:
        raise PeerError("This version of the WebRTC library has no receive.")

    monkeypatch.setattr("rejoin.rtc.media_parts.replace_receiving", no_such_method)
    prepared = PreparedConnections()
    prepared.prepare()
    assert prepared._prepared is not None
    pc = prepared._prepared.pc
    async with played(prepared=prepared) as scene:
        with pytest.raises(PeerError, match="has no receive"):
            await scene.peer.make_offer()
        assert pc.connectionState == "closed"
        assert scene.events == []


async def test_connecting_that_never_starts_leaves_no_coroutine_behind() -> None:
    async with played() as scene:
        await scene.peer.make_offer()
        started: list[str] = []

        async def library() -> None:
            started.append("connect")

        def step() -> Coroutine[Any, Any, None]:
            started.append("made")
            return library()

        connecting = asyncio.ensure_future(scene.peer._or_fail(step))
        connecting.cancel()
        await asyncio.wait({connecting})
        assert started == [], "else Python warns of a coroutine that was never awaited"


async def test_a_failed_connection_accepts_no_answer_and_says_why() -> None:
    async with played() as scene:
        answer = await scene.host.answer(await scene.peer.make_offer())
        scene.peer._on_evidence(HardEvidence.CHANNEL_CLOSED, "inputChannel")
        with pytest.raises(PeerError, match="has failed already"):
            await scene.peer.apply_answer(answer)


async def test_no_host_behind_the_answer_fails_at_our_own_deadline() -> None:
    async with played(policy=Policy(connect_deadline_s=0.3)) as scene:
        answer = await scene.host.answer(await scene.peer.make_offer())
        scene.host.cut = True
        await scene.peer.apply_answer(answer, rtt_s=0.05)
        await scene.until(lambda: scene.saw(ConnectionFailed))
        assert not scene.saw(ConnectionOpened)


async def test_a_wrong_fingerprint_fails_the_connection() -> None:
    async with played() as scene:
        answer = json.loads(await scene.host.answer(await scene.peer.make_offer()))
        _head, _, tail = answer["sdp"].partition("a=fingerprint:sha-256 ")
        wrong = "00" if tail[:2] != "00" else "11"
        answer["sdp"] = answer["sdp"].replace(tail[:95], wrong + tail[2:95])
        await scene.peer.apply_answer(json.dumps(answer))
        await scene.until(lambda: scene.saw(ConnectionFailed))
    assert not scene.saw(ConnectionOpened)


async def test_an_answer_that_does_not_fit_the_offer_is_refused_without_quoting_it() -> None:
    async with played() as scene:
        answer = json.loads(await scene.host.answer(await scene.peer.make_offer()))
        answer["sdp"] = answer["sdp"].replace("H264/90000", "VP9/90000")
        for _ in range(2):
            with pytest.raises(SignalError, match="does not fit the offer"):
                await scene.peer.apply_answer(json.dumps(answer))


async def test_a_peer_that_never_made_an_offer_accepts_no_answer() -> None:
    async with played() as scene:
        with pytest.raises(PeerError):
            await scene.peer.apply_answer("{}")


@pytest.mark.parametrize("steps", [0, 1, 2, 4, 8, 16, 32])
async def test_closing_while_connecting_leaves_nothing_behind(steps: int) -> None:
    async with played() as scene:
        await scene.connect()
        for _ in range(steps):
            await asyncio.sleep(0.001)
        await scene.peer.close()
        await scene.peer.close()


@pytest.mark.parametrize("cancelled", [False, True])
@pytest.mark.parametrize("turns", [0, 1, 3, 6])
async def test_closing_while_the_offer_is_made_leaves_nothing_behind(
    turns: int, cancelled: bool
) -> None:
    async with played() as scene:
        offering = asyncio.ensure_future(scene.peer.make_offer())
        for _ in range(turns):
            await asyncio.sleep(0)
        if cancelled:
            offering.cancel()
        await scene.peer.close()
        await asyncio.wait({offering})
        if not offering.cancelled():
            assert isinstance(offering.exception(), RejoinError | None)
    assert scene.events == []


@pytest.mark.parametrize("cancelled", [False, True])
@pytest.mark.parametrize("turns", [0, 1, 2, 4, 12])
async def test_closing_while_the_answer_is_applied_leaves_nothing_behind(
    turns: int, cancelled: bool
) -> None:
    async with played() as scene:
        answer = await scene.host.answer(await scene.peer.make_offer())
        applying = asyncio.ensure_future(scene.peer.apply_answer(answer))
        for _ in range(turns):
            await asyncio.sleep(0)
        if cancelled:
            applying.cancel()
        before = list(scene.events)
        await scene.peer.close()
        await asyncio.wait({applying})
        if not applying.cancelled():
            assert isinstance(applying.exception(), RejoinError | None)
    assert scene.events == before, "nothing is posted after the close"


async def test_closing_while_the_host_does_not_answer_leaves_nothing_behind() -> None:
    async with played() as scene:
        answer = await scene.host.answer(await scene.peer.make_offer())
        scene.host.cut = True
        await scene.peer.apply_answer(answer)
        await asyncio.sleep(0.1)


async def test_after_a_failure_only_the_close_follows() -> None:
    async with played() as scene:
        await scene.peer.make_offer()
        scene.peer._fail("DTLS failed")
        scene.peer._fail("ICE failed")
        for evidence in HardEvidence:
            scene.peer._on_evidence(evidence, "")
        scene.peer._on_connected()
        scene.peer._on_first_frame()
        assert scene.events == [ConnectionFailed(ConnectionNumber(1), "DTLS failed")]
        assert not scene.peer.statistics().connected


async def test_evidence_before_the_first_frame_fails_the_connection_unreachable_does_not() -> None:
    async with played() as scene:
        await scene.peer.make_offer()
        scene.peer._on_evidence(HardEvidence.UNREACHABLE, "ENETUNREACH")
        assert scene.events == []
        scene.peer._on_evidence(HardEvidence.CHANNEL_CLOSED, "inputChannel")
        (failed,) = scene.events
        assert isinstance(failed, ConnectionFailed)
        assert failed.detail.endswith(": inputChannel")


async def test_a_connection_that_said_goodbye_posts_no_evidence_and_no_failure() -> None:
    async with played() as scene:
        await scene.peer.make_offer()
        await scene.peer.say_goodbye(1)
        scene.peer._on_evidence(HardEvidence.DTLS_CLOSED, "")
        scene.peer._fail("DTLS failed")
        assert scene.events == []


async def test_every_command_is_harmless_before_the_offer_and_after_the_close() -> None:
    async with played() as scene:
        for _ in range(2):
            scene.peer.start_checks()
            scene.peer.stop_checks()
            scene.peer.mute()
            scene.peer.unmute()
            scene.peer.request_key_frame()
            scene.peer.send(INPUT_CHANNEL, HELD)
            scene.peer.channel_state(MESSAGE_CHANNEL)
            scene.peer.server_disconnected("terminated")
            scene.peer.show(True)
            await scene.peer.say_goodbye(1)
            assert scene.peer.sample() is None
            assert not scene.peer.statistics().connected
            await scene.peer.close()
