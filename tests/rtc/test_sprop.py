from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.h264_streams import x264
from rejoin.rtc.sprop import MAX_SETS, parameter_sets

SPS, PPS = x264(1)[0][:2]
SETS = ",".join(base64.b64encode(unit).decode() for unit in (SPS, PPS))


@pytest.mark.parametrize(
    "value",
    [
        f"102 packetization-mode=1;profile-level-id=42e01f;sprop-parameter-sets={SETS}",
        f"102 sprop-parameter-sets={SETS}; packetization-mode=1 ",
        f"102 packetization-mode=1; SPROP-Parameter-Sets={SETS.replace(',', ' , ')};",
        f"102 sprop-parameter-sets={SETS.replace('=', '')}",
    ],
)
def test_the_parameter_sets_of_a_payload_type_are_read(value: str) -> None:
    assert parameter_sets([value, "104 packetization-mode=0"]) == {102: (SPS, PPS)}


@pytest.mark.parametrize(
    "value",
    [
        "",
        "102",
        "102 sprop-parameter-sets",
        "102 sprop-parameter-sets=",
        "102 sprop-parameter-sets=?,!,\u00e9",
        f"x sprop-parameter-sets={SETS}",
        f"\u0661 sprop-parameter-sets={SETS}",
        f"102 sprop-level-parameter-sets={SETS}",
    ],
)
def test_what_is_malformed_is_passed_over(value: str) -> None:
    assert parameter_sets([value]) == {}
    assert parameter_sets([value, f"96 sprop-parameter-sets=?,{SETS}"]) == {96: (SPS, PPS)}


def test_there_is_a_limit() -> None:
    many = parameter_sets(["96 sprop-parameter-sets=" + ",".join([SETS] * 50)])
    assert len(many[96]) == MAX_SETS


@given(st.lists(st.text(max_size=60)))
def test_no_text_breaks_it(values: list[str]) -> None:
    parameter_sets([*values, *("96 sprop-parameter-sets=" + value for value in values)])
