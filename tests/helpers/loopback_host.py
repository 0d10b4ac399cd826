"""A small stream host on 127.0.0.1 for the tests of rtc: stock aiortc, answers one SignalRequest.

Its answer has candidates in the first section only, as RFC 9143 answerers write them. What it
receives is counted by kind, and `cut` drops everything in both directions, like a cut network.
With `acknowledge=False` it never sends DATA_CHANNEL_ACK, like AWS's KVS WebRTC SDK in C. With
`make_rsa_certificate` it has an RSA key, like that of GStreamer's webrtcbin.
"""

from __future__ import annotations

import asyncio
import datetime
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

from aiortc import (
    RTCBundlePolicy,
    RTCCertificate,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from aiortc.rtcsctptransport import (
    DATA_CHANNEL_ACK,
    SCTP_DATA_UNORDERED,
    WEBRTC_DCEP,
    DataChunk,
    InitChunk,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from OpenSSL import SSL

from rejoin.input_protocol.controls import INPUT_CHANNEL, VERSION, Hello, decode, encode
from rejoin.rtc.aiortc_seam import override
from rejoin.rtc.signal_codec import decode_request, encode_response


def kind_of(data: bytes) -> str:
    """What a datagram is, by its first bytes (RFC 7983)."""
    if data[0] < 4:
        return "stun"
    if data[0] < 64:
        return "dtls"
    return "rtcp" if 200 <= data[1] <= 206 else "rtp"


class LoopbackHost:
    def __init__(
        self,
        *,
        greet: bool = True,
        with_audio: bool = True,
        acknowledge: bool = True,
        certificate: RTCCertificate | None = None,
        associate: bool = True,
        rejects: tuple[str, ...] = (),
        rewrite: Callable[[str], str] = str,
        through_relay: bool = False,
    ) -> None:
        """`rejects`: the kinds of section that the answer rejects. `rewrite`: changes its SDP.
        `through_relay`: datagrams from this machine's own addresses are lost; `relay_ports` are
        those of the relays that reach it."""
        self.relay_ports: set[int] | None = set() if through_relay else None
        self.heard: Counter[str] = Counter()
        self.ordered: list[bool] = []
        """Of each message on a data channel: whether it was sent ordered."""
        self.messages: list[Any] = []
        self.channels: dict[str, RTCDataChannel] = {}
        self.closed = asyncio.Event()
        self.cut = False
        self._greet = greet
        self._with_audio = with_audio and "audio" not in rejects
        self._acknowledge = acknowledge
        self._associate = associate
        self._rejects = rejects
        self._rewrite = rewrite
        self.pc = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        if certificate is not None:
            connection: Any = self.pc
            connection._RTCPeerConnection__certificates = [certificate]
        self.pc.on("datachannel", self._channel_opened)
        self.pc.on("connectionstatechange", self._state_changed)

    def _state_changed(self) -> None:
        if self.pc.connectionState == "closed":
            self.closed.set()

    def _channel_opened(self, channel: RTCDataChannel) -> None:
        self.channels[channel.label] = channel
        channel.on("message", self._message)
        if channel.label == INPUT_CHANNEL and self._greet:
            channel.send(encode(Hello(VERSION)))

    def _message(self, data: Any) -> None:
        self.messages.append(decode(data))

    async def answer(self, signal_request: str) -> str:
        """The SignalResponse for this request."""
        request = decode_request(signal_request)
        await self.pc.setRemoteDescription(RTCSessionDescription(request.sdp, "offer"))
        self._watch_sctp(self.pc.sctp)
        for transceiver in self.pc.getTransceivers():
            if transceiver.kind == "video":
                transceiver.sender.replaceTrack(VideoStreamTrack())
                transceiver.direction = "sendonly"
            elif self._with_audio:
                transceiver.sender.replaceTrack(AudioStreamTrack())
                transceiver.direction = "sendonly"
        connection = self.connection
        gather = connection.get_component_candidates

        async def gather_loopback(component: int, addresses: list[str]) -> Any:
            candidates = await gather(component, ["127.0.0.1"])
            for protocol in connection._protocols:
                self._tap(protocol)
            return candidates

        connection.get_component_candidates = gather_loopback
        await self.pc.setLocalDescription()
        sdp = without_sections(self.pc.localDescription.sdp, self._rejects)
        sdp = self._rewrite(_candidates_in_first_section_only(sdp))
        return encode_response(sdp, "https://127.0.0.1/input.js")

    def _watch_sctp(self, sctp: Any) -> None:
        async def send(stream_id: int, pp_id: int, data: bytes, **how: Any) -> None:
            acknowledgement = pp_id == WEBRTC_DCEP and data[0] == DATA_CHANNEL_ACK
            if self._acknowledge or not acknowledgement:
                await send_as_aiortc(stream_id, pp_id, data, **how)

        async def receive(chunk: DataChunk) -> None:
            if chunk.protocol != WEBRTC_DCEP:
                self.ordered.append(not chunk.flags & SCTP_DATA_UNORDERED)
            await receive_as_aiortc(chunk)

        async def abort(chunk: Any) -> None:
            if isinstance(chunk, InitChunk):
                sctp._remote_verification_tag = chunk.initiate_tag
                await sctp.stop()

        if not self._associate:
            sctp._receive_chunk = abort
        send_as_aiortc = override(sctp, "_send", send)
        receive_as_aiortc = override(sctp, "_receive_data_chunk", receive)

    @property
    def connection(self) -> Any:
        return self.pc.getTransceivers()[0].receiver.transport.transport._connection

    def _tap(self, protocol: Any) -> None:
        receive, send_data, send_stun = (
            protocol.datagram_received,
            protocol.send_data,
            protocol.send_stun,
        )

        def datagram_received(data: bytes, address: Any) -> None:
            if self.relay_ports is not None and address[1] not in self.relay_ports:
                return
            self.heard[kind_of(data)] += 1
            if not self.cut:
                receive(data, address)

        async def send_data_unless_cut(data: bytes, address: Any) -> None:
            if not self.cut:
                await send_data(data, address)

        def send_stun_unless_cut(message: Any, address: Any) -> None:
            if not self.cut:
                send_stun(message, address)

        protocol.datagram_received = datagram_received
        protocol.send_data = send_data_unless_cut
        protocol.send_stun = send_stun_unless_cut

    async def close(self) -> None:
        """Close; stock aioice leaves its consent task running when closed in mid-connect."""
        started = self.pc.getTransceivers()
        connection = self.connection if started else None
        await self.pc.close()
        await asyncio.sleep(0.05)
        if connection is not None and connection._query_consent_task is not None:
            connection._query_consent_task.cancel()


def make_rsa_certificate(ciphers: str = "AES128-GCM-SHA256") -> RTCCertificate:
    """One with which a DTLS server can do ECDHE-RSA only, with these ciphers."""
    key = rsa.generate_private_key(65537, 2048)
    certificate = RTCCertificate(cast(Any, key), _self_signed(key, hashes.SHA256()))

    def create_ssl_context(srtp_profiles: Any) -> SSL.Context:
        context: SSL.Context = create_as_aiortc(srtp_profiles=srtp_profiles)
        suites = f"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-{ciphers}"
        context.set_cipher_list(suites.encode())
        return context

    create_as_aiortc = override(certificate, "_create_ssl_context", create_ssl_context)
    return certificate


def make_ed25519_certificate() -> RTCCertificate:
    """One for a DTLS client alone: OpenSSL has no DTLS server with such a key."""
    key = ed25519.Ed25519PrivateKey.generate()
    return RTCCertificate(cast(Any, key), _self_signed(key, None))


def _self_signed(
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey, algorithm: hashes.SHA256 | None
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "host")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=1))
    return builder.sign(key, algorithm)


def without_sections(sdp: str, kinds: tuple[str, ...]) -> str:
    """The answer with these sections rejected (RFC 3264, 6; RFC 9143, 7.3.3)."""
    session, *sections = re.split(r"(?=^m=)", sdp, flags=re.MULTILINE)
    written = []
    for section in sections:
        kind, mid = section[2:].split(" ")[0], re.findall(r"(?m)^a=mid:(\S+)", section)[0]
        if kind in kinds:
            media_line = re.sub(r" [0-9]+ ", " 0 ", section.split("\r\n")[0], count=1)
            written.append(f"{media_line}\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n")
            session = re.sub(rf"(?m)^(a=group:BUNDLE.*?) {mid}\b", r"\1", session)
        else:
            written.append(section)
    return session + "".join(written)


def _candidates_in_first_section_only(sdp: str) -> str:
    lines: list[str] = []
    section = first = 0
    for line in sdp.split("\r\n"):
        section += line.startswith("m=")
        if line.startswith(("a=candidate:", "a=end-of-candidates")):
            first = first or section
            if section != first:
                continue
        lines.append(line)
    return "\r\n".join(lines)
