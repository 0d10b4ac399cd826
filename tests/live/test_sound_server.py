"""PortAudio with a real sound server: a private PulseAudio with a null sink.

What is played is recorded from the sink's monitor, which is the microphone, too. Skipped if
PulseAudio is not installed (`apt-get install pulseaudio pulseaudio-utils libasound2-plugins`). The
player is a separate process, because ALSA reads its configuration once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy
import pytest

from rejoin.clock import boot_s

PULSE_PLUGIN = tuple(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so"))
PROGRAMS = ("pulseaudio", "pactl", "parec")
pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        not PULSE_PLUGIN or any(shutil.which(name) is None for name in PROGRAMS),
        reason="PulseAudio is not installed",
    ),
]

PATIENCE_S = 60.0
RATE_HZ = 48_000
TONE_HZ = 1000

PLAYER_PROGRAM = """
import sys, threading, time
import numpy
from rejoin.media.audio.default_output import open_output

output = open_output()
def run_commands():
    for line in sys.stdin:
        method, _, value = line.strip().partition(" ")
        getattr(output, method)(eval(value))
threading.Thread(target=run_commands, daemon=True).start()
last_state, n, began = "", 0, time.monotonic()
while True:
    at = numpy.arange(n * 960, (n + 1) * 960)
    tone = numpy.sin(at * 2 * numpy.pi * 1000 / 48000) * 10000
    heard_in_s = output.play(tone.astype(numpy.int16).repeat(2).tobytes())
    state = output.problem or ("plays" if heard_in_s is not None else "gathers")
    if state != last_state:
        print(state, flush=True)
        last_state = state
    n += 1
    time.sleep(max(0.0, began + n * 0.020 - time.monotonic()))
"""

MICROPHONE_PROGRAM = """
import sys, threading, time
import numpy
from rejoin.media.audio.default_output import open_output
from rejoin.media.audio.microphone import Microphone
from rejoin.media.audio.opus import OpusDecoder

output = open_output()
decoder, sound, played = OpusDecoder(), bytearray(), threading.Event()
positions = []

def on_frame(frame):
    positions.append(frame.position)
    if frame.payload is not None:
        sound.extend(decoder.decode(frame.payload))

microphone = Microphone(
    on_frame=on_frame, on_change=lambda: print("microphone", microphone.state.value, flush=True)
)
microphone.sends = True

def whole():
    samples = numpy.frombuffer(bytes(sound), dtype=numpy.int16)[::2][-24000:].astype(float)
    if len(samples) < 24000:
        return False
    spectrum = numpy.abs(numpy.fft.rfft(samples * numpy.hanning(24000)))
    loudness = numpy.abs(samples).reshape(-1, 480).max(axis=1)
    steps = numpy.diff(positions[-25:])
    return (
        abs(int(spectrum.argmax()) * 2 - 1000) <= 4
        and loudness.min() > 0.7 * loudness.max() > 4000
        and set(steps.tolist()) == {960}
    )

def run_commands():
    global before
    for line in sys.stdin:
        before = ring.underflows
        rings.clear()
        getattr(microphone, line.strip())()
        sound.clear()
        positions.clear()
n, began, said = 0, time.monotonic(), ""
ring, rings, before = output._device.ring, set(), 0
threading.Thread(target=run_commands, daemon=True).start()
while True:
    at = numpy.arange(n * 960, (n + 1) * 960)
    tone = numpy.sin(at * 2 * numpy.pi * 1000 / 48000) * 10000
    output.play(tone.astype(numpy.int16).repeat(2).tobytes())
    ring = output._device.ring
    rings.add(id(ring))
    state = "whole" if n % 10 == 0 and whole() else ""
    if state and state != said:
        print(f"heard {state}; breaks {ring.underflows - before + len(rings) - 1}", flush=True)
    if n % 10 == 0:
        said = state
    n += 1
    time.sleep(max(0.0, began + n * 0.020 - time.monotonic()))
"""


class Sound:
    """A private sound server, a recording of its sink, and a program that plays a tone."""

    def __init__(self, folder: Path) -> None:
        self.states: list[str] = []
        self._socket = folder / "native"
        configuration = folder / "asound.conf"
        configuration.write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
        self._environment = {
            **os.environ,
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_SERVER": f"unix:{self._socket}",
            "ALSA_CONFIG_PATH": f"/usr/share/alsa/alsa.conf:{configuration}",
        }
        self._samples: deque[int] = deque(maxlen=RATE_HZ // 2)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def open(self) -> None:
        """Start the server, without a sink."""
        server = ("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1")
        module = f"module-native-protocol-unix socket={self._socket} auth-anonymous=1"
        self._start(*server, "--use-pid-file=no", "-L", module)
        until(self._socket.exists)

    def close(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            process.wait(PATIENCE_S)
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):
                        pipe.close()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def add_sink(self) -> None:
        self._control("load-module", "module-null-sink", "sink_name=test_sink", f"rate={RATE_HZ}")
        listen = ("parec", "--device=test_sink.monitor", f"--rate={RATE_HZ}", "--channels=1")
        self._read(self._start(*listen, "--format=s16le", "--latency-msec=20"), self._record)

    def remove_sink(self) -> None:
        self._control("unload-module", "module-null-sink")
        with self._lock:
            self._samples.clear()

    def play(self, program: str = PLAYER_PROGRAM) -> None:
        self._player = self._start(sys.executable, "-c", program)
        self._read(self._player, self._read_states)

    def send_command(self, line: str) -> None:
        assert self._player.stdin is not None
        self._player.stdin.write(f"{line}\n".encode())
        self._player.stdin.flush()

    def until_heard(self, amplitude: float) -> None:
        """Wait for half a second of gapless tone at this amplitude; 0 means silence."""
        until(lambda: self._is_heard(amplitude))

    def _is_heard(self, amplitude: float) -> bool:
        with self._lock:
            samples = numpy.array(self._samples, dtype=float)
        if len(samples) < RATE_HZ // 2:
            return False
        loudness = numpy.abs(samples).reshape(-1, RATE_HZ // 100).max(axis=1)
        if amplitude == 0:
            return bool((loudness == 0).all())
        spectrum = numpy.abs(numpy.fft.rfft(samples))
        return bool(
            abs(int(spectrum.argmax()) * 2 - TONE_HZ) <= 2
            and (loudness > 0.95 * amplitude).all()
            and (loudness < 1.05 * amplitude).all()
        )

    def _control(self, *arguments: str) -> None:
        subprocess.run(
            ("pactl", *arguments),
            env=self._environment,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=PATIENCE_S,
        )

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            arguments,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._processes.append(process)
        return process

    def _read(self, process: subprocess.Popen[bytes], work: Callable[[IO[bytes]], None]) -> None:
        assert process.stdout is not None
        thread = threading.Thread(target=work, args=(process.stdout,), name="sound server")
        thread.start()
        self._threads.append(thread)

    def _record(self, pipe: IO[bytes]) -> None:
        while piece := pipe.read(960):
            heard = numpy.frombuffer(piece, dtype=numpy.int16, count=len(piece) // 2)
            with self._lock:
                self._samples.extend(heard)

    def _read_states(self, pipe: IO[bytes]) -> None:
        for line in pipe:
            self.states.append(line.decode().strip())


def until(condition: Callable[[], bool]) -> None:
    end_at = boot_s() + PATIENCE_S
    wait = threading.Event()
    while not condition():
        assert boot_s() < end_at, "timed out"
        wait.wait(0.05)


@pytest.fixture
def sound(tmp_path: Path) -> Iterator[Sound]:
    it = Sound(tmp_path)
    try:
        it.open()
        yield it
    finally:
        it.close()


def test_audio_has_no_gaps_follows_the_volume_and_returns_with_the_device(sound: Sound) -> None:
    sound.play()
    until(lambda: "No sound: no audio output device was found." in sound.states)
    sound.add_sink()
    sound.until_heard(10_000)
    assert sound.states[-1] == "plays"
    sound.send_command("set_volume 0.125")
    sound.until_heard(1_250)
    sound.send_command("set_volume 0.0")
    sound.until_heard(0)
    sound.send_command("set_volume 0.125")
    sound.until_heard(1_250)
    sound.states.clear()
    sound.remove_sink()
    until(lambda: "No sound: no audio output device was found." in sound.states)
    sound.add_sink()
    sound.until_heard(1_250)


def test_a_tone_arrives_whole_and_opening_the_microphone_does_not_break_the_games_sound(
    sound: Sound,
) -> None:
    """The sink's monitor is the default source: what is played is what the microphone hears."""
    sound.add_sink()
    sound.play(MICROPHONE_PROGRAM)
    sound.until_heard(10_000)
    breaks = []
    for _ in range(10):  # a busy machine may break the sound of one of them
        sound.send_command("open")
        until(lambda: any(state.startswith("heard whole") for state in sound.states))
        sound.until_heard(10_000)
        sound.send_command("close")
        until(lambda: sound.states[-1] == "microphone closed")
        heard = next(state for state in sound.states if state.startswith("heard"))
        breaks.append(int(heard.rpartition(" ")[2]))
        sound.states.clear()
        if breaks[-1] == 0:
            return
    raise AssertionError(f"the game's sound broke each time: {breaks}")
