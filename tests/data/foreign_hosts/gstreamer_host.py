"""A stream host of GStreamer's `webrtcbin`, for Debian's own Python: `/usr/bin/python3 THIS`.

Nothing of Rejoin is imported: this is a stack that others wrote. One process is one connection.
It reads the client's offer from standard input, a JSON object `{"sdp": ..., "greeting": ...}`, and
writes JSON objects, one a line: `{"answer": SDP}`, then `{"connected": true}` when ICE and DTLS are
up, and `{"input": N}` for each message of a data channel, N bytes. The greeting, base64, is sent on
`inputChannel`.
It sends a moving test picture (H.264, x264) and a quiet tone (Opus) until it is killed; with
`SCREEN=":1 left top width height"` in its environment, that part of an X display as the picture.
"""

import base64
import json
import os
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402 - after the versions

BALL = (
    "videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=30/1 ! "
    "x264enc tune=zerolatency speed-preset=ultrafast bitrate=1000 key-int-max=300 ! "
)
SCREEN = (
    "ximagesrc display-name={display} use-damage=false show-pointer=false "
    "startx={left} starty={top} endx={right} endy={bottom} ! video/x-raw,framerate=30/1 ! "
    "videoconvert ! video/x-raw,format=I420 ! "
    "x264enc tune=zerolatency speed-preset=ultrafast bitrate=4000 key-int-max=300 ! "
)
PICTURES = (
    "{source}"
    "video/x-h264,profile=constrained-baseline ! "
    "rtph264pay config-interval=-1 aggregate-mode=zero-latency mtu=1200 ! "
    "application/x-rtp,media=video,encoding-name=H264,payload={video} ! out."
)
SOUND = (
    "audiotestsrc is-live=true volume=0.05 ! audioconvert ! audioresample ! "
    "audio/x-raw,rate=48000,channels=2 ! opusenc ! rtpopuspay ! "
    "application/x-rtp,media=audio,encoding-name=OPUS,payload={audio} ! out."
)


def say(**what):
    print(json.dumps(what), flush=True)


def payload_types(offer):
    """The payload types for Opus and for constrained baseline H.264 in packetization mode 1."""
    lines = offer.splitlines()
    h264 = next(
        line
        for line in lines
        if line.startswith("a=fmtp:")
        and "packetization-mode=1" in line
        and "profile-level-id=42e0" in line.lower()
    )
    opus = next(line for line in lines if line.startswith("a=rtpmap:") and "opus/48000" in line)
    return {"video": int(h264[7:].split()[0]), "audio": int(opus[9:].split()[0])}


def source():
    """Where the pictures come from, up to their encoder."""
    shown = os.environ.get("SCREEN")
    if shown is None:
        return BALL
    display, *area = shown.split()
    left, top, width, height = map(int, area)
    right, bottom = left + width - 1, top + height - 1
    return SCREEN.format(display=display, left=left, top=top, right=right, bottom=bottom)


class Host:
    def __init__(self, offer, greeting):
        self.candidates = []
        self.greeting = GLib.Bytes.new(greeting)
        text = "webrtcbin name=out bundle-policy=max-bundle " + PICTURES + " " + SOUND
        text = text.format(source=source(), **payload_types(offer))
        self.pipeline = Gst.parse_launch(text)
        self.webrtc = self.pipeline.get_by_name("out")
        # Kept: in GStreamer 1.22 this property gives webrtcbin's own reference away.
        self.ice = self.webrtc.get_property("ice-agent")
        self.ice.emit("add-local-ip-address", "127.0.0.1")
        for index in range(2):
            transceiver = self.webrtc.emit("get-transceiver", index)
            transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
            transceiver.set_property("do-nack", True)
        self.webrtc.connect("on-ice-candidate", self.on_candidate)
        self.webrtc.connect("notify::ice-gathering-state", self.on_gathered)
        self.webrtc.connect("notify::connection-state", self.on_connection)
        self.webrtc.connect("on-data-channel", self.on_channel)
        self.pipeline.set_state(Gst.State.PLAYING)
        _, sdp = GstSdp.SDPMessage.new_from_text(offer)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.OFFER, sdp)
        done = Gst.Promise.new_with_change_func(self.on_offer_set)
        self.webrtc.emit("set-remote-description", description, done)

    def on_offer_set(self, _promise):
        self.webrtc.emit("create-answer", None, Gst.Promise.new_with_change_func(self.on_answer))

    def on_answer(self, promise):
        reply = promise.get_reply()  # owns the description, so it has to outlive it
        self.webrtc.emit("set-local-description", reply.get_value("answer"), None)

    def on_candidate(self, _webrtc, _section, candidate):
        self.candidates.append(candidate)

    def on_gathered(self, webrtc, _property):
        state = webrtc.get_property("ice-gathering-state")
        if state is GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            sdp = webrtc.get_property("local-description").sdp.as_text()
            lines = [line for line in sdp.splitlines() if not line.startswith("a=candidate")]
            first = next(at for at, line in enumerate(lines) if line.startswith("a=ice-pwd"))
            lines[first + 1 : first + 1] = ["a=" + each for each in self.candidates]
            say(answer="\r\n".join(lines) + "\r\n")

    def on_connection(self, webrtc, _property):
        state = webrtc.get_property("connection-state")
        if state is GstWebRTC.WebRTCPeerConnectionState.CONNECTED:
            say(connected=True)

    def on_channel(self, _webrtc, channel):
        if channel.get_property("label") == "inputChannel":
            channel.emit("send-data", self.greeting)
        channel.connect("on-message-data", lambda _, data: say(input=data.get_size()))
        channel.connect("on-message-string", lambda _, text: say(input=len(text or "")))


Gst.init(None)
start = json.loads(sys.stdin.readline())
host = Host(start["sdp"], base64.b64decode(start["greeting"]))
GLib.MainLoop().run()
