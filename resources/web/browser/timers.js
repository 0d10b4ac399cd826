// Timers and animation frames. The process wakes up when the next one is due.

const MAX_TIMERS = 10_000;

/** HTML: a timer that is set by a timer, five deep, waits 4 ms at least. */
const NESTED_MS = 4;
const NESTING = 5;

/** How many callbacks run before the process takes the next command. */
const RUN_AT_ONCE = 64;

const FRAME_MS = 1000 / 60;

/** A binary heap of [due, order, timer]; a cancelled timer stays until it comes up. */
const heap = [];
let order = 0;
let lastTimer = 0;
const timers = new Map();
let depth = 0;

const before = (one, other) => one.due < other.due || (one.due === other.due && one.order < other.order);

const heapPush = (timer) => {
  let at = heap.length;
  heap[at] = timer;
  while (at > 0) {
    const up = (at - 1) >> 1;
    if (!before(heap[at], heap[up])) break;
    [heap[at], heap[up]] = [heap[up], heap[at]];
    at = up;
  }
};

const heapPop = () => {
  const first = heap[0];
  const last = heap.pop();
  if (heap.length === 0) return first;
  heap[0] = last;
  for (let at = 0; ;) {
    let least = at;
    for (let down = 2 * at + 1; down <= 2 * at + 2; down += 1) {
      if (down < heap.length && before(heap[down], heap[least])) least = down;
    }
    if (least === at) return first;
    [heap[at], heap[least]] = [heap[least], heap[at]];
    at = least;
  }
};

/**
 * A timer that reads gamepads is put off while it can find nothing new: no command has come and no
 * gamepad has changed since it ran. Then it runs `QUIET_MS` after the last time at the latest; a
 * browser makes timers wait, too. Whatever happens ends that at once. A timer that says something all
 * the same counts its runs or the time, and is never put off again.
 */
const QUIET_MS = 50;

/** News so soon before its time runs it, too: pads are read as often, and else would wake it twice. */
const EARLY_MS = 2;

/**
 * Beside such a timer another interval of `LONG_MS` or more may be late by this part of itself, so
 * that both run in one wake of the process. Its times do not drift.
 */
const LATE_PART = 0.25;
const LONG_MS = 32;

/** How many timers can be put off; what is more runs when it is due. */
const MAX_PUT_OFF = 8;

/** Timers that are not in the heap: they may run from `due` on, and have to at `latest`. */
let putOff = [];

/** Counts commands and changes of gamepads. */
let happenings = 0;

/**
 * What a timer did when it ran last. `seen`: what had happened before; `idle`: nothing since the run
 * before that one.
 */
const newHabits = () => ({ reads: false, spoke: false, seen: -1, idle: false, beats: false });

const beginRun = (habits) => {
  if (habits.idle && habits.spoke) habits.beats = true;
  habits.idle = habits.reads && habits.seen === happenings;
  habits.reads = habits.spoke = false;
  habits.seen = happenings;
  speaker = habits;
};

/** Whether there is nothing that the timer could find out; only of one that reads gamepads. */
const waitsForNews = ({ habits }) => habits.reads && habits.seen === happenings && later.length === 0;

/** From when a timer that is put off may run. */
const firstTime = ({ habits, due }) => (habits.reads ? due - EARLY_MS : due);

const mayWait = ({ reads, beats }) => reads && !beats && putOff.length < MAX_PUT_OFF;

/** Where a timer waits for its next run. */
const keep = (timer) => {
  const { habits, due, every } = timer;
  if (habits.reads && !habits.beats) timer.latest = Math.max(due, now() + QUIET_MS);
  else if (every >= LONG_MS && putOff.some(waitsForNews)) timer.latest = due + every * LATE_PART;
  else timer.latest = due;
  const waits = timer.latest > due && (timer.isPutOff || putOff.length < MAX_PUT_OFF);
  if (timer.isPutOff && !waits) putOff = putOff.filter((each) => each !== timer);
  if (waits && !timer.isPutOff) putOff.push(timer);
  if (!waits) heapPush(timer);
  timer.isPutOff = waits;
};

const startTimer = (callback, delay, rest, every, habits = newHabits()) => {
  if (typeof callback !== "function") throw new TypeError("The callback is not a function.");
  if (heap.length >= MAX_TIMERS) throw new RangeError("There are too many timers.");
  const nested = depth + 1;
  const wish = Math.min(Math.max(Number(delay) || 0, 0), 2 ** 31 - 1);
  const wait = nested > NESTING ? Math.max(wish, NESTED_MS) : wish;
  lastTimer += 1;
  order += 1;
  const timer = {
    id: lastTimer, callback, rest, order, due: now() + wait, every: every ? wait : null, nested,
    live: true, latest: 0, isPutOff: false, habits,
  };
  timers.set(timer.id, timer);
  heapPush(timer);
  return timer.id;
};

const stopTimer = (id) => {
  const timer = timers.get(id);
  if (timer === undefined) return;
  timer.live = false;
  timers.delete(id);
  if (putOff.length > 0) putOff = putOff.filter((each) => each.live);
};

/** Takes the timer that is to run next, if one is. Of those that are put off, intervals stay there. */
const takeTimer = () => {
  while (heap.length > 0 && !heap[0].live) heapPop();
  const at = now();
  let first = heap.length > 0 && heap[0].due <= at ? heap[0] : null;
  for (const timer of putOff) {
    if (firstTime(timer) > at || (timer.latest > at && waitsForNews(timer))) continue;
    if (first === null || before(timer, first)) first = timer;
  }
  if (first === null) return null;
  if (!first.isPutOff) return heapPop();
  if (first.every === null) putOff = putOff.filter((each) => each !== first);
  return first;
};

/** Runs one timer that is due, if there is one. */
const runTimer = () => {
  const timer = takeTimer();
  if (timer === null) return false;
  if (timer.every === null) timers.delete(timer.id);
  if (later.length > 0) advancePads();
  beginRun(timer.habits);
  depth = timer.nested;
  try {
    timer.callback.apply(globalThis, timer.rest);
  } catch (error) {
    failed(error);
  }
  depth = 0;
  if (timer.every !== null && timer.live) {
    timer.nested += 1;
    if (timer.nested > NESTING) timer.every = Math.max(timer.every, NESTED_MS);
    // A page in the background loses ticks instead of running them all later.
    const at = now();
    timer.due = timer.latest > timer.due ? nextTick(timer, at) : Math.max(timer.due + timer.every, at);
    order += 1;
    timer.order = order;
    keep(timer);
  }
  return true;
};

/** The next of its times: a timer that was put off runs once for all that are over. */
const nextTick = ({ due, every }, at) => due + Math.max(1, Math.ceil((at - due) / every)) * every;

/** Whether a timer waits for news of gamepads, as `nextDue` found. */
let waitsForPads = false;

/** Milliseconds until something is due; -1 for never. */
const nextDue = () => {
  while (heap.length > 0 && !heap[0].live) heapPop();
  let at = heap.length === 0 ? Infinity : heap[0].due;
  waitsForPads = false;
  for (const timer of putOff) {
    const waits = waitsForNews(timer);
    const wakes = waits || !timer.habits.reads ? timer.latest : firstTime(timer);
    if (waits) waitsForPads = true;
    if (wakes < at) at = wakes;
  }
  return at === Infinity ? -1 : Math.max(0, at - now());
};

let frames = new Map();
let lastFrame = 0;
let frameTimer = null;

/** Frames are timers that run once, but their habits are of all. */
const frameHabits = newHabits();

/** After the frames before it: the next one may wait, too. */
const postponeFrames = () => {
  const timer = timers.get(frameTimer);
  if (timer === undefined || !mayWait(frameHabits)) return;
  timer.live = false; // in the heap
  const latest = Math.max(timer.due, now() + QUIET_MS);
  const copy = { ...timer, live: true, latest, isPutOff: true };
  timers.set(copy.id, copy);
  putOff.push(copy);
};

const runFrames = () => {
  frameTimer = null;
  if (document.hidden) return;
  const current = frames;
  frames = new Map();
  const at = now();
  for (const callback of current.values()) {
    try {
      callback(at);
    } catch (error) {
      failed(error);
    }
  }
  postponeFrames();
};

const scheduleFrames = () => {
  if (frameTimer !== null || frames.size === 0 || document.hidden) return;
  const at = now();
  frameTimer = startTimer(runFrames, FRAME_MS - (at % FRAME_MS), [], false, frameHabits);
};

exposeAll({
  setTimeout: (callback, delay, ...rest) => startTimer(callback, delay, rest, false),
  setInterval: (callback, delay, ...rest) => startTimer(callback, delay, rest, true),
  clearTimeout: stopTimer,
  clearInterval: stopTimer,
  requestAnimationFrame(callback) {
    if (typeof callback !== "function") throw new TypeError("The callback is not a function.");
    if (frames.size >= MAX_TIMERS) throw new RangeError("There are too many callbacks.");
    lastFrame += 1;
    frames.set(lastFrame, callback);
    scheduleFrames();
    return lastFrame;
  },
  cancelAnimationFrame(id) { frames.delete(id); },
});
