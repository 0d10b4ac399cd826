"""The browser's input protocol: served to any origin, and it sends what input_protocol decodes."""

from __future__ import annotations

import json
import shutil
import subprocess

import httpx
import pytest
from starlette.applications import Starlette

from rejoin.emulator.service.protocol_script import PATH, protocol_script, route
from rejoin.input_protocol import controls

DRIVER = """
class RTCDataChannel extends EventTarget {
  constructor(label) { super(); this.label = label; this.readyState = "open"; this.sent = []; }
  send(data) { this.sent.push([...new Uint8Array(data)]); }
}
globalThis.RTCDataChannel = RTCDataChannel;
globalThis.window = new EventTarget();
globalThis.document = new EventTarget();
let pads = [null];
Object.defineProperty(globalThis, "navigator", { value: { getGamepads: () => pads } });
const video = new EventTarget();
const event = (name, more) => Object.assign(new Event(name, { cancelable: true }), more);
const message = (bytes) =>
  Object.assign(new Event("message"), { data: new Uint8Array(bytes).buffer });
require("node:vm").runInThisContext(require("node:fs").readFileSync(0, "utf8"));
const input = new RTCDataChannel("inputChannel");
const messages = new RTCDataChannel("clientMessageChannel");
const received = [];
const game = new GameCastInputModule.GameCastInput({
  clientRtc: { nested: { a: input }, b: messages },
  videoElement: video,
  onServerDisconnect: (reason) => received.push(["disconnect", reason]),
  onPerformanceStatsReceived: (stats) =>
    received.push(["stats", stats.system.gpuUtilization, stats.timestamp.toISOString()]),
  onApplicationMessageReceived: (bytes) => received.push(["message", [...bytes]]),
});
game.attach();
window.dispatchEvent(event("keydown", { code: "ArrowRight" }));
window.dispatchEvent(event("keydown", { code: "KeyW" }));
video.dispatchEvent(event("mousemove", { movementX: 5, movementY: -3 }));
video.dispatchEvent(event("mousedown", { buttons: 1 }));
window.dispatchEvent(event("keydown", { code: "NoSuchKey" }));
const held = input.sent.at(-1);
const pressed = { pressed: true }, loose = { pressed: false };
pads = [null, { index: 1, connected: true, buttons: [loose, pressed], axes: [1, -0.05, 0, -0.5] }];
window.dispatchEvent(event("gamepadconnected"));
const gamepad = input.sent.at(-1);
pads = [null, null];
setTimeout(() => {
  const unplugged = input.sent.findLast((sent) => sent[2] === gamepad[2]);
  const state = String(held.slice(8));
  const repeats = input.sent.filter((sent) => String(sent.slice(8)) === state).length;
  const said = game.sendApplicationMessage(new Uint8Array([7, 8]));
  messages.dispatchEvent(message([9]));
  game.detach();
  const unsaid = game.sendApplicationMessage(new Uint8Array([7, 8, 9]));
  messages.dispatchEvent(message([10]));
  const released = input.sent.findLast((sent) => sent[2] === held[2]);
  window.dispatchEvent(event("keydown", { code: "KeyA" }));
  const afterwards = input.sent.findLast((sent) => sent[2] === held[2]);
  messages.dispatchEvent(message([0x52, 1, 3, 0, 0, 0, 0, 0, 105, 100, 108, 101]));
  const stats = new TextEncoder().encode(
    '{"timestamp": 1500, "system": {"gpuUtilization": 7}}');
  messages.dispatchEvent(message([0x52, 1, 5, 0, 0, 0, 0, 0, ...stats]));
  console.log(JSON.stringify(
    { held, gamepad, unplugged, repeats, released, afterwards, said, unsaid,
      sent: messages.sent, received }));
}, 260);
"""


async def test_it_is_served_to_any_origin() -> None:
    transport = httpx.ASGITransport(Starlette(routes=[route()]))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        response = await client.get(PATH, headers={"Origin": "https://play.example"})
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["content-type"].startswith("text/javascript")
    assert response.text == protocol_script()
    assert "GameCastInputModule" in response.text
    assert "@PROTOCOL@" not in response.text
    assert "@KEYS@" not in response.text


def test_the_script_implements_the_input_protocol() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here to run the script with")
    done = subprocess.run(
        [node, "-e", DRIVER],
        input=protocol_script(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    held = controls.decode(bytes(seen["held"]))
    assert isinstance(held, controls.ControlsMessage)
    assert held.controls == controls.Controls(
        keys=frozenset({0x4F, 0x1A}),
        buttons=1,
        pointer_x_total=5,
        pointer_y_total=2**32 - 3,
    )
    gamepad = controls.decode(bytes(seen["gamepad"]))
    tilted = controls.Gamepad(1 << 1, (32767, 0, 0, -16383))
    assert gamepad == controls.GamepadMessage(1, 1, tilted)
    assert controls.decode(bytes(seen["unplugged"])) == controls.GamepadMessage(
        2, 1, controls.Gamepad()
    )
    assert seen["repeats"] >= 2  # held: sent again every 50 ms
    released = controls.decode(bytes(seen["released"]))
    assert isinstance(released, controls.ControlsMessage)
    assert released.controls == held.controls.released()
    assert controls.is_newer(released.sequence, held.sequence)
    assert seen["afterwards"] == seen["released"]  # detached: keys are the page's again
    assert (seen["said"], seen["unsaid"]) == (True, False)
    assert seen["sent"] == [[7, 8]], "application messages go while input is attached"
    assert seen["received"] == [
        ["message", [9]],
        ["disconnect", "idle"],
        ["stats", 7, "1970-01-01T00:00:01.500Z"],
    ]
