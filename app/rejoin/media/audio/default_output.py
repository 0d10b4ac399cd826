"""The sound device: the system's default, or the one that the player chose while it is there.

It is opened again when it disappears, or when one appears.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from rejoin.clock import Clock, boot_s
from rejoin.language import mark
from rejoin.media.audio.device_output import DeviceOutput
from rejoin.media.audio.devices import output_number
from rejoin.media.audio.output import AudioOutput, NullOutput
from rejoin.media.audio.portaudio import NoSoundSystemError, PortAudio, load_portaudio
from rejoin.media.audio.sound_ring import BYTES_PER_SECOND
from rejoin.media.audio.sound_setup import SETUP

_log = logging.getLogger("rejoin.sound")

SEARCH_INTERVAL_S = 3.0
"""How often to look for a device while there is none."""

CLOSE_WITHIN_S = 2.0
NO_DEVICE = mark("No sound: no audio output device was found.")
MISSING_DEVICE = mark("The sound device that you chose is not there: the default one plays.")


class DefaultOutput:
    """Plays on the default device; searches for one while there is none.

    PortAudio does not report changes and does not see new devices until it is initialised again,
    which takes up to about 100 ms. This happens on a thread, and only while no sound is played.
    """

    def __init__(
        self,
        portaudio: PortAudio,
        *,
        device: str | None = None,
        find: Callable[[str], int | None] = output_number,
        clock: Clock = boot_s,
    ) -> None:
        """`device`: the name of the device; the default device while it is missing."""
        self._portaudio = portaudio
        self._wanted = device
        self._find = find
        self._missing = False
        self._clock = clock
        self._amplitude = 1.0
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._search: threading.Thread | None = None
        self._searched_at = clock()
        self._device = self._open()

    @property
    def problem(self) -> str | None:
        if self._device is None:
            return NO_DEVICE
        return MISSING_DEVICE if self._missing else None

    @property
    def buffered_s(self) -> float:
        device = self._device
        return 0.0 if device is None else device.ring.waiting / BYTES_PER_SECOND

    @property
    def sync_delay_s(self) -> float:
        device = self._device
        return 0.0 if device is None else device.ring.sync_delay / BYTES_PER_SECOND

    def play(self, samples: bytes) -> float | None:
        device = self._device
        if device is not None and device.alive:
            ahead = device.ring.put(samples)
            return None if ahead is None else ahead / BYTES_PER_SECOND + device.latency_s
        if self._clock() - self._searched_at >= SEARCH_INTERVAL_S:
            self._searched_at = self._clock()
            if self._search is None or not self._search.is_alive():
                self._search = threading.Thread(
                    target=self._reopen, name="rejoin-sound-device", daemon=True
                )
                self._search.start()
        return None

    def adjust_sync_delay(self, change_s: float) -> None:
        device = self._device
        if device is not None:
            device.ring.adjust_sync_delay(round(change_s * BYTES_PER_SECOND))

    def set_volume(self, amplitude: float) -> None:
        self._amplitude = min(1.0, max(0.0, amplitude))
        self._apply_amplitude()

    def close(self) -> None:
        """Close the device. Waits for a running search, but not longer than CLOSE_WITHIN_S."""
        self._closed.set()
        if self._search is not None:
            self._search.join(CLOSE_WITHIN_S)
        if not self._lock.acquire(blocking=False):
            return  # the search hangs in PortAudio; if it ever returns, nothing stays open
        try:
            device, self._device = self._device, None
            if device is not None:
                device.close()
        finally:
            self._lock.release()

    def _apply_amplitude(self) -> None:
        device = self._device
        if device is not None:
            device.amplitude = self._amplitude

    def _open(self, sync_delay: int = 0) -> DeviceOutput | None:
        chosen = None if self._wanted is None else self._find(self._wanted)
        for number in (chosen, None) if chosen is not None else (None,):
            try:
                opened = DeviceOutput(
                    self._portaudio,
                    amplitude=self._amplitude,
                    sync_delay=sync_delay,
                    device=number,
                )
            except (self._portaudio.error, OSError, ValueError):
                continue
            self._missing = self._wanted is not None and number is None
            return opened
        return None

    def _reopen(self) -> None:
        with self._lock:
            if self._closed.is_set():
                return
            gone, self._device = self._device, None
            with SETUP.anew():
                try:
                    if gone is not None:
                        gone.close()
                    self._portaudio.terminate()
                    self._portaudio.initialize()
                except self._portaudio.error:
                    return
                opened = self._open(0 if gone is None else gone.ring.sync_delay)
            if opened is not None and self._closed.is_set():
                opened.close()  # `close` did not wait that long
                return
            self._device = opened
            self._apply_amplitude()


def open_output(device: str | None = None) -> AudioOutput:
    """The default device, or the one of this name while it is there; or a `NullOutput` whose
    `problem` says why there is no sound."""
    try:
        portaudio = load_portaudio()
    except ImportError:
        return NullOutput(mark("No sound: the Python package sounddevice is not installed."))
    except NoSoundSystemError:
        return NullOutput(mark("No sound: ALSA has no configuration (see ALSA_CONFIG_PATH)."))
    except OSError:
        return NullOutput(mark("No sound: install PortAudio (on Debian or Ubuntu: libportaudio2)."))
    except Exception as error:  # PortAudio's own: its class is in the module that did not load
        _log.info("PortAudio could not start: %s", type(error).__name__)
        return NullOutput(mark("No sound: PortAudio could not start."))
    return DefaultOutput(portaudio, device=device)
