// Events and their targets: DOM, UI Events, Pointer Events, Pointer Lock, WebRTC and Gamepad.

/** Names under which the objects that the module may use are kept; none can be enumerated. */
const expose = (name, value) =>
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });

const exposeAll = (values) => {
  for (const name of Object.keys(values)) expose(name, values[name]);
};

/** Only the code of this file and its siblings can construct what a page gets but cannot make. */
const KEY = Symbol("construct");

const onlyOurs = (key) => {
  if (key !== KEY) throw new TypeError("Illegal constructor");
};

/** How many listeners there are for a type; events that nobody listens for are not made. */
const listening = new Map();

const wanted = (type) => (listening.get(type) ?? 0) > 0;

/** Types of event that exist here. Others that the module listens for are reported as missing. */
const TYPES = new Set(
  (
    "abort blur bufferedamountlow click close closing connectionstatechange contextmenu dblclick " +
    "auxclick error focus focusin focusout fullscreenchange fullscreenerror gamepadconnected " +
    "gamepaddisconnected iceconnectionstatechange keydown keypress keyup message mousedown " +
    "mouseenter mouseleave mousemove mouseout mouseover mouseup open pointerdown pointerenter " +
    "pointerleave pointerlockchange pointerlockerror pointermove pointerout pointerover " +
    "pointerrawupdate pointerup resize visibilitychange wheel mousewheel"
  ).split(" "),
);

let stateOf;
let membersOf;
let setTrusted;

class Event {
  static NONE = 0;
  static CAPTURING_PHASE = 1;
  static AT_TARGET = 2;
  static BUBBLING_PHASE = 3;

  #s;
  #members;

  /** With the key `init` itself has the members; else those of the class are read from it. */
  constructor(type, init, key) {
    if (arguments.length === 0) throw new TypeError("1 argument required, but only 0 present.");
    const given = init ?? {};
    this.#s = {
      type: `${type}`,
      bubbles: Boolean(given.bubbles),
      cancelable: Boolean(given.cancelable),
      composed: Boolean(given.composed),
      trusted: false,
      target: null,
      currentTarget: null,
      path: NOTHING,
      phase: 0,
      stopped: false,
      stoppedNow: false,
      cancelled: false,
      passive: false,
      dispatching: false,
      at: now(),
    };
    const defaults = new.target.MEMBERS;
    this.#members = key === KEY ? Object.setPrototypeOf(given, defaults) : chosen(given, defaults);
    Object.defineProperty(this, "isTrusted", TRUSTED);
  }

  get type() { return this.#s.type; }
  get target() { return this.#s.target; }
  get srcElement() { return this.#s.target; }
  get currentTarget() { return this.#s.currentTarget; }
  get eventPhase() { return this.#s.phase; }
  get bubbles() { return this.#s.bubbles; }
  get cancelable() { return this.#s.cancelable; }
  get composed() { return this.#s.composed; }
  get defaultPrevented() { return this.#s.cancelled; }
  get returnValue() { return !this.#s.cancelled; }
  set returnValue(value) { if (!value) this.preventDefault(); }
  get cancelBubble() { return this.#s.stopped; }
  set cancelBubble(value) { if (value) this.#s.stopped = true; }
  get timeStamp() { return this.#s.at; }
  get NONE() { return 0; }
  get CAPTURING_PHASE() { return 1; }
  get AT_TARGET() { return 2; }
  get BUBBLING_PHASE() { return 3; }
  get [Symbol.toStringTag]() { return this.constructor.name; }

  composedPath() { return this.#s.dispatching ? [...this.#s.path] : []; }
  stopPropagation() { this.#s.stopped = true; }
  stopImmediatePropagation() { this.#s.stopped = this.#s.stoppedNow = true; }

  preventDefault() {
    if (this.#s.cancelable && !this.#s.passive) this.#s.cancelled = true;
  }

  initEvent(type, bubbles = false, cancelable = false) {
    if (this.#s.dispatching) return;
    Object.assign(this.#s, {
      type: `${type}`, bubbles: Boolean(bubbles), cancelable: Boolean(cancelable),
    });
  }

  static #trusted = function () { return this.#s.trusted; };

  static {
    stateOf = (event) => event.#s;
    membersOf = (event) => event.#members;
    setTrusted = (event) => {
      event.#s.trusted = true;
      return event;
    };
    // Each event has this property itself, and nobody can change it (DOM, LegacyUnforgeable).
    this.TRUSTED = { get: Event.#trusted, enumerable: true, configurable: false };
  }
}
const { TRUSTED } = Event;
delete Event.TRUSTED;
const NOTHING = Object.freeze([]);

/** The members of a class and of those above it, with their defaults. */
Object.defineProperty(Event, "MEMBERS", { value: Object.create(null) });

const chosen = (init, defaults) => {
  const members = Object.create(defaults);
  for (const name in defaults) if (init[name] !== undefined) members[name] = init[name];
  return members;
};

/** A class of events whose members are read from the init dictionary; `members` has the defaults. */
const eventClass = (Base, name, members) => {
  const Made = { [name]: class extends Base {} }[name];
  const value = Object.assign(Object.create(null), Base.MEMBERS, members);
  Object.defineProperty(Made, "MEMBERS", { value });
  for (const member of Object.keys(members)) {
    Object.defineProperty(Made.prototype, member, {
      get() { return membersOf(this)[member]; },
      enumerable: true,
      configurable: true,
    });
  }
  return Made;
};

const MODIFIERS = {
  Shift: "shiftKey", Control: "ctrlKey", Alt: "altKey", Meta: "metaKey",
  AltGraph: "modifierAltGraph", CapsLock: "modifierCapsLock", NumLock: "modifierNumLock",
};

const modifierMembers = { ctrlKey: false, shiftKey: false, altKey: false, metaKey: false };

/** Members of the init dictionary that an event does not show itself (UI Events). */
const HIDDEN = { modifierAltGraph: false, modifierCapsLock: false, modifierNumLock: false };

const getModifierState = {
  getModifierState(name) {
    return Object.hasOwn(MODIFIERS, name) && Boolean(membersOf(this)[MODIFIERS[name]]);
  },
};

const CustomEvent = eventClass(Event, "CustomEvent", { detail: null });
const MessageEvent = eventClass(Event, "MessageEvent", {
  data: null, origin: "", lastEventId: "", source: null, ports: Object.freeze([]),
});
const ErrorEvent = eventClass(Event, "ErrorEvent", {
  message: "", filename: "", lineno: 0, colno: 0, error: undefined,
});
const GamepadEvent = eventClass(Event, "GamepadEvent", { gamepad: null });
const RTCDataChannelEvent = eventClass(Event, "RTCDataChannelEvent", { channel: null });
const UIEvent = eventClass(Event, "UIEvent", { view: null, detail: 0, sourceCapabilities: null });
Object.defineProperty(UIEvent.prototype, "pseudoTarget", {
  get: () => null, enumerable: true, configurable: true,
});
Object.defineProperty(UIEvent.prototype, "which", {
  get() { return 0; }, enumerable: true, configurable: true,
});
const FocusEvent = eventClass(UIEvent, "FocusEvent", { relatedTarget: null });

/** Of the device of an event; there is a keyboard and a mouse, and no touch screen. */
class InputDeviceCapabilities {
  get firesTouchEvents() { return false; }
  get [Symbol.toStringTag]() { return "InputDeviceCapabilities"; }
}
const DEVICE = new InputDeviceCapabilities();

const HELD_FIRST = [[2, 3], [4, 2], [1, 1]];

class MouseEvent extends eventClass(UIEvent, "MouseEvent", {
  screenX: 0, screenY: 0, clientX: 0, clientY: 0, ...modifierMembers,
  button: 0, buttons: 0, relatedTarget: null, movementX: 0, movementY: 0,
}) {
  get x() { return this.clientX; }
  get y() { return this.clientY; }
  get pageX() { return this.clientX; }
  get pageY() { return this.clientY; }
  get offsetX() { return this.clientX - Math.floor(originOf(this.target).left); }
  get offsetY() { return this.clientY - Math.floor(originOf(this.target).top); }
  get layerX() { return this.offsetX; }
  get layerY() { return this.offsetY; }
  /** Where no button has changed it is one that is held. */
  get which() {
    if (!/^(mouse(?!down|up)|wheel)/.test(this.type)) return this.button + 1;
    const [, which = 0] = HELD_FIRST.find(([bit]) => (this.buttons & bit) !== 0) ?? [];
    return which;
  }
  get fromElement() { return this.relatedTarget; }
  get toElement() { return this.target; }
}
Object.assign(MouseEvent.prototype, getModifierState);
Object.assign(Object.getPrototypeOf(MouseEvent).MEMBERS, HIDDEN);

/** Where an element begins, in CSS pixels; `page.js` knows. */
let originOf = () => ({ left: 0, top: 0 });

const WheelEvent = eventClass(MouseEvent, "WheelEvent", {
  deltaX: 0, deltaY: 0, deltaZ: 0, deltaMode: 0, wheelDeltaX: 0, wheelDeltaY: 0,
});
Object.defineProperty(WheelEvent.prototype, "wheelDelta", {
  get() { return this.wheelDeltaY || this.wheelDeltaX; }, enumerable: true, configurable: true,
});
for (const [name, value] of [["PIXEL", 0], ["LINE", 1], ["PAGE", 2]]) {
  WheelEvent[`DOM_DELTA_${name}`] = value;
  WheelEvent.prototype[`DOM_DELTA_${name}`] = value;
}

const PointerEvent = eventClass(MouseEvent, "PointerEvent", {
  pointerId: 0, width: 1, height: 1, pressure: 0, tiltX: 0, tiltY: 0, azimuthAngle: 0,
  altitudeAngle: Math.PI / 2, tangentialPressure: 0, twist: 0, pointerType: "", isPrimary: false,
  persistentDeviceId: 0,
});
Object.defineProperty(PointerEvent.prototype, "toElement", { get: () => null, configurable: true });
PointerEvent.prototype.getCoalescedEvents = function () {
  return this.type === "pointermove" || this.type === "pointerrawupdate" ? [this] : [];
};
PointerEvent.prototype.getPredictedEvents = () => [];

class KeyboardEvent extends eventClass(UIEvent, "KeyboardEvent", {
  key: "", code: "", location: 0, ...modifierMembers, repeat: false, isComposing: false,
  charCode: 0, keyCode: 0,
}) {
  get which() { return this.keyCode || this.charCode; }
}
Object.assign(KeyboardEvent.prototype, getModifierState);
Object.assign(Object.getPrototypeOf(KeyboardEvent).MEMBERS, HIDDEN);
["STANDARD", "LEFT", "RIGHT", "NUMPAD"].forEach((name, value) => {
  KeyboardEvent[`DOM_KEY_LOCATION_${name}`] = value;
  KeyboardEvent.prototype[`DOM_KEY_LOCATION_${name}`] = value;
});

/** Who listens: targets, then types, then entries in order. */
const lists = new WeakMap();

const listOf = (target, type) => lists.get(target)?.get(type);

const flatten = (options) =>
  typeof options === "object" && options !== null ? options : { capture: Boolean(options) };

const add = (target, entry) => {
  let types = lists.get(target);
  if (types === undefined) lists.set(target, (types = new Map()));
  let list = types.get(entry.type);
  if (list === undefined) types.set(entry.type, (list = []));
  if (list.length >= MAX_LISTENERS || types.size > MAX_LISTENERS) {
    throw new RangeError("There are too many listeners.");
  }
  list.push(entry);
  listening.set(entry.type, (listening.get(entry.type) ?? 0) + 1);
};

const drop = (target, entry) => {
  const list = listOf(target, entry.type);
  const at = list?.indexOf(entry) ?? -1;
  if (at < 0) return;
  list.splice(at, 1);
  entry.removed = true;
  listening.set(entry.type, listening.get(entry.type) - 1);
};

/** Who hears an event after its target; `page.js` fills this in. */
const parents = new WeakMap();

class EventTarget {
  addEventListener(type, callback, options) {
    const target = this ?? globalThis;
    const name = `${type}`;
    if (callback === null || callback === undefined) return;
    if (typeof callback !== "function" && typeof callback !== "object") {
      throw new TypeError("The listener is not a function or an object.");
    }
    const { capture = false, once = false, passive = false, signal } = flatten(options);
    if (signal?.aborted) return;
    const same = (each) => each.callback === callback && each.capture === Boolean(capture);
    if (listOf(target, name)?.some(same)) return;
    const entry = {
      type: name, callback, capture: Boolean(capture), once: Boolean(once),
      passive: Boolean(passive), removed: false, isHandler: false,
    };
    add(target, entry);
    if (!TYPES.has(name) && isOfThePage(target)) missed(`event ${name}`);
    if (signal !== undefined) onAbort(signal, () => drop(target, entry));
  }

  removeEventListener(type, callback, options) {
    const target = this ?? globalThis;
    const { capture = false } = flatten(options);
    const same = (each) => each.callback === callback && each.capture === Boolean(capture);
    const entry = listOf(target, `${type}`)?.find(same);
    if (entry !== undefined) drop(target, entry);
  }

  dispatchEvent(event) {
    const state = stateOf(event);
    if (state.dispatching) {
      throw new DOMException("The event is already being dispatched.", "InvalidStateError");
    }
    state.trusted = false;
    return dispatch(this ?? globalThis, event);
  }

  get [Symbol.toStringTag]() { return this?.constructor?.name ?? "EventTarget"; }
}
const MAX_LISTENERS = 1000;
Object.setPrototypeOf(EventTarget.prototype, lastPrototype());

const isOfThePage = (target) => target === globalThis || parents.has(target);

const call = (entry, current, event) => {
  const state = stateOf(event);
  state.currentTarget = current;
  state.passive = entry.passive;
  try {
    const { callback } = entry;
    if (typeof callback === "function") {
      const result = callback.call(current, event);
      if (entry.isHandler && result === false) event.preventDefault();
    } else {
      callback.handleEvent(event);
    }
  } catch (error) {
    failed(error);
  }
  state.passive = false;
};

const invoke = (current, event, state, capture) => {
  const list = listOf(current, state.type);
  if (list === undefined || list.length === 0 || state.stopped) return;
  const entries = list.slice();
  for (let at = 0; at < entries.length; at += 1) {
    const entry = entries[at];
    if (entry.capture !== capture || entry.removed) continue;
    if (entry.once) drop(current, entry);
    call(entry, current, event);
    if (state.stoppedNow) return;
  }
};

/** Hands an event to all that listen. Whether nobody prevented the default. */
const dispatch = (target, event) => {
  const state = stateOf(event);
  state.dispatching = true;
  state.target = target;
  const path = [target];
  for (let up = parents.get(target); up !== undefined && up !== null; up = parents.get(up)) {
    path.push(up);
  }
  state.path = path;
  for (let at = path.length - 1; at >= 0; at -= 1) {
    state.phase = at === 0 ? 2 : 1;
    invoke(path[at], event, state, true);
  }
  for (let at = 0; at < (state.bubbles ? path.length : 1); at += 1) {
    state.phase = at === 0 ? 2 : 3;
    invoke(path[at], event, state, false);
  }
  state.phase = 0;
  state.currentTarget = null;
  state.dispatching = false;
  return !state.cancelled;
};

/** Makes a trusted event and dispatches it if anybody listens. Whether the default goes on. */
const fire = (target, Class, type, init) =>
  !wanted(type) || dispatch(target, setTrusted(new Class(type, { ...init }, KEY)));

/** The attributes `onkeydown` and so on, as properties of these prototypes or objects. */
const handlerAttributes = (holder, types) => {
  const handlers = new WeakMap();
  for (const type of types) {
    Object.defineProperty(holder, `on${type}`, {
      get() { return handlers.get(this ?? globalThis)?.[type]?.callback ?? null; },
      set(callback) {
        const target = this ?? globalThis;
        let mine = handlers.get(target);
        if (mine === undefined) handlers.set(target, (mine = {}));
        if (mine[type] !== undefined) drop(target, mine[type]);
        mine[type] = undefined;
        if (typeof callback !== "function") return;
        const entry = {
          type, callback, capture: false, once: false, passive: false, removed: false,
          isHandler: true,
        };
        add(target, entry);
        mine[type] = entry;
      },
      enumerable: true,
      configurable: true,
    });
  }
};

let abortWith;
let onAbort;

class AbortSignal extends EventTarget {
  #aborted = false;
  #reason = undefined;
  #then = [];

  constructor(key) {
    onlyOurs(key);
    super();
  }

  get aborted() { return this.#aborted; }
  get reason() { return this.#reason; }
  throwIfAborted() { if (this.#aborted) throw this.#reason; }

  static abort(reason) {
    const signal = new AbortSignal(KEY);
    abortWith(signal, reason);
    return signal;
  }

  static timeout(milliseconds) {
    const signal = new AbortSignal(KEY);
    const late = () => abortWith(signal, new DOMException("It took too long.", "TimeoutError"));
    setTimeout(late, milliseconds);
    return signal;
  }

  static any(signals) {
    const either = new AbortSignal(KEY);
    for (const signal of signals) {
      if (signal.aborted) abortWith(either, signal.reason);
      else onAbort(signal, () => abortWith(either, signal.reason));
    }
    return either;
  }

  static {
    onAbort = (signal, action) => signal.#then.push(action);
    abortWith = (signal, reason) => {
      if (signal.#aborted) return;
      signal.#aborted = true;
      signal.#reason = reason ?? new DOMException("The operation was aborted.", "AbortError");
      for (const action of signal.#then.splice(0)) action();
      fire(signal, Event, "abort");
    };
  }
}
handlerAttributes(AbortSignal.prototype, ["abort"]);

class AbortController {
  #signal = new AbortSignal(KEY);
  get signal() { return this.#signal; }
  abort(reason) { abortWith(this.#signal, reason); }
}

// Members of a browser's prototypes are enumerable, and those of a class in JavaScript are not: a
// page that copies or writes down an event would miss them.
for (const Class of [Event, UIEvent, MouseEvent, WheelEvent, PointerEvent, KeyboardEvent]) {
  for (const holder of [Object.getPrototypeOf(Class.prototype), Class.prototype]) {
    if (holder === Object.prototype) continue;
    for (const name of Object.getOwnPropertyNames(holder)) {
      if (name !== "constructor") Object.defineProperty(holder, name, { enumerable: true });
    }
  }
}

exposeAll({
  Event, CustomEvent, MessageEvent, ErrorEvent, GamepadEvent, RTCDataChannelEvent, UIEvent,
  FocusEvent, InputDeviceCapabilities, MouseEvent, WheelEvent, PointerEvent, KeyboardEvent, EventTarget, AbortSignal,
  AbortController,
});
