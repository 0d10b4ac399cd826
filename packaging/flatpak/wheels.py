"""Download what a Flatpak is built from into `build/flatpak/wheels`, and make the wheel there.

    python packaging/flatpak/wheels.py

With the Python of `.venv`. pip takes the wheels of the runtime's Python (3.13) that the player's
lock names, and the tools of package.lock, with their hashes, whatever Python runs this. PyAV is not
among them: its wheel brings libraries under the GPL. packaging/ffmpeg makes it in the build, from
sources that are fetched to `build/sources`. Standard library only.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
sys.path.insert(0, str(PACKAGING))

from shared import recipe, run_main, without  # noqa: E402

LOCKS = PACKAGING / "locks"
WHEELS = ROOT / "build" / "flatpak" / "wheels"
SOURCES = ROOT / "build" / "sources"
PYTHON = "3.13"
GLIBC = range(17, 42)
"""Minor versions whose wheels the runtime can use; that of 25.08 is 2.42."""


def player_lock(folder: Path) -> Path:
    """Write the player's lock without PyAV, which is made in the build."""
    file = folder / "player.lock"
    file.write_text(without("av", (LOCKS / "player.lock").read_text(encoding="utf-8")), "utf-8")
    return file


def download(folder: Path, lock: Path, machine: str) -> list[str]:
    """pip's command line."""
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC]
    platforms += [f"manylinux2014_{machine}", f"manylinux2010_{machine}", f"manylinux1_{machine}"]
    return [
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"),
        *("--dest", str(folder), "--only-binary", ":all:", "--no-deps"),
        *("--require-hashes", "-r", str(lock)),
        *("--implementation", "cp", "--python-version", PYTHON),
        *(f"--platform={each}" for each in platforms),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="Download what a Flatpak is built from.")
    parser.add_argument("--machine", choices=["x86_64", "aarch64"], default="x86_64")
    arguments = parser.parse_args()
    WHEELS.mkdir(parents=True, exist_ok=True)
    for older in WHEELS.glob("rejoin_client-*"):  # the manifest installs what is there
        older.unlink()
    build = [sys.executable, str(PACKAGING / "wheel" / "build.py"), "--dist", str(WHEELS)]
    locks = (player_lock(WHEELS), LOCKS / "package.lock")
    downloads = [download(WHEELS, lock, arguments.machine) for lock in locks]
    for command in (*downloads, build):
        if subprocess.run(command, check=False).returncode:
            print(f"{command[1]} failed; see above.", file=sys.stderr)
            return 1
    ffmpeg = recipe("ffmpeg")
    try:
        for source in ffmpeg.SOURCES["linux"]:
            ffmpeg.fetch(source, SOURCES)
    except ffmpeg.Refused as error:
        print(str(error), file=sys.stderr)
        return 1
    print(WHEELS)
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))
