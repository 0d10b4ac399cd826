// A stream host made of a browser, for benches: it answers an offer with video that fills any rate,
// and can also be the client of another host. Nothing here knows Rejoin.
"use strict";

const WIDTH = 640;
const HEIGHT = 360;
const FPS = 30;
const MAX_BPS = 8_000_000;

const peers = [];

/** Noise that moves, so that the encoder can use whatever rate it gets. */
function pictures() {
  const noise = new OffscreenCanvas(2 * WIDTH, 2 * HEIGHT);
  const pixels = noise.getContext("2d");
  const image = pixels.createImageData(noise.width, noise.height);
  for (let at = 0; at < image.data.length; at += 1) {
    image.data[at] = at % 4 === 3 ? 255 : 96 + 64 * Math.random();
  }
  pixels.putImageData(image, 0, 0);
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const surface = canvas.getContext("2d");
  setInterval(() => {
    surface.drawImage(noise, -WIDTH * Math.random(), -HEIGHT * Math.random());
  }, 1000 / FPS);
  return canvas.captureStream(FPS).getVideoTracks()[0];
}

function sound() {
  const context = new AudioContext();
  const tone = context.createOscillator();
  const out = context.createMediaStreamDestination();
  tone.connect(out);
  tone.start();
  return out.stream.getAudioTracks()[0];
}

async function gathered(peer) {
  while (peer.iceGatheringState !== "complete") {
    await new Promise((resolve) => peer.addEventListener("icegatheringstatechange", resolve, { once: true }));
  }
  return peer.localDescription.sdp;
}

/** Listens to the sound that a client sends: `heard` says what it is. */
function listen(peer) {
  const { track } = peer.getReceivers().find((each) => each.track.kind === "audio");
  const stream = new MediaStream([track]);
  // Chromium decodes a remote track only while an element plays it.
  const element = new Audio();
  element.muted = true;
  element.srcObject = stream;
  element.play();
  const context = new AudioContext({ sampleRate: 48000 });
  peer.analyser = context.createAnalyser();
  peer.analyser.fftSize = 8192;
  context.createMediaStreamSource(stream).connect(peer.analyser);
}

/** The loudest frequency that is heard now, its level in dBFS, and the packets that came. */
async function heard(number) {
  const peer = peers[number];
  const bins = new Float32Array(peer.analyser.frequencyBinCount);
  peer.analyser.getFloatFrequencyData(bins);
  const loudest = bins.reduce((best, level, at) => (level > bins[best] ? at : best), 0);
  const found = [...(await peer.getStats()).values()];
  const inbound = found.find((each) => each.type === "inbound-rtp" && each.kind === "audio") ?? {};
  const remote = found.find((each) => each.type === "remote-outbound-rtp" && each.kind === "audio");
  return {
    hertz: (loudest * 48000) / peer.analyser.fftSize,
    level: bins[loudest],
    inbound,
    reports: remote?.reportsSent ?? 0,
  };
}

/** The answer to an offer: {number, sdp}. `takesSound`: take the client's, too. */
async function answer(offer, takesSound = false) {
  const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers: [] });
  await peer.setRemoteDescription({ type: "offer", sdp: offer });
  for (const each of peer.getTransceivers()) {
    const kind = each.receiver.track.kind;
    each.direction = kind === "audio" && takesSound ? "sendrecv" : "sendonly";
    await each.sender.replaceTrack(kind === "video" ? pictures() : sound());
  }
  await peer.setLocalDescription(await peer.createAnswer());
  const video = peer.getSenders().find((each) => each.track?.kind === "video");
  const parameters = video.getParameters();
  parameters.encodings[0].maxBitrate = MAX_BPS;
  parameters.encodings[0].maxFramerate = FPS;
  parameters.degradationPreference = "maintain-resolution";
  await video.setParameters(parameters);
  const sdp = await gathered(peer);
  if (takesSound) listen(peer);
  return { number: peers.push(peer) - 1, sdp };
}

/** A client's offer: {number, sdp}. */
async function offer() {
  const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers: [] });
  peer.createDataChannel("inputChannel", { ordered: false, maxRetransmits: 0 });
  peer.addTransceiver("audio", { direction: "recvonly" });
  peer.addTransceiver("video", { direction: "recvonly" });
  peer.addEventListener("track", ({ track, streams, receiver }) => {
    if (track.kind !== "video") return;
    const video = document.createElement("video");
    video.muted = true;
    video.srcObject = new MediaStream([track]);
    video.requestVideoFrameCallback(() => (peer.firstPictureAt = performance.now()));
    video.play();
    document.body.append(video);
  });
  await peer.setLocalDescription(await peer.createOffer());
  return { number: peers.push(peer) - 1, sdp: await gathered(peer) };
}

async function accept(number, sdp) {
  peers[number].answeredAt = performance.now();
  await peers[number].setRemoteDescription({ type: "answer", sdp });
}

/** Milliseconds from the answer to the first picture; null before it. */
function firstPictureMs(number) {
  const { answeredAt, firstPictureAt } = peers[number];
  return firstPictureAt === undefined ? null : firstPictureAt - answeredAt;
}

async function stats(number) {
  const found = [...(await peers[number].getStats()).values()];
  const pick = (type, kind) => found.find((each) => each.type === type && (!kind || each.kind === kind)) ?? {};
  const pair = found.find((each) => each.type === "candidate-pair" && each.nominated) ?? {};
  return {
    outbound: pick("outbound-rtp", "video"),
    inbound: pick("inbound-rtp", "video"),
    available: pair.availableOutgoingBitrate ?? null,
  };
}

function leave(number) {
  peers[number].getSenders().forEach((each) => each.track?.stop());
  peers[number].close();
}
