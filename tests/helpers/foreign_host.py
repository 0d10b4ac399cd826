"""A stream host whose WebRTC stack others wrote: a process for each connection, behind our relay.

The programs are in `tests/data/foreign_hosts`. The relay's port is the only candidate that clients
get, so loss and silence are made as in front of the emulated host.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from rejoin import tasks
from rejoin.clock import boot_s
from rejoin.emulator.host.encoders import VideoEncoder, prepare
from rejoin.emulator.host.game import Game
from rejoin.emulator.host.h264 import packetize
from rejoin.emulator.host.relay import Relay
from rejoin.emulator.host.relay_port import RelayPort
from rejoin.emulator.host.x264 import VideoFormat
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.emulator.service.stream_host import HostListener
from rejoin.errors import BadInputError, SignalError
from rejoin.injector.seeds import chance_of
from rejoin.input_protocol.controls import VERSION, Hello, encode
from rejoin.netem.link import Lane, Link, NetworkProfile, ProfileStage
from rejoin.rtc.signal_codec import encode_response

FOLDER = Path(__file__).parents[1] / "data" / "foreign_hosts"
ANSWER_WITHIN_S = 12.0
"""GStreamer loads its plugins first."""
_WATCH_EVERY_S = 0.05

_HOST_CANDIDATE = re.compile(r"(?m)^a=candidate:\S+ 1 udp \d+ 127\.0\.0\.1 (\d+) typ host.*$", re.I)


@dataclass(frozen=True, slots=True)
class ForeignStack:
    """A WebRTC stack and the program that makes a host of it.

    `missing`: why it cannot be run here, or None. `command`: the program, given the clip's file.
    """

    name: str
    missing: Callable[[], str | None]
    command: Callable[[Path], list[str]]


def _gstreamer_missing() -> str | None:
    plugins = ("webrtcbin", "nicesrc", "x264enc", "rtph264pay", "opusenc", "sctpdec")
    text = (
        "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstWebRTC', '1.0');"
        "from gi.repository import Gst, GstWebRTC; Gst.init(None);"
        f"missing = [each for each in {plugins} if not Gst.ElementFactory.find(each)];"
        "raise SystemExit(' '.join(missing) or None)"
    )
    try:
        done = subprocess.run(
            [_PYTHON, "-c", text], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
    except OSError:
        return "there is no /usr/bin/python3"
    if done.returncode == 0:
        return None
    return "GStreamer or its Python binding is missing: " + done.stderr.decode().strip()[-100:]


def _werift_missing() -> str | None:
    if shutil.which("node") is None:
        return "there is no Node.js"
    if not (FOLDER / "node_modules" / "werift").is_dir():
        return "werift is not installed (npm ci in tests/data/foreign_hosts)"
    return None


_PYTHON = "/usr/bin/python3"
"""Debian's: the binding of its GStreamer is made for this one."""

GSTREAMER = ForeignStack(
    "gstreamer", _gstreamer_missing, lambda _: [_PYTHON, str(FOLDER / "gstreamer_host.py")]
)


def _pion_missing() -> str | None:
    if shutil.which("go") is None:
        return "there is no Go"
    if not (_GO_PATH / "src" / "github.com" / "pion" / "webrtc").is_dir():
        return "Pion is not installed (Debian: golang-github-pion-webrtc.v3-dev)"
    return None


def build_pion(program: Path) -> None:
    """Compile the host of Pion into this file."""
    subprocess.run(
        ["go", "build", "-o", str(program), str(FOLDER / "pion_host.go")],
        check=True,
        env={**os.environ, "GO111MODULE": "off", "GOPATH": str(_GO_PATH)},
    )


def _pion_command(clip_file: Path) -> list[str]:
    program = clip_file.with_name("pion_host")
    build_pion(program)
    return [str(program), str(clip_file)]


def _pion_gcc_command(clip_file: Path) -> list[str]:
    command = _pion_command(clip_file)
    clip_file.write_text(clips((300_000, 450_000, 700_000, 1_000_000)), encoding="ascii")
    return [*command, str(PION_STARTS_AT_BPS)]


_GO_PATH = Path("/usr/share/gocode")
"""Where Debian has the sources of Go's packages."""

PION = ForeignStack("pion", _pion_missing, _pion_command)
PION_STARTS_AT_BPS = 400_000
PION_GCC = ForeignStack("pion-gcc", _pion_missing, _pion_gcc_command)
"""With congestion control that reads transport-wide feedback alone and begins at 400 kbit/s."""
PION_ED25519 = ForeignStack(
    "pion-ed25519", _pion_missing, lambda clip: ["env", "ED25519=1", *_pion_command(clip)]
)
"""As DTLS server, with a certificate that OpenSSL's own servers cannot have."""
WERIFT = ForeignStack(
    "werift", _werift_missing, lambda clip: ["node", str(FOLDER / "werift_host.mjs"), str(clip)]
)


@functools.cache
def clip(bitrate_bps: int = 1_000_000, *, intra: bool = False) -> str:
    """Pictures of our game, 30 a second, for a stack without an encoder, as JSON: for each picture
    its RTP payloads in base64; the first picture is a key frame. `intra`: all are, and filler data
    makes each as large as the bitrate allows."""
    prepare()
    encoder = VideoEncoder(VideoFormat(640, 360, 30, bitrate_bps, "baseline", intra))
    game = Game(0.0, 1)
    settles = 15 if intra else 0  # the encoder's first key frames are larger
    pictures = []
    for number in range(60 + settles):
        game.advance(number / 30)
        units = encoder.encode(game.scene(), key=intra or number == 0, bitrate_bps=bitrate_bps)
        pictures.append([base64.b64encode(each).decode() for each in packetize(units)])
    encoder.close()
    return json.dumps(pictures[settles:])


def clips(bitrates_bps: Sequence[int]) -> str:
    """Clips of key frames for `pion_host.go`, as JSON: [bit/s, clip] for each bitrate."""
    each = (f"[{bps}, {clip(bps, intra=True)}]" for bps in bitrates_bps)
    return f"[{', '.join(each)}]"


class ForeignHost:
    """A `rejoin.emulator.service.stream_host.StreamHost`."""

    def __init__(
        self,
        stack: ForeignStack,
        listener: HostListener,
        settings: EmulatorSettings,
        protocol_url: str,
    ) -> None:
        self._stack = stack
        self._protocol_url = protocol_url
        self._listener = listener
        self._settings = settings
        self.relay = Relay(settings.relay_ports)
        self._folder = tempfile.TemporaryDirectory(prefix="rejoin-foreign-")
        self._process: _Connection | None = None
        self.messages = 0
        """Messages on data channels that arrived at a foreign host."""
        self.connections = 0
        """How many were connected."""
        self.target_bps = 0
        """What the newest connection's congestion control allows, where there is one."""
        self.notices_silence = False
        """Whether it reports a client of which nothing arrives; set before `start`."""
        self.on_gone: Callable[[], None] = lambda: None
        """Called for each client that is reported so."""
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        clip_file = Path(self._folder.name) / "clip.json"
        clip_file.write_text(await asyncio.to_thread(clip), encoding="ascii")
        self._command = await asyncio.to_thread(self._stack.command, clip_file)
        lane = Lane(loss=self._settings.loss)
        path = NetworkProfile("path", stages=(ProfileStage(up=lane, down=lane),))
        self.relay.set_base_link(Link(path, self.relay.now(), chance_of(0)))
        if self.notices_silence:
            self._watching = tasks.spawn(self._watch(), name="foreign-host-silence")

    async def _watch(self) -> None:
        arrived, at = 0, boot_s()
        while True:
            await asyncio.sleep(_WATCH_EVERY_S)
            process, now = self._process, boot_s()
            if process is None or not process.connected or self.relay.counters.up != arrived:
                arrived, at = self.relay.counters.up, now
            elif now - at >= self._settings.notice_silent_client_s:
                process.connected = False
                self._listener.client_gone(process.number, graceful=False)
                self.on_gone()

    async def answer(self, connection: int, signal_request: str) -> str:
        await self._end_process()
        process = _Connection(connection, self.relay)
        self._process = process
        sdp = json.loads(signal_request)["sdp"]
        answer = await process.start(self._command, sdp, functools.partial(self._said, process))
        return encode_response(answer, self._protocol_url)

    def _said(self, process: _Connection, what: dict[str, object]) -> None:
        if "input" in what:
            self.messages += 1
            self._listener.client_input()
        if "target_bps" in what:
            self.target_bps = cast(int, what["target_bps"])
        if "connected" in what and process is self._process:
            self.connections += 1
            process.connected = True
            self._listener.client_connected(process.number)

    async def disconnect(self, reason: str) -> None:
        await self._end_process()

    async def stop(self) -> None:
        await tasks.cancel(self._watching)
        await self._end_process()
        await self.relay.close()
        self._folder.cleanup()

    async def inject(self, fault: Fault) -> float:
        """Kill the process; the service notices its client's silence as usual."""
        process = self._process
        if fault.kind is not FaultKind.KILL or process is None:
            raise BadInputError("A foreign host can be killed while it is connected.")
        at = boot_s()
        process.kill()
        await asyncio.sleep(self._settings.notice_silent_client_s)
        self._listener.client_gone(process.number, graceful=False)
        return at

    def settings_changed(self, settings: EmulatorSettings) -> None:
        self._settings = settings

    def game_state(self) -> dict[str, object]:
        return {"messages": self.messages, "connections": self.connections}

    async def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await process.close()


class _Connection:
    """One process with one connection, and its port of the relay."""

    def __init__(self, number: int, relay: Relay) -> None:
        self.number = number
        self.connected = False
        self._relay = relay
        self._port: RelayPort | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(
        self, command: list[str], offer: str, said: Callable[[dict[str, object]], None]
    ) -> str:
        """Start the process; returns its answer, with the relay's port as its only candidate."""
        self._process = process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 20,
            env={**os.environ, "GST_DEBUG": "0"},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        greeting = base64.b64encode(encode(Hello(VERSION))).decode()
        process.stdin.write(json.dumps({"sdp": offer, "greeting": greeting}).encode() + b"\n")
        async with asyncio.timeout(ANSWER_WITHIN_S):
            line = await process.stdout.readline()
        if not line:
            raise SignalError("The foreign host ended without an answer.")
        answer = str(json.loads(line)["answer"])
        self._reading = tasks.spawn(self._read(process.stdout, said), name="foreign-host")
        found = _HOST_CANDIDATE.search(answer)
        assert found is not None, "the answer has no candidate on loopback"
        self._port = await self._relay.open_port(("127.0.0.1", int(found[1])))
        candidate = f"a=candidate:1 1 udp 2015364095 127.0.0.1 {self._port.address[1]} typ host"
        return "".join(_with_candidate(answer, candidate))

    @staticmethod
    async def _read(
        output: asyncio.StreamReader, said: Callable[[dict[str, object]], None]
    ) -> None:
        while line := await output.readline():
            said(json.loads(line))

    def kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def close(self) -> None:
        self.kill()
        if self._process is not None:
            await self._process.wait()
        await tasks.cancel(self._reading)
        if self._port is not None:
            await self._relay.close_port(self._port)


def _with_candidate(answer: str, candidate: str) -> Iterator[str]:
    """The lines of the answer with this candidate in place of its own."""
    for line in answer.splitlines():
        if not line.startswith("a=candidate"):
            yield line + "\r\n"
        if line.startswith("a=ice-pwd"):
            yield candidate + "\r\n"
