// Gamepads with the standard mapping, as the player's window reports them.

const MAX_PADS = 4;
const pads = [null, null, null, null];

const PRESSED_FROM = 0.1;

class GamepadButton {
  constructor(key, value) {
    onlyOurs(key);
    Object.defineProperties(this, {
      value: { value, enumerable: true },
      pressed: { value: value > PRESSED_FROM, enumerable: true },
      touched: { value: value > 0, enumerable: true },
    });
  }
}

/** What never changes is made once: a module asks for every pad sixty times a second. */
const BUTTON_UP = Object.freeze(new GamepadButton(KEY, 0));
const BUTTON_DOWN = Object.freeze(new GamepadButton(KEY, 1));

const makeButton = (value) => {
  if (value === 0) return BUTTON_UP;
  return value === 1 ? BUTTON_DOWN : new GamepadButton(KEY, value);
};

/** Chromium's longest effect, its delay included. */
const MAX_EFFECT_MS = 5000;

class GamepadHapticActuator {
  #index;
  #timer = null;
  #pending = null;

  constructor(key, index) {
    onlyOurs(key);
    this.#index = index;
  }

  get type() { return "dual-rumble"; }
  get effects() { return ["dual-rumble"]; }

  /** "complete", "preempted" by another one, or "invalid-parameter", as in Chromium. */
  playEffect(type, parameters = {}) {
    if (type !== "dual-rumble") {
      return Promise.reject(new DOMException("There is no such effect.", "NotSupportedError"));
    }
    const [duration, delay, strong, weak] =
      ["duration", "startDelay", "strongMagnitude", "weakMagnitude"].map((name) => Number(parameters[name] ?? 0));
    const shares = [strong, weak].every((share) => share >= 0 && share <= 1);
    const times = duration >= 0 && delay >= 0 && duration + delay <= MAX_EFFECT_MS;
    if (!shares || !times || document.hidden) {
      return Promise.resolve(document.hidden ? "preempted" : "invalid-parameter");
    }
    this.#end("preempted");
    return new Promise((resolve) => {
      this.#pending = resolve;
      const begin = () => {
        this.#shake(duration, strong, weak);
        this.#timer = startTimer(() => this.#end("complete"), duration, [], false);
      };
      if (delay > 0) this.#timer = startTimer(begin, delay, [], false);
      else begin();
    });
  }

  reset() {
    this.#end("preempted");
    this.#shake(0, 0, 0);
    return Promise.resolve("complete");
  }

  #end(how) {
    stopTimer(this.#timer);
    const pending = this.#pending;
    this.#timer = this.#pending = null;
    pending?.(how);
  }

  #shake(duration, strong, weak) {
    if (attached) say(`h${instanceNumber} ${stringify([this.#index, duration, strong, weak])}`);
  }
}

const actuators = pads.map((_, index) => new GamepadHapticActuator(KEY, index));

/** Plain members, though a browser has getters: a pad that moves is made anew sixty times a second. */
class Gamepad {
  constructor(key, { index, name, axes, rumbles, at }, buttons) {
    onlyOurs(key);
    this.id = name;
    this.index = index;
    this.connected = true;
    this.timestamp = at;
    this.mapping = "standard";
    this.axes = axes;
    this.buttons = buttons;
    this.vibrationActuator = rumbles ? actuators[index] : null;
  }
}

const areSame = (some, others) => {
  if (some.length !== others.length) return false;
  for (let at = 0; at < some.length; at += 1) if (some[at] !== others[at]) return false;
  return true;
};

/** Of each place, the buttons that were made last, and of what: mostly sticks alone move. */
const made = pads.map(() => ({ values: [], buttons: Object.freeze([]) }));

const buttonsOf = ({ index, buttons }) => {
  const last = made[index];
  if (!areSame(last.values, buttons)) {
    last.values = buttons;
    last.buttons = Object.freeze(buttons.map(makeButton));
  }
  return last.buttons;
};

const makePad = (pad) => {
  Object.freeze(pad.axes);
  return new Gamepad(KEY, pad, buttonsOf(pad));
};

/** Of each place, the snapshot of its newest state: the same object while nothing changes. */
const snapshots = [null, null, null, null];

/** A snapshot, as browsers give it. */
const gamepads = () => {
  speaker.reads = true;
  return pads.map((pad, index) => {
    if (pad === null) return null;
    unseen[index] = false;
    snapshots[index] ??= makePad(pad);
    return snapshots[index];
  });
};

/**
 * A button that is pressed and let go between two looks of the module: in a browser it would be lost.
 * Of each place, whether the newest change of buttons is still to be seen, and the states that wait
 * for that, which the module gets one by one.
 */
const unseen = pads.map(() => false);
let later = [];
const MAX_LATER = 16;

/** What waits longer is of a module that does not look: it gets the newest state. */
const LATER_MS = 250;

const arePressedAlike = (some, others) => {
  for (let at = 0; at < some.length; at += 1) {
    if (some[at] > PRESSED_FROM !== others[at] > PRESSED_FROM) return false;
  }
  return true;
};

const setPad = (pad, buttons, axes) => {
  if (!arePressedAlike(pad.buttons, buttons)) unseen[pad.index] = true;
  pad.buttons = buttons;
  pad.axes = axes;
  pad.at = now();
  snapshots[pad.index] = null;
};

/** The state of a gamepad that is there, for the module's next look or the one after. */
const takeState = (pad, buttons, axes) => {
  happenings += 1;
  const last = later.findLast((each) => each.pad === pad);
  if (last === undefined && (!unseen[pad.index] || arePressedAlike(pad.buttons, buttons))) {
    setPad(pad, buttons, axes);
  } else if (last !== undefined && arePressedAlike(last.buttons, buttons)) {
    Object.assign(last, { buttons, axes });
  } else if (later.length < MAX_LATER && now() - (later[0]?.at ?? Infinity) < LATER_MS) {
    later.push({ pad, buttons, axes, at: now() });
  } else {
    later = later.filter((each) => each.pad !== pad);
    setPad(pad, buttons, axes);
  }
};

/** Before a timer runs: states whose turn it is. */
const advancePads = () => {
  const waiting = new Set();
  later = later.filter((state) => {
    const { pad, buttons, axes } = state;
    if (waiting.has(pad) || unseen[pad.index]) {
      waiting.add(pad);
      return true;
    }
    waiting.add(pad);
    happenings += 1;
    setPad(pad, buttons, axes);
    return false;
  });
};

/** The state of one gamepad; the page gets an event if it came or went. */
const padChanged = (index, connected, name, buttons, axes, rumbles) => {
  if (!Number.isInteger(index) || index < 0 || index >= MAX_PADS) return;
  const old = pads[index];
  if (connected && old !== null) {
    Object.assign(old, { name, rumbles });
    takeState(old, buttons, axes);
    return;
  }
  snapshots[index] = null;
  unseen[index] = false;
  later = later.filter((each) => each.pad !== old);
  pads[index] = connected ? { index, name, buttons, axes, rumbles, at: now() } : null;
  if (!connected && old === null) return;
  const gamepad = makePad(pads[index] ?? old);
  const type = connected ? "gamepadconnected" : "gamepaddisconnected";
  fire(globalThis, GamepadEvent, type, { gamepad });
};

/** The same where sticks alone have moved. */
const takeAxes = (pad, axes) => {
  if (later.some((each) => each.pad === pad)) {
    takeState(pad, later.findLast((each) => each.pad === pad).buttons, axes);
    return;
  }
  happenings += 1;
  pad.axes = axes;
  pad.at = now();
  snapshots[pad.index] = null;
};

/**
 * States of gamepads that are there: of each the index, how many buttons and axes it has, and their
 * values. No buttons: they are as they were.
 */
const padsMoved = (numbers) => {
  for (let at = 0; at < numbers.length;) {
    const pad = pads[numbers[at]];
    const axesAt = at + 3 + numbers[at + 1];
    const end = axesAt + numbers[at + 2];
    if (pad && axesAt === at + 3) takeAxes(pad, numbers.slice(axesAt, end));
    else if (pad) takeState(pad, numbers.slice(at + 3, axesAt), numbers.slice(axesAt, end));
    at = end;
  }
};

/** All buttons up and all axes in the middle. */
const padsAtRest = () => {
  later = [];
  for (const pad of pads) {
    if (pad === null) continue;
    pad.buttons = pad.buttons.map(() => 0);
    pad.axes = pad.axes.map(() => 0);
    pad.at = now();
    snapshots[pad.index] = null;
    unseen[pad.index] = false;
  }
};

exposeAll({ Gamepad, GamepadButton, GamepadHapticActuator });
