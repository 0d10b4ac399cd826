"""Our RTP parser compared with aiortc's, and what ours accepts that aiortc's rejects."""

from __future__ import annotations

import struct

import pytest
from aiortc import rtp as theirs
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpReceiveParameters
from hypothesis import given
from hypothesis import strategies as st

from rejoin.media.receive.rtp import ABS_SEND_TIME, RtpPacket, extension_value, parse, unwrap_rtx

FIELDS = (
    *("payload_type", "marker", "sequence_number", "timestamp", "ssrc"),
    *("payload", "padding_size"),
)
SEND_TIME_ID = 3
EXTENSIONS = theirs.HeaderExtensionsMap()
EXTENSIONS.configure(
    RTCRtpReceiveParameters(
        headerExtensions=[RTCRtpHeaderExtensionParameters(id=SEND_TIME_ID, uri=ABS_SEND_TIME)]
    )
)

elements = st.lists(
    st.tuples(st.integers(1, 14), st.binary(min_size=1, max_size=16)).filter(
        lambda each: each[0] != SEND_TIME_ID or len(each[1]) == 3
    ),
    max_size=4,
    unique_by=lambda each: each[0],
)
"""No id twice: there aiortc reads the last and we the first, and both are right."""


@st.composite
def packets(draw: st.DrawFn) -> bytes:
    """Valid packets, some of them truncated."""
    sources = draw(st.integers(0, 15))
    padding = draw(st.integers(0, 40))
    with_extension = draw(st.booleans())
    first = 0x80 | 0x20 * bool(padding) | 0x10 * with_extension | sources
    data = struct.pack(
        "!BBHLL",
        first,
        draw(st.integers(0, 255)),
        draw(st.integers(0, 0xFFFF)),
        draw(st.integers(0, 0xFFFFFFFF)),
        draw(st.integers(0, 0xFFFFFFFF)),
    )
    data += bytes(4 * sources)
    if with_extension:
        if draw(st.booleans()):
            pairs = draw(elements)
            profile, body = 0xBEDE, b"".join(bytes([n << 4 | len(v) - 1]) + v for n, v in pairs)
        else:
            pairs = draw(elements)
            profile, body = 0x1000, b"".join(bytes([n, len(v)]) + v for n, v in pairs)
        body += bytes(-len(body) % 4)
        data += struct.pack("!HH", profile, len(body) // 4) + body
    data += draw(st.binary(max_size=60))
    if padding:
        data += bytes(padding - 1) + bytes([padding])
    return data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data


@given(packets())
def test_packets_are_parsed_as_aiortc_parses_them(data: bytes) -> None:
    try:
        expected = theirs.RtpPacket.parse(data, EXTENSIONS)
    except ValueError:
        if len(data) < 12 or not data[0] & 0x10:  # else aiortc may have rejected an extension
            with pytest.raises(ValueError, match=r"\w"):
                parse(data)
        return
    packet = parse(data)
    for name in FIELDS:
        assert getattr(packet, name) == getattr(expected, name), name
    assert packet.send_time(SEND_TIME_ID) == expected.extensions.abs_send_time


@given(st.binary(max_size=80))
def test_any_bytes_are_a_packet_or_a_value_error(data: bytes) -> None:
    try:
        packet = parse(data)
    except ValueError:
        return
    assert len(packet.payload) + packet.padding_size + len(packet.extension) + 12 <= len(data)
    packet.send_time(SEND_TIME_ID)


@given(st.binary(max_size=40), st.integers(0, 255))
def test_a_random_extension_yields_some_of_its_own_bytes_or_nothing(
    body: bytes, number: int
) -> None:
    for profile in (b"\xbe\xde", b"\x10\x00", b"\x10\x0f", b"\x00\x00"):
        value = extension_value(profile + b"\0\1" + body, number)
        assert value is None or value in body


def test_a_broken_extension_does_not_cost_the_packet() -> None:
    data = bytes.fromhex("90600001 00000002 00000003 bede0001 3fabcdef".replace(" ", "")) + b"\x41x"
    with pytest.raises(ValueError, match="extension"):
        theirs.RtpPacket.parse(data, EXTENSIONS)
    packet = parse(data)
    assert packet.payload == b"\x41x"
    assert packet.send_time(SEND_TIME_ID) is None


def test_the_two_byte_form_is_read_and_the_reserved_id_ends_the_one_byte_form() -> None:
    assert extension_value(bytes.fromhex("10000002 00 03 02 abcd 000000".replace(" ", "")), 3) == (
        b"\xab\xcd"
    )
    assert extension_value(bytes.fromhex("bede0001 f0 32 ab cd".replace(" ", "")), 3) is None
    assert extension_value(bytes.fromhex("bede0001 01 32 ab cd".replace(" ", "")), 3) is None


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x80" + bytes(10), "header"),
        (b"\x40" + bytes(11), "version 2"),
        (b"\x81" + bytes(11), "overlap"),
        (b"\x90" + bytes(11), "extension"),
        (b"\x90" + bytes(11) + b"\xbe\xde\0\1", "overlap"),
        (b"\xa0" + bytes(12), "padding"),
        (b"\xa0" + bytes(11) + b"\x02", "overlap"),
    ],
)
def test_invalid_packets_are_rejected_with_a_reason(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(data)


def test_an_rtx_packet_unwraps_to_its_original() -> None:
    lost = RtpPacket(96, 1, 0x0102, 7, 9, b"\x41xy", extension=b"\xbe\xde\0\0")
    again = RtpPacket(97, 1, 1, 7, 10, b"\x01\x02\x41xy", extension=b"\xbe\xde\0\0")
    assert unwrap_rtx(again, 96, 9) == lost
    with pytest.raises(ValueError, match="sequence number"):
        unwrap_rtx(RtpPacket(97, 0, 1, 7, 10, b"\x01"), 96, 9)
