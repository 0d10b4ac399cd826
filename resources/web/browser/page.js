// The page: window, document, the video element, pointer lock, full screen, screen and navigator.

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

class Node extends EventTarget {
  #children = [];

  constructor(key) {
    onlyOurs(key);
    super();
    parents.set(this, null);
  }

  get nodeType() { return 1; }
  get parentNode() { return parentOf(this); }
  get parentElement() { return parentOf(this) === document ? null : parentOf(this); }
  get ownerDocument() { return document; }
  get childNodes() { return [...this.#children]; }
  get firstChild() { return this.#children[0] ?? null; }
  get isConnected() { return document.contains(this); }
  getRootNode() { return this.isConnected ? document : this; }

  contains(other) {
    for (let node = other; node !== null && node !== undefined; node = parentOf(node)) {
      if (node === this) return true;
    }
    return false;
  }

  appendChild(child) {
    if (!(child instanceof Node) || child.contains(this)) {
      throw new DOMException("The node cannot be inserted here.", "HierarchyRequestError");
    }
    if (this.#children.length >= MAX_CHILDREN) throw new RangeError("There are too many nodes.");
    parentOf(child)?.removeChild(child);
    this.#children.push(child);
    parents.set(child, this);
    return child;
  }

  removeChild(child) {
    const at = this.#children.indexOf(child);
    if (at < 0) throw new DOMException("The node is not a child.", "NotFoundError");
    this.#children.splice(at, 1);
    parents.set(child, null);
    return child;
  }
}
const MAX_CHILDREN = 1000;

const parentOf = (node) => {
  const parent = parents.get(node) ?? null;
  return parent === globalThis ? null : parent;
};

class DOMRectReadOnly {
  constructor(x = 0, y = 0, width = 0, height = 0) {
    Object.assign(this, { x, y, width, height });
  }

  get left() { return Math.min(this.x, this.x + this.width); }
  get top() { return Math.min(this.y, this.y + this.height); }
  get right() { return Math.max(this.x, this.x + this.width); }
  get bottom() { return Math.max(this.y, this.y + this.height); }

  toJSON() {
    const { x, y, width, height, top, right, bottom, left } = this;
    return { x, y, width, height, top, right, bottom, left };
  }
}
class DOMRect extends DOMRectReadOnly {}

/** Only the cursor leaves this realm, as a keyword; a picture of the module's is never decoded. */
const makeStyle = (element) => {
  const values = new Map();
  const style = {
    getPropertyValue: (name) => values.get(`${name}`) ?? "",
    setProperty(name, value) {
      if (values.size >= MAX_ATTRIBUTES && !values.has(`${name}`)) return;
      values.set(`${name}`, `${value ?? ""}`);
      if (`${name}` === "cursor") cursorChanged(element);
    },
    removeProperty(name) {
      const old = values.get(`${name}`) ?? "";
      style.setProperty(name, "");
      return old;
    },
  };
  for (const name of STYLES) {
    const dashed = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    Object.defineProperty(style, name, {
      get: () => style.getPropertyValue(dashed),
      set: (value) => style.setProperty(dashed, value),
      enumerable: true,
      configurable: true,
    });
  }
  return watch(style, "style");
};
const MAX_ATTRIBUTES = 256;
const STYLES = (
  "cursor display visibility position left top right bottom width height opacity transform " +
  "pointerEvents touchAction userSelect objectFit zIndex outline background backgroundColor overflow"
).split(" ");

const HANDLERS = (
  "blur focus keydown keypress keyup click dblclick auxclick contextmenu mousedown mouseenter " +
  "mouseleave mousemove mouseout mouseover mouseup wheel pointerdown pointerenter pointerleave " +
  "pointermove pointerout pointerover pointerup resize error"
).split(" ");

class Element extends Node {
  #tag;
  #attributes = new Map();

  constructor(key, tag) {
    super(key);
    this.#tag = tag;
  }

  get tagName() { return this.#tag.toUpperCase(); }
  get nodeName() { return this.tagName; }
  get localName() { return this.#tag; }
  get children() { return this.childNodes; }
  get id() { return this.getAttribute("id") ?? ""; }
  set id(value) { this.setAttribute("id", value); }
  get className() { return this.getAttribute("class") ?? ""; }
  set className(value) { this.setAttribute("class", value); }
  get clientWidth() { return Math.round(this.getBoundingClientRect().width); }
  get clientHeight() { return Math.round(this.getBoundingClientRect().height); }
  get clientLeft() { return 0; }
  get clientTop() { return 0; }
  get scrollLeft() { return 0; }
  get scrollTop() { return 0; }

  getAttribute(name) { return this.#attributes.get(`${name}`) ?? null; }
  hasAttribute(name) { return this.#attributes.has(`${name}`); }
  removeAttribute(name) { this.#attributes.delete(`${name}`); }
  setAttribute(name, value) {
    if (this.#attributes.size < MAX_ATTRIBUTES) this.#attributes.set(`${name}`, `${value}`);
  }

  getBoundingClientRect() {
    const rect = rectOf(this);
    return new DOMRect(rect.left, rect.top, rect.width, rect.height);
  }
  getClientRects() { return [this.getBoundingClientRect()]; }

  querySelectorAll(selector) {
    const found = [];
    const visit = (node) => {
      for (const child of node.childNodes) {
        if (matches(child, `${selector}`)) found.push(child);
        visit(child);
      }
    };
    visit(this);
    return found;
  }
  querySelector(selector) { return this.querySelectorAll(selector)[0] ?? null; }
  getElementsByTagName(name) { return this.querySelectorAll(`${name}`); }
  matches(selector) { return matches(this, `${selector}`); }
  closest(selector) {
    for (let node = this; node instanceof Element; node = parentOf(node)) {
      if (matches(node, `${selector}`)) return node;
    }
    return null;
  }
  remove() { parentOf(this)?.removeChild(this); }

  requestPointerLock() { return askForLock(this); }
  requestFullscreen() { return askForFullscreen(this); }
  setPointerCapture() {}
  releasePointerCapture() {}
  hasPointerCapture() { return false; }
}

const matches = (element, selector) =>
  selector.split(",").some((part) => {
    const [, tag, mark] = /^\s*([a-z*]*)((?:[#.][\w-]+)?)\s*$/i.exec(part) ?? [];
    if (tag === undefined) {
      missed("querySelector with a combined selector");
      return false;
    }
    if (tag !== "" && tag !== "*" && tag.toUpperCase() !== element.tagName) return false;
    if (mark.startsWith("#")) return element.id === mark.slice(1);
    return mark === "" || element.className.split(/\s+/).includes(mark.slice(1));
  });

const rectOf = (element) => {
  if (element === video) return view;
  const { windowWidth: width, windowHeight: height } = view;
  return element === body || element === root
    ? { left: 0, top: 0, width, height }
    : { left: 0, top: 0, width: 0, height: 0 };
};

originOf = (target) => (target instanceof Element ? rectOf(target) : { left: 0, top: 0 });

class HTMLElement extends Element {
  #style = makeStyle(this);
  #dataset = {};

  get style() { return this.#style; }
  set style(text) { this.#style.setProperty("cssText", text); }
  get dataset() { return this.#dataset; }
  get isContentEditable() { return false; }
  get tabIndex() { return Number(this.getAttribute("tabindex") ?? -1); }
  set tabIndex(value) { this.setAttribute("tabindex", value); }
  get offsetWidth() { return this.clientWidth; }
  get offsetHeight() { return this.clientHeight; }
  get offsetLeft() { return Math.round(rectOf(this).left); }
  get offsetTop() { return Math.round(rectOf(this).top); }
  get offsetParent() { return this === body || this === root ? null : body; }
  get hidden() { return false; }

  focus() { if (this.tabIndex >= 0) active = this; }
  blur() { if (active === this) active = body; }
}
handlerAttributes(HTMLElement.prototype, HANDLERS);

let frameCallbacks = new Map();
let lastFrameCallback = 0;

class HTMLMediaElement extends HTMLElement {
  get paused() { return false; }
  get ended() { return false; }
  get seeking() { return false; }
  get muted() { return false; }
  get volume() { return 1; }
  get currentTime() { return now() / 1000; }
  get duration() { return Infinity; }
  get readyState() { return picture.width > 0 ? 4 : 0; }
  get networkState() { return 2; }
  get playbackRate() { return 1; }
  async play() {}
  pause() {}
}

class HTMLVideoElement extends HTMLMediaElement {
  get videoWidth() { return picture.width; }
  get videoHeight() { return picture.height; }
  get width() { return Number(this.getAttribute("width") ?? 0); }
  get height() { return Number(this.getAttribute("height") ?? 0); }
  get playsInline() { return true; }

  requestVideoFrameCallback(callback) {
    if (typeof callback !== "function") throw new TypeError("The callback is not a function.");
    if (frameCallbacks.size >= MAX_CHILDREN) throw new RangeError("There are too many callbacks.");
    if (frameCallbacks.size === 0) say("v 1");
    lastFrameCallback += 1;
    frameCallbacks.set(lastFrameCallback, callback);
    return lastFrameCallback;
  }
  cancelVideoFrameCallback(id) { frameCallbacks.delete(id); }
}

let presented = 0;

/** A picture of the stream was shown; `mediaTime` is in seconds. */
const frameShown = (mediaTime) => {
  presented += 1;
  const at = now();
  const current = frameCallbacks;
  frameCallbacks = new Map();
  const metadata = {
    presentationTime: at, expectedDisplayTime: at, width: picture.width, height: picture.height,
    mediaTime, presentedFrames: presented, processingDuration: 0,
  };
  for (const callback of current.values()) {
    try {
      callback(at, { ...metadata });
    } catch (error) {
      failed(error);
    }
  }
  if (frameCallbacks.size === 0) say("v 0");
};

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
    fire(document, Event, "pointerlockchange", { bubbles: true, composed: true });
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
watch(screen, "screen");
watch(document, "document");
watch(video, "video");
