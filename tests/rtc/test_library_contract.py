"""What `rtc/aiortc_seam` relies on inside aiortc and aioice: after an upgrade this fails first.

This file mirrors no module of ours (an exception of the mirror check): it is about theirs.
"""

from __future__ import annotations

import ast
import inspect
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from aioice import Candidate, ice, stun, turn
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCRtpSender
from aiortc.codecs import CODECS, HEADER_EXTENSIONS
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport, RtpRouter
from aiortc.rtcicetransport import RTCIceTransport
from aiortc.rtcpeerconnection import create_media_description_for_sctp
from aiortc.rtcrtpreceiver import RTCRtpReceiver
from aiortc.rtcsctptransport import InboundStream, RTCSctpTransport
from aiortc.rtp import (
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPsfbPacket,
    RtcpRtpfbPacket,
    is_rtcp,
    pack_remb_fci,
)
from OpenSSL import SSL
from pylibsrtp import Session

from rejoin.media.receive.transport_feedback import TRANSPORT_CC_URI
from rejoin.rtc import aiortc_seam, handshake_seam, sctp_limits, turn_seam
from rejoin.rtc.transport_cc import OFFERED_ID

CANDIDATE = "1 1 udp 1 127.0.0.1 5000 typ host"


def missing(owner: object, names: str) -> list[str]:
    return [name for name in names.split() if not hasattr(owner, name)]


def parameters(function: Any) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


def test_the_installed_versions_are_the_reviewed_ones() -> None:
    assert version("aiortc").startswith("1.16.")
    assert version("aioice").startswith("0.13.")


RELIED_ON: dict[str, str] = {
    "RTCPeerConnection": "_RTCPeerConnection__connect sctp getTransceivers",
    "RTCRtpTransceiver": "_codecs _headerExtensions sender receiver",
    "RTCRtpSender": "_ssrc _rtx_ssrc send stop transport",
    "RTCRtpReceiver": "receive stop transport",
    "RTCDtlsTransport": (
        "_handle_rtp_data _handle_rtcp_data _send_rtp _write_ssl _ssl _rx_srtp _rtp_router _state"
        " _register_rtp_receiver _unregister_rtp_receiver _register_rtp_sender"
        " _unregister_rtp_sender _setup_srtp _set_role _srtp_profiles _do_handshake _role encrypted"
        " _RTCDtlsTransport__local_certificate state transport on"
    ),
    "RTCCertificate": "_create_ssl_context getFingerprints",
    "RTCIceTransport": "_connection _send state on start addRemoteCandidate",
    "OpenSSL.Connection": (
        "DTLSv1_get_timeout DTLSv1_handle_timeout bio_write bio_read send get_cipher_name"
        " master_key client_random server_random"
    ),
    "RTCSctpTransport": (
        "_handle_data _flight_size _abort start stop state State transport _set_state"
        " _t1_start _t1_expired _t1_failures _t3_start _t3_restart _t3_expired _rto _srtt"
        " _send_chunk _receive_chunk _remote_verification_tag _association_state"
        " _send _receive _receive_sack_chunk _local_tsn _last_sacked_tsn _sent_queue _data_channels"
        " _inbound_streams_max _inbound_streams _advertised_rwnd _last_received_tsn"
        " _sack_misordered _sack_duplicates _sack_needed getCapabilities"
        " _receive_data_chunk _get_inbound_stream _send_sack _data_channel_receive"
        " _mark_received _receive_forward_tsn_chunk _reset_deferred_streams _remote_extensions"
        " _reconfig_queue _transmit_reconfig _data_channel_closed _data_channel_reset"
        " _data_channel_outbound_reset"
    ),
    "RTCDataChannel": "_setReadyState readyState",
    "aioice.Connection": (
        "get_component_candidates query_consent check_incoming request_received connect"
        " build_request"
        " _check_periodic check_start_task _check_list _check_list_state _early_checks"
        " _early_checks_done"
        " _nominated _protocols _closing _query_consent_task _queue remote_password respond_error"
        " _check_list_done _remote_candidates _pair_remote_candidate sort_check_list"
    ),
    "aioice.TurnClient": (
        "_send channel_bind connect request_with_retry send_data peer_to_channel integrity_key"
        " nonce realm username relayed_address refresh_task receiver server"
    ),
    "aioice.StunProtocol": (
        "datagram_received send_data send_stun error_received request transactions"
    ),
    "aioice.CandidatePair": "local_candidate remote_addr State",
    "aioice.Candidate": "type transport host port",
}
"""Attributes that we use, private or replaced on instances, by owner."""

OF_A_SENT_CHUNK = "_acked"
"""aiortc adds these to a chunk when it queues it."""


async def owners() -> tuple[RTCPeerConnection, dict[str, object]]:
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
    audio = pc.addTransceiver("audio", direction="recvonly")
    video = pc.addTransceiver("video", direction="recvonly")
    channel = pc.createDataChannel("x")
    dtls = audio.receiver.transport
    assert video.receiver.transport is dtls, "MAX_BUNDLE gives one transport to all"
    assert pc.sctp is not None
    assert pc.sctp.transport is dtls
    connection = dtls.transport._connection
    return pc, {
        "RTCPeerConnection": pc,
        "RTCRtpTransceiver": video,
        "RTCRtpSender": video.sender,
        "RTCRtpReceiver": video.receiver,
        "RTCDtlsTransport": dtls,
        "RTCCertificate": RTCCertificate,
        "RTCIceTransport": dtls.transport,
        "RTCSctpTransport": pc.sctp,
        "RTCDataChannel": channel,
        "OpenSSL.Connection": SSL.Connection,
        "aioice.Connection": connection,
        "aioice.StunProtocol": ice.StunProtocol(connection),
        "aioice.TurnClient": turn.TurnClientUdpProtocol(("127.0.0.1", 3478), "", "", 600, 500),
        "aioice.CandidatePair": ice.CandidatePair,
        "aioice.Candidate": Candidate.from_sdp(CANDIDATE),
    }


async def test_the_library_has_every_attribute_that_we_use() -> None:
    pc, found = await owners()
    gone = {name: missing(found[name], names) for name, names in RELIED_ON.items()}
    await pc.close()
    assert {owner: names for owner, names in gone.items() if names} == {}


def test_every_private_name_in_the_seam_is_checked_here() -> None:
    nodes = [
        node
        for seam in (aiortc_seam, handshake_seam, sctp_limits, turn_seam)
        for node in ast.walk(ast.parse(Path(str(seam.__file__)).read_text(encoding="utf-8")))
    ]
    used = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.endswith("__")
        and not (isinstance(node.value, ast.Name) and node.value.id == "self")
    }
    replaced = {
        node.args[1].value
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "override"
        and isinstance(node.args[1], ast.Constant)
    }
    assert len(used) > 15, "the seam's source was read"
    assert len(replaced) > 10
    assert used | replaced <= set(" ".join([*RELIED_ON.values(), OF_A_SENT_CHUNK]).split())


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (ice.Connection.get_component_candidates, ["component", "addresses", "timeout"]),
        (ice.Connection.query_consent, []),
        (ice.Connection.connect, []),
        (ice.Connection.check_incoming, ["message", "addr", "protocol"]),
        (ice.Connection.request_received, ["message", "addr", "protocol"]),
        (ice.Connection._check_periodic, []),
        (ice.Connection.build_request, ["pair", "nominate"]),
        (ice.Connection.respond_error, ["request", "addr", "protocol", "error_code"]),
        (ice.Connection.check_start_task, ["pair"]),
        (
            ice.StunProtocol.request,
            ["request", "addr", "integrity_key", "retransmissions"],
        ),
        (ice.StunProtocol.send_data, ["data", "addr"]),
        (turn.TurnClientMixin.send_data, ["data", "addr"]),
        (turn.TurnClientMixin.channel_bind, ["channel_number", "addr"]),
        (turn.TurnClientMixin.connect, []),
        (turn.TurnClientMixin.request_with_retry, ["request"]),
        (ice.Connection._pair_remote_candidate, ["remote_candidate"]),
        (ice.StunProtocol.send_stun, ["message", "addr"]),
        (ice.StunProtocol.error_received, ["exc"]),
        (ice.StunProtocol.datagram_received, ["data", "addr"]),
        (stun.Transaction.response_received, ["message", "addr"]),
        (stun.Message.add_message_integrity, ["key"]),
        (stun.Message.check_message_integrity, ["key"]),
        (RTCCertificate._create_ssl_context, ["srtp_profiles"]),
        (RTCCertificate.getFingerprints, []),
        (RTCDtlsTransport._handle_rtp_data, ["data", "arrival_time_ms"]),
        (RTCDtlsTransport._handle_rtcp_data, ["data"]),
        (RTCDtlsTransport._send_rtp, ["data"]),
        (RTCDtlsTransport._register_rtp_receiver, ["receiver", "parameters"]),
        (RTCDtlsTransport._unregister_rtp_receiver, ["receiver"]),
        (RTCDtlsTransport._register_rtp_sender, ["sender", "parameters"]),
        (RTCDtlsTransport._unregister_rtp_sender, ["sender"]),
        (RTCDtlsTransport._setup_srtp, []),
        (RTCDtlsTransport._set_role, ["role"]),
        (RTCDtlsTransport._write_ssl, []),
        (RTCSctpTransport._handle_data, ["data"]),
        (RTCSctpTransport._set_state, ["state"]),
        (RTCSctpTransport.start, ["remoteCaps", "remotePort"]),
        (RTCSctpTransport._t1_start, ["chunk"]),
        (RTCSctpTransport._t1_expired, []),
        (RTCSctpTransport._t3_start, []),
        (RTCSctpTransport._t3_restart, []),
        (RTCSctpTransport._t3_expired, []),
        (RTCSctpTransport._send_chunk, ["chunk"]),
        (RTCSctpTransport._receive_chunk, ["chunk"]),
        (RTCDtlsTransport._do_handshake, []),
        (RTCSctpTransport._receive, ["stream_id", "pp_id", "data"]),
        (RTCSctpTransport._receive_sack_chunk, ["chunk"]),
        (
            RTCSctpTransport._send,
            ["stream_id", "pp_id", "user_data", "expiry", "max_retransmits", "ordered"],
        ),
        (RTCSctpTransport._receive_data_chunk, ["chunk"]),
        (RTCSctpTransport._get_inbound_stream, ["stream_id"]),
        (RTCSctpTransport._send_sack, []),
        (RTCSctpTransport._data_channel_receive, ["stream_id", "pp_id", "data"]),
        (RTCSctpTransport._mark_received, ["tsn"]),
        (RTCSctpTransport._receive_forward_tsn_chunk, ["chunk"]),
        (RTCSctpTransport._data_channel_closed, ["stream_id"]),
        (RTCSctpTransport._data_channel_reset, ["stream_id"]),
        (RTCSctpTransport._transmit_reconfig, []),
        (InboundStream.add_chunk, ["chunk"]),
        (InboundStream.pop_messages, []),
        (InboundStream.prune_chunks, ["tsn"]),
        (RtpRouter.route_rtp, ["packet"]),
        (Session.unprotect, ["packet"]),
        (Session.unprotect_rtcp, ["packet"]),
        (Session.remove_stream, ["ssrc"]),
        (RTCIceTransport.start, ["remoteParameters"]),
        (RTCIceTransport.addRemoteCandidate, ["candidate"]),
        (RTCRtpReceiver.receive, ["parameters"]),
        (RTCRtpReceiver.stop, []),
        (RTCRtpSender.send, ["parameters"]),
        (RTCRtpSender.stop, []),
        (RTCRtpSender._handle_rtcp_packet, ["packet"]),
        (RTCRtpReceiver._handle_rtp_packet, ["packet", "arrival_time_ms"]),
        (RTCRtpReceiver._handle_rtcp_packet, ["packet"]),
        (RTCRtpReceiver._handle_disconnect, []),
    ],
    ids=lambda value: getattr(value, "__qualname__", None),
)
def test_methods_have_the_parameters_that_we_pass(function: Any, expected: list[str]) -> None:
    assert parameters(function) == expected


def test_aioice_calls_on_its_instance_what_we_replace() -> None:
    sources: dict[str, Any] = {
        "get_component_candidates": ice.Connection.gather_candidates,
        "_check_periodic": ice.Connection.connect,
        "query_consent": ice.Connection.connect,
        "check_incoming": ice.Connection.request_received,
        "respond_error(message, addr, protocol, (40": ice.Connection.request_received,
        "transactions": ice.StunProtocol.datagram_received,
        "_early_checks_done": ice.Connection.request_received,
        "_nominated": ice.Connection.sendto,
    }
    for name, caller in sources.items():
        assert f"self.{name}" in inspect.getsource(caller), name


def test_the_codec_list_is_where_h264_is_added() -> None:
    assert any(codec.mimeType == "video/H264" for codec in CODECS["video"])
    taken = [c.payloadType for c in CODECS["video"] if c.payloadType not in range(103, 117)]
    assert max(number or 0 for number in taken) == 102, "our payload types would be taken"
    for extensions in HEADER_EXTENSIONS.values():
        others = [each.id for each in extensions if each.uri != TRANSPORT_CC_URI]
        assert OFFERED_ID not in others, "ids are shared in a BUNDLE"


def test_media_is_decrypted_from_the_datagram_as_aiortc_decrypts_it_from_the_queue() -> None:
    """`deliver_media_directly` does what these lines do; read it again when they change."""
    receive = inspect.getsource(RTCDtlsTransport._recv_next)
    assert "first_byte > 127 and first_byte < 192 and self._rx_srtp" in receive
    assert "self._rx_srtp.unprotect(data)" in receive
    assert "self._rx_srtp.unprotect_rtcp(data)" in receive
    assert "packet.ssrc" in (route := inspect.getsource(RtpRouter.route_rtp))
    assert set(re.findall(r"packet\.(\w+)", route)) == {"ssrc", "payload_type"}
    assert [is_rtcp(bytes((0x80, second))) for second in (191, 192, 208, 209)] == [
        False,
        True,
        True,
        False,
    ]


def test_there_are_no_keys_before_the_fingerprint_of_the_host_was_checked() -> None:
    start = inspect.getsource(RTCDtlsTransport.start)
    assert start.index("_validate_peer_identity") < start.index("_setup_srtp")
    assert "_rx_srtp" not in start
    assert start.index("_setup_srtp") < start.index("State.CONNECTED")
    assert "_rx_srtp" in inspect.getsource(RTCDtlsTransport._setup_srtp)


def test_feedback_is_encoded_as_in_the_rfcs() -> None:
    nack = RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=2, lost=[5, 7, 600])
    assert bytes(nack).hex() == "81cd000400000001000000020005000202580000"
    pli = RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=1, media_ssrc=2)
    assert bytes(pli).hex() == "81ce00020000000100000002"
    assert pack_remb_fci(1_000_000, [2]).hex() == "52454d42010bd09000000002"


def test_aiortc_reads_a_retransmission_stream_only_from_an_answer_with_two_streams() -> None:
    """Why `Answer.rtx_ssrcs` exists; when this fails, it can be removed."""
    source = inspect.getsource(RTCPeerConnection._RTCPeerConnection__remoteRtp)  # type: ignore[attr-defined]
    assert "len(media.ssrc) == 2" in source


def test_ice_that_was_started_before_is_not_started_again() -> None:
    source = inspect.getsource(RTCIceTransport.start)
    assert "if self.__start is not None:\n            await self.__start.wait()" in source


def test_connecting_passively_does_what_aioice_does_at_the_start_and_end_of_connect() -> None:
    """`connect_passively` repeats these lines without the pacing between them."""
    source = inspect.getsource(ice.Connection.connect)
    assert "for early_check in self._early_checks:" in source
    assert "self.check_incoming(*early_check)" in source
    assert source.index("self._early_checks.clear()") < source.index(
        "self._early_checks_done = True"
    )
    assert source.index("self._early_checks_done = True") < source.index(
        "await self._check_list_state.get()"
    )
    assert "if res != ICE_COMPLETED" in source


def test_aiortc_uses_the_methods_that_we_replace_on_dtls_sctp_and_the_connection() -> None:
    callers: dict[str, Any] = {
        "self._handle_rtp_data(": RTCDtlsTransport._recv_next,
        "self._handle_rtcp_data(": RTCDtlsTransport._recv_next,
        "_data_receiver._handle_data(": RTCDtlsTransport._recv_next,
        "self._receive_data_chunk(": RTCSctpTransport._receive_chunk,
        "self._receive_sack_chunk(": RTCSctpTransport._receive_chunk,
        "self._send_sack(": RTCSctpTransport._handle_data,
        "self._data_channel_receive(": RTCSctpTransport._receive,
        "self._get_inbound_stream(": RTCSctpTransport._receive_data_chunk,
        "self._mark_received(": RTCSctpTransport._receive_data_chunk,
        "self._receive_forward_tsn_chunk(": RTCSctpTransport._receive_chunk,
        "self._data_channel_reset(": RTCSctpTransport._receive_reconfig_param,
        "self._data_channel_closed(": RTCSctpTransport._receive_reconfig_param,
        "sctp.getCapabilities()": create_media_description_for_sctp,
        "self._setup_srtp()": RTCDtlsTransport.start,
        "_create_ssl_context(": RTCDtlsTransport.start,
        ".getFingerprints()": RTCDtlsTransport.getLocalParameters,
        "self.__connect()": RTCPeerConnection.setRemoteDescription,
        "sender._ssrc": RTCDtlsTransport._register_rtp_sender,
        "recipient._handle_rtcp_packet(": RTCDtlsTransport._handle_rtcp_data,
        "_handle_disconnect()": RTCDtlsTransport._RTCDtlsTransport__run,  # type: ignore[attr-defined]
    }
    for call, caller in callers.items():
        assert call in inspect.getsource(caller), call


def test_aiortc_keeps_and_acknowledges_the_chunks_that_open_a_channel() -> None:
    queued = inspect.getsource(RTCSctpTransport._send)
    for name in OF_A_SENT_CHUNK.split():
        assert f"chunk.{name} =" in queued
    assert "chunk.tsn = self._local_tsn" in queued
    assert "self._send(stream_id, protocol, user_data)" in inspect.getsource(
        RTCSctpTransport._data_channel_flush
    )
    acknowledged = inspect.getsource(RTCSctpTransport._receive_sack_chunk)
    assert "schunk._acked = True" in acknowledged
    assert "self._last_sacked_tsn = chunk.cumulative_tsn" in acknowledged
    assert "self._receive(" in inspect.getsource(RTCSctpTransport._receive_data_chunk)


def test_the_timers_of_a_handshake_are_read_where_we_replace_them() -> None:
    """`handshake_seam.hasten_*` rely on these lines."""
    receive = inspect.getsource(RTCDtlsTransport._recv_next)
    assert "timeout = self._ssl.DTLSv1_get_timeout()" in receive
    assert "self._ssl.DTLSv1_handle_timeout()\n                await self._write_ssl()" in receive
    assert "self._ssl.bio_write(data)" in receive
    assert "await self._do_handshake()" in inspect.getsource(RTCDtlsTransport.start)
    for start in (RTCSctpTransport._t1_start, RTCSctpTransport._t3_start):
        assert "self._loop.call_later(self._rto, self._t" in inspect.getsource(start)
    assert "self._t3_restart()" in inspect.getsource(RTCSctpTransport._transmit)
    expired = inspect.getsource(RTCSctpTransport._t1_expired)
    assert "asyncio.ensure_future(self._send_chunk(self._t1_chunk))" in expired
    assert "self._remote_verification_tag" in inspect.getsource(RTCSctpTransport._send_chunk)
    check = inspect.getsource(ice.Connection.check_start)
    assert "pair.protocol.request(" in check
    assert "integrity_key=" in check
    assert "self.__protocol.send_stun(" in inspect.getsource(stun.Transaction)
