// Nodes, elements and the video element, as few of their members as a module may need.

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
