"""Tests for the frames on the pipes of the sandbox."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin.errors import InputModuleError
from rejoin.input_module import frames
from rejoin.input_module.frames import Decoder, Kind

FRAMES = st.lists(st.tuples(st.sampled_from(Kind), st.binary(max_size=50)), max_size=6)


@given(FRAMES, st.integers(1, 20))
def test_frames_come_through_in_whatever_pieces(sent: list[tuple[Kind, bytes]], size: int) -> None:
    data = b"".join(frames.encode(kind, payload) for kind, payload in sent)
    decoder = Decoder(1000)
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert [frame for piece in pieces for frame in decoder.feed(piece)] == sent


@given(st.binary(max_size=200))
def test_any_bytes_are_frames_or_an_error(data: bytes) -> None:
    decoder = Decoder(100)
    try:
        for kind, payload in decoder.feed(data):
            assert kind in Kind
            assert len(payload) <= 100
    except InputModuleError:
        pass


def test_a_frame_that_is_too_long_is_refused_before_it_came() -> None:
    with pytest.raises(InputModuleError):
        list(Decoder(10).feed(frames.encode(Kind.ANSWER, bytes(11))[:5]))


@given(st.floats(0, 10), st.text(st.characters(exclude_categories=["Cs"])))
def test_an_answer_has_its_cpu_time_and_its_text(cpu_s: float, text: str) -> None:
    [(kind, payload)] = Decoder(10_000).feed(frames.encode_answer(Kind.UNASKED, cpu_s, text))
    assert kind is Kind.UNASKED
    decoded_s, decoded = frames.decode_answer(payload)
    assert decoded == text
    assert abs(decoded_s - cpu_s) < 2e-6


@pytest.mark.parametrize("payload", [b"", b"abc", b"\0\0\0\0\xff"])
def test_an_answer_that_cannot_be_read_is_an_error(payload: bytes) -> None:
    with pytest.raises(InputModuleError):
        frames.decode_answer(payload)
