// Two ways in which a page can detect a drop by itself and reconnect: it waits for the connection's
// state "disconnected", or it polls getStats. Builds on play.js. Times are milliseconds since the
// epoch, by the page's own clock.
"use strict";

const POLL_EVERY_MS = 250;
const UNCHANGED_POLLS = 3; // polls in a row without a new byte of video: a drop

const noted = { drops: [], alarms: { disconnected: [], stats: [] }, errors: [] };
let watching = null; // { peer, ways, reconnects }

const clock = () => performance.timeOrigin + performance.now();
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Watch the open connection. `reconnects`: reconnect on an alarm; otherwise only count alarms. */
function watch(ways, reconnects) {
  const mine = { peer: connection.rtc.peer, ways, reconnects };
  watching = mine;
  if (ways.includes("disconnected")) {
    const onStateChange = () => {
      const { connectionState, iceConnectionState } = mine.peer;
      const bad = ["disconnected", "failed"];
      if (bad.includes(connectionState) || bad.includes(iceConnectionState)) {
        alarm(mine, "disconnected");
      } else {
        mine.disconnected = false;
      }
    };
    mine.peer.addEventListener("connectionstatechange", onStateChange);
    mine.peer.addEventListener("iceconnectionstatechange", onStateChange);
  }
  if (ways.includes("stats")) void pollStats(mine);
}

async function bytesOfVideo(peer) {
  let bytes = 0;
  for (const one of (await peer.getStats()).values()) {
    if (one.type === "inbound-rtp" && one.kind === "video") bytes += one.bytesReceived;
  }
  return bytes;
}

async function pollStats(mine) {
  let before = -1;
  let still = 0;
  let next = performance.now();
  while (watching === mine) {
    const bytes = await bytesOfVideo(mine.peer);
    still = bytes === before ? still + 1 : 0;
    before = bytes;
    if (still >= UNCHANGED_POLLS) alarm(mine, "stats");
    else mine.stats = false;
    next += POLL_EVERY_MS;
    await pause(Math.max(0, next - performance.now()));
  }
}

function alarm(mine, way) {
  if (watching !== mine || mine[way]) return;
  mine[way] = true;
  noted.alarms[way].push(clock());
  if (!mine.reconnects) return;
  watching = null;
  const drop = { noticedAt: clock() };
  reconnect(drop, mine.ways).catch((error) => noted.errors.push(String(error)));
}

/** A new connection first; the old one is closed when its picture is no longer needed. */
async function reconnect(drop, ways) {
  const old = connection;
  old.input.detach();
  const { rtc, signalRequest } = await makeOffer();
  drop.offerAt = clock();
  const framed = new Promise((resolve) => {
    rtc.peer.addEventListener("track", (event) => {
      if (event.track.kind !== "video") return;
      video.requestVideoFrameCallback((calledAt, frame) => {
        // When the frame was submitted for composition, which is before this callback runs.
        drop.frameAt = performance.timeOrigin + frame.presentationTime;
        resolve();
      });
    });
  });
  attempt += 1;
  const body = { signal_request: signalRequest, attempt };
  const answered = await call("POST", `/sessions/${sessionId}/connections`, body);
  drop.answerAt = clock();
  await applyAnswer(rtc, answered.signal_response);
  await framed;
  old.rtc.peer.close();
  noted.drops.push(drop);
  watch(ways, true);
}

globalThis.reconnecting = {
  clock,
  noted: () => noted,
  watch,
  session: () => sessionId,
  /** End the session without another alarm. */
  leave() {
    watching = null;
    return play.terminate();
  },
};
