// The connection and its two data channels, as far as a module may see them.

/** As Chromium's: a message of more bytes is refused. */
const MAX_MESSAGE = 262_144;

/**
 * What a module sends at once, up to this size, counts as gone when its next step begins, as it is in
 * a browser by then. Of more, and of what is stuck, the connection reports (runtime/module_input.py).
 */
const SOON_GONE = 4096;

/** How soon a module hears `bufferedamountlow` that waits for it. */
const LOW_AFTER_MS = 5;

let setChannel;
let heardOn;
let settle;

/** Counts the steps. */
let step = 0;

class RTCDataChannel extends EventTarget {
  #label;
  #instance;
  #state = "connecting";
  #buffered = 0;
  #sent = 0;
  #step = 0;
  #threshold = 0;
  #binary = "arraybuffer";

  constructor(key, label, instance) {
    onlyOurs(key);
    super();
    parents.set(this, null);
    this.#label = label;
    this.#instance = instance;
  }

  get label() { return this.#label; }
  get id() { return this.#label === INPUT ? 1 : 0; }
  get ordered() { return this.#label !== INPUT; }
  get maxPacketLifeTime() { return null; }
  get maxRetransmits() { return this.#label === INPUT ? 0 : null; }
  get protocol() { return ""; }
  get negotiated() { return false; }
  get readyState() { return this.#state; }
  /** What waits in the connection, as it last reported, and what was sent since. */
  get bufferedAmount() {
    const isGone = this.#step !== step && this.#sent <= SOON_GONE;
    return this.#buffered + (isGone ? 0 : this.#sent);
  }
  get bufferedAmountLowThreshold() { return this.#threshold; }
  set bufferedAmountLowThreshold(value) { this.#threshold = Math.max(0, Number(value) || 0); }
  get binaryType() { return this.#binary; }
  set binaryType(value) {
    if (value === "arraybuffer" || value === "blob") this.#binary = value;
  }

  send(data) {
    if (this.#state !== "open") {
      throw new DOMException("RTCDataChannel.readyState is not 'open'", "InvalidStateError");
    }
    const bytes = data instanceof Blob ? blobBytes(data) : bytesOf(data);
    const text = bytes === null ? `${data}` : null;
    const size = bytes === null ? new TextEncoder().encode(text).length : bytes.length;
    if (size > MAX_MESSAGE) throw new TypeError("The message is too large.");
    const operation = this.#label === INPUT ? "i" : "m";
    if (this.#step !== step) {
      if (this.#sent <= SOON_GONE) this.#sent = 0;
      this.#step = step;
      if (wanted("bufferedamountlow")) startTimer(settle, LOW_AFTER_MS, [this], false);
    }
    this.#sent += size;
    if (bytes !== null) say(`${operation}${this.#instance} ${toHex(bytes)}`);
    else say(`${operation.toUpperCase()}${this.#instance} ${stringify(text.toWellFormed())}`);
  }

  /** The channel is the player's: a module cannot close it, but its own end of it is closed. */
  close() { setChannel(this, "closed", 0); }

  static {
    setChannel = (channel, state, buffered) => {
      const old = channel.#state;
      const above = channel.#buffered + channel.#sent > channel.#threshold;
      channel.#buffered = buffered;
      channel.#sent = 0;
      if (above && channel.bufferedAmount <= channel.#threshold) {
        fire(channel, Event, "bufferedamountlow");
      }
      if (old === state || old === "closed") return;
      channel.#state = state;
      if (state === "open") fire(channel, Event, "open");
      if (state === "closing") fire(channel, Event, "closing");
      if (state === "closed") fire(channel, Event, "close");
    };
    settle = (channel) => {
      if (channel.#sent <= SOON_GONE) setChannel(channel, channel.#state, channel.#buffered);
    };
    heardOn = (channel, digits, text) => {
      if (channel.#state !== "open") return;
      let data = text;
      if (digits !== null) {
        const bytes = fromHex(digits);
        data = channel.#binary === "blob" ? new Blob([bytes]) : bytes.buffer;
      }
      fire(channel, MessageEvent, "message", { data, origin: "" });
    };
  }
}
handlerAttributes(RTCDataChannel.prototype, [
  "open", "message", "close", "closing", "error", "bufferedamountlow",
]);

const INPUT = "inputChannel";
const MESSAGES = "clientMessageChannel";

class RTCStatsReport extends Map {
  get [Symbol.toStringTag]() { return "RTCStatsReport"; }
}

let setPeer;

class RTCPeerConnection extends EventTarget {
  #state = "new";
  #ice = "new";
  #statistics = {};

  constructor(key) {
    if (key !== KEY) {
      missed("new RTCPeerConnection");
      throw new DOMException("A module cannot make a connection.", "NotSupportedError");
    }
    super();
    parents.set(this, null);
  }

  get connectionState() { return this.#state; }
  get iceConnectionState() { return this.#ice; }
  get iceGatheringState() { return "complete"; }
  get signalingState() { return this.#state === "closed" ? "closed" : "stable"; }
  get localDescription() { return null; }
  get remoteDescription() { return null; }
  get currentLocalDescription() { return null; }
  get currentRemoteDescription() { return null; }
  get canTrickleIceCandidates() { return null; }
  getSenders() { return []; }
  getReceivers() { return []; }
  getTransceivers() { return []; }
  getConfiguration() { return { iceServers: [] }; }

  async getStats() {
    const timestamp = performance.timeOrigin + now();
    const report = new RTCStatsReport();
    for (const type of Object.keys(this.#statistics)) {
      report.set(type, { id: type, type, timestamp, ...this.#statistics[type] });
    }
    return report;
  }

  /** The connection is the player's: a module cannot close it. */
  close() { missed("peer.close"); }

  static {
    setPeer = (peer, state, ice, statistics) => {
      const [oldState, oldIce] = [peer.#state, peer.#ice];
      peer.#statistics = statistics;
      peer.#state = state;
      peer.#ice = ice;
      if (ice !== oldIce) fire(peer, Event, "iceconnectionstatechange");
      if (state !== oldState) fire(peer, Event, "connectionstatechange");
    };
  }
}
handlerAttributes(RTCPeerConnection.prototype, [
  "connectionstatechange", "iceconnectionstatechange", "icecandidate", "icegatheringstatechange",
  "signalingstatechange", "negotiationneeded", "track", "datachannel",
]);

exposeAll({ RTCDataChannel, RTCPeerConnection, RTCStatsReport });
