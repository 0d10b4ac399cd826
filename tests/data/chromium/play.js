// Signals as AWS's Web SDK 1.2.0 was observed to, in our own words: the offer it makes of the
// browser's, its JSON, its way to load the input script. Nothing here knows the emulator.
"use strict";

const WEB_SDK_VERSION = "1.2.0";
const MAX_KILOBITS = 19000;
const START_KILOBITS = 10000;

const video = document.getElementById("video");
const seen = { channelErrors: 0, disconnects: [], messages: [], stats: [], states: [], frames: 0 };
let connection = null; // { rtc, input }
let sessionId = null;
let attempt = 0;
let token = "";
const loaded = new Set(); // addresses of scripts
let options = {
  inputConfiguration: { autoKeyboard: true, autoMouse: true, autoGamepad: true },
  bitrateMaxKilobits: MAX_KILOBITS,
  maximumResolution: "1080p",
};
let listening = null; // the two analysers of the sound
let microphone = null; // the stream of the Web SDK's enableMicrophone

function countFrames() {
  video.requestVideoFrameCallback(() => {
    seen.frames += 1;
    countFrames();
  });
}
countFrames();

/** The browser's offer with the Web SDK's wishes: stereo, and a rate to start with. */
function withWishes(sdp) {
  const h264 = new Set([...sdp.matchAll(/^a=rtpmap:(\d+) H264\/90000/gm)].map((found) => found[1]));
  const opus = new Set([...sdp.matchAll(/^a=rtpmap:(\d+) opus\//gm)].map((found) => found[1]));
  const wish = `x-google-max-bitrate=${MAX_KILOBITS};x-google-start-bitrate=${START_KILOBITS}`;
  const lines = sdp.split("\r\n").map((line) => {
    const number = /^a=fmtp:(\d+) /.exec(line)?.[1];
    if (h264.has(number)) return `${line};${wish}`;
    return opus.has(number) ? `${line};stereo=1` : line;
  });
  return lines.join("\r\n");
}

/** What goes out: no candidates, and the bandwidth at the end of the video section. */
function asSent(sdp) {
  const bare = sdp.replace(/^(a=candidate:.*|a=end-of-candidates|b=.*)\r\n/gm, "");
  const bandwidth = `b=TIAS:${MAX_KILOBITS * 1000}\r\nb=AS:${MAX_KILOBITS}\r\n`;
  return bare.replace(/(^m=video[^]*?\r\n)(?=m=|$(?![^]))/m, `$1${bandwidth}`);
}

/** A fresh RTCPeerConnection, its data channels, and the SignalRequest of its offer. */
async function makeOffer() {
  const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers: [] });
  const rtc = {
    peer,
    inputChannel: peer.createDataChannel("inputChannel", { ordered: false, maxRetransmits: 0 }),
    messageChannel: peer.createDataChannel("clientMessageChannel", { ordered: true }),
  };
  for (const channel of [rtc.inputChannel, rtc.messageChannel]) {
    channel.addEventListener("error", () => (seen.channelErrors += 1));
  }
  if (microphone) {
    const [track] = microphone.getAudioTracks();
    peer.addTransceiver(track, { direction: "sendrecv", streams: [microphone] });
  } else {
    peer.addTransceiver("audio", { direction: "recvonly" });
  }
  peer.addTransceiver("video", { direction: "recvonly" });
  const media = new MediaStream();
  peer.addEventListener("track", (event) => {
    media.addTrack(event.track);
    video.srcObject = media;
  });
  peer.addEventListener("connectionstatechange", () => seen.states.push(peer.connectionState));
  const offer = await peer.createOffer();
  await peer.setLocalDescription({ type: "offer", sdp: withWishes(offer.sdp) });
  const description = peer.localDescription;
  const sdp = asSent(description.sdp);
  const features = [{ name: "WEBRTC_SPLIT_MEDIA_STREAMS", value: "enabled" }];
  const request = {
    type: description.type,
    sdp,
    webSdkVersion: WEB_SDK_VERSION,
    extras: { features },
  };
  return { rtc, signalRequest: JSON.stringify(request) };
}

/** Load a classic script once, as the Web SDK does: CORS, no credentials. */
function loadScript(url) {
  if (loaded.has(url)) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.crossOrigin = "anonymous";
    script.src = url;
    script.addEventListener("load", () => {
      loaded.add(url);
      resolve();
    });
    script.addEventListener("error", () => reject(new Error("The input script did not load.")));
    document.head.append(script);
  });
}

async function applyAnswer(rtc, signalResponse) {
  const { type, sdp, webSdkProtocolUrl } = JSON.parse(signalResponse);
  if (!webSdkProtocolUrl) throw new Error("The answer has no webSdkProtocolUrl.");
  await loadScript(webSdkProtocolUrl);
  const input = new globalThis.GameCastInputModule.GameCastInput({
    webSdkVersion: WEB_SDK_VERSION,
    signalResponse,
    videoElement: video,
    clientRtc: rtc,
    debugLog: () => {},
    onServerDisconnect: (reason) => seen.disconnects.push(reason),
    onApplicationMessageReceived: (bytes) => seen.messages.push([...bytes]),
    onPerformanceStatsReceived: (stats) => seen.stats.push(stats),
    ...options,
  });
  await rtc.peer.setRemoteDescription({ type, sdp });
  input.attach();
  connection = { rtc, input };
}

async function call(method, path, body) {
  const response = await fetch(`/v1${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      "Content-Type": "application/json",
      "Idempotency-Key": crypto.randomUUID(),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === "" ? null : JSON.parse(text);
}

globalThis.play = {
  /** What the page wants of the input module of the connections that are made from now on. */
  configure: (chosen) => (options = { ...options, ...chosen }),

  /** Offer the microphone from now on, as the Web SDK's enableMicrophone does. */
  async enableMicrophone() {
    microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
  },

  /** The input module of the connection that is open now. */
  input: () => connection.input,

  /** Start a stream session and connect to it; the SignalRequest that was sent. */
  async start(playerToken) {
    token = playerToken;
    const { rtc, signalRequest } = await makeOffer();
    attempt = 1;
    let view = await call("POST", "/sessions", { signal_request: signalRequest, attempt });
    sessionId = view.session_id;
    while (!view.signal_response) {
      const known = encodeURIComponent(view.status);
      view = await call("GET", `/sessions/${sessionId}?known=${known}&wait_s=5`);
      if (["TERMINATED", "ERROR"].includes(view.status)) throw new Error(`It ended: ${view.reason}`);
    }
    await applyAnswer(rtc, view.signal_response);
    return { signalRequest, signalResponse: view.signal_response };
  },

  /** Give the connection up and come back with a new one, to the same stream session. */
  async reconnect() {
    connection.input.detach();
    connection.rtc.peer.close();
    const { rtc, signalRequest } = await makeOffer();
    attempt += 1;
    const body = { signal_request: signalRequest, attempt };
    const answered = await call("POST", `/sessions/${sessionId}/connections`, body);
    await applyAnswer(rtc, answered.signal_response);
  },

  terminate: () => call("DELETE", `/sessions/${sessionId}`),

  sendMessage: (bytes) => connection.input.sendApplicationMessage(new Uint8Array(bytes)),

  /** What the browser decoded last: width, height and base64 of the RGBA pixels, scaled down. */
  picture() {
    const canvas = new OffscreenCanvas(320, 180);
    const drawing = canvas.getContext("2d", { willReadFrequently: true });
    drawing.drawImage(video, 0, 0, canvas.width, canvas.height);
    const { data } = drawing.getImageData(0, 0, canvas.width, canvas.height);
    let text = "";
    for (let at = 0; at < data.length; at += 4096) {
      text += String.fromCharCode(...data.subarray(at, at + 4096));
    }
    return { width: canvas.width, height: canvas.height, rgba: btoa(text) };
  },

  /** How loud the left and the right are just now, and their difference: stereo has one. */
  async sound() {
    if (listening === null) {
      const context = new AudioContext();
      const splitter = context.createChannelSplitter(2);
      context.createMediaStreamSource(video.srcObject).connect(splitter);
      const ears = [0, 1].map((channel) => {
        const ear = context.createAnalyser();
        splitter.connect(ear, channel);
        return ear;
      });
      listening = ears;
    }
    const [left, right] = listening.map((ear) => {
      const samples = new Float32Array(ear.fftSize);
      ear.getFloatTimeDomainData(samples);
      return samples;
    });
    const power = (samples) => samples.reduce((sum, one) => sum + one * one, 0) / samples.length;
    const apart = power(left.map((one, at) => one - right[at]));
    return { left: power(left), right: power(right), apart };
  },

  /** W3C statistics of the connection that is open now, by what they are about. */
  async stats() {
    const report = [...(await connection.rtc.peer.getStats()).values()];
    const inbound = (kind) => {
      const one = report.find((each) => each.type === "inbound-rtp" && each.kind === kind);
      const codec = one && report.find((each) => each.id === one.codecId);
      return one === undefined ? null : { ...one, codec: codec ?? null };
    };
    return { video: inbound("video"), audio: inbound("audio") };
  },

  seen: () => ({ ...seen, state: connection?.rtc.peer.connectionState ?? "new" }),
};
