"""Prove wheel and source distribution, as somebody meets them who has only the files.

    .venv/bin/python packaging/wheel/verify.py [--dist FOLDER] [--work FOLDER]

The wheel that is made from the unpacked sdist has the bytes of the wheel. The wheel is installed
into an environment of its own with the player's lock, and proves itself there (`rejoin doctor
--selftest`); into another one with all its parts and the lowest versions that pyproject.toml
allows, where every command is loaded too. Needs hatchling, packaging and the package index. Not in
the gate.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "audit")]

from audit import lowest  # noqa: E402
from build import build  # noqa: E402
from shared import run_main  # noqa: E402


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


LOAD_COMMANDS = """
import importlib, pkgutil, rejoin.cli
for module in pkgutil.iter_modules(rejoin.cli.__path__, "rejoin.cli."):
    importlib.import_module(module.name)
"""


def installed(folder: Path, *wanted: Sequence[str]) -> Path:
    """The folder of programs of an environment of its own, in which pip was called with each of
    these lists."""
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    pip = [str(programs / "python"), "-m", "pip", "--disable-pip-version-check"]
    for what in wanted:
        subprocess.run([*pip, "install", "--quiet", "--only-binary", ":all:", *what], check=True)
    subprocess.run([*pip, "check"], check=True)
    return programs


def with_lock(wheel: Path, folder: Path) -> Path:
    lock = ROOT / "packaging" / "locks" / "player.lock"
    locked = ("--no-deps", "--require-hashes", "-r", str(lock))
    return installed(folder, locked, ("--no-deps", str(wheel)))


def with_lowest(wheel: Path, folder: Path) -> Path:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = {f"{name}=={version}\n" for name, version in lowest(project)}
    constraint = folder.with_name("lowest.txt")
    constraint.write_text("".join(sorted(lines)), encoding="utf-8")
    return installed(folder, ("--constraint", str(constraint), f"{wheel}[all]"))


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
        programs = with_lock(wheel.resolve(), work / "environment")
        subprocess.run([str(programs / "rejoin"), "doctor", "--selftest"], check=True)
        print("wheel: installed with the player's lock, it passes its self-test", flush=True)
        programs = with_lowest(wheel.resolve(), work / "lowest")
        subprocess.run([str(programs / "python"), "-c", LOAD_COMMANDS], check=True)
        subprocess.run([str(programs / "rejoin"), "doctor", "--selftest"], check=True)
        print("wheel: installed with the lowest versions, it passes its self-test", flush=True)
    except subprocess.CalledProcessError as error:
        print(f"FAILED: {error.cmd[0]} ended with {error.returncode}; see above.", file=sys.stderr)
        return 1
    shutil.rmtree(work)
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))
