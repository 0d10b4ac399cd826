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

const startTimer = (callback, delay, rest, every) => {
  if (typeof callback !== "function") throw new TypeError("The callback is not a function.");
  if (heap.length >= MAX_TIMERS) throw new RangeError("There are too many timers.");
  const nested = depth + 1;
  const wish = Math.min(Math.max(Number(delay) || 0, 0), 2 ** 31 - 1);
  const wait = nested > NESTING ? Math.max(wish, NESTED_MS) : wish;
  lastTimer += 1;
  order += 1;
  const timer = {
    id: lastTimer, callback, rest, order, due: now() + wait, every: every ? wait : null, nested,
    live: true,
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
};

/** Runs one timer that is due, if there is one. */
const runTimer = () => {
  if (nextDue() !== 0) return false;
  const timer = heapPop();
  if (timer.every === null) timers.delete(timer.id);
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
    timer.due = Math.max(timer.due + timer.every, now());
    order += 1;
    timer.order = order;
    heapPush(timer);
  }
  return true;
};

/** Milliseconds until something is due; -1 for never. */
const nextDue = () => {
  while (heap.length > 0 && !heap[0].live) heapPop();
  return heap.length === 0 ? -1 : Math.max(0, heap[0].due - now());
};

let frames = new Map();
let lastFrame = 0;
let frameTimer = null;

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
};

const scheduleFrames = () => {
  if (frameTimer !== null || frames.size === 0 || document.hidden) return;
  const at = now();
  frameTimer = startTimer(runFrames, FRAME_MS - (at % FRAME_MS), [], false);
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
