"""Commands for the sandbox's browser: JSON arrays in ASCII, one for each call. Pure.

The first element is the name of a function in resources/web/browser/commands.js, the rest are its
parameters, in order.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import assert_never

from rejoin.input_events.events import (
    InputEvent,
    KeyEvent,
    PadState,
    PointerButton,
    PointerMove,
    ReleaseAll,
    View,
    Wheel,
)
from rejoin.input_module.port import Channel, ChannelState, ModuleOptions, PeerState

FAR = 1e6
"""Positions, movements and sizes are cut to this; nothing real is larger."""

NOTCH_PX = 120 if sys.platform == "linux" else 100
"""What Chromium makes of one notch of the wheel (120 eighths of a degree), in CSS pixels: on X11,
which was tried, and elsewhere, which was not."""

SCALARS = (bool, int, float, str)


def _number(value: float) -> float:
    if not math.isfinite(value):
        return 0.0
    return max(-FAR, min(FAR, value))


_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def _text(*parts: object) -> str:
    return _encode(parts)


def _within(values: Sequence[float], least: float) -> list[float]:
    """Each from `least` to 1."""
    return [
        value if least <= value <= 1.0 else max(least, min(1.0, _number(value))) for value in values
    ]


def pad_buttons(pad: PadState) -> list[float]:
    """Those that a pad may have, in their range."""
    return _within(pad.buttons[:32], 0.0)


def pad_axes(pad: PadState) -> list[float]:
    """Those that a pad may have, in their range."""
    return _within(pad.axes[:16], -1.0)


def event_command(event: InputEvent) -> str:
    """What dispatches one event of the player."""
    match event:
        case PointerMove(dx, dy, x, y, buttons, modifiers):
            numbers = f"{_number(dx)},{_number(dy)},{_number(x)},{_number(y)}"
            return f'["m",{numbers},{buttons:d},{modifiers.value}]'
        case KeyEvent():
            return _text(
                *("k", event.code, event.key, event.pressed, int(event.location)),
                *(event.modifiers.value, event.pressed and event.repeat),
            )
        case PointerButton():
            return _text(
                *("b", int(event.button), event.pressed, _number(event.x), _number(event.y)),
                *(event.buttons, event.clicks, event.modifiers.value),
            )
        case Wheel():
            return _text(
                *("w", event.turn_x, event.turn_y, _number(event.x), _number(event.y)),
                *(event.buttons, event.modifiers.value, NOTCH_PX),
            )
        case PadState():
            return _text(
                *("g", event.index, event.connected, event.name[:256]),
                *(pad_buttons(event), pad_axes(event), event.rumbles),
            )
        case View():
            return view_command(event)
        case ReleaseAll():
            return _text("r", event.modifiers.value)
        case _:
            assert_never(event)


def view_command(view: View) -> str:
    sizes = {
        "left": view.left,
        "top": view.top,
        "width": view.width,
        "height": view.height,
        "windowWidth": view.window_width,
        "windowHeight": view.window_height,
        "screenWidth": view.screen_width,
        "screenHeight": view.screen_height,
        "ratio": view.device_pixel_ratio,
    }
    states = {
        "focused": view.focused,
        "visible": view.visible,
        "full": view.full_screen,
        "captured": view.captured,
    }
    return _text("v", {name: _number(value) for name, value in sizes.items()} | states)


def peer_members(state: PeerState) -> dict[str, object]:
    """Without whatever is no plain number, text or truth: a module sees statistics alone."""
    statistics: dict[str, dict[str, object]] = {}
    for kind, members in state.statistics.items():
        statistics[kind] = {
            name: value
            for name, value in members.items()
            if isinstance(value, SCALARS) and not (isinstance(value, float) and math.isnan(value))
        }
    return {
        "connection": state.connection_state,
        "ice": state.ice_state,
        "statistics": statistics,
    }


def peer_command(state: PeerState) -> str:
    return _text("p", peer_members(state))


def instance_command(
    instance: int,
    options: ModuleOptions,
    channels: Mapping[Channel, ChannelState],
    peer: PeerState,
) -> str:
    """What constructs the module's object for one connection."""
    given = {
        "signalResponse": options.signal_response,
        "maxKbps": options.max_kbps,
        "maxHeight": options.max_height,
        "automatic": options.automatic,
        "channels": {
            channel.value: [state.ready_state, state.buffered_bytes]
            for channel, state in channels.items()
        },
        "peer": peer_members(peer),
    }
    return _text("n", instance, given)


def channel_command(channel: Channel, state: ChannelState) -> str:
    return _text("c", channel.value, state.ready_state, state.buffered_bytes)


def message_command(channel: Channel, data: bytes | str) -> str:
    """A message of the host."""
    if isinstance(data, str):
        return _text("t", channel.value, None, data)
    return _text("t", channel.value, data.hex(), None)


def application_command(data: bytes) -> str:
    """A message of the studio's client to its game."""
    return _text("x", data.hex())


def size_command(width: int, height: int) -> str:
    return _text("s", width, height)


def frame_command(media_time_s: float) -> str:
    return _text("f", _number(media_time_s))


ATTACH = _text("a")
DETACH = _text("d")
REFUSE_LOCK = _text("q", "l")
REFUSE_FULL_SCREEN = _text("q", "f")
