// The emulator's input protocol for browsers: what AWS's Web SDK loads as webSdkProtocolUrl.
//
// The service's own module is not public; this one speaks version 1 of docs/input-protocol.md, the
// same as the desktop client. The numbers of that protocol are put in by emulator/protocol.py.
(() => {
  "use strict";

  const PROTOCOL = JSON.parse('@PROTOCOL@');

  // KeyboardEvent.code to USB HID usage (page 7).
  const KEYS = JSON.parse('@KEYS@');

  /** The data channel of this label, wherever the SDK keeps it: its own shape is not documented. */
  function findChannel(holder, label, depth = 3) {
    if (holder === null || typeof holder !== "object" || depth === 0) return null;
    if (holder instanceof RTCDataChannel) return holder.label === label ? holder : null;
    for (const value of Object.values(holder)) {
      const found = findChannel(value, label, depth - 1);
      if (found !== null) return found;
    }
    return null;
  }

  class GameCastInput {
    #options;
    #input;
    #messages;
    #listening = null;
    #timer = null;
    #sequence = 0;
    #repeats = 0;
    #keys = new Set();
    #buttons = 0;
    #x = 0;
    #y = 0;
    #wheel = 0;

    constructor(options) {
      this.#options = options;
      this.#input = findChannel(options.clientRtc, PROTOCOL.inputChannel);
      this.#messages = findChannel(options.clientRtc, PROTOCOL.messageChannel);
      if (this.#messages !== null) {
        this.#messages.binaryType = "arraybuffer";
        this.#messages.addEventListener("message", (event) => this.#received(event.data));
      }
    }

    attach() {
      if (this.#listening !== null) return;
      this.#listening = new AbortController();
      const video = this.#options.videoElement;
      const on = (target, name, react, more = {}) =>
        target.addEventListener(name, react, { signal: this.#listening.signal, ...more });
      on(window, "keydown", (event) => this.#key(event, true));
      on(window, "keyup", (event) => this.#key(event, false));
      on(window, "blur", () => this.#letGo());
      on(document, "visibilitychange", () => document.hidden && this.#letGo());
      on(video, "mousemove", (event) => this.#moved(event));
      on(video, "mousedown", (event) => this.#pressed(event));
      on(window, "mouseup", (event) => this.#pressed(event));
      on(video, "contextmenu", (event) => event.preventDefault());
      on(video, "wheel", (event) => this.#scrolled(event), { passive: false });
      this.#changed();
    }

    detach() {
      if (this.#listening === null) return;
      this.#listening.abort();
      this.#listening = null;
      this.#letGo();
      if (this.#timer !== null) clearInterval(this.#timer);
      this.#timer = null;
    }

    sendApplicationMessage(message) {
      if (!(message instanceof Uint8Array) || message.length > PROTOCOL.maxApplicationMessage) {
        throw new TypeError("An application message is a Uint8Array of 65536 bytes at most.");
      }
      if (this.#messages === null || this.#messages.readyState !== "open") return false;
      this.#messages.send(message);
      return true;
    }

    #key(event, down) {
      const usage = KEYS[event.code];
      if (usage === undefined) return;
      event.preventDefault();
      if (down === this.#keys.has(usage)) return;
      if (down) this.#keys.add(usage);
      else this.#keys.delete(usage);
      this.#changed();
    }

    #moved(event) {
      this.#x = (this.#x + event.movementX) >>> 0;
      this.#y = (this.#y + event.movementY) >>> 0;
      this.#changed();
    }

    #pressed(event) {
      this.#buttons = event.buttons;
      this.#changed();
    }

    #scrolled(event) {
      event.preventDefault();
      // One notch is 120 eighths of a degree; browsers count pixels, about 100 for a notch.
      this.#wheel = (this.#wheel - Math.round(event.deltaY * 1.2)) >>> 0;
      this.#changed();
    }

    #letGo() {
      if (this.#keys.size === 0 && this.#buttons === 0) return;
      this.#keys.clear();
      this.#buttons = 0;
      this.#changed();
    }

    /** Send the whole state now, twice more, and on while anything is held. */
    #changed() {
      this.#sequence = (this.#sequence + 1) >>> 0;
      this.#repeats = PROTOCOL.repeatAfterChange - 1;
      this.#send();
      if (this.#timer === null && this.#listening !== null) {
        this.#timer = setInterval(() => this.#repeat(), PROTOCOL.repeatEveryMs);
      }
    }

    #repeat() {
      const held = this.#keys.size > 0 || this.#buttons !== 0;
      if (this.#repeats > 0 || held) {
        this.#repeats = Math.max(0, this.#repeats - 1);
        this.#send();
      } else {
        clearInterval(this.#timer);
        this.#timer = null;
      }
    }

    #send() {
      if (this.#input === null || this.#input.readyState !== "open") return;
      const keys = [...this.#keys].sort((a, b) => a - b).slice(0, PROTOCOL.maxKeys);
      const view = new DataView(new ArrayBuffer(25 + 2 * keys.length));
      view.setUint8(0, PROTOCOL.magic);
      view.setUint8(1, PROTOCOL.version);
      view.setUint8(2, PROTOCOL.controls);
      view.setUint32(4, this.#sequence);
      view.setUint32(8, this.#buttons);
      view.setUint32(12, this.#x);
      view.setUint32(16, this.#y);
      view.setUint32(20, this.#wheel);
      view.setUint8(24, keys.length);
      keys.forEach((usage, index) => view.setUint16(25 + 2 * index, usage));
      this.#input.send(view.buffer);
    }

    #received(data) {
      const bytes =
        typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data);
      if (
        bytes.length >= 8 &&
        bytes[0] === PROTOCOL.magic &&
        bytes[1] === PROTOCOL.version &&
        bytes[2] === PROTOCOL.disconnect
      ) {
        this.#options.onServerDisconnect?.(new TextDecoder().decode(bytes.subarray(8)));
        return;
      }
      this.#options.onApplicationMessageReceived?.(bytes);
    }
  }

  globalThis.GameCastInputModule = { GameCastInput };
})();
