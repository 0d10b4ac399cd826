"""Tests for the commands to the sandbox's browser."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rejoin.input_events.events import (
    Button,
    InputEvent,
    KeyEvent,
    Location,
    Modifiers,
    PadState,
    PointerButton,
    PointerMove,
    ReleaseAll,
    View,
    Wheel,
)
from rejoin.input_module import commands
from rejoin.input_module.commands import FAR, NOTCH_PX
from rejoin.input_module.port import Channel, ChannelState, ModuleOptions, PeerState


def decoded(command: str) -> list[Any]:
    assert command.isascii()
    assert "\0" not in command
    value: list[Any] = json.loads(command)
    return value


def test_each_event_has_its_command() -> None:
    shift = Modifiers.SHIFT | Modifiers.ALT
    events: list[tuple[InputEvent, list[Any]]] = [
        (
            KeyEvent("KeyÄ", "ä\0", True, Location.LEFT, shift, True),
            ["k", "KeyÄ", "ä\0", True, 1, 5, True],
        ),
        (KeyEvent("KeyA", "a", False, repeat=True), ["k", "KeyA", "a", False, 0, 0, False]),
        (PointerMove(1, 2, 3, 4, 5, shift), ["m", 1, 2, 3, 4, 5, 5]),
        (PointerButton(Button.BACK, True, 1, 2, 8, 2), ["b", 3, True, 1, 2, 8, 2, 0]),
        (Wheel(0, -120, 1, 2, 3), ["w", 0, -120, 1, 2, 3, 0, NOTCH_PX]),
        (
            PadState(1, True, "p", (0.5, 7.0), (-3.0,)),
            ["g", 1, True, "p", [0.5, 1.0], [-1.0], False],
        ),
        (ReleaseAll(), ["r", 0]),
    ]
    for event, command in events:
        assert decoded(commands.event_command(event)) == command
    assert decoded(commands.event_command(View(width=5, captured=True)))[1]["captured"] is True


@given(st.floats(), st.floats(), st.text())
def test_no_number_and_no_text_breaks_a_command(number: float, other: float, text: str) -> None:
    for event in (
        PointerMove(number, other, number, other),
        Wheel(0, 0, number, other),
        View(left=number, device_pixel_ratio=other),
        PadState(0, True, text, (number,), (other,)),
        KeyEvent(text, text, pressed=True),
    ):
        decoded(commands.event_command(event))
    assert abs(decoded(commands.event_command(PointerMove(number, 0, 0, 0)))[1]) <= FAR


def test_a_peer_shows_plain_statistics_alone() -> None:
    state = PeerState(
        "connected", "completed", {"transport": {"x": 1, "y": [1], "z": float("nan")}}
    )
    assert decoded(commands.peer_command(state)) == [
        "p",
        {"connection": "connected", "ice": "completed", "statistics": {"transport": {"x": 1}}},
    ]


def test_an_instance_gets_options_channels_and_peer() -> None:
    channels = {Channel.INPUT: ChannelState("open", 3), Channel.MESSAGES: ChannelState()}
    options = ModuleOptions("{}", 8000, None, automatic=False)
    name, number, given_options = decoded(
        commands.instance_command(4, options, channels, PeerState())
    )
    assert (name, number) == ("n", 4)
    assert given_options["channels"] == {
        "inputChannel": ["open", 3],
        "clientMessageChannel": ["connecting", 0],
    }
    assert (given_options["maxKbps"], given_options["maxHeight"]) == (8000, None)
    assert given_options["automatic"] is False


def test_the_rest_is_said_in_short() -> None:
    assert decoded(commands.channel_command(Channel.INPUT, ChannelState("open", 3))) == [
        *("c", "inputChannel", "open", 3),
    ]
    assert decoded(commands.message_command(Channel.MESSAGES, b"\x01")) == [
        *("t", "clientMessageChannel", "01", None),
    ]
    assert decoded(commands.message_command(Channel.INPUT, "x")) == ["t", "inputChannel", None, "x"]
    assert decoded(commands.application_command(b"\xff")) == ["x", "ff"]
    assert decoded(commands.size_command(1920, 1080)) == ["s", 1920, 1080]
    assert decoded(commands.frame_command(1.5)) == ["f", 1.5]
