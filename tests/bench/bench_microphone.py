"""What the microphone costs, and how long a word takes from the mouth to the wire.

The device is a stand-in that gives sound in real time; its own thread is not counted. CPU is that
of the microphone's thread (ring, frames, level, libopus) and of the event loop (RTP, SRTP, socket)
of a connection on loopback, whose host is not counted either. From mouth to wire is from the moment
at which the device hands over the last sample of a frame to the return of the send call; the frame
itself is 20 ms long, and a real device adds its own latency (PulseAudio: about 20 ms).
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from unittest.mock import patch

from bench.measure import Measurement, percentile
from helpers.fake_microphone import FakeMicrophone, Sound, silence
from helpers.waiting import eventually
from rejoin.clock import boot_s
from rejoin.core.model import Snapshot, Stage
from rejoin.interpreter import loop_factory
from rejoin.media.audio.microphone import VoiceFrame
from rejoin.media.audio.opus_encoder import FRAME_SAMPLES
from rejoin.runtime.microphone import PlayerMicrophone
from rejoin.runtime.microphone_states import MicrophoneChoices, MicrophoneMode

RATE_HZ = 48_000


def voice() -> Sound:
    """Something like speech: three formants whose strength changes four times a second, noise."""
    import numpy

    at = numpy.arange(RATE_HZ * 2) / RATE_HZ
    envelope = 0.55 + 0.45 * numpy.sin(2 * numpy.pi * 4 * at)
    tones = sum(numpy.sin(2 * numpy.pi * hertz * at) for hertz in (180, 720, 2300))
    noise = numpy.random.default_rng(1).normal(0, 0.2, len(at))
    sound = ((tones / 3 + noise) * envelope * 9000).astype(numpy.int16)
    whole = numpy.concatenate((sound, sound)).tobytes()

    def take(position: int, samples: int) -> bytes:
        begin = position % (RATE_HZ * 2) * 2
        return whole[begin : begin + samples * 2]

    return take


class Wire:
    """Where the sender's packets go: encrypted by the same library, and to a socket of loopback."""

    def __init__(self) -> None:
        import socket

        from pylibsrtp import Policy, Session

        key = bytes(range(30))
        self.session = Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND))
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.address = self.socket.getsockname()
        self.packets = self.octets = 0

    async def put(self, data: bytes) -> None:
        protected = self.session.protect(data) if data[1] < 192 or data[1] > 223 else data
        with suppress(BlockingIOError):
            self.socket.sendto(protected, self.address)
            self.socket.recv(2048)
        self.packets += 1
        self.octets += len(protected)


def clock_of(thread: threading.Thread) -> float:
    assert thread.ident is not None
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))


async def measure(quick: bool) -> list[Measurement]:
    from aiortc.rtcrtpparameters import (
        RTCRtcpParameters,
        RTCRtpCodecParameters,
        RTCRtpSendParameters,
    )

    from rejoin.rtc import voice_sender
    from rejoin.rtc.prepared_connection import PreparedConnections

    seconds = 1.0 if quick else 20.0
    device = FakeMicrophone(voice())
    microphone = PlayerMicrophone(
        MicrophoneChoices(MicrophoneMode.OPEN), allowed=True, make=device.make
    )
    wire, latencies_ms = Wire(), list[float]()
    prepared = PreparedConnections(microphone=True).pop()
    patched = patch.object(voice_sender, "rtp_sender", lambda dtls: wire.put)
    patched.start()
    sender = voice_sender.VoiceSender(
        prepared.audio.sender,
        microphone,
        clock=boot_s,
        may_send=lambda: True,
        shown=True,
        name="bench",
    )
    put = wire.put
    newest: list[VoiceFrame] = []
    send = sender.send

    def noting(frame: VoiceFrame) -> None:
        newest.append(frame)
        send(frame)

    async def timed(data: bytes) -> None:
        await put(data)
        if newest and data[1] & 0x7F == 111:
            latencies_ms.append((boot_s() - newest[-1].taken_at) * 1000)

    wire.put = timed  # type: ignore[method-assign]
    sender.send = noting  # type: ignore[method-assign]
    lines = []
    try:
        sender.answered(taken=True)
        stand_in: Any = prepared.audio.sender
        await stand_in.send(
            RTCRtpSendParameters(
                codecs=[RTCRtpCodecParameters("audio/opus", RATE_HZ, channels=2, payloadType=111)],
                rtcp=RTCRtcpParameters(cname="bench"),
            )
        )
        microphone.snapshot_changed(Snapshot(Stage.LIVE))
        await eventually(lambda: wire.packets >= 25)
        [thread] = [each for each in threading.enumerate() if each.name == "microphone"]

        async def usage(name: str) -> Measurement:
            before = clock_of(thread), time.thread_time(), time.perf_counter()
            sent = wire.packets, wire.octets
            await asyncio.sleep(seconds)
            took_s = time.perf_counter() - before[2]
            encodes = (clock_of(thread) - before[0]) / took_s * 100
            sends = (time.thread_time() - before[1]) / took_s * 100
            rate = (wire.octets - sent[1]) * 8 / took_s / 1000
            note = f"thread {encodes:.2f}, loop {sends:.2f}; {rate:.1f} kbit/s of SRTP"
            return Measurement(f"{name}: both", encodes + sends, "% of a core", note)

        latencies_ms.clear()
        lines.append(await usage("talking"))
        talked = list(latencies_ms)
        device.sound = silence
        await asyncio.sleep(0.1 if quick else 1.0)
        lines.append(await usage("silent"))
        device.sound = voice()
        microphone.set_muted(True)
        await asyncio.sleep(0.2)
        lines.append(await usage("muted"))
        noted = f"{len(talked)} packets; without the 20 ms of the frame and the device's latency"
        lines += [
            Measurement("mouth to wire, median", percentile(talked, 50), "ms", noted),
            Measurement("mouth to wire, p95", percentile(talked, 95), "ms", noted),
        ]
        frame_ms = FRAME_SAMPLES / RATE_HZ * 1000
        lines.append(Measurement("a frame", frame_ms, "ms", "what the codec collects first"))
        return lines
    finally:
        patched.stop()
        await sender.stop()
        await prepared.close()
        microphone.close()
        wire.socket.close()


def run(quick: bool) -> Iterator[Measurement]:
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        yield from runner.run(measure(quick))


if __name__ == "__main__":
    for each in run(bool(os.environ.get("QUICK"))):
        print(f"{each.name}: {each.value:.3f} {each.unit} {each.conditions}")
