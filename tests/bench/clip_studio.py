"""A studio whose host sends a precompressed clip: `clip_studio CLIP`, then arguments of `rejoin`.

Everything but the encoder is the emulator's. Each frame is sent in one burst, as by a host with a
hardware encoder and a fast network card.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench import clips
from rejoin.cli import main as cli
from rejoin.emulator.host import media_player, rtp_stream
from rejoin.emulator.host.game import Scene

_WHOLE_FRAME = 1 << 20


class ClipEncoder:
    """Replaces `VideoEncoder`: gives the clip's next frame, or its first if a key frame is due."""

    pictures: tuple[tuple[bytes, ...], ...] = ()

    def __init__(self, _format: object) -> None:
        self._at = 0

    def encode(self, _scene: Scene, *, key: bool, bitrate_bps: int) -> list[bytes]:
        if key:
            self._at = 0
        units = self.pictures[self._at]
        self._at = (self._at + 1) % len(self.pictures)
        return list(units)

    def close(self) -> None: ...


def main() -> None:
    ClipEncoder.pictures = clips.read(Path(sys.argv[1]))
    media_player.VideoEncoder = ClipEncoder  # type: ignore[assignment,attr-defined]
    rtp_stream.BURST_PACKETS = _WHOLE_FRAME
    sys.argv = ["rejoin", *sys.argv[2:]]
    cli.main()


if __name__ == "__main__":
    main()
