// What the other files use: the outbox, errors, and the record of what is asked for and missing.
//
// The outbox shares its realm with the module, so the parent process takes all of it for data.

const { stringify, parse } = JSON;
const now = performance.now.bind(performance);
const { entropy } = globalThis;
delete globalThis.entropy;

/** Lines for the parent process, in order; docs/design/input-module.md has the format. */
let outbox = [];
let outboxSize = 0;

/** Characters and lines that one call may leave in the outbox; the parent allows a little more. */
const MAX_OUTBOX = 900_000;
const MAX_LINES = 4000;

/** Who reads gamepads and speaks now: a timer whose callback runs or ran last, or nobody of them. */
const NOBODY = { reads: false, spoke: false };
let speaker = NOBODY;

const say = (line) => {
  speaker.spoke = true;
  outboxSize += line.length;
  if (outboxSize > MAX_OUTBOX || outbox.length >= MAX_LINES) throw new RangeError("The module says too much.");
  outbox[outbox.length] = line;
};

/** Errors of the module that nothing caught. They are counted; their text stays here. */
let errors = 0;

const failed = () => {
  errors += 1;
};

const MAX_MISSING = 256;
const missing = new Set();
let missingSaid = 0;

const missed = (name) => {
  if (missing.size < MAX_MISSING && typeof name === "string" && name.length <= 64) {
    missing.add(name);
  }
};

const sayMissing = () => {
  if (missing.size === missingSaid) return;
  speaker = NOBODY;
  let at = 0;
  for (const name of missing) {
    at += 1;
    // What the module has defined by now was a question, not a lack.
    if (at > missingSaid && !Object.hasOwn(globalThis, name)) say(`? ${stringify(name)}`);
  }
  missingSaid = missing.size;
};

/** While a name is looked for by `watch`, the proxy behind EventTarget says nothing. */
let quiet = false;

const isThere = (target, name) => {
  quiet = true;
  const there = Reflect.has(target, name);
  quiet = false;
  return there;
};

/** What the targets of events are called in the record. */
const labels = new WeakMap();

const label = (target, name) => {
  labels.set(target, name);
  return target;
};

/**
 * Records the names that are read of a labelled target and do not exist: it becomes the prototype of
 * EventTarget's own prototype, where a name comes that no class has. `in` gives no target.
 */
const lastPrototype = () =>
  new Proxy(Object.create(Object.prototype), {
    get(target, name, receiver) {
      if (Reflect.has(target, name)) return Reflect.get(target, name, receiver);
      if (!quiet && typeof name === "string" && labels.has(receiver)) {
        missed(`${labels.get(receiver)}.${name}`);
      }
      return undefined;
    },
    has(target, name) {
      const there = Reflect.has(target, name);
      if (!there && !quiet && typeof name === "string") missed(`in ${name}`);
      return there;
    },
  });

/**
 * Records the names that are read of `object` and do not exist. The proxy stands behind the
 * object's own members, so private fields and `instanceof` go on working.
 */
const watch = (object, label) => {
  const prefix = label === "" ? "" : `${label}.`;
  const known = Object.create(Object.getPrototypeOf(object));
  const note = (target, name) => {
    const there = isThere(target, name);
    if (!there && typeof name === "string") missed(prefix + name);
    return there;
  };
  const proxy = new Proxy(known, {
    get(target, name, receiver) {
      return note(target, name) ? Reflect.get(target, name, receiver) : undefined;
    },
    has: note,
  });
  Object.setPrototypeOf(object, proxy);
  return object;
};

const HEX = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"));
const VALUES = {};
HEX.forEach((digits, value) => { VALUES[digits] = value; });

const toHex = (bytes) => {
  if (bytes.length > 64) return toHex(bytes.subarray(0, 64)) + moreHex(bytes.subarray(64));
  let digits = "";
  for (let at = 0; at < bytes.length; at += 1) digits += HEX[bytes[at]];
  return digits;
};

const moreHex = (bytes) => {
  const parts = new Array(bytes.length);
  for (let at = 0; at < bytes.length; at += 1) parts[at] = HEX[bytes[at]];
  return parts.join("");
};

const fromHex = (digits) => {
  const bytes = new Uint8Array(digits.length / 2);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = VALUES[digits.slice(at * 2, at * 2 + 2)];
  return bytes;
};

/** The bytes of an ArrayBuffer or a view of one; null for anything else. */
const bytesOf = (data) => {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return null;
};
