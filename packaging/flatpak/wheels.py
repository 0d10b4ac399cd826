"""Download what a Flatpak is built from into `build/flatpak/wheels`, and make the wheel there.

    python packaging/flatpak/wheels.py

With the Python of `.venv`. pip takes the wheels of the runtime's Python (3.13) that the player's
lock names, with its hashes, whatever Python runs this. Standard library only.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "packaging" / "locks" / "player.lock"
WHEELS = ROOT / "build" / "flatpak" / "wheels"
PYTHON = "3.13"
GLIBC = range(17, 42)
"""Minor versions whose wheels the runtime can use; that of 25.08 is 2.42."""


def download(folder: Path, machine: str) -> list[str]:
    """pip's command line."""
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC]
    platforms += [f"manylinux2014_{machine}", f"manylinux2010_{machine}", f"manylinux1_{machine}"]
    return [
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"),
        *("--dest", str(folder), "--only-binary", ":all:", "--require-hashes", "-r", str(LOCK)),
        *("--implementation", "cp", "--python-version", PYTHON),
        *(f"--platform={each}" for each in platforms),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="Download what a Flatpak is built from.")
    parser.add_argument("--machine", choices=["x86_64", "aarch64"], default="x86_64")
    arguments = parser.parse_args()
    build = [sys.executable, str(ROOT / "packaging" / "wheel" / "build.py"), "--dist", str(WHEELS)]
    for command in (download(WHEELS, arguments.machine), build):
        if subprocess.run(command, check=False).returncode:
            print(f"{command[1]} failed; see above.", file=sys.stderr)
            return 1
    print(WHEELS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
