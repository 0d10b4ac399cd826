"""What we rely on inside aiortc and aioice, name by name: an upgrade fails here first.

This file mirrors no module of ours (an exception of the mirror check): it is about theirs.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from importlib.metadata import version
from typing import Any

import pytest
from aioice import Candidate, ice, stun
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection
from aiortc.codecs import CODECS
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport, RtpRouter
from aiortc.rtcicetransport import RTCIceTransport
from aiortc.rtcrtpreceiver import RTCRtpReceiver
from aiortc.rtcsctptransport import RTCSctpTransport
from aiortc.rtp import (
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPsfbPacket,
    RtcpRtpfbPacket,
    is_rtcp,
    pack_remb_fci,
)
from pylibsrtp import Session

CANDIDATE = "1 1 udp 1 127.0.0.1 5000 typ host"


def missing(owner: object, names: str) -> list[str]:
    return [name for name in names.split() if not hasattr(owner, name)]


def parameters(function: Any) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


def test_the_versions_are_those_that_were_read() -> None:
    assert version("aiortc").startswith("1.16.")
    assert version("aioice").startswith("0.13.")


def test_instances_have_every_attribute_that_we_touch() -> None:
    async def look() -> dict[str, list[str]]:
        pc = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        audio = pc.addTransceiver("audio", direction="recvonly")
        video = pc.addTransceiver("video", direction="recvonly")
        pc.createDataChannel("x")
        dtls = audio.receiver.transport
        assert video.receiver.transport is dtls, "MAX_BUNDLE gives one transport to all"
        assert pc.sctp is not None
        assert pc.sctp.transport is dtls
        connection = dtls.transport._connection
        protocol = ice.StunProtocol(connection)
        gone = {
            "RTCDtlsTransport": missing(
                dtls,
                "_handle_rtp_data _handle_rtcp_data _send_rtp _write_ssl _ssl state transport"
                " _register_rtp_receiver _unregister_rtp_receiver _rx_srtp _rtp_router _state on"
                " _srtp_profiles _RTCDtlsTransport__local_certificate",
            ),
            "RTCIceTransport": missing(dtls.transport, "_connection state on"),
            "aioice.Connection": missing(
                connection,
                "get_component_candidates query_consent check_incoming _check_periodic"
                " build_request _check_list _nominated _protocols _closing _query_consent_task"
                " remote_password _queue",
            ),
            "aioice.CandidatePair": missing(ice.CandidatePair, "local_candidate remote_addr")
            + missing(Candidate.from_sdp(CANDIDATE), "type transport"),
            "aioice.StunProtocol": missing(
                protocol, "datagram_received send_data send_stun error_received transactions"
            ),
            "RTCSctpTransport": missing(pc.sctp, "_handle_data stop"),
            "RTCPeerConnection": missing(pc, "_RTCPeerConnection__connect"),
            "RTCRtpReceiver": missing(video.receiver, "receive stop"),
            "RTCRtpSender": missing(video.sender, "_ssrc"),
        }
        await pc.close()
        return {owner: names for owner, names in gone.items() if names}

    assert asyncio.run(look()) == {}


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (ice.Connection.get_component_candidates, ["component", "addresses", "timeout"]),
        (ice.Connection.query_consent, []),
        (ice.Connection.check_incoming, ["message", "addr", "protocol"]),
        (ice.Connection._check_periodic, []),
        (ice.Connection.build_request, ["pair", "nominate"]),
        (ice.StunProtocol.send_data, ["data", "addr"]),
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
        (RTCSctpTransport._handle_data, ["data"]),
        (RtpRouter.route_rtp, ["packet"]),
        (Session.unprotect, ["packet"]),
        (RTCIceTransport.start, ["remoteParameters"]),
        (RTCIceTransport.addRemoteCandidate, ["candidate"]),
        (RTCRtpReceiver.receive, ["parameters"]),
        (RTCRtpReceiver.stop, []),
        (RTCRtpReceiver._handle_rtp_packet, ["packet", "arrival_time_ms"]),
        (RTCRtpReceiver._handle_rtcp_packet, ["packet"]),
        (RTCRtpReceiver._handle_disconnect, []),
    ],
    ids=lambda value: getattr(value, "__qualname__", None),
)
def test_methods_take_what_we_give(function: Any, expected: list[str]) -> None:
    assert parameters(function) == expected


def test_aioice_asks_its_own_instance_for_what_we_override() -> None:
    sources: dict[str, Any] = {
        "get_component_candidates": ice.Connection.gather_candidates,
        "_check_periodic": ice.Connection.connect,
        "query_consent": ice.Connection.connect,
        "check_incoming": ice.Connection.request_received,
        "transactions": ice.StunProtocol.datagram_received,
    }
    for name, caller in sources.items():
        assert f"self.{name}" in inspect.getsource(caller), name


def test_the_codec_list_is_where_h264_is_added() -> None:
    assert any(codec.mimeType == "video/H264" for codec in CODECS["video"])
    taken = [c.payloadType for c in CODECS["video"] if c.payloadType not in range(103, 115)]
    assert max(number or 0 for number in taken) == 102, "our payload types would be taken"


def test_media_is_taken_from_the_datagram_as_aiortc_takes_it_from_the_queue() -> None:
    """`rtp_input` does what these lines do, and must be read again when they change."""
    receive = inspect.getsource(RTCDtlsTransport._recv_next)
    assert "first_byte > 127 and first_byte < 192 and self._rx_srtp" in receive
    assert "self._rx_srtp.unprotect(data)" in receive
    assert "packet.ssrc" in (route := inspect.getsource(RtpRouter.route_rtp))
    assert set(re.findall(r"packet\.(\w+)", route)) == {"ssrc", "payload_type"}
    assert [is_rtcp(bytes((0x80, second))) for second in (191, 192, 208, 209)] == [
        False,
        True,
        True,
        False,
    ]


def test_there_are_no_keys_before_the_host_is_known_to_be_the_one_of_the_answer() -> None:
    start = inspect.getsource(RTCDtlsTransport.start)
    assert start.index("_validate_peer_identity") < start.index("_setup_srtp")
    assert "_rx_srtp" not in start
    assert start.index("_setup_srtp") < start.index("State.CONNECTED")
    assert "_rx_srtp" in inspect.getsource(RTCDtlsTransport._setup_srtp)


def test_feedback_is_written_as_the_rfcs_have_it() -> None:
    nack = RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=2, lost=[5, 7, 600])
    assert bytes(nack).hex() == "81cd000400000001000000020005000202580000"
    pli = RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=1, media_ssrc=2)
    assert bytes(pli).hex() == "81ce00020000000100000002"
    assert pack_remb_fci(1_000_000, [2]).hex() == "52454d42010bd09000000002"


def test_an_answer_tells_a_retransmission_stream_only_when_there_are_two_streams() -> None:
    """Why `Answer.rtx_ssrcs` exists; when this fails, it may go."""
    source = inspect.getsource(RTCPeerConnection._RTCPeerConnection__remoteRtp)  # type: ignore[attr-defined]
    assert "len(media.ssrc) == 2" in source


def test_ice_that_was_begun_before_is_not_begun_again() -> None:
    source = inspect.getsource(RTCIceTransport.start)
    assert "if self.__start is not None:\n            await self.__start.wait()" in source
