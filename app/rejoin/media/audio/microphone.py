"""The player's microphone: a thread that opens the device, measures the level and encodes.

No sound is kept: each frame is measured, encoded if it is to be sent, passed on and dropped.
"""

from __future__ import annotations

import enum
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rejoin.clock import Clock, boot_s
from rejoin.media.audio.capture_ring import Block
from rejoin.media.audio.device_input import DeviceInput
from rejoin.media.audio.devices import input_number
from rejoin.media.audio.framing import Frame, Framing
from rejoin.media.audio.loudness import SILENT_DBFS, peak_dbfs
from rejoin.media.audio.opus_encoder import SAMPLE_RATE_HZ, NoEncoderError, OpusEncoder
from rejoin.media.audio.portaudio import NoSoundSystemError, PortAudio, load_portaudio
from rejoin.media.audio.sound_setup import SETUP, SoundSetup

_log = logging.getLogger("rejoin.microphone")

SEARCH_EVERY_S: Final = 3.0
"""How often a microphone that could not be opened is tried again."""
CHECK_EVERY_S: Final = 0.1
UNHEARD_AFTER_FRAMES: Final = 150
"""3 s of zeros mean a muted microphone: a live one always has some noise. macOS delivers zeros if
the player has not allowed the microphone."""
UNHEARD_AFTER_S: Final = 3.0
"""And so does a device that delivers nothing at all for this long."""
END_WITHIN_S: Final = 2.0


class DeviceState(enum.Enum):
    """The state of the device."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    MISSING = "missing"
    """There is none, or the chosen one is missing."""
    REFUSED = "refused"
    """The system does not let us open it."""
    UNHEARD = "unheard"
    """It is open and delivers only zeros, or nothing."""
    UNSUPPORTED = "unsupported"
    """PortAudio or libopus is missing."""


@dataclass(frozen=True, slots=True)
class VoiceFrame:
    """20 ms of voice. `payload`: None: silence that is not sent. `silent`: no voice is in it.
    `opened`: how often the device was opened; `position`: the number of the frame's first sample
    since then, at 48 kHz. `taken_at`: boot time at which the device delivered its last sample."""

    payload: bytes | None
    silent: bool
    opened: int
    position: int
    taken_at: float


class Microphone:
    """Closed at first. Every method but `stop` may be called on any thread and returns at once."""

    def __init__(
        self,
        *,
        device: str | None = None,
        on_frame: Callable[[VoiceFrame], None] = lambda frame: None,
        on_change: Callable[[], None] = lambda: None,
        load: Callable[[], PortAudio] = load_portaudio,
        find: Callable[[str], int | None] = input_number,
        setup: SoundSetup = SETUP,
        clock: Clock = boot_s,
    ) -> None:
        """`device`: name of the device; None: the system's default. `on_frame` gets each frame
        while `sends`; `on_change` is called after each new `state`. Both are called on the
        microphone's thread."""
        self.sends = False
        """Whether frames are encoded and passed on."""
        self.level_dbfs = SILENT_DBFS
        """The peak of the newest frame."""
        self.latency_s = 0.0
        """From the mouth to us, as the device reports it."""
        self._device = device
        self._on_frame = on_frame
        self._on_change = on_change
        self._load = load
        self._find = find
        self._setup = setup
        self._clock = clock
        self._state = DeviceState.CLOSED
        self._opened = 0
        self._changed = threading.Condition()
        self._wanted = self._ended = False
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> DeviceState:
        return self._state

    def open(self) -> None:
        """Open the device, if it is not open."""
        with self._changed:
            if self._ended:
                return
            self._wanted = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="microphone", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self) -> None:
        """Close it. A frame that is being encoded may still be passed on."""
        with self._changed:
            self._wanted = False
            self._changed.notify_all()

    def end(self) -> None:
        """Close it for good; returns at once."""
        with self._changed:
            self._wanted, self._ended = False, True
            self._changed.notify_all()

    def stop(self) -> None:
        """Close it for good, and wait for its thread. A driver that hangs is abandoned."""
        self.end()
        thread = self._thread
        if thread is not None:
            thread.join(END_WITHIN_S)

    # --- on its own thread ------------------------------------------------------------------------

    def _run(self) -> None:
        while self._until_wanted():
            try:
                problem = self._take_in()
            except Exception:
                _log.exception("the microphone failed")
                problem = DeviceState.REFUSED
            self.level_dbfs = SILENT_DBFS
            self._set(problem)
            if problem is not DeviceState.CLOSED:
                with self._changed:
                    self._changed.wait_for(lambda: not self._wanted, SEARCH_EVERY_S)
        self._set(DeviceState.CLOSED)

    def _until_wanted(self) -> bool:
        """False at the end."""
        with self._changed:
            if not self._wanted and not self._ended and self._state is not DeviceState.CLOSED:
                self._state = DeviceState.CLOSED
                changed = True
            else:
                changed = False
        if changed:
            self._on_change()
        with self._changed:
            self._changed.wait_for(lambda: self._wanted or self._ended)
            return not self._ended

    def _set(self, state: DeviceState) -> None:
        if state is not self._state:
            self._state = state
            self._on_change()

    def _take_in(self) -> DeviceState:
        """Record until the device is to be closed (returns CLOSED) or fails (returns why)."""
        if self._state is DeviceState.CLOSED:
            self._set(DeviceState.OPENING)
        try:
            encoder = OpusEncoder()
            portaudio = self._load()
        except (ImportError, OSError, NoSoundSystemError, NoEncoderError):
            return DeviceState.UNSUPPORTED
        except Exception as error:  # PortAudio's own: its class is in the module that did not load
            _log.info("PortAudio could not start: %s", type(error).__name__)
            return DeviceState.UNSUPPORTED
        try:
            with self._setup.kept():  # devices are renumbered when PortAudio is reinitialised
                number = None if self._device is None else self._find(self._device)
                if self._device is not None and number is None:
                    return DeviceState.MISSING
                opened = DeviceInput(portaudio, device=number, clock=self._clock, setup=self._setup)
        except (portaudio.error, OSError, ValueError) as error:
            return problem_of(error)
        try:
            self._opened += 1
            self.latency_s = opened.latency_s
            return self._read(opened, encoder)
        finally:
            opened.close()

    def _read(self, opened: DeviceInput, encoder: OpusEncoder) -> DeviceState:
        framing = Framing()
        convert = _converter(opened.rate_hz)
        quiet = 0
        sent_before = False
        self._set(DeviceState.OPEN)
        block_at = self._clock()
        while self._wanted:
            block = opened.ring.get(CHECK_EVERY_S)
            if block is None:
                if not opened.alive:
                    return DeviceState.MISSING
                if self._clock() - block_at >= UNHEARD_AFTER_S:
                    self.level_dbfs = SILENT_DBFS
                    self._set(DeviceState.UNHEARD)
                continue
            block_at = self._clock()
            for frame in framing.add(convert(block)):
                self.level_dbfs = peak_dbfs(frame.samples)
                quiet = 0 if any(frame.samples) else quiet + 1
                unheard = quiet >= UNHEARD_AFTER_FRAMES
                self._set(DeviceState.UNHEARD if unheard else DeviceState.OPEN)
                sends = self.sends
                if sends and not sent_before:
                    encoder.begin()
                sent_before = sends
                if sends and self._wanted:
                    self._hand_on(frame, encoder)
        return DeviceState.CLOSED

    def _hand_on(self, frame: Frame, encoder: OpusEncoder) -> None:
        encoded = encoder.encode(frame.samples, self.level_dbfs)
        self._on_frame(
            VoiceFrame(
                encoded.payload, encoded.silent, self._opened, frame.position, frame.taken_at
            )
        )


def _converter(rate_hz: int) -> Callable[[Block], Block]:
    """Makes 48 kHz of this rate."""
    if rate_hz == SAMPLE_RATE_HZ:
        return lambda block: block
    from rejoin.media.audio.resampling import Resampling  # few devices need it

    return Resampling(rate_hz).convert


_MISSING_CODES: Final = (-9996, -9998)
"""PortAudio's paInvalidDevice and paInvalidChannelCount: there is no device that records."""


def problem_of(error: Exception) -> DeviceState:
    """The state after an exception while opening a device. sounddevice's has PortAudio's code as
    its second argument; without a default device it has no code, only a text."""
    code = error.args[1] if len(error.args) > 1 else None
    querying = "querying device" in str(error).lower()
    if code in _MISSING_CODES or querying:
        return DeviceState.MISSING
    return DeviceState.REFUSED
