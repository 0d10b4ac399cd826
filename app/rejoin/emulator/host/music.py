"""The game's music: a quiet loop of four chords, computed once."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

SAMPLE_RATE_HZ = 48_000
FRAME_SAMPLES = 960
"""One Opus frame of 20 ms."""


@functools.lru_cache(maxsize=1)
def music() -> npt.NDArray[np.int16]:
    """Stereo at 48 kHz, a whole number of Opus frames: shape (samples, 2). Takes 0.1 s, once."""
    chords = ((0, 7, 16, 23), (-4, 8, 15, 20), (-7, 5, 12, 21), (-5, 7, 14, 19))
    bar_s = 2.4
    samples = int(bar_s * SAMPLE_RATE_HZ)
    loop = np.zeros((samples * len(chords), 2), np.float32)
    for bar, chord in enumerate(chords):
        for order, semitones in enumerate(chord):
            pitch = 220.0 * 2 ** (semitones / 12)
            start = bar * samples + order * samples // 8
            ring = np.arange(int(1.9 * bar_s * SAMPLE_RATE_HZ), dtype=np.float32) / SAMPLE_RATE_HZ
            shape = np.minimum(ring / 0.06, 1) * np.exp(-ring * 1.1)
            shape[-4800:] *= np.linspace(1, 0, 4800, dtype=np.float32)
            tone = np.sin(2 * np.pi * pitch * ring) + 0.25 * np.sin(4 * np.pi * pitch * ring)
            where = (start + np.arange(len(ring))) % len(loop)
            pan = 0.35 + 0.3 * order / 3
            loop[where, 0] += tone * shape * (1 - pan)
            loop[where, 1] += tone * shape * pan
    loop *= 2200 / np.abs(loop).max()
    return loop[: len(loop) - len(loop) % FRAME_SAMPLES].astype(np.int16)
