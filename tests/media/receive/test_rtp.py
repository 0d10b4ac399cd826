"""Our RTP parser compared with aiortc's, and what ours accepts that aiortc's rejects."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from aiortc import rtp as theirs
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpReceiveParameters
from hypothesis import given
from hypothesis import strategies as st

from rejoin.media.receive.rtp import (
    ABS_SEND_TIME,
    SEND_TIME_BYTES,
    ElementReader,
    RtpPacket,
    extension_value,
    parse,
    rtcp_packets,
    unwrap_rtx,
)

FIELDS = (
    *("payload_type", "marker", "sequence_number", "timestamp", "ssrc"),
    *("payload", "padding_size"),
)
SEND_TIME_ID = 3
READER = ElementReader(SEND_TIME_ID, SEND_TIME_BYTES)
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
    assert READER.read(packet.extension) == expected.extensions.abs_send_time


@given(st.binary(max_size=80))
def test_any_bytes_are_a_packet_or_a_value_error(data: bytes) -> None:
    try:
        packet = parse(data)
    except ValueError:
        return
    assert len(packet.payload) + packet.padding_size + len(packet.extension) + 12 <= len(data)
    READER.read(packet.extension)


@given(st.binary(max_size=40), st.integers(0, 255))
def test_a_random_extension_yields_some_of_its_own_bytes_or_nothing(
    body: bytes, number: int
) -> None:
    for profile in (b"\xbe\xde", b"\x10\x00", b"\x10\x0f", b"\x00\x00"):
        value = extension_value(profile + b"\0\1" + body, number)
        assert value is None or value in body


def test_a_compound_rtcp_packet_is_taken_apart() -> None:
    bye, empty = bytes.fromhex("81cb000100000007"), bytes.fromhex("80cb0000")
    assert list(rtcp_packets(bye + empty + bye)) == [bye, empty, bye]
    assert list(rtcp_packets(bye + bye[:-1])) == [bye], "what is cut off is left out"
    assert list(rtcp_packets(bye + empty[:3])) == [bye]
    assert list(rtcp_packets(b"")) == []


def test_a_broken_extension_does_not_cost_the_packet() -> None:
    data = bytes.fromhex("90600001 00000002 00000003 bede0001 3fabcdef".replace(" ", "")) + b"\x41x"
    with pytest.raises(ValueError, match="extension"):
        theirs.RtpPacket.parse(data, EXTENSIONS)
    packet = parse(data)
    assert packet.payload == b"\x41x"
    assert READER.read(packet.extension) is None


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


# --- reading one element --------------------------------------------------------------------------

MID, SENT, NUMBER = b"\x10m", b"\x32\x01\x02\x03", b"\x51\x07\x08"


def one_byte(*elements: bytes) -> bytes:
    body = b"".join(elements)
    body += bytes(-len(body) % 4)
    return struct.pack("!HH", 0xBEDE, len(body) // 4) + body


@pytest.mark.parametrize(
    ("extension", "number"),
    [
        (one_byte(NUMBER), 0x0708),
        (one_byte(SENT, NUMBER, MID), 0x0708),
        (one_byte(MID, SENT, b"\x00\x00", NUMBER), 0x0708),
        (one_byte(MID, SENT), None),
        (one_byte(b"\x52\x07\x08\x09"), None),  # three bytes: not this extension
        (one_byte(SENT, b"\xf0", NUMBER), None),  # 15 ends the list
        (struct.pack("!HH", 0x1000, 1) + b"\x05\x02\x07\x08", 0x0708),  # two-byte form
        (b"", None),
        (b"\xbe\xde\x00\x00", None),
        (one_byte(SENT)[:-1] + b"\x51", None),
    ],
)
def test_an_element_is_read_the_same_again_and_again(extension: bytes, number: int | None) -> None:
    reader = ElementReader(5, 2)
    assert [reader.read(extension) for _ in range(3)] == [number] * 3


def test_a_remembered_layout_is_not_taken_for_another_of_the_same_length() -> None:
    reader = ElementReader(5, 2)
    known = one_byte(SENT, NUMBER, b"\x00")
    assert reader.read(known) == 0x0708
    assert reader.read(one_byte(b"\x33\x00\x00\x51\x07", NUMBER)) == 0x0708, "a longer element"
    assert reader.read(one_byte(b"\x62abc", b"\x61\x07\x08", b"\x00")) is None
    assert reader.read(one_byte(SENT, b"\x52\x07\x08\x09")) is None
    assert reader.read(one_byte(b"\x51\x11\x12", SENT, b"\x00")) == 0x1112
    assert reader.read(known) == 0x0708


@given(data=st.data())
def test_reading_never_fails_and_always_agrees_with_the_plain_reading(data: Any) -> None:
    reader = ElementReader(5, 2)
    element = st.sampled_from([MID, SENT, NUMBER, b"\x00", b"\x51\x01\x02", b"\xf0", b"\x55"])
    for _ in range(20):
        extension = one_byte(*data.draw(st.lists(element, max_size=5)))
        value = extension_value(extension, 5)
        plain = int.from_bytes(value) if value is not None and len(value) == 2 else None
        assert reader.read(extension) == plain
