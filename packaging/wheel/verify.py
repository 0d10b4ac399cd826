"""Prove wheel and source distribution, as somebody meets them who has only the files.

    .venv/bin/python packaging/wheel/verify.py [--dist FOLDER] [--work FOLDER]

The wheel that is made from the unpacked sdist has the bytes of the wheel. The wheel is installed
into an environment of its own with the player's lock, and proves itself there (`rejoin doctor
--selftest`). Standard library only; needs hatchling and the package index. Not in the gate.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

from build import build  # noqa: E402


def from_sdist(sdist: Path, work: Path) -> Path:
    """The wheel that is made of it, with its date."""
    with tarfile.open(sdist) as archive:
        [date] = {member.mtime for member in archive.getmembers()}
        if hasattr(tarfile, "data_filter"):  # from Python 3.11.4 on
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(work)
    [source] = work.iterdir()
    _, wheel = build(source, work / "dist", str(int(date)))
    return wheel


def installed(wheel: Path, folder: Path) -> Path:
    """The program `rejoin` in an environment of its own."""
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    pip = [str(programs / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    pip += ["--quiet", "--no-deps"]
    lock = ROOT / "packaging" / "locks" / "player.lock"
    locked = ["--only-binary", ":all:", "--require-hashes", "-r", str(lock)]
    for what in (locked, [str(wheel)]):
        subprocess.run([*pip, *what], check=True)
    return programs / "rejoin"


def main() -> int:
    parser = argparse.ArgumentParser(description="Prove wheel and source distribution.")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "verify-wheel")
    arguments = parser.parse_args()
    [wheel] = arguments.dist.glob("rejoin_client-*.whl")
    [sdist] = arguments.dist.glob("rejoin_client-*.tar.gz")
    work = arguments.work.resolve()
    shutil.rmtree(work, ignore_errors=True)
    (work / "sdist").mkdir(parents=True)
    try:
        if from_sdist(sdist, work / "sdist").read_bytes() != wheel.read_bytes():
            print("FAILED: the sdist makes another wheel.", file=sys.stderr)
            return 1
        print("wheel: the sdist makes the same bytes", flush=True)
        program = installed(wheel.resolve(), work / "environment")
        subprocess.run([str(program), "doctor", "--selftest"], check=True)
        print("wheel: installed with the player's lock, it passes its self-test", flush=True)
    except subprocess.CalledProcessError as error:
        print(f"FAILED: {error.cmd[0]} ended with {error.returncode}; see above.", file=sys.stderr)
        return 1
    shutil.rmtree(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
