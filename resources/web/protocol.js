// The emulator's input protocol for browsers: what AWS's Web SDK loads as webSdkProtocolUrl.
//
// The service's own module is not public; this one implements version 1 of docs/input-protocol.md,
// like the desktop client. emulator/service/protocol_script.py fills in that protocol's constants.
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

  /** How far an axis is tilted, from -32767 to 32767; the middle tenth is no tilt. */
  function tilt(value) {
    return Math.abs(value) < 0.1 ? 0 : Math.round(Math.max(-1, Math.min(1, value)) * 32767);
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
    #pads = new Map(); // index: { sequence, buttons, axes }
    #polling = null;

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
      on(window, "gamepadconnected", () => this.#poll());
      this.#poll();
      this.#changed();
    }

    detach() {
      if (this.#listening === null) return;
      this.#listening.abort();
      this.#listening = null;
      if (this.#polling !== null) clearInterval(this.#polling);
      this.#polling = null;
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

    /** Gamepads tell nothing by themselves: while there is one it is asked 60 times a second. */
    #poll() {
      const pads = navigator.getGamepads?.().filter((pad) => pad !== null && pad.connected) ?? [];
      if (pads.length > 0 && this.#polling === null) {
        this.#polling = setInterval(() => this.#poll(), 16);
      } else if (pads.length === 0 && this.#polling !== null) {
        clearInterval(this.#polling);
        this.#polling = null;
      }
      let changed = false;
      for (const [index, known] of this.#pads) {
        if (!pads.some((pad) => pad.index === index)) {
          changed = this.#padIs(known, index, 0, [0, 0, 0, 0]) || changed;
        }
      }
      // In the background the browser still tells of gamepads, but they are no longer ours.
      if (document.hidden === true) return;
      for (const pad of pads) {
        if (pad.index >= PROTOCOL.maxPads) continue;
        const buttons = pad.buttons.reduce(
          (bits, button, bit) => (button.pressed && bit < 32 ? (bits | (1 << bit)) >>> 0 : bits),
          0,
        );
        const axes = [0, 1, 2, 3].map((axis) => tilt(pad.axes[axis] ?? 0));
        const known = this.#pads.get(pad.index);
        changed = this.#padIs(known, pad.index, buttons, axes) || changed;
      }
      if (changed) this.#changed();
    }

    /** Whether this is news of the gamepad. */
    #padIs(known, index, buttons, axes) {
      if (known?.buttons === buttons && String(known.axes) === String(axes)) return false;
      const sequence = ((known?.sequence ?? 0) + 1) >>> 0;
      this.#pads.set(index, { sequence, buttons, axes });
      return true;
    }

    get #held() {
      const tilted = [...this.#pads.values()].some(
        (pad) => pad.buttons !== 0 || pad.axes.some((axis) => axis !== 0),
      );
      return this.#keys.size > 0 || this.#buttons !== 0 || tilted;
    }

    #letGo() {
      if (!this.#held) return;
      this.#keys.clear();
      this.#buttons = 0;
      for (const [index, known] of this.#pads) this.#padIs(known, index, 0, [0, 0, 0, 0]);
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
      if (this.#repeats > 0 || this.#held) {
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
      for (const [index, pad] of this.#pads) this.#sendPad(index, pad);
    }

    #sendPad(index, { sequence, buttons, axes }) {
      const view = new DataView(new ArrayBuffer(24));
      view.setUint8(0, PROTOCOL.magic);
      view.setUint8(1, PROTOCOL.version);
      view.setUint8(2, PROTOCOL.gamepad);
      view.setUint32(4, sequence);
      view.setUint8(8, index);
      view.setUint32(12, buttons);
      axes.forEach((axis, at) => view.setInt16(16 + 2 * at, axis));
      this.#input.send(view.buffer);
    }

    #received(data) {
      const bytes =
        typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data);
      const ours =
        bytes.length >= 8 && bytes[0] === PROTOCOL.magic && bytes[1] === PROTOCOL.version;
      const text = () => new TextDecoder().decode(bytes.subarray(8));
      if (ours && bytes[2] === PROTOCOL.disconnect) {
        this.#options.onServerDisconnect?.(text());
      } else if (ours && bytes[2] === PROTOCOL.performance) {
        this.#options.onPerformanceStatsReceived?.(JSON.parse(text()));
      } else {
        this.#options.onApplicationMessageReceived?.(bytes);
      }
    }
  }

  globalThis.GameCastInputModule = { GameCastInput };
})();
