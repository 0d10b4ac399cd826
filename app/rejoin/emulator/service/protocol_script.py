"""The script that the emulator serves as `webSdkProtocolUrl`: our input protocol for browsers.

AWS's Web SDK loads it as a classic script with anonymous CORS and expects it to define
`globalThis.GameCastInputModule.GameCastInput` (service.md, observed). The service's own module is
not public; ours uses `input_protocol/controls`, for keyboard, mouse and gamepads, and obeys the
page's `inputConfiguration`. The Web SDK's
`clientRtc` has no documented shape, so the script searches it for the two data channels by label.
"""

from __future__ import annotations

import functools
import json
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rejoin import assets
from rejoin.input_protocol import controls

PATH: Final = "/web-sdk-protocol.js"
MAX_APPLICATION_MESSAGE: Final = 65_536
"""Bytes (documented by AWS)."""


def _keys() -> dict[str, int]:
    """KeyboardEvent.code to USB HID usage (page 7), by the UI Events and HID usage tables."""
    keys = {f"Key{chr(65 + index)}": 0x04 + index for index in range(26)}
    keys |= {f"Digit{(index + 1) % 10}": 0x1E + index for index in range(10)}
    keys |= {f"F{index + 1}": 0x3A + index for index in range(12)}
    keys |= {f"Numpad{(index + 1) % 10}": 0x59 + index for index in range(10)}
    names = (
        "Enter Escape Backspace Tab Space Minus Equal BracketLeft BracketRight Backslash "
        "- Semicolon Quote Backquote Comma Period Slash CapsLock"
    )
    keys |= {name: 0x28 + at for at, name in enumerate(names.split()) if name != "-"}
    names = (
        "PrintScreen ScrollLock Pause Insert Home PageUp Delete End PageDown "
        "ArrowRight ArrowLeft ArrowDown ArrowUp NumLock NumpadDivide NumpadMultiply "
        "NumpadSubtract NumpadAdd NumpadEnter"
    )
    keys |= {name: 0x46 + at for at, name in enumerate(names.split())}
    names = "ControlLeft ShiftLeft AltLeft MetaLeft ControlRight ShiftRight AltRight MetaRight"
    keys |= {name: 0xE0 + at for at, name in enumerate(names.split())}
    return keys | {"NumpadDecimal": 0x63, "IntlBackslash": 0x64}


@functools.cache
def protocol_script() -> str:
    """The JavaScript text, with the constants of `input_protocol/controls` filled in."""
    numbers = {
        "magic": controls.encode(controls.Hello(controls.VERSION))[0],
        "version": controls.VERSION,
        "controls": int(controls.Kind.CONTROLS),
        "disconnect": int(controls.Kind.DISCONNECT),
        "inputChannel": controls.INPUT_CHANNEL,
        "messageChannel": controls.MESSAGE_CHANNEL,
        "gamepad": int(controls.Kind.GAMEPAD),
        "performance": int(controls.Kind.PERFORMANCE),
        "limits": int(controls.Kind.LIMITS),
        "maxKeys": controls.MAX_KEYS,
        "maxPads": controls.MAX_PADS,
        "repeatEveryMs": round(controls.REPEAT_EVERY_S * 1000),
        "repeatAfterChange": controls.REPEAT_AFTER_CHANGE,
        "maxApplicationMessage": MAX_APPLICATION_MESSAGE,
    }
    text = assets.text("web/protocol.js")
    return text.replace("@PROTOCOL@", json.dumps(numbers)).replace("@KEYS@", json.dumps(_keys()))


async def _serve(_request: Request) -> Response:
    return Response(
        protocol_script(),
        media_type="text/javascript",
        headers={
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Cache-Control": "no-cache",
            "X-Content-Type-Options": "nosniff",
        },
    )


def route() -> Route:
    """The route that serves the script, for any origin."""
    return Route(PATH, _serve, methods=["GET"])
