"""The script that the emulator serves as `webSdkProtocolUrl`: its input module.

AWS's Web SDK loads it as a classic script with anonymous CORS and expects it to define
`globalThis.GameCastInputModule.GameCastInput` (service.md, observed); so does the desktop client.
The service's own module is not public; ours uses `input_protocol/controls`, for keyboard, mouse and
gamepads, and obeys the page's `inputConfiguration`. The Web SDK's `clientRtc` has no documented
shape, so the script searches it for the two data channels by label.
"""

from __future__ import annotations

import functools
import json
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rejoin import assets
from rejoin.emulator.service.script_faults import ScriptFaults
from rejoin.input_events.keys import KEYS
from rejoin.input_protocol import controls

PATH: Final = "/web-sdk-protocol.js"
MAX_APPLICATION_MESSAGE: Final = 65_536
"""Bytes (documented by AWS)."""


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
    keys = {key.code: key.usage for key in KEYS}
    text = assets.text("web/protocol.js")
    return text.replace("@PROTOCOL@", json.dumps(numbers)).replace("@KEYS@", json.dumps(keys))


_HEADERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
}


def route(faults: ScriptFaults | None = None) -> Route:
    """The route that serves the script, for any origin, unless a fault applies."""

    async def serve(_request: Request) -> Response:
        instead = None if faults is None else await faults.response()
        response = instead or Response(protocol_script(), media_type="text/javascript")
        response.headers.update(_HEADERS)
        return response

    return Route(PATH, serve, methods=["GET"])
