"""Interface of sound outputs, and the output that plays nothing."""

from __future__ import annotations

from typing import Protocol


class AudioOutput(Protocol):
    """Plays sound. `problem` is a sentence for the player; None if all is well."""

    @property
    def problem(self) -> str | None: ...

    @property
    def buffered_s(self) -> float:
        """How much sound waits to be played."""

    @property
    def sync_delay_s(self) -> float:
        """How much of that waits for lip sync (see `adjust_sync_delay`)."""

    def play(self, samples: bytes) -> float | None:
        """Queue interleaved 16-bit stereo samples; never blocks, may be called on any thread.

        Returns in how many seconds the first of them is heard, including the latency that the
        device reports; None if nobody hears it, or while the ring is filling.
        """

    def adjust_sync_delay(self, change_s: float) -> None:
        """Delay sound by this much more; negative: less, as far as the ring allows."""

    def set_volume(self, amplitude: float) -> None:
        """The factor of samples: 0 is silent, 1 is as the host sent them."""

    def close(self) -> None: ...


class NullOutput:
    """Takes sound and plays none; `problem` says why."""

    def __init__(self, problem: str | None = None) -> None:
        self._problem = problem

    @property
    def problem(self) -> str | None:
        return self._problem

    @property
    def buffered_s(self) -> float:
        return 0.0

    @property
    def sync_delay_s(self) -> float:
        return 0.0

    def play(self, samples: bytes) -> float | None:
        return None

    def adjust_sync_delay(self, change_s: float) -> None: ...

    def set_volume(self, amplitude: float) -> None: ...

    def close(self) -> None: ...
