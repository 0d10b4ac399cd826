// Gamepads with the standard mapping, as the player's window reports them.

const MAX_PADS = 4;
const pads = [null, null, null, null];

class GamepadButton {
  constructor(key, value) {
    onlyOurs(key);
    Object.defineProperties(this, {
      value: { value, enumerable: true },
      pressed: { value: value > 0.1, enumerable: true },
      touched: { value: value > 0, enumerable: true },
    });
  }
}

class Gamepad {
  constructor(key, members) {
    onlyOurs(key);
    for (const name of Object.keys(members)) {
      Object.defineProperty(this, name, { value: members[name], enumerable: true });
    }
  }
}

const makePad = ({ index, name, buttons, axes, at }) =>
  new Gamepad(KEY, {
    id: name,
    index,
    connected: true,
    timestamp: at,
    mapping: "standard",
    axes: Object.freeze([...axes]),
    buttons: Object.freeze(buttons.map((value) => new GamepadButton(KEY, value))),
    vibrationActuator: null,
  });

/** A snapshot, as browsers give it. */
const gamepads = () => pads.map((pad) => (pad === null ? null : makePad(pad)));

/** The state of one gamepad; the page gets an event if it came or went. */
const padChanged = (index, connected, name, buttons, axes) => {
  if (!Number.isInteger(index) || index < 0 || index >= MAX_PADS) return;
  const old = pads[index];
  pads[index] = connected ? { index, name, buttons, axes, at: now() } : null;
  if ((old !== null) === connected) return;
  const gamepad = makePad(pads[index] ?? old);
  const type = connected ? "gamepadconnected" : "gamepaddisconnected";
  fire(globalThis, GamepadEvent, type, { gamepad });
};

/** All buttons up and all axes in the middle. */
const padsAtRest = () => {
  for (const pad of pads) {
    if (pad === null) continue;
    pad.buttons = pad.buttons.map(() => 0);
    pad.axes = pad.axes.map(() => 0);
    pad.at = now();
  }
};

exposeAll({ Gamepad, GamepadButton });
