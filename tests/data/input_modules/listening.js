// A module in another style than ours, for tests: it only listens, locks the pointer, frames its
// messages as Protocol Buffers do, works with promises and timers, and acknowledges what it hears.
var GameCastInputModule = (function () {
  "use strict";

  function varint(value) {
    const bytes = [];
    let rest = value >>> 0;
    while (rest > 127) {
      bytes.push((rest & 127) | 128);
      rest >>>= 7;
    }
    bytes.push(rest);
    return bytes;
  }

  const zigzag = (value) => (value << 1) ^ (value >> 31);
  const number = (field, value) => [...varint(field << 3), ...varint(value)];
  const bytes = (field, value) => [...varint((field << 3) | 2), ...varint(value.length), ...value];
  const message = (kind, content) => Uint8Array.from(bytes(kind, content));

  const KEY = 1, MOVE = 2, BUTTON = 3, WHEEL = 4, PAD = 5, BEAT = 6, RESET = 7;

  class Sender {
    static #count = 0;
    #queue = Promise.resolve();
    #number = ++Sender.#count;
    constructor(channel) { this.channel = channel; }
    send(kind, content) {
      // In order, but never within the event itself.
      this.#queue = this.#queue.then(async () => {
        await null;
        if (this.channel.readyState === "open") this.channel.send(message(kind, content));
      });
      return this.#queue;
    }
    get [Symbol.toStringTag]() { return `Sender ${this.#number}`; }
  }

  class GameCastInput {
    constructor(options) {
      if (!("videoElement" in options)) throw new TypeError("no video");
      this.options = options;
      this.video = options.videoElement;
      this.sender = new Sender(options.clientRtc.rtcDataChannel);
      this.messages = options.clientRtc.rtcClientMessageChannel;
      this.messages.onmessage = (event) => void this.hear(event);
      this.held = new Map();
      this.encoder = new TextEncoder();
    }

    async hear({ data }) {
      const text = typeof data === "string" ? data : new TextDecoder().decode(new Uint8Array(data));
      const { type, ...rest } = await Promise.resolve(text).then(JSON.parse);
      if (type === "bye") this.options.onServerDisconnect(rest.reason);
      if (type === "load") this.options.onPerformanceStatsReceived(rest);
      if (type === "app") this.options.onApplicationMessageReceived(this.encoder.encode(rest.text));
    }

    attach() {
      this.abort = new AbortController();
      const { signal } = this.abort;
      const passive = { signal, passive: true };
      window.addEventListener("keydown", this, { signal });
      window.addEventListener("keyup", this, { signal });
      this.video.addEventListener("pointermove", (event) => {
        const rect = this.video.getBoundingClientRect();
        const at = [(event.clientX - rect.left) / rect.width, (event.clientY - rect.top) / rect.height];
        const locked = document.pointerLockElement === this.video;
        const [x, y] = locked ? [event.movementX, event.movementY] : at.map((v) => Math.round(v * 1e4));
        void this.sender.send(MOVE, [...number(1, zigzag(x)), ...number(2, zigzag(y)), ...number(3, Number(locked))]);
      }, passive);
      this.video.addEventListener("mousedown", (event) => {
        void this.sender.send(BUTTON, [...number(1, event.button), ...number(2, 1)]);
        if (event.button === 0) {
          this.video.requestPointerLock({ unadjustedMovement: true })?.then?.(
            () => { this.video.style.cursor = "none"; },
            () => { this.video.style.cursor = "default"; },
          );
        }
      }, passive);
      window.addEventListener("mouseup", (event) => {
        void this.sender.send(BUTTON, [...number(1, event.button), ...number(2, 0)]);
      }, passive);
      this.video.addEventListener("wheel", (event) => {
        event.preventDefault();
        void this.sender.send(WHEEL, number(1, zigzag(Math.round(event.deltaY))));
      }, { signal, passive: false });
      window.addEventListener("blur", () => this.reset(), passive);
      window.addEventListener("gamepadconnected", () => this.poll(), passive);
      this.beat = setInterval(() => this.sender.send(BEAT, number(1, Math.floor(performance.now()))), 50);
      return Promise.resolve(true);
    }

    handleEvent(event) {
      if (event.repeat || !event.isTrusted) return;
      event.preventDefault();
      const down = event.type === "keydown";
      if (down) this.held.set(event.code, event);
      else this.held.delete(event.code);
      const code = this.encoder.encode(event.code);
      void this.sender.send(KEY, [...bytes(1, code), ...number(2, Number(down)), ...number(3, event.keyCode)]);
    }

    poll() {
      const pads = navigator.getGamepads().filter(Boolean);
      for (const pad of pads) {
        const state = [pad.index, pad.timestamp].join();
        if (state === this.lastPad) continue;
        this.lastPad = state;
        const bits = pad.buttons.reduce((sum, button, at) => sum | (Number(button.pressed) << at), 0);
        void this.sender.send(PAD, [...number(1, pad.index), ...number(2, bits)]);
      }
      this.frame = pads.length > 0 ? requestAnimationFrame(() => this.poll()) : undefined;
    }

    reset() {
      this.held.clear();
      void this.sender.send(RESET, []);
    }

    detach() {
      this.abort?.abort();
      clearInterval(this.beat);
      cancelAnimationFrame(this.frame);
      if (this.options.inputConfiguration.resetOnDetach) this.reset();
    }

    sendApplicationMessage(data) { this.messages.send(data); return true; }
  }

  return { GameCastInput };
})();
