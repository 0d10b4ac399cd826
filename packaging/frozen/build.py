"""Make the player's program in a folder of its own: `dist/rejoin/`, by PyInstaller.

    python packaging/frozen/build.py [--dist FOLDER] [--work FOLDER]

In an environment made for it from the player's lock, with the wheel of this checkout: what is not
the player's cannot get in. Standard library only. Run on Linux; Windows and macOS were not run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LOCKS = ROOT / "packaging" / "locks"


def run(*command: str | Path) -> None:
    """Raises CalledProcessError."""
    subprocess.run([str(each) for each in command], check=True)


def make_environment(folder: Path, wheel: Path) -> Path:
    """A fresh virtual environment with the player's part; returns its folder of programs."""
    run(sys.executable, "-m", "venv", "--clear", folder)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    pip = (programs / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    for lock in ("player", "package"):
        run(*pip, "--only-binary", ":all:", "--require-hashes", "-r", LOCKS / f"{lock}.lock")
    run(*pip, "--no-deps", wheel)
    return programs


def build(wheel: Path, dist: Path, work: Path) -> Path:
    """Freeze the program of this wheel; returns the folder `dist/rejoin`."""
    programs = make_environment(work / "environment", wheel)
    run(
        *(programs / "pyinstaller", "--noconfirm", "--log-level", "ERROR"),
        *("--distpath", dist, "--workpath", work / "pyinstaller"),
        HERE / "rejoin.spec",
    )
    return dist / "rejoin"


def main() -> int:
    parser = argparse.ArgumentParser(description="Freeze the player's program.")
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    parser.add_argument("--work", type=Path, default=ROOT / "build")
    arguments = parser.parse_args()
    try:
        print(build(arguments.wheel.resolve(), arguments.dist, arguments.work))
    except subprocess.CalledProcessError as error:
        print(f"{Path(error.cmd[0]).name} ended with {error.returncode}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
