"""Makes every picture of docs/player.md and docs/languages.md anew.

`guide.py`, or `python3 dev.py pictures`; runs without a display. The pictures are those of
`gallery.py`, under the names that the pages have. What is in them is invented: the games, their
hosts and the times.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
IMAGES: Final = ROOT / "docs" / "images"
STATES: Final = (
    *("home", "home-empty", "home-adding", "home-sign-in", "home-sign-in-token", "home-keys"),
    *("connection-test", "settings"),
    *("starting", "starting-queue", "starting-offline", "starting-portal", "starting-cannot-end"),
    *("live-first", "live-sound", "view-only", "badge", "badge-uplink", "reconnect-picture-lost"),
    *("limit-length", "limit-idle", "menu", "menu-statistics"),
    *("checking", "lost", "lost-not-noticed", "lost-queue", "lost-past-zero", "lost-firewall"),
    *("lost-network-gone", "lost-service-silent", "lost-path-broken", "lost-host-silent"),
    *("lost-sign-in-page", "lost-proxy-refuses", "lost-confirming-end", "returning"),
    *("end-game-question", "ending", "ending-offline", "ending-unreached", "back"),
    *("end-after-drops", "end-calm", "end-reconnection-timeout", "end-asleep", "end-unconfirmed"),
    *("end-ended-by-player", "end-continued-elsewhere", "end-could-not-connect"),
    *("end-backend-unreachable", "end-sign-in-needed", "end-cancelled", "report"),
)
"""What a window of a game and the home can look like; faces of a kind are there once."""
SIZES: Final = ("home", "lost", "end-after-drops")
ENGLISH: Final = {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "LANGUAGE": "en"}


@dataclass(frozen=True, slots=True)
class Run:
    """Pictures of one size and theme, and the folder under `IMAGES` that they belong to. `scale`:
    how many pixels of the screen are one of Qt's."""

    folder: str
    size: str
    theme: str
    names: tuple[str, ...]
    scale: int = 1
    language: str = "en"


RUNS: Final = (
    Run("states", "1280x720", "light", STATES),
    Run("small", "1024x600", "light", SIZES),
    Run("4k", "1920x1080", "light", (*SIZES, "menu-statistics"), scale=2),
    Run("dark", "1280x720", "dark", SIZES),
    Run("de", "1024x600", "light", SIZES, language="de"),
    Run("ja", "1024x600", "light", SIZES, language="ja"),
    Run("right-to-left", "1024x600", "light", SIZES, language="pseudo-rtl"),
)


def main() -> None:
    for run in RUNS:
        with tempfile.TemporaryDirectory() as made:
            arguments = [made, run.size, run.theme, "100", run.language, *run.names]
            subprocess.run(
                [sys.executable, str(Path(__file__).with_name("gallery.py")), *arguments],
                env={**os.environ, **ENGLISH, "QT_SCALE_FACTOR": str(run.scale)},
                check=True,
            )
            to = IMAGES / run.folder
            shutil.rmtree(to, ignore_errors=True)
            to.mkdir(parents=True)
            for name in run.names:
                shutil.copyfile(Path(made) / f"{name}.png", to / f"{name}.png")


if __name__ == "__main__":
    main()
