// The module: how it is made, attached and called, and the one function that the process calls.

const SDK_VERSION = "1.2.0";

let instanceNumber = 0;
let instance = null;
let peer = null;
let channels = {};
let automatic = true;
let attached = false;
let pageListeners = null;

/** What the calls of one command came to: "ok", or why the module cannot be used. */
let status = "ok";

const text = (value, limit) => `${value}`.toWellFormed().slice(0, limit);

/** Numbers, texts and truths of the statistics, without what lies deeper. */
const flat = (statistics) => {
  const members = {};
  let count = 0;
  for (const name of Object.keys(statistics ?? {})) {
    const value = statistics[name];
    const kept = value instanceof Date ? value.getTime() : value;
    if (!["number", "string", "boolean"].includes(typeof kept)) continue;
    if (typeof kept === "number" && !Number.isFinite(kept)) continue;
    members[text(name, 64)] = typeof kept === "string" ? text(kept, 256) : kept;
    count += 1;
    if (count >= 64) break;
  }
  return members;
};

const optionsFor = (number, given) => {
  const auto = given.automatic;
  const options = {
    webSdkVersion: SDK_VERSION,
    signalResponse: given.signalResponse,
    videoElement: video,
    inputConfiguration: {
      setCursor: "visibility", autoPointerLock: true, resetOnDetach: true,
      trackWindowFocus: true, autoKeyboard: auto, autoMouse: auto, autoGamepad: auto,
    },
    clientRtc: {
      rtcPeerConnection: peer,
      rtcDataChannel: channels[INPUT],
      rtcClientMessageChannel: channels[MESSAGES],
    },
    debugLog: () => undefined,
    onServerDisconnect: (reason) => say(`d${number} ${stringify(text(reason, 1024))}`),
    onApplicationMessageReceived(message) {
      const bytes = bytesOf(message);
      if (bytes !== null && bytes.length <= 65_536) say(`a${number} ${toHex(bytes)}`);
    },
    onPerformanceStatsReceived: (statistics) => say(`p${number} ${stringify(flat(statistics))}`),
  };
  if (given.maxKbps !== null) options.bitrateMaxKilobits = given.maxKbps;
  if (given.maxHeight !== null) options.maximumResolution = `${given.maxHeight}p`;
  return options;
};

const detach = () => {
  if (!attached) return;
  attached = false;
  pageListeners?.abort();
  pageListeners = null;
  instance.detach();
};

/** What a page does that hands the events in itself: it listens, and calls the module. */
const listenAsPage = () => {
  pageListeners = new AbortController();
  const { signal } = pageListeners;
  const key = (event) => instance.processKeyboardEvent(event);
  const mouse = (event) => instance.processMouseEvent(event);
  addEventListener("keydown", key, { signal });
  addEventListener("keyup", key, { signal });
  video.addEventListener("mousemove", mouse, { signal });
  video.addEventListener("mousedown", mouse, { signal });
  addEventListener("mouseup", mouse, { signal });
  video.addEventListener("wheel", mouse, { signal, passive: false });
  video.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
  for (const type of ["gamepadconnected", "gamepaddisconnected"]) {
    addEventListener(type, ({ gamepad }) => padEvent(type, gamepad.index), { signal });
  }
};

const padEvent = (type, index) => {
  const event = new Event(type);
  Object.defineProperty(event, "gamepad", { value: index, enumerable: true });
  instance.processGamepadEvent(event);
};

const make = (number, given) => {
  try {
    detach();
  } catch (error) {
    failed(error);
  }
  for (const channel of Object.values(channels)) setChannel(channel, "closed", 0);
  instance = null;
  instanceNumber = number;
  cursorSaid = "";
  peer = label(new RTCPeerConnection(KEY), "peer");
  setPeer(peer, given.peer.connection, given.peer.ice, given.peer.statistics);
  channels = {};
  for (const name of [INPUT, MESSAGES]) {
    channels[name] = label(new RTCDataChannel(KEY, name, number), "channel");
    setChannel(channels[name], given.channels[name][0], given.channels[name][1]);
  }
  const { GameCastInput } = globalThis.GameCastInputModule ?? {};
  if (typeof GameCastInput !== "function") {
    status = "no module";
    return;
  }
  automatic = given.automatic;
  instance = new GameCastInput(optionsFor(number, given));
};

const attach = () => {
  if (attached || instance === null) return;
  attached = true;
  if (!automatic) {
    listenAsPage();
    for (const pad of pads) if (pad !== null) padEvent("gamepadconnected", pad.index);
  }
  instance.attach();
};

const pollPads = () => {
  if (attached && !automatic) instance.pollTrackedGamepads();
};

const COMMANDS = {
  k: keyEvent,
  m: pointerMoved,
  b: buttonChanged,
  w: wheelTurned,
  g(...pad) {
    padChanged(...pad);
    tasks.push(pollPads);
  },
  r(bits) {
    releaseAll(bits);
    tasks.push(pollPads);
  },
  v: changeView,
  s: pictureSized,
  f: frameShown,
  n: make,
  a: attach,
  d: detach,
  c(name, state, buffered) {
    if (channels[name] !== undefined) setChannel(channels[name], state, buffered);
  },
  t(name, digits, message) {
    if (channels[name] !== undefined) heardOn(channels[name], digits, message);
  },
  p({ connection, ice, statistics }) {
    if (peer !== null) setPeer(peer, connection, ice, statistics);
  },
  x(digits) {
    if (attached) instance.sendApplicationMessage(fromHex(digits));
  },
  q: refuse,
  // The module may define itself late; whether it did is asked after its script.
  e() {
    if (typeof globalThis.GameCastInputModule?.GameCastInput !== "function") status = "no module";
  },
};

/** Commands without which there is no input: where they throw, the module cannot be used. */
const VITAL = new Set(["n", "a"]);

const run = (command) => {
  happenings += 1;
  speaker = NOBODY;
  const [name, ...parameters] = parse(command);
  try {
    COMMANDS[name](...parameters);
  } catch (error) {
    if (VITAL.has(name)) status = "threw";
    failed(error);
  }
};

let timersLeft = RUN_AT_ONCE;

/** Runs what comes next, a task or a timer, if there is anything. */
const runNext = () => {
  const task = tasks.shift();
  if (task === undefined) {
    if (timersLeft > 0 && runTimer()) timersLeft -= 1;
    return;
  }
  speaker = NOBODY;
  try {
    task();
  } catch (error) {
    failed(error);
  }
};

/** -2 - 12.5: 12.5 ms, or until there is a state of a gamepad. */
const ANY_PAD = -2;

/** How a call goes on with the one before, of whose answer the process takes nothing. */
const GO_ON = "+";

/** How much the last answer has said; it is forgotten when a call does not go on with that one. */
const NOTHING_SAID = { lines: 0, errors: 0 };
let said = NOTHING_SAID;

const forget = () => {
  timersLeft = RUN_AT_ONCE;
  if (said.lines > 0) {
    outbox = outbox.slice(said.lines);
    outboxSize = outbox.reduce((size, line) => size + line.length, 0);
  }
  errors -= said.errors;
  step += 1;
  status = "ok";
  said = NOTHING_SAID;
};

/**
 * Takes one step: `command`, or with "" a timer that is due, after the states of gamepads that lay
 * there (`padsMoved`). Returns "1" if another step has to follow, by GO_ON and after the jobs of
 * promises; so it does where jobs ran after the last one. At last, if nothing was said, the
 * milliseconds until a timer is due; else a text: the status, these milliseconds, the number of
 * uncaught errors, and the lines of the outbox. The milliseconds are less than -1, by `ANY_PAD`,
 * where a state of a gamepad shall end the pause, too.
 */
return (command, ...moved) => {
  if (command !== GO_ON) forget();
  if (moved.length > 0) padsMoved(moved);
  if (command === "" || command === GO_ON) runNext();
  else run(command);
  let due = nextDue();
  if (tasks.length > 0 || (due === 0 && timersLeft > 0)) return "1";
  if (waitsForPads) due = ANY_PAD - due;
  sayMissing();
  if (outbox.length === 0 && errors === 0 && status === "ok") return due;
  said = { lines: outbox.length, errors };
  // By `join`, because the binding cannot give a long text that `+` or a template put together.
  return [status, due, errors, outbox.join("\n")].join("\n");
};
