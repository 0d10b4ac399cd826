"""Two short notes, played over the game's sound: the time to reconnect is nearly over."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from rejoin.media.audio.devices import output_number
from rejoin.media.audio.opus import CHANNELS, SAMPLE_RATE_HZ
from rejoin.media.audio.portaudio import PortAudio, load_portaudio

_log = logging.getLogger("rejoin.sound")

NOTES_HZ: Final = (660.0, 880.0)
NOTE_S: Final = 0.18
PEAK: Final = 9000.0
"""Peak, of 32,767."""


def samples(amplitude: float) -> bytes:
    """Interleaved 16-bit stereo. Each note fades in and out, so that nothing clicks."""
    import numpy

    count = round(NOTE_S * SAMPLE_RATE_HZ)
    at_s = numpy.arange(count) / SAMPLE_RATE_HZ
    fade = numpy.sin(numpy.pi * at_s / NOTE_S)
    notes = [numpy.sin(2 * numpy.pi * hertz * at_s) * fade for hertz in NOTES_HZ]
    sound = numpy.concatenate(notes) * (PEAK * amplitude)
    return sound.astype(numpy.int16).repeat(CHANNELS).tobytes()


def ring(
    amplitude: float,
    device: str | None = None,
    *,
    load: Callable[[], PortAudio] = load_portaudio,
    find: Callable[[str], int | None] = output_number,
) -> threading.Thread:
    """Play it on a thread of its own, which is returned; silent where that fails.

    `amplitude`: the factor of samples, 0 to 1. `device`: name of the device; the default device
    while it is missing.
    """

    def play() -> None:
        try:
            number = None if device is None else find(device)
            stream = load().open_stream(
                samplerate=SAMPLE_RATE_HZ,
                channels=CHANNELS,
                dtype="int16",
                **({} if number is None else {"device": number}),
            )
            try:
                stream.start()
                stream.write(samples(amplitude))
                stream.stop()  # once all of it was played
            finally:
                stream.close()
        except Exception as error:  # whatever PortAudio raises: the game goes on
            _log.info("the sound was not played: %s", type(error).__name__)

    thread = threading.Thread(target=play, name="rejoin-bell", daemon=True)
    thread.start()
    return thread
