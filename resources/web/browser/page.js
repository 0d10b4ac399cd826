// The page: window, document, pointer lock, full screen, screen and navigator.

/** What the player's window says of itself; `commands.js` changes it. CSS pixels. */
let view = {
  left: 0, top: 0, width: 1280, height: 720, windowWidth: 1280, windowHeight: 720,
  screenWidth: 1920, screenHeight: 1080, ratio: 1, focused: true, visible: true, full: false,
  captured: false,
};

/** The size of the stream's picture, in pixels of the stream. */
const picture = { width: 0, height: 0 };

/** A click or key lets a page lock the pointer or fill the screen for so long. */
const ACTIVATION_MS = 5000;
let activatedAt = -Infinity;
let everActivated = false;

const activate = () => {
  activatedAt = now();
  everActivated = true;
};

const isActive = () => now() - activatedAt <= ACTIVATION_MS;

class Document extends Node {
  get nodeType() { return 9; }
  get nodeName() { return "#document"; }
  get documentElement() { return root; }
  get body() { return body; }
  get head() { return head; }
  get defaultView() { return globalThis; }
  get activeElement() { return active; }
  get hidden() { return !view.visible; }
  get visibilityState() { return view.visible ? "visible" : "hidden"; }
  get readyState() { return "complete"; }
  get compatMode() { return "CSS1Compat"; }
  get characterSet() { return "UTF-8"; }
  get currentScript() { return null; }
  get pointerLockElement() { return lockElement; }
  get fullscreenElement() { return fullElement; }
  get webkitFullscreenElement() { return fullElement; }
  get fullscreenEnabled() { return true; }
  get scrollingElement() { return root; }
  hasFocus() { return view.focused; }
  exitPointerLock() { if (lockElement !== null) say(`l${instanceNumber} 0`); }

  exitFullscreen() {
    if (fullElement === null) return Promise.reject(new TypeError("Not in fullscreen mode"));
    say(`f${instanceNumber} 0`);
    return Promise.resolve();
  }

  createElement(tag) {
    const name = `${tag}`.toLowerCase();
    if (name !== "div" && name !== "span") missed(`document.createElement ${name.slice(0, 32)}`);
    return new HTMLElement(KEY, name);
  }

  createEvent() { return new Event(""); }
  elementFromPoint(x, y) { return elementAt(x, y); }
  getElementById(id) { return root.querySelector(`#${id}`); }
  getElementsByTagName(name) { return root.querySelectorAll(`${name}`); }
  querySelector(selector) { return this.querySelectorAll(selector)[0] ?? null; }
  querySelectorAll(selector) {
    return matches(root, `${selector}`)
      ? [root, ...root.querySelectorAll(selector)]
      : root.querySelectorAll(selector);
  }
}
handlerAttributes(Document.prototype, [
  ...HANDLERS, "visibilitychange", "pointerlockchange", "pointerlockerror", "fullscreenchange",
  "fullscreenerror",
]);

const document = new Document(KEY);
parents.set(document, globalThis);
const root = new HTMLElement(KEY, "html");
const head = new HTMLElement(KEY, "head");
const body = new HTMLElement(KEY, "body");
const video = new HTMLVideoElement(KEY, "video");
document.appendChild(root);
root.appendChild(head);
root.appendChild(body);
body.appendChild(video);
let active = body;

/** What is under the point: the picture, or the page around it; null outside the window. */
const elementAt = (x, y) => {
  if (x < 0 || y < 0 || x >= view.windowWidth || y >= view.windowHeight) return null;
  const inside =
    x >= view.left && y >= view.top && x < view.left + view.width && y < view.top + view.height;
  return inside ? video : body;
};

let cursorSaid = "";
const cursorChanged = (element) => {
  if (element !== video && element !== body && element !== root) return;
  const found = [video, body, root].map((each) => each.style.cursor).find((each) => each !== "");
  // Of a list with pictures only the keyword at its end counts.
  const keyword = (found ?? "auto").split(",").pop().trim().toLowerCase();
  if (keyword === cursorSaid || !/^[a-z-]{1,20}$/.test(keyword)) return;
  cursorSaid = keyword;
  say(`c${instanceNumber} ${stringify(keyword)}`);
};

// Pointer lock and full screen: asked of the player's window, which answers with its state.

/** How long the window may take to answer. */
const ANSWER_MS = 1000;

let lockElement = null;
let fullElement = null;
let lockAsked = null;
let fullAsked = null;

const ask = (element, operation, refused) => {
  if (!view.focused || !element.isConnected || !isActive()) {
    refused("The request needs a click of the player.");
    return null;
  }
  say(`${operation}${instanceNumber} 1`);
  const asked = { element, refused };
  asked.timer = startTimer(() => refused("The window did not answer."), ANSWER_MS, [], false);
  return asked;
};

const askForLock = (element) => {
  if (lockElement === element) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const refused = (why) => {
      lockAsked = null;
      fire(document, Event, "pointerlockerror");
      reject(new DOMException(why, "NotAllowedError"));
    };
    lockAsked = ask(element, "l", refused);
    if (lockAsked !== null) lockAsked.resolve = resolve;
  });
};

const askForFullscreen = (element) => {
  if (fullElement === element) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const refused = (why) => {
      fullAsked = null;
      fire(element, Event, "fullscreenerror", { bubbles: true, composed: true });
      reject(new TypeError(why));
    };
    fullAsked = ask(element, "f", refused);
    if (fullAsked !== null) fullAsked.resolve = resolve;
  });
};

/** The window said no. */
const refuse = (what) => {
  const asked = what === "l" ? lockAsked : fullAsked;
  if (asked === null) return;
  stopTimer(asked.timer);
  asked.refused("The player's window refused.");
};

const granted = (asked) => {
  if (asked === null) return;
  stopTimer(asked.timer);
  asked.resolve?.();
};

/** Takes over what the window says of itself, and fires what follows from it. */
const changeView = (next) => {
  const old = view;
  view = next;
  // The window answers a request that it does not grant with the state that it has.
  if (Object.keys(next).every((member) => old[member] === next[member])) {
    refuse("l");
    refuse("f");
    return;
  }
  const moved = ["left", "top", "width", "height"].some((side) => old[side] !== next[side]);
  if (old.windowWidth !== next.windowWidth || old.windowHeight !== next.windowHeight) {
    fire(globalThis, UIEvent, "resize", { view: globalThis });
  }
  if (moved) pictureMoved(old);
  if (old.visible !== next.visible) {
    fire(document, Event, "visibilitychange", { bubbles: true });
    scheduleFrames();
  }
  if (old.focused !== next.focused) {
    if (!next.focused) forgetHeld();
    fire(globalThis, FocusEvent, next.focused ? "focus" : "blur", { view: globalThis });
  }
  const lock = next.captured ? lockAsked?.element ?? lockElement ?? video : null;
  if (lock !== lockElement) {
    lockElement = lock;
    if (lock !== null) granted(lockAsked);
    lockAsked = null;
    fire(document, Event, "pointerlockchange");
  }
  const full = next.full ? fullAsked?.element ?? fullElement ?? video : null;
  if (full !== fullElement) {
    const target = full ?? fullElement;
    fullElement = full;
    if (full !== null) granted(fullAsked);
    fullAsked = null;
    fire(target, Event, "fullscreenchange", { bubbles: true, composed: true });
  }
};

const observers = new Set();
let observed;

class ResizeObserver {
  #callback;
  #targets = new Set();

  constructor(callback) {
    if (typeof callback !== "function") throw new TypeError("The callback is not a function.");
    this.#callback = callback;
    if (observers.size < MAX_CHILDREN) observers.add(this);
  }

  observe(target) {
    this.#targets.add(target);
    queueMicrotask(() => this.#say(target));
  }
  unobserve(target) { this.#targets.delete(target); }
  disconnect() { this.#targets.clear(); }

  #say(target) {
    if (!this.#targets.has(target)) return;
    const { width, height } = target.getBoundingClientRect();
    const size = Object.freeze([Object.freeze({ inlineSize: width, blockSize: height })]);
    const entry = {
      target, contentRect: new DOMRectReadOnly(0, 0, width, height), borderBoxSize: size,
      contentBoxSize: size,
    };
    try {
      this.#callback([entry], this);
    } catch (error) {
      failed(error);
    }
  }

  static {
    observed = (target) => {
      for (const observer of observers) observer.#say(target);
    };
  }
}

const pictureMoved = (old) => {
  if (old.width !== view.width || old.height !== view.height) observed(video);
};

const pictureSized = (width, height) => {
  if (picture.width === width && picture.height === height) return;
  Object.assign(picture, { width, height });
  fire(video, Event, "resize");
};

class Screen extends EventTarget {
  get width() { return view.screenWidth; }
  get height() { return view.screenHeight; }
  get availWidth() { return view.screenWidth; }
  get availHeight() { return view.screenHeight; }
  get availLeft() { return 0; }
  get availTop() { return 0; }
  get colorDepth() { return 24; }
  get pixelDepth() { return 24; }
  get isExtended() { return false; }
}

/** Of the player's machine a module learns nothing here. */
class Navigator {
  get userAgent() { return "Mozilla/5.0 (X11; Linux x86_64) Rejoin"; }
  get appVersion() { return "5.0 (X11; Linux x86_64) Rejoin"; }
  get platform() { return "Linux x86_64"; }
  get vendor() { return ""; }
  get language() { return "en-US"; }
  get languages() { return Object.freeze(["en-US", "en"]); }
  get onLine() { return true; }
  get maxTouchPoints() { return 0; }
  get hardwareConcurrency() { return 2; }
  get userActivation() { return { isActive: isActive(), hasBeenActive: everActivated }; }
  getGamepads() { return gamepads(); }
}

const screen = new Screen();
const navigator = new Navigator();
const windowMembers = {
  innerWidth: () => view.windowWidth,
  innerHeight: () => view.windowHeight,
  outerWidth: () => view.windowWidth,
  outerHeight: () => view.windowHeight,
  screenX: () => 0,
  screenY: () => 0,
  scrollX: () => 0,
  scrollY: () => 0,
  pageXOffset: () => 0,
  pageYOffset: () => 0,
  devicePixelRatio: () => view.ratio,
  visualViewport: () => null,
  isSecureContext: () => true,
  closed: () => false,
  window: () => globalThis,
  self: () => globalThis,
  frames: () => globalThis,
  parent: () => globalThis,
  top: () => globalThis,
  document: () => document,
  screen: () => screen,
  navigator: () => navigator,
};
for (const name of Object.keys(windowMembers)) {
  Object.defineProperty(globalThis, name, { get: windowMembers[name], configurable: true });
}
for (const name of ["addEventListener", "removeEventListener", "dispatchEvent"]) {
  expose(name, EventTarget.prototype[name].bind(globalThis));
}
handlerAttributes(globalThis, [...HANDLERS, "gamepadconnected", "gamepaddisconnected", "message"]);

class Window extends EventTarget {
  constructor(key) {
    onlyOurs(key);
    super();
  }
}

exposeAll({
  Window, Node, Element, HTMLElement, HTMLMediaElement, HTMLVideoElement, Document, DOMRect,
  DOMRectReadOnly, ResizeObserver, Screen, Navigator,
  getComputedStyle: (element) => element.style,
  matchMedia(query) {
    missed(`matchMedia ${`${query}`.slice(0, 40)}`);
    return Object.assign(new EventTarget(), { matches: false, media: `${query}`, onchange: null });
  },
});
Object.setPrototypeOf(globalThis, Window.prototype);
watch(globalThis, "");
watch(navigator, "navigator");
label(screen, "screen");
label(document, "document");
label(video, "video");
