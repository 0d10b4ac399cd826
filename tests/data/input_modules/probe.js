// A module that only looks: it writes down every property of every event, as JSON on inputChannel.
globalThis.GameCastInputModule = (() => {
  "use strict";

  const OF_THE_WINDOW = (
    "keydown keypress keyup mousemove mousedown mouseup click dblclick auxclick contextmenu " +
    "pointermove pointerdown pointerup"
  ).split(" ");
  const OF_THE_DOCUMENT = ["pointerlockchange", "pointerlockerror", "visibilitychange"];

  /** What an object is, in a word that two browsers can agree on. */
  function described(value) {
    if (value === globalThis) return "window";
    if (value === document) return "document";
    if (value === null || !["object", "function"].includes(typeof value)) return value;
    if (typeof value === "function") return "function";
    if (typeof value.tagName === "string") return `<${value.tagName.toLowerCase()}>`;
    return Object.prototype.toString.call(value);
  }

  function everythingOf(event) {
    const found = {};
    for (const name in event) found[name] = described(event[name]);
    found.path = event.composedPath().map(described);
    found.class = Object.prototype.toString.call(event);
    if (event.getModifierState) {
      const names = ["Shift", "Control", "Alt", "Meta", "AltGraph", "CapsLock", "NumLock"];
      found.modifiers = names.filter((name) => event.getModifierState(name));
    }
    found.locked = described(document.pointerLockElement);
    return found;
  }

  class GameCastInput {
    constructor(options) {
      this.options = options;
      this.count = 0;
    }

    attach() {
      const { videoElement: video, clientRtc } = this.options;
      const write = (event) => {
        const text = JSON.stringify({ number: this.count++, ...everythingOf(event) });
        clientRtc.rtcDataChannel.send(new TextEncoder().encode(text));
      };
      for (const type of OF_THE_WINDOW) window.addEventListener(type, write);
      for (const type of OF_THE_DOCUMENT) document.addEventListener(type, write);
      for (const type of ["blur", "focus"]) window.addEventListener(type, write);
      // Where all listeners are passive a browser says that a wheel cannot be cancelled.
      video.addEventListener("wheel", write, { passive: false });
      video.addEventListener("mousedown", (event) => {
        if (event.button === 0 && document.pointerLockElement !== video) {
          Promise.resolve(video.requestPointerLock()).catch(() => {});
        }
      });
      video.addEventListener("contextmenu", (event) => event.preventDefault());
      // What would do something to the page; a letter still types, so that there is a keypress.
      window.addEventListener("keydown", (event) => {
        if (event.key.length > 1 || event.ctrlKey || event.altKey) event.preventDefault();
      });
    }

    detach() {}
    sendApplicationMessage(message) {
      this.options.clientRtc.rtcClientMessageChannel.send(message);
      return true;
    }
  }

  return { GameCastInput };
})();
