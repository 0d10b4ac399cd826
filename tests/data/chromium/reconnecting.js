// Two ways in which a page can notice by itself that its stream is gone, and come back: it waits for
// the connection to say "disconnected", or it looks at getStats. Builds on play.js. Times are
// milliseconds since the epoch, by the page's own clock.
"use strict";

const LOOK_EVERY_MS = 250;
const STILL_LOOKS = 3; // so many looks in a row at which no byte of video had come

const noted = { drops: [], alarms: { disconnected: [], stats: [] }, errors: [] };
let watching = null; // { peer, way, acts }

const clock = () => performance.timeOrigin + performance.now();
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Look after the connection that is open now; `acts`: come back, or else only count alarms. */
function watch(ways, acts) {
  const mine = { peer: connection.rtc.peer, ways, acts };
  watching = mine;
  if (ways.includes("disconnected")) {
    const look = () => {
      const { connectionState, iceConnectionState } = mine.peer;
      const bad = ["disconnected", "failed"];
      if (bad.includes(connectionState) || bad.includes(iceConnectionState)) {
        alarm(mine, "disconnected");
      } else {
        mine.disconnected = false;
      }
    };
    mine.peer.addEventListener("connectionstatechange", look);
    mine.peer.addEventListener("iceconnectionstatechange", look);
  }
  if (ways.includes("stats")) void lookAtStats(mine);
}

async function bytesOfVideo(peer) {
  let bytes = 0;
  for (const one of (await peer.getStats()).values()) {
    if (one.type === "inbound-rtp" && one.kind === "video") bytes += one.bytesReceived;
  }
  return bytes;
}

async function lookAtStats(mine) {
  let before = -1;
  let still = 0;
  let next = performance.now();
  while (watching === mine) {
    const bytes = await bytesOfVideo(mine.peer);
    still = bytes === before ? still + 1 : 0;
    before = bytes;
    if (still >= STILL_LOOKS) alarm(mine, "stats");
    else mine.stats = false;
    next += LOOK_EVERY_MS;
    await pause(Math.max(0, next - performance.now()));
  }
}

function alarm(mine, way) {
  if (watching !== mine || mine[way]) return;
  mine[way] = true;
  noted.alarms[way].push(clock());
  if (!mine.acts) return;
  watching = null;
  const drop = { noticedAt: clock() };
  comeBack(drop, mine.ways).catch((error) => noted.errors.push(String(error)));
}

/** A new connection first; the old one is closed when its picture is no longer needed. */
async function comeBack(drop, ways) {
  const old = connection;
  old.input.detach();
  const { rtc, signalRequest } = await makeOffer();
  drop.offerAt = clock();
  const framed = new Promise((resolve) => {
    rtc.peer.addEventListener("track", (event) => {
      if (event.track.kind !== "video") return;
      video.requestVideoFrameCallback((calledAt, frame) => {
        // When it was handed on to be composed, which is before the page is told.
        drop.frameAt = performance.timeOrigin + frame.presentationTime;
        drop.frameToldAt = clock();
        resolve();
      });
    });
  });
  attempt += 1;
  const body = { signal_request: signalRequest, attempt };
  const answered = await ask("POST", `/sessions/${sessionId}/connections`, body);
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
  /** No more alarms: what comes now is the end. */
  leave() {
    watching = null;
    return play.terminate();
  },
};
