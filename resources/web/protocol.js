// The emulator's input module: what AWS's Web SDK and the desktop client load as webSdkProtocolUrl.
//
// The service's own module is not public; this one implements version 1 of docs/input-protocol.md.
// emulator/service/protocol_script.py fills in that protocol's constants.
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

  /** What the Web SDK documents as the defaults of its InputConfiguration. */
  const DEFAULTS = {
    autoKeyboard: true,
    autoMouse: true,
    autoGamepad: true,
    autoPointerLock: "fullscreen",
    resetOnDetach: true,
    trackWindowFocus: true,
  };

  /** Whether the event belongs to something on the page that text is typed into. */
  function isTyping(event) {
    const target = event.composedPath?.()[0] ?? event.target;
    return target?.isContentEditable === true || /^(INPUT|TEXTAREA|SELECT)$/.test(target?.tagName);
  }

  /** "720p" as 720; 0 where there is no limit. */
  function heightOf(resolution) {
    return Number(/^(\d{3,4})p$/.exec(resolution ?? "")?.[1] ?? 0);
  }

  class GameCastInput {
    #options;
    #wishes;
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
    #tracked = new Set(); // the indices that the page added
    #polling = null;

    constructor(options) {
      this.#options = options;
      this.#wishes = { ...DEFAULTS, ...options.inputConfiguration };
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
      const { autoKeyboard, autoMouse, autoGamepad, trackWindowFocus } = this.#wishes;
      const video = this.#options.videoElement;
      const on = (target, name, react, more = {}) =>
        target.addEventListener(name, react, { signal: this.#listening.signal, ...more });
      if (autoKeyboard) {
        const typed = (event) => isTyping(event) && event.type === "keydown";
        const key = (event) => typed(event) || this.processKeyboardEvent(event);
        on(window, "keydown", key);
        on(window, "keyup", key);
      }
      if (autoMouse) {
        const mouse = (event) => this.processMouseEvent(event);
        on(video, "mousemove", mouse);
        on(video, "mousedown", mouse);
        on(window, "mouseup", mouse);
        on(video, "contextmenu", (event) => event.preventDefault());
        on(video, "wheel", mouse, { passive: false });
        on(video, "mousedown", () => this.#lockPointer());
      }
      if (trackWindowFocus) {
        on(window, "blur", () => this.#letGo());
        on(document, "visibilitychange", () => document.hidden && this.#letGo());
      }
      if (autoGamepad) {
        on(window, "gamepadconnected", () => this.#poll());
        this.#poll();
      }
      // The host says something here while it has heard nothing: what was sent before it had the
      // channel is lost.
      if (this.#input !== null) on(this.#input, "message", () => this.#send());
      this.#changed();
    }

    detach() {
      if (this.#listening === null) return;
      this.#listening.abort();
      if (this.#polling !== null) clearInterval(this.#polling);
      this.#polling = null;
      if (this.#wishes.resetOnDetach) this.#letGo();
      this.#listening = null;
      if (this.#timer !== null) clearInterval(this.#timer);
      this.#timer = null;
    }

    /** Whether the message was handed to the channel; nothing is sent while input is detached. */
    sendApplicationMessage(message) {
      if (!(message instanceof Uint8Array) || message.length > PROTOCOL.maxApplicationMessage) {
        throw new TypeError("An application message is a Uint8Array of 65536 bytes at most.");
      }
      if (this.#listening === null || this.#messages?.readyState !== "open") return false;
      this.#messages.send(message);
      return true;
    }

    /** Whether this keydown or keyup went to the game. */
    processKeyboardEvent(event) {
      const usage = KEYS[event.code];
      const down = event.type === "keydown";
      if (this.#listening === null || usage === undefined) return false;
      // A key that is held is always released, or the game would hold it for good.
      const ends = !down && this.#keys.has(usage);
      if (!ends && !this.#passes("keyboardFilter", event)) return false;
      event.preventDefault();
      if (down === this.#keys.has(usage)) return true;
      if (down) this.#keys.add(usage);
      else this.#keys.delete(usage);
      this.#changed();
      return true;
    }

    /** Whether this movement, button or turn of the wheel went to the game. */
    processMouseEvent(event) {
      if (this.#listening === null) return false;
      const ends = event.type === "mouseup" && this.#buttons !== 0;
      if (!ends && !this.#passes("mouseFilter", event)) return false;
      switch (event.type) {
        case "mousemove":
          this.#x = (this.#x + event.movementX) >>> 0;
          this.#y = (this.#y + event.movementY) >>> 0;
          break;
        case "mousedown":
        case "mouseup":
          this.#buttons = event.buttons;
          break;
        case "wheel":
          event.preventDefault();
          // One notch is 120 eighths of a degree; browsers count pixels, about 100 for a notch.
          this.#wheel = (this.#wheel - Math.round(event.deltaY * 1.2)) >>> 0;
          break;
        default:
          return false;
      }
      this.#changed();
      return true;
    }

    /** Track or forget the gamepad of this index; `pollTrackedGamepads` reads those tracked. */
    processGamepadEvent(event) {
      const index = event.gamepad?.index ?? event.gamepad;
      if (!Number.isInteger(index) || index < 0 || index >= PROTOCOL.maxPads) return false;
      if (event.type === "gamepaddisconnected") this.#tracked.delete(index);
      else this.#tracked.add(index);
      return true;
    }

    pollTrackedGamepads() {
      if (this.#listening === null) return;
      this.#read(this.#connectedPads().filter((pad) => this.#tracked.has(pad.index)));
    }

    #passes(filter, event) {
      const passes = this.#wishes[filter];
      return typeof passes !== "function" || Boolean(passes(event));
    }

    /** The game shows no cursor of its own, so only the page's choice decides. */
    #lockPointer() {
      const { autoPointerLock } = this.#wishes;
      const video = this.#options.videoElement;
      const full = document.fullscreenElement;
      const fullscreen = full !== null && full !== undefined && full.contains(video);
      if (autoPointerLock !== true && !(autoPointerLock === "fullscreen" && fullscreen)) return;
      if (document.pointerLockElement === video) return;
      // The browser may refuse, for example right after the player left the last lock.
      Promise.resolve(video.requestPointerLock?.()).catch(() => {});
    }

    #connectedPads() {
      return navigator.getGamepads?.().filter((pad) => pad !== null && pad.connected) ?? [];
    }

    /** Gamepads send no events for buttons: while there is one it is read 60 times a second. */
    #poll() {
      const pads = this.#connectedPads();
      if (pads.length > 0 && this.#polling === null) {
        this.#polling = setInterval(() => this.#poll(), 16);
      } else if (pads.length === 0 && this.#polling !== null) {
        clearInterval(this.#polling);
        this.#polling = null;
      }
      this.#read(pads);
    }

    #read(pads) {
      let changed = false;
      for (const [index, known] of this.#pads) {
        if (!pads.some((pad) => pad.index === index)) {
          changed = this.#padIs(known, index, 0, [0, 0, 0, 0]) || changed;
        }
      }
      // In the background the browser still reports gamepads, but they are no longer ours.
      const hidden = document.hidden === true && this.#wishes.trackWindowFocus;
      for (const pad of hidden ? [] : pads) {
        if (pad.index >= PROTOCOL.maxPads || !this.#passes("gamepadFilter", pad)) continue;
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
      this.#sendLimits();
    }

    /** What the page allows the host to send; with every state, because messages can be lost. */
    #sendLimits() {
      const kilobits = Number(this.#options.bitrateMaxKilobits ?? 0) || 0;
      const height = heightOf(this.#options.maximumResolution);
      if (kilobits <= 0 && height === 0) return;
      const view = new DataView(new ArrayBuffer(16));
      view.setUint8(0, PROTOCOL.magic);
      view.setUint8(1, PROTOCOL.version);
      view.setUint8(2, PROTOCOL.limits);
      view.setUint32(8, Math.max(0, Math.min(kilobits, 4294967)));
      view.setUint16(12, height);
      this.#input.send(view.buffer);
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
        const { timestamp, ...stats } = JSON.parse(text());
        const taken = new Date(timestamp);
        this.#options.onPerformanceStatsReceived?.({ timestamp: taken, ...stats });
      } else if (this.#listening !== null) {
        this.#options.onApplicationMessageReceived?.(bytes);
      }
    }
  }

  globalThis.GameCastInputModule = { GameCastInput };
})();
