// A stream host of werift, a WebRTC stack in TypeScript: `node THIS CLIP`.
//
// Nothing of Rejoin is imported: this is a stack that others wrote. One process is one connection.
// It reads the client's offer from standard input, a JSON object `{"sdp": ..., "greeting": ...}`,
// and writes JSON objects, one a line: `{"answer": SDP}`, then `{"connected": true}` when ICE and
// DTLS are up, and `{"input": N}` for each message of a data channel, N bytes. The greeting,
// base64, is sent on `inputChannel`. CLIP is a JSON file: a list of pictures, each a list of RTP
// payloads in base64, of which the first is a key frame. It is sent again and again until the
// process is killed, and starts over after a PLI.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

import {
  MediaStreamTrack,
  RTCPeerConnection,
  RTCRtpCodecParameters,
  RtpHeader,
  RtpPacket,
} from "werift";

const PICTURES_PER_S = 30;
const SILENCE = Buffer.from([0xf8, 0xff, 0xfe]); // 20 ms of Opus

const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

function payloadTypes(offer) {
  const lines = offer.split(/\r?\n/);
  const h264 = lines.find((line) =>
    /^a=fmtp:.*(?=.*packetization-mode=1)(?=.*profile-level-id=42e0)/i.test(line),
  );
  const type = Number(h264.match(/^a=fmtp:(\d+)/)[1]);
  const opus = lines.find((line) => /^a=rtpmap:\d+ opus\/48000/i.test(line));
  return {
    h264: type,
    parameters: h264.slice(h264.indexOf(" ") + 1),
    opus: Number(opus.match(/^a=rtpmap:(\d+)/)[1]),
  };
}

async function answer(offer, greeting, clip) {
  const types = payloadTypes(offer);
  const video = [
    new RTCRtpCodecParameters({
      mimeType: "video/H264",
      clockRate: 90000,
      payloadType: types.h264,
      parameters: types.parameters,
      rtcpFeedback: [
        { type: "nack" },
        { type: "nack", parameter: "pli" },
        { type: "goog-remb" },
      ],
    }),
  ];
  const audio = [
    new RTCRtpCodecParameters({
      mimeType: "audio/opus",
      clockRate: 48000,
      channels: 2,
      payloadType: types.opus,
    }),
  ];
  const peer = new RTCPeerConnection({
    codecs: { video, audio },
    bundlePolicy: "max-bundle",
    iceServers: [],
    iceUseIpv6: false,
    iceAdditionalHostAddresses: ["127.0.0.1"],
  });
  const pictures = new MediaStreamTrack({ kind: "video" });
  const sound = new MediaStreamTrack({ kind: "audio" });
  const sending = peer.addTransceiver(pictures, { direction: "sendonly" });
  peer.addTransceiver(sound, { direction: "sendonly" });
  peer.onDataChannel.subscribe((channel) => {
    if (channel.label === "inputChannel") channel.send(greeting);
    channel.onMessage.subscribe((data) => say({ input: data.length }));
  });
  let next = 0;
  sending.sender.onPictureLossIndication?.subscribe(() => {
    next = 0;
  });
  peer.connectionStateChange.subscribe((state) => {
    if (state === "connected") {
      say({ connected: true });
      sendSound(sound, types.opus);
      sendPictures();
    }
  });

  let sequence = 1000;
  let timestamp = 90000;
  function sendPictures() {
    setInterval(() => {
      const payloads = clip[next];
      next = (next + 1) % clip.length;
      timestamp += 90000 / PICTURES_PER_S;
      payloads.forEach((payload, at) => {
        sequence = (sequence + 1) & 0xffff;
        const header = new RtpHeader({
          payloadType: types.h264,
          sequenceNumber: sequence,
          timestamp: timestamp >>> 0,
          marker: at === payloads.length - 1,
          ssrc: 1111,
        });
        pictures.writeRtp(new RtpPacket(header, Buffer.from(payload, "base64")));
      });
    }, 1000 / PICTURES_PER_S);
  }

  await peer.setRemoteDescription({ type: "offer", sdp: offer });
  await peer.setLocalDescription(await peer.createAnswer());
  say({ answer: peer.localDescription.sdp });
}

function sendSound(sound, payloadType) {
  let sequence = 1;
  let timestamp = 0;
  setInterval(() => {
    sequence = (sequence + 1) & 0xffff;
    timestamp += 960;
    const header = new RtpHeader({
      payloadType,
      sequenceNumber: sequence,
      timestamp,
      marker: false,
      ssrc: 2222,
    });
    sound.writeRtp(new RtpPacket(header, SILENCE));
  }, 20);
}

const clip = JSON.parse(readFileSync(process.argv[2], "utf-8"));
createInterface({ input: process.stdin }).once("line", (line) => {
  const start = JSON.parse(line);
  answer(start.sdp, Buffer.from(start.greeting, "base64"), clip);
});
