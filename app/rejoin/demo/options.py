"""What the demo does, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rejoin.emulator.service.faults import FaultKind


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the demo does. `drops` 0 only plays; `out` None writes no files."""

    headless: bool = False
    out: Path | None = None
    fault: FaultKind = FaultKind.SILENCE
    notice_silent_client_s: float = 5.0
    """After how long the emulated service notices a silent client."""
    connection_timeout_s: int = 120
    drop_after_s: float = 4.0
    """How long the game is live before each drop."""
    drops: int = 1
    play_on_s: float = 1.5
    """How long a headless demo plays after the last drop."""
    decoder: str = "software"
    """Or "auto", which tries hardware; see `media.video.hardware.chosen`."""
    renderer: str = "software"
    """Or "auto" or "card"; see `gui.surface_choice.Renderer`."""
    frame_pacing: bool = False
    stats: Path | None = None
    """CSV file for the stream's statistics."""
