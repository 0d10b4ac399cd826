"""The bytes of the input protocol."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin.input_protocol.controls import (
    MAX_KEYS,
    MAX_MESSAGE,
    MAX_PADS,
    MAX_PERFORMANCE,
    Controls,
    ControlsFormatError,
    ControlsMessage,
    Disconnect,
    Gamepad,
    GamepadMessage,
    Hello,
    Limits,
    Performance,
    decode,
    encode,
    is_newer,
    travel,
)

U32 = st.integers(0, 2**32 - 1)
CONTROLS = st.builds(
    Controls,
    keys=st.frozensets(st.integers(0, 0xFFFF), max_size=MAX_KEYS),
    buttons=U32,
    pointer_x_total=U32,
    pointer_y_total=U32,
    wheel_total=U32,
)


@given(sequence=U32, controls=CONTROLS)
def test_controls_arrive_as_they_were_sent(sequence: int, controls: Controls) -> None:
    data = encode(ControlsMessage(sequence, controls))
    assert len(data) <= MAX_MESSAGE
    assert decode(data) == ControlsMessage(sequence, controls)


I16 = st.integers(-32768, 32767)


@given(
    sequence=U32,
    pad=st.integers(0, MAX_PADS - 1),
    gamepad=st.builds(Gamepad, buttons=U32, axes=st.tuples(I16, I16, I16, I16)),
)
def test_gamepads_arrive_as_they_were_sent(sequence: int, pad: int, gamepad: Gamepad) -> None:
    message = GamepadMessage(sequence, pad, gamepad)
    assert decode(encode(message)) == message


@pytest.mark.parametrize("bad", [slice(0, -1), slice(0, 12)])
def test_a_gamepad_message_of_the_wrong_length_is_refused(bad: slice) -> None:
    with pytest.raises(ControlsFormatError):
        decode(encode(GamepadMessage(1, 0, Gamepad()))[bad])


def test_a_fifth_gamepad_is_refused() -> None:
    with pytest.raises(ControlsFormatError):
        decode(encode(GamepadMessage(1, MAX_PADS, Gamepad())))


def test_the_other_messages_arrive_as_they_were_sent() -> None:
    assert decode(encode(Hello(1))) == Hello(1)
    assert decode(encode(Hello(9))) == Hello(9), "an unknown version is reported, not refused"
    assert decode(encode(Disconnect("idle"))) == Disconnect("idle")
    limits = Limits(max_bitrate_kbps=8000, max_height=720)
    assert encode(limits).hex() == "520106000000000000001f4002d00000"
    assert decode(encode(limits)) == limits
    with pytest.raises(ControlsFormatError):
        decode(encode(limits)[:-1])
    stats = Performance("{}" + " " * (MAX_PERFORMANCE - 2))
    assert decode(encode(stats)) == stats
    with pytest.raises(ControlsFormatError):
        decode(encode(stats) + b" ")


def test_the_documented_bytes() -> None:
    data = encode(ControlsMessage(7, Controls(frozenset({0x52, 0x04}), 1, 2, 3, 4)))
    assert data.hex() == "5201020000000007000000010000000200000003000000040200040052"
    data = encode(GamepadMessage(7, 2, Gamepad(0x10001, (1, -1, 0, -32767))))
    assert data.hex() == "52010400000000070200000000010001" + "0001ffff00008001"


@given(st.binary(max_size=120))
def test_any_other_bytes_raise_one_kind_of_exception(data: bytes) -> None:
    try:
        message = decode(data)
    except ControlsFormatError:
        return
    assert decode(encode(message)) == message


@pytest.mark.parametrize("cut", range(1, 27))
def test_a_truncated_message_is_refused(cut: int) -> None:
    data = encode(ControlsMessage(1, Controls(frozenset({4}))))
    with pytest.raises(ControlsFormatError):
        decode(data[:-cut])


def test_too_many_keys_keep_the_lowest() -> None:
    sent = Controls(frozenset(range(4, 4 + MAX_KEYS + 5)))
    arrived = decode(encode(ControlsMessage(1, sent)))
    assert isinstance(arrived, ControlsMessage)
    assert arrived.controls.keys == frozenset(range(4, 4 + MAX_KEYS))


def test_order_and_travel_across_the_wrap() -> None:
    assert is_newer(1, 0xFFFFFFFF)
    assert not is_newer(0xFFFFFFFF, 1)
    assert not is_newer(5, 5)
    assert travel(3, 0xFFFFFFFE) == 5
    assert travel(0xFFFFFFFE, 3) == -5


def test_released_keeps_only_the_travel() -> None:
    held = Controls(frozenset({4}), 1, 10, 20, 30)
    assert held.held
    assert not held.released().held
    assert held.released().pointer_x_total == 10
