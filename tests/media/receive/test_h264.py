from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from helpers.h264_packets import DELTA, IDR, PPS, SPS, STAP, START, fragments
from rejoin.media.receive.h264 import depacketize, starts_mid_nal_unit


def test_all_packet_types_become_one_annex_b_stream() -> None:
    data, key = depacketize([STAP, *fragments(IDR)])
    assert data == START + SPS + START + PPS + START + IDR
    assert key
    assert depacketize([DELTA]) == (START + DELTA, False)


def test_truncated_units_are_skipped() -> None:
    assert depacketize([STAP[:-1]])[0] == START + SPS
    assert depacketize(fragments(IDR)[1:])[0] == b""
    assert depacketize([b"", b"\x1c", b"\x1c\x85", b"\x00", b"\x1f\x00"]) == (b"", False)
    assert starts_mid_nal_unit(fragments(IDR)[1])
    assert not starts_mid_nal_unit(fragments(IDR)[0])


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_no_payload_breaks_the_depacketizer(payloads: list[bytes]) -> None:
    depacketize(payloads)
