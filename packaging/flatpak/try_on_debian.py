"""Run the manifest's own build commands in a fresh Debian 13, whose Python is the runtime's.

    .venv/bin/python packaging/flatpak/try_on_debian.py [--work FOLDER]

`wheels.py` has to have run. The system stands in for the SDK, and its folder /app for the prefix;
no flatpak-builder and no sandbox are part of it. The network is only used for Debian's packages. It
ends with 0 once the program that was installed passes its self-test and its notice names no
library under the GPL. Needs root and mmdebstrap. Not in the gate.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / "deb"), str(HERE.parent)]

from fresh_root import USER, Failed, Root, fresh_root  # noqa: E402
from shared import run_main  # noqa: E402

MANIFEST = HERE / "invalid.rejoin.Rejoin.yml"
SDK = (
    *("gcc", "g++", "make", "nasm", "pkg-config", "xz-utils", "ca-certificates"),
    *("python3-dev", "python3-venv", "libopus-dev", "libva-dev", "zlib1g-dev"),
)
"""What the SDK has and a minimal Debian has not."""
RUNTIME = (
    *("libegl1", "libgl1", "libfontconfig1", "libglib2.0-0", "libdbus-1-3", "libxkbcommon0"),
    *("libxkbcommon-x11-0", "libxcb-cursor0", "libxcb-icccm4", "libxcb-keysyms1", "libxcb-shape0"),
    *("libxcb-xkb1", "libportaudio2", "libopus0"),
)
AS_IN_THE_RUNTIME = """
echo /app/lib/python3.13/site-packages > /sdk/lib/python3.13/site-packages/app.pth
echo /app/lib > /etc/ld.so.conf.d/app.conf
ldconfig
"""
"""The runtime's Python and linker know /app, whatever the environment says."""


def module(name: str) -> dict[str, Any]:
    """A module of the manifest."""
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    [found] = (each for each in manifest["modules"] if each["name"] == name)
    return dict(found)


def put_sources(root: Root) -> None:
    """As flatpak-builder lays them out."""
    for source in module("rejoin")["sources"]:
        path = (HERE / source["path"]).resolve()
        to = root.folder / "build" / source.get("dest", path.name)
        to.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, to)
        else:
            shutil.copyfile(path, to)


def tried(root: Root) -> str:
    """Build and install; returns the notice. Raises Failed."""
    root.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *SDK, *RUNTIME)
    # Debian's own pip installs elsewhere than the runtime's.
    root.run("python3", "-m", "venv", "/sdk")
    put_sources(root)
    for command in module("rejoin")["build-commands"]:
        print(f"$ {command}", flush=True)
        said = root.run("sh", "-ec", f"cd /build; PATH=/sdk/bin:$PATH; export PATH; {command}")
        print(said, end="", flush=True)
    root.run("sh", "-ec", AS_IN_THE_RUNTIME)
    print(root.run("/app/bin/rejoin", "doctor", "--selftest", user=USER))
    return root.run("/app/bin/rejoin", "licences", user=USER)


def main() -> int:
    parser = argparse.ArgumentParser(description="Try the Flatpak's commands on Debian 13.")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "flatpak")
    arguments = parser.parse_args()
    try:
        with fresh_root("trixie", arguments.work.resolve() / "trixie") as root:
            notice = tried(root)
    except (Failed, subprocess.CalledProcessError) as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        return 1
    print(notice)
    if "x264" in notice or "x265" in notice:
        print("FAILED: libraries under the GPL are named.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))
