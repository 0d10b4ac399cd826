// Runs an input module in a page, as AWS's Web SDK does, and keeps what it sends. The channels are
// real ones, of a connection of the page with itself.
"use strict";

const sent = []; // [label, hex or text], in order
let input = null;

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function loadScript(url) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => reject(new Error("The script did not load.")));
    document.head.append(script);
  });
}

/** Two ends of one connection, and the near end's two channels once they are open. */
async function connect() {
  const near = new RTCPeerConnection();
  const far = new RTCPeerConnection();
  near.addEventListener("icecandidate", ({ candidate }) => far.addIceCandidate(candidate));
  far.addEventListener("icecandidate", ({ candidate }) => near.addIceCandidate(candidate));
  far.addEventListener("datachannel", ({ channel }) => {
    channel.binaryType = "arraybuffer";
    channel.addEventListener("message", ({ data }) =>
      sent.push([channel.label, typeof data === "string" ? data : hex(new Uint8Array(data))]));
  });
  const channels = ["inputChannel", "clientMessageChannel"].map((label) =>
    near.createDataChannel(label, { ordered: true }));
  await near.setLocalDescription();
  await far.setRemoteDescription(near.localDescription);
  await far.setLocalDescription();
  await near.setRemoteDescription(far.localDescription);
  for (const channel of channels) {
    while (channel.readyState !== "open") await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { rtcPeerConnection: near, rtcDataChannel: channels[0], rtcClientMessageChannel: channels[1] };
}

// What lies under the pointer may have changed, so Chromium repeats the last mousemove, without any
// movement: no input, and not always.
for (const type of ["mousemove", "pointermove"]) {
  let last = "";
  addEventListener(type, (event) => {
    const at = String([event.clientX, event.clientY, event.buttons]);
    if (at === last && event.movementX === 0 && event.movementY === 0) {
      event.stopImmediatePropagation();
    }
    last = at;
  }, { capture: true });
}

globalThis.judge = {
  /** `place`: left, top, width and height of the picture. `configuration`: inputConfiguration. */
  async start(place, configuration) {
    const video = document.querySelector("video");
    ["left", "top", "width", "height"].forEach((side, at) => (video.style[side] = `${place[at]}px`));
    await loadScript("module.js");
    const clientRtc = await connect();
    input = new globalThis.GameCastInputModule.GameCastInput({
      webSdkVersion: "1.2.0",
      signalResponse: "{}",
      videoElement: video,
      inputConfiguration: configuration,
      clientRtc,
      debugLog: () => {},
      onServerDisconnect: () => {},
      onApplicationMessageReceived: () => {},
      onPerformanceStatsReceived: () => {},
      bitrateMaxKilobits: 8000,
      maximumResolution: "720p",
    });
    input.attach();
  },
  sent: (from) => sent.slice(from),
  size: () => [innerWidth, innerHeight],
  sendMessage: (bytes) => input.sendApplicationMessage(new Uint8Array(bytes)),
};
