"""The host's media: encoders, packetizing, and an RTP sender of our own on aiortc's transports.

aiortc's H264Encoder is capped at 3 Mbit/s and 30 fps, ignores PLI for packets made elsewhere and
remembers 128 packets for NACK (media.md), so the stock RTCRtpSender keeps only its place in the
SDP: its public `send` and `stop` are replaced on the instance by those of `RtpStream`, which
registers itself with the DTLS transport by aiortc's own `RtpSender` protocol.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import random
import struct
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar, cast

import av
import numpy as np
import numpy.typing as npt
from aiortc import RTCRtpSender
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpSendParameters
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpByePacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    unpack_remb_fci,
)
from av.video.frame import PictureType

from rejoin import tasks
from rejoin.clock import Clock, boot_s
from rejoin.emulator.host import game as scenery
from rejoin.emulator.host.game import Game, Painter, Scene

_T = TypeVar("_T")

MTU_PAYLOAD = 1180
"""RTP payload bytes per packet: 1,200 with the header (our choice: under every common path MTU)."""
BURST_PACKETS = 16
"""Packets sent back to back before a pause of 1 ms: a key frame must not overflow a socket buffer
of 208 KiB, which is all a stock Debian grants, and which holds about 90 such packets."""
HISTORY_S = 1.0
HISTORY_BYTES = 8 << 20
KEY_FRAME_EVERY_S = 0.200
"""Key frames asked for more often than this are answered once."""
REPORT_EVERY_S = 1.0
VIDEO_CLOCK_HZ = 90_000
AUDIO_CLOCK_HZ = 48_000
AUDIO_FRAME_S = 0.020
AUDIO_SAMPLES = 960
MIN_BITRATE_BPS = 300_000
"""REMB is obeyed down to this; below it the strip would no longer be readable."""

_ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
_NTP_EPOCH_S = 2_208_988_800
_FU_A = 28
_SEI = 6
_FILLER = 12
_FILL_AHEAD_S = 0.1
"""Filler makes up for at most so much time that was sent too little in."""


# --- H.264 into RTP payloads (RFC 6184) -----------------------------------------------------------


def split_annexb(data: bytes) -> list[bytes]:
    """The NAL units of a byte stream with start codes, without them and without trailing zeros."""
    starts = []
    at = data.find(b"\x00\x00\x01")
    while at >= 0:
        starts.append(at + 3)
        at = data.find(b"\x00\x00\x01", at + 3)
    ends = [*(start - 3 for start in starts[1:]), len(data)] if starts else []
    units = [data[start:end].rstrip(b"\x00") for start, end in zip(starts, ends, strict=True)]
    return [unit for unit in units if unit]


def packetize(units: Sequence[bytes], limit: int = MTU_PAYLOAD, *, mode: int = 1) -> list[bytes]:
    """RTP payloads of one access unit: single NAL unit packets and FU-A, each at most `limit`.

    `mode`: the packetization mode. In mode 0 there are no fragments, so that a NAL unit which is
    larger than the limit is a packet that IP has to cut (RFC 6184, 5.6).
    """
    if mode == 0:
        return list(units)
    payloads: list[bytes] = []
    for unit in units:
        if len(unit) <= limit:
            payloads.append(unit)
            continue
        indicator = (unit[0] & 0xE0) | _FU_A
        kind = unit[0] & 0x1F
        room = limit - 2
        for at in range(1, len(unit), room):
            first, last = at == 1, at + room >= len(unit)
            header = kind | (0x80 if first else 0) | (0x40 if last else 0)
            payloads.append(bytes((indicator, header)) + unit[at : at + room])
    return payloads


# --- encoders -------------------------------------------------------------------------------------

_PROFILE_PARAMETERS = {
    # What makes x264 write this profile into the stream, beyond the preset "ultrafast".
    "baseline": "cabac=0:8x8dct=0",
    "main": "cabac=1:8x8dct=0",
    "high": "cabac=1:8x8dct=1",
}


def h264_profile(profile_level_id: str) -> str:
    """x264's name for the profile that was negotiated (RFC 6184, `profile-level-id`)."""
    idc = profile_level_id[:2].lower()
    return {"4d": "main", "64": "high"}.get(idc, "baseline")


class VideoEncoder:
    """Paints scenes and compresses them with libx264. Built and used on the encoder thread.

    The painter draws straight into the frame that the encoder reads: nothing is copied, unless the
    wanted size is not the game's own, which costs one swscale pass.
    """

    def __init__(
        self,
        *,
        width: int,
        height: int,
        fps: int,
        profile: str,
        bitrate_bps: int,
        fill: bool = False,
        mode: int = 1,
    ) -> None:
        """`profile`: "baseline", "main" or "high". Odd sizes lose their last row or column.

        `mode`: the packetization mode; for 0 pictures are cut into slices that fit in a packet.

        `fill`: make up for what a picture does not need with filler data (H.264, 7.4.2.7).
        """
        self._size = (width - width % 2, height - height % 2)
        self._frame = av.VideoFrame(scenery.WIDTH, scenery.HEIGHT, "yuv420p")
        self._frame.colorspace = 1  # BT.709
        self._frame.color_range = 1  # limited
        self._painter = Painter(*_planes(self._frame))
        codec = av.CodecContext.create("libx264", "w")
        codec.width, codec.height = self._size
        codec.pix_fmt = "yuv420p"
        codec.time_base = Fraction(1, VIDEO_CLOCK_HZ)
        codec.framerate = Fraction(fps, 1)
        codec.bit_rate = bitrate_bps
        codec.gop_size = 1 << 20  # key frames only when asked for
        codec.max_b_frames = 0
        # Beyond 720p two slices a picture, side by side: 1080p60 leaves no room on one core.
        codec.thread_count = 2 if width * height > 1280 * 720 else 1
        codec.color_range = codec.colorspace = codec.color_primaries = codec.color_trc = 1
        slices = f":slice-max-size={MTU_PAYLOAD}" if mode == 0 else ""
        codec.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": profile,
            "forced-idr": "1",
            "maxrate": str(bitrate_bps),
            "bufsize": str(bitrate_bps // 5),
            "x264-params": f"scenecut=0:repeat-headers=1:{_PROFILE_PARAMETERS[profile]}{slices}",
        }
        self._codec = codec
        self._bitrate_bps = bitrate_bps
        self._fill = fill
        self._mode = mode
        self._owed_bytes = 0.0
        self._counter: int | None = None

    def encode(self, scene: Scene, *, key: bool, bitrate_bps: int) -> list[bytes]:
        """The NAL units of this scene's picture; SEI (x264's own advertisement) is left out."""
        self._painter.paint(scene)
        frame = self._frame
        if self._size != (scenery.WIDTH, scenery.HEIGHT):
            frame = frame.reformat(*self._size)
        frame.pts = scene.counter * VIDEO_CLOCK_HZ // scenery.TICKS_PER_S
        frame.time_base = Fraction(1, VIDEO_CLOCK_HZ)
        frame.pict_type = PictureType.I if key else PictureType.NONE
        if abs(self._bitrate_bps - bitrate_bps) > bitrate_bps // 20:
            # libx264 takes the new rate with the next picture, without a key frame.
            self._codec.bit_rate = self._bitrate_bps = bitrate_bps
        units: list[bytes] = []
        for packet in self._codec.encode(frame):
            units += [unit for unit in split_annexb(bytes(packet)) if unit[0] & 0x1F != _SEI]
        if self._fill:
            units += self._filler(scene.counter, sum(map(len, units)), bitrate_bps)
        return units

    def _filler(self, counter: int, size: int, bitrate_bps: int) -> list[bytes]:
        before, self._counter = self._counter, counter
        if before is None:
            return []
        share_bytes = (counter - before) / scenery.TICKS_PER_S * bitrate_bps / 8
        self._owed_bytes += share_bytes - size
        self._owed_bytes = min(self._owed_bytes, _FILL_AHEAD_S * bitrate_bps / 8)
        count = int(self._owed_bytes)
        if count < 2:
            return []
        self._owed_bytes -= count
        most = MTU_PAYLOAD if self._mode == 0 else count
        sizes = [most] * (count // most) + [count % most]
        return [bytes((_FILLER,)) + b"\xff" * (size - 2) + b"\x80" for size in sizes if size >= 2]

    def close(self) -> None:
        """Free its memory (some 20 MB) now: waiting for the garbage collector adds them up."""
        del self._codec, self._painter, self._frame


def _planes(frame: av.VideoFrame) -> tuple[scenery.Plane, scenery.Plane, scenery.Plane]:
    """The frame's own memory as three writable arrays."""

    def plane(index: int, width: int, height: int) -> scenery.Plane:
        memory = frame.planes[index]
        # Plane fulfils the buffer protocol, which its stubs do not say.
        flat = np.frombuffer(cast(Any, memory), np.uint8)
        return flat.reshape(-1, memory.line_size)[:height, :width]

    width, height = scenery.WIDTH, scenery.HEIGHT
    return (
        plane(0, width, height),
        plane(1, width // 2, height // 2),
        plane(2, width // 2, height // 2),
    )


@functools.lru_cache(maxsize=1)
def music() -> npt.NDArray[np.int16]:
    """A quiet loop of four chords, stereo at 48 kHz, whole Opus frames: shape (n, 2)."""
    chords = ((0, 7, 16, 23), (-4, 8, 15, 20), (-7, 5, 12, 21), (-5, 7, 14, 19))
    bar_s = 2.4
    samples = int(bar_s * AUDIO_CLOCK_HZ)
    loop = np.zeros((samples * len(chords), 2), np.float32)
    for bar, chord in enumerate(chords):
        for order, semitones in enumerate(chord):
            pitch = 220.0 * 2 ** (semitones / 12)
            start = bar * samples + order * samples // 8
            ring = np.arange(int(1.9 * bar_s * AUDIO_CLOCK_HZ), dtype=np.float32) / AUDIO_CLOCK_HZ
            shape = np.minimum(ring / 0.06, 1) * np.exp(-ring * 1.1)
            shape[-4800:] *= np.linspace(1, 0, 4800, dtype=np.float32)
            tone = np.sin(2 * np.pi * pitch * ring) + 0.25 * np.sin(4 * np.pi * pitch * ring)
            where = (start + np.arange(len(ring))) % len(loop)
            pan = 0.35 + 0.3 * order / 3
            loop[where, 0] += tone * shape * (1 - pan)
            loop[where, 1] += tone * shape * pan
    loop *= 2200 / np.abs(loop).max()
    return loop[: len(loop) - len(loop) % AUDIO_SAMPLES].astype(np.int16)


def prepare() -> None:
    """Make what all connections share (about 0.3 s), so that no client waits for it."""
    scenery.prepare_scenery()
    music()


class AudioEncoder:
    """Opus, 48 kHz stereo, 20 ms frames, playing the loop by position. On the encoder thread."""

    def __init__(self, bitrate_bps: int = 64_000) -> None:
        codec = av.CodecContext.create("libopus", "w")
        codec.sample_rate = AUDIO_CLOCK_HZ
        codec.layout = "stereo"
        codec.format = "s16"
        codec.bit_rate = bitrate_bps
        codec.time_base = Fraction(1, AUDIO_CLOCK_HZ)
        codec.options = {
            "frame_duration": "20",
            "application": "audio",
            "compression_level": "4",
            "fec": "1",
            "packet_loss": "5",
        }
        self._codec = codec
        self._loop = music()

    def encode(self, position: int) -> list[bytes]:
        """The packets of the 20 ms that begin at sample `position` of the game's time."""
        at = position % len(self._loop)
        piece = self._loop[at : at + AUDIO_SAMPLES].reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="stereo")
        frame.sample_rate = AUDIO_CLOCK_HZ
        frame.pts = position
        frame.time_base = Fraction(1, AUDIO_CLOCK_HZ)
        return [bytes(packet) for packet in self._codec.encode(frame)]


# --- RTP ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Sent:
    """A packet kept for NACK."""

    packet: bytes
    at: float
    resent_at: float = float("-inf")


class PacketHistory:
    """Packets by sequence number, kept by time and bytes, so that a NACK can be answered."""

    def __init__(self, keep_s: float = HISTORY_S, keep_bytes: int = HISTORY_BYTES) -> None:
        self._keep_s, self._keep_bytes = keep_s, keep_bytes
        self._packets: dict[int, _Sent] = {}
        self._order: deque[int] = deque()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._packets)

    def add(self, sequence: int, packet: bytes, now: float) -> None:
        self._drop(sequence)
        self._packets[sequence] = _Sent(packet, now)
        self._order.append(sequence)
        self.bytes += len(packet)
        while self._order:
            oldest = self._packets.get(self._order[0])
            if oldest is not None and (
                now - oldest.at <= self._keep_s and self.bytes <= self._keep_bytes
            ):
                return
            self._drop(self._order.popleft())

    def find(self, sequence: int, now: float, *, every_s: float = 0.005) -> bytes | None:
        """The packet to send again; None if it is forgotten or was resent just now."""
        sent = self._packets.get(sequence)
        if sent is None or now - sent.at > self._keep_s or now - sent.resent_at < every_s:
            return None
        sent.resent_at = now
        return sent.packet

    def _drop(self, sequence: int) -> None:
        gone = self._packets.pop(sequence, None)
        if gone is not None:
            self.bytes -= len(gone.packet)


@dataclass(slots=True)
class StreamCounters:
    """What one RTP stream did so far."""

    packets: int = 0
    octets: int = 0
    resent: int = 0
    nacked: int = 0
    key_frame_requests: int = 0
    rtt_s: float | None = None
    loss: float = 0.0


class RtpStream:
    """Outgoing RTP of one m-section: fulfils aiortc's `RtpSender` protocol."""

    def __init__(
        self,
        sender: RTCRtpSender,
        *,
        clock_hz: int,
        epoch: float,
        clock: Clock = boot_s,
    ) -> None:
        """`epoch`: boot time of media time 0, the same for all streams of a connection."""
        self._ssrc = sender._ssrc
        self._rtx_ssrc = sender._rtx_ssrc
        self._sender = sender
        self._clock_hz, self._epoch, self._clock = clock_hz, epoch, clock
        # RTP time starts anywhere; the sequence in the lower half, so that the first wrap cannot
        # be lost before SRTP has counted it (RFC 3711, 3.3.1).
        self._offset = random.getrandbits(32)
        self._sequence = random.getrandbits(15)
        self._rtx_sequence = random.getrandbits(15)
        self._codec: RTCRtpCodecParameters | None = None
        self._rtx_payload_type: int | None = None
        self._send_time_id: int | None = None
        self._cname = b""
        self._transport: RTCDtlsTransport | None = None
        self._reports: asyncio.Task[None] | None = None
        self._report_sent: tuple[int, float] | None = None
        self.history = PacketHistory()
        self.counters = StreamCounters()
        self.answers_nack = True
        self.stopped = False
        self._broken = False
        self.on_started: Callable[[], None] = lambda: None
        self.on_key_frame_wanted: Callable[[], None] = lambda: None
        self.on_bitrate_wanted: Callable[[int], None] = lambda _bps: None
        sender.send = self.start  # type: ignore[method-assign]
        sender.stop = self.stop  # type: ignore[method-assign]

    @property
    def codec(self) -> RTCRtpCodecParameters | None:
        """What was negotiated; None before the connection is up."""
        return self._codec

    @property
    def open(self) -> bool:
        return self._transport is not None and not self.stopped and not self._broken

    async def start(self, parameters: RTCRtpSendParameters) -> None:
        """Called by RTCPeerConnection once DTLS is up, in place of `RTCRtpSender.send`."""
        if self._transport is not None or self.stopped:
            return
        self._codec = parameters.codecs[0]
        for codec in parameters.codecs[1:]:
            if codec.name.lower() == "rtx" and (
                codec.parameters.get("apt") == self._codec.payloadType
            ):
                self._rtx_payload_type = codec.payloadType
        for extension in parameters.headerExtensions:
            if extension.uri == _ABS_SEND_TIME and 0 < extension.id < 15:
                self._send_time_id = extension.id
        self._cname = (parameters.rtcp.cname or "").encode()
        self._transport = self._sender.transport
        self._transport._register_rtp_sender(self, parameters)
        self._reports = tasks.spawn(self._run_reports(), name="emulator-rtcp")
        self.on_started()

    async def stop(self) -> None:
        """Say RTCP BYE and send no more, in place of `RTCRtpSender.stop`."""
        if self.stopped:
            return
        self.stopped = True
        await tasks.cancel(self._reports)
        if self._transport is not None:
            await self._put(bytes(RtcpByePacket(sources=[self._ssrc])))
            self._transport._unregister_rtp_sender(self)

    async def send(self, payloads: Sequence[bytes], media_time: int) -> None:
        """Send one frame: the marker on its last packet, short pauses in a long one.

        `media_time`: in clock units since the epoch.
        """
        if self._codec is None:
            return
        timestamp = (self._offset + media_time) & 0xFFFFFFFF
        for index, payload in enumerate(payloads):
            if not self.open:
                return
            if index and index % BURST_PACKETS == 0:
                await asyncio.sleep(0.001)
            now = self._clock()
            # Opus packets carry no marker while talk goes on (RFC 7587, 4.1).
            last = index == len(payloads) - 1 and self._clock_hz == VIDEO_CLOCK_HZ
            packet = self._header(last, timestamp, now) + payload
            self.history.add(self._sequence, packet, now)
            self._sequence = (self._sequence + 1) & 0xFFFF
            self.counters.packets += 1
            self.counters.octets += len(payload)
            await self._put(packet)

    def _header(self, marker: bool, timestamp: int, now: float) -> bytes:
        assert self._codec is not None
        first = 0x90 if self._send_time_id is not None else 0x80
        second = (self._codec.payloadType or 0) | (0x80 if marker else 0)
        header = struct.pack("!BBHII", first, second, self._sequence, timestamp, self._ssrc)
        if self._send_time_id is not None:
            # One-byte form (RFC 8285) of three bytes.
            header += struct.pack("!HHB", 0xBEDE, 1, self._send_time_id << 4 | 2)
            header += _send_time(now)
        return header

    async def _put(self, data: bytes) -> None:
        if self._transport is None:
            return
        try:
            await self._transport._send_rtp(data)
        except ConnectionError:
            # The connection is going down; whoever watches it says so.
            self._broken = True

    # aiortc's RtpSender protocol
    async def _handle_rtcp_packet(self, packet: AnyRtcpPacket) -> None:
        match packet:
            case RtcpRrPacket() | RtcpSrPacket():
                self._read_reports(packet)
            case RtcpRtpfbPacket(fmt=fmt, lost=lost) if fmt == RTCP_RTPFB_NACK:
                await self._resend(lost)
            case RtcpPsfbPacket(fmt=fmt) if fmt in (RTCP_PSFB_PLI, RTCP_PSFB_FIR):
                self.counters.key_frame_requests += 1
                self.on_key_frame_wanted()
            case RtcpPsfbPacket(fmt=fmt, fci=fci) if fmt == RTCP_PSFB_APP:
                try:
                    bitrate_bps, ssrcs = unpack_remb_fci(fci)
                except (ValueError, struct.error):
                    return
                if self._ssrc in ssrcs:
                    self.on_bitrate_wanted(bitrate_bps)
            case _:
                pass

    async def _resend(self, lost: Sequence[int]) -> None:
        now = self._clock()
        self.counters.nacked += len(lost)
        if not self.answers_nack:
            return
        for sequence in lost:
            packet = self.history.find(sequence & 0xFFFF, now)
            if packet is None:
                continue
            self.counters.resent += 1
            await self._put(packet if self._rtx_payload_type is None else self._as_rtx(packet))

    def _as_rtx(self, packet: bytes) -> bytes:
        """The same packet on the retransmission stream (RFC 4588)."""
        assert self._rtx_payload_type is not None
        head = 20 if packet[0] & 0x10 else 12
        # It is sent now, and not when the packet was that it repeats.
        extension = b"" if head == 12 else packet[12:17] + _send_time(self._clock())
        wrapped = (
            packet[:1]
            + bytes(((packet[1] & 0x80) | self._rtx_payload_type,))
            + self._rtx_sequence.to_bytes(2)
            + packet[4:8]
            + self._rtx_ssrc.to_bytes(4)
            + extension
            + packet[2:4]
            + packet[head:]
        )
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        return wrapped

    def _read_reports(self, packet: RtcpRrPacket | RtcpSrPacket) -> None:
        for report in packet.reports:
            if report.ssrc != self._ssrc:
                continue
            self.counters.loss = report.fraction_lost / 256
            if self._report_sent is not None and report.lsr == self._report_sent[0]:
                rtt_s = self._clock() - self._report_sent[1] - report.dlsr / 65536
                self.counters.rtt_s = max(0.0, rtt_s)

    async def _run_reports(self) -> None:
        while self.open:
            if self.counters.packets:
                now = self._clock()
                ntp = ntp_time(now, self._clock)
                info = RtcpSenderInfo(
                    ntp_timestamp=ntp,
                    rtp_timestamp=(self._offset + int((now - self._epoch) * self._clock_hz))
                    & 0xFFFFFFFF,
                    packet_count=self.counters.packets & 0xFFFFFFFF,
                    octet_count=self.counters.octets & 0xFFFFFFFF,
                )
                name = RtcpSourceInfo(ssrc=self._ssrc, items=[(1, self._cname)])
                self._report_sent = (ntp >> 16 & 0xFFFFFFFF, now)
                await self._put(
                    bytes(RtcpSrPacket(ssrc=self._ssrc, sender_info=info))
                    + bytes(RtcpSdesPacket(chunks=[name]))
                )
                await asyncio.sleep(REPORT_EVERY_S * random.uniform(0.8, 1.2))
            else:
                await asyncio.sleep(0.05)


def _send_time(now: float) -> bytes:
    """abs-send-time: 24 bits of seconds in 6.18 fixed point."""
    return (int(now * (1 << 18)) & 0xFFFFFF).to_bytes(3)


_wall_offset: list[float] = []


def ntp_time(at: float, clock: Clock = boot_s) -> int:
    """A boot time as 64-bit NTP time. The offset is fixed once: reports never see a clock step."""
    if not _wall_offset:
        _wall_offset.append(time.time() - clock())
    return int((at + _wall_offset[0] + _NTP_EPOCH_S) * (1 << 32))


# --- playing --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VideoForm:
    """What the encoder is asked for; `bitrate_bps` is the most, REMB may ask for less.

    `profile`: "baseline", "main" or "high". More than 60 `fps` are 60: the game has no more.
    """

    width: int
    height: int
    fps: int
    bitrate_bps: int
    profile: str
    constant: bool = False
    """Whether filler data makes every second as large as the bitrate says."""
    mode: int = 1
    """H.264's packetization mode."""


class MediaPlayer:
    """Plays one game into the RTP streams of one connection, on one encoder thread.

    Starts by itself when the video stream is up and ends with `close`, which leaves no thread. The
    encoder is opened at once (20 ms), while the connection is still being made.
    """

    def __init__(
        self,
        game: Game,
        form: VideoForm,
        video: RtpStream,
        audio: RtpStream | None,
        clock: Clock = boot_s,
    ) -> None:
        self._game, self._form, self._clock = game, form, clock
        self._video, self._audio = video, audio
        self._fps = min(form.fps, scenery.TICKS_PER_S)
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "emulator-encoder")
        self._opened = self._thread.submit(self._open_encoder)
        self._tasks: list[asyncio.Task[None]] = []
        self._key_wanted = True
        self._key_at = float("-inf")
        self._closed = False
        self.bitrate_bps = form.bitrate_bps
        self.frames = 0
        self.key_frames = 0
        self.paused = False
        """Neither encode nor send, as in a process that hangs."""
        video.on_started = self._start_video
        video.on_key_frame_wanted = self._want_key_frame
        video.on_bitrate_wanted = self._want_bitrate
        if audio is not None:
            audio.on_started = self._start_audio

    async def close(self) -> None:
        """Stop playing; returns when the encoder thread has ended."""
        self._closed = True
        await tasks.cancel(*self._tasks)
        # One thread works in order: when this is done all is, and the thread goes at once.
        await asyncio.wrap_future(self._thread.submit(self._close_encoder))
        self._thread.shutdown(wait=True)

    def _close_encoder(self) -> None:
        if self._opened.exception() is None:
            self._opened.result().close()

    def _open_encoder(self) -> VideoEncoder:
        form = self._form
        return VideoEncoder(
            width=form.width,
            height=form.height,
            fps=self._fps,
            profile=form.profile,
            bitrate_bps=form.bitrate_bps,
            fill=form.constant,
            mode=form.mode,
        )

    def _want_key_frame(self) -> None:
        self._key_wanted = True

    def _want_bitrate(self, bitrate_bps: int) -> None:
        self.bitrate_bps = max(MIN_BITRATE_BPS, min(bitrate_bps, self._form.bitrate_bps))

    def _start_video(self) -> None:
        if not self._closed:
            self._tasks.append(tasks.spawn(self._play_video(), name="emulator-video"))

    def _start_audio(self) -> None:
        if not self._closed:
            self._tasks.append(tasks.spawn(self._play_audio(), name="emulator-audio"))

    async def _off_loop(self, work: Callable[[], _T]) -> _T:
        return await asyncio.wrap_future(self._thread.submit(work))

    async def _play_video(self) -> None:
        encoder = await asyncio.wrap_future(self._opened)
        shown = -1
        for due in self._beats(1 / self._fps):
            await self._until(due)
            if not self._video.open:
                return
            if self.paused:
                continue
            now = self._clock()
            counter = self._game.advance(max(now, due))
            if counter == shown:
                continue  # the one before was late and showed it already
            shown = counter
            scene = self._game.scene()
            key = self._key_wanted and now - self._key_at >= KEY_FRAME_EVERY_S
            if key:
                self._key_wanted, self._key_at = False, now
                self.key_frames += 1
            units = await self._off_loop(
                functools.partial(encoder.encode, scene, key=key, bitrate_bps=self.bitrate_bps)
            )
            self.frames += 1
            await self._video.send(
                packetize(units, mode=self._form.mode),
                counter * VIDEO_CLOCK_HZ // scenery.TICKS_PER_S,
            )

    async def _play_audio(self) -> None:
        assert self._audio is not None
        encoder = await self._off_loop(AudioEncoder)
        for due in self._beats(AUDIO_FRAME_S):
            await self._until(due)
            if not self._audio.open:
                return
            if self.paused:
                continue
            position = round((due - self._game.started_at) / AUDIO_FRAME_S) * AUDIO_SAMPLES
            packets = await self._off_loop(functools.partial(encoder.encode, position))
            for packet in packets:
                await self._audio.send([packet], position)

    def _beats(self, every_s: float) -> Iterator[float]:
        """Boot times on the game's own grid, for ever; those that were missed are left out."""
        epoch = self._game.started_at
        beat = 0
        while True:
            beat = max(beat + 1, int((self._clock() - epoch) / every_s))
            yield epoch + beat * every_s

    async def _until(self, at: float) -> None:
        await asyncio.sleep(max(0.0, at - self._clock()))
