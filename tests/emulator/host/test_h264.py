"""H.264 packets that a stock depacketizer reads, and NAL units out of a byte stream."""

from __future__ import annotations

import random

from aiortc.codecs.h264 import h264_depayload
from hypothesis import given
from hypothesis import strategies as st

from rejoin.emulator.host.h264 import packetize, split_annexb


@given(
    st.lists(st.tuples(st.integers(1, 23), st.integers(2, 5000)), min_size=1, max_size=6),
    st.integers(50, 1400),
)
def test_a_stock_depacketizer_gets_the_same_units(
    shapes: list[tuple[int, int]], limit: int
) -> None:
    # no zero bytes: what a unit may contain is up to the encoder
    units = [
        bytes([0x60 | kind]) + random.Random(size).randbytes(size).replace(b"\0", b"\1")
        for kind, size in shapes
    ]
    payloads = packetize(units, limit)
    assert all(len(payload) <= limit for payload in payloads)
    assert split_annexb(b"".join(h264_depayload(payload) for payload in payloads)) == units


def test_start_codes_of_both_lengths_are_found() -> None:
    assert split_annexb(b"\0\0\0\1\x67ab\0\0\1\x68c\0\0\0\1\x65d\0") == [
        b"\x67ab",
        b"\x68c",
        b"\x65d",
    ]
    assert split_annexb(b"") == []
