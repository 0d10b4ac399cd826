"""Make the player's program in a folder of its own: `dist/rejoin/`, by PyInstaller.

    python packaging/frozen/build.py --wheel FILE [--updates-url URL --updates-key KEY]

In an environment made for it from the player's lock, with the wheel of this checkout: what is not
the player's cannot get in. PyAV alone is not the package index's, whose wheel brings codecs under
the GPL, but the one that packaging/ffmpeg makes. `--updates-url` is where this build asks for newer
versions, signed with the minisign key whose line is `--updates-key`; without them it asks nobody.
Standard library only. Run on Linux; Windows and macOS were not run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LOCKS = ROOT / "packaging" / "locks"
sys.path.insert(0, str(HERE.parent))

from shared import date_of, icns, ico, run_main, without  # noqa: E402


def run(*command: str | Path, env: dict[str, str] | None = None) -> None:
    """Raises CalledProcessError."""
    subprocess.run([str(each) for each in command], check=True, env={**os.environ, **(env or {})})


@dataclass(frozen=True)
class Environment:
    """`programs`: its folder of programs. `libraries`: that of FFmpeg's shared libraries, made from
    `sources`."""

    programs: Path
    libraries: Path
    sources: list[Path]


def make_environment(folder: Path, wheel: Path, work: Path) -> Environment:
    """A fresh virtual environment with the player's part, and FFmpeg for it."""
    run(sys.executable, "-m", "venv", "--clear", folder)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    pip = (programs / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    locked = (*pip, "--only-binary", ":all:", "--require-hashes", "-r")
    run(*locked, LOCKS / "package.lock")
    started = time.monotonic()
    made = subprocess.run(
        [str(programs / "python"), str(ROOT / "packaging" / "ffmpeg" / "build.py")],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    print(f"FFmpeg and PyAV: {time.monotonic() - started:.0f} s", flush=True)
    (work / "ffmpeg.json").write_text(made, "utf-8")
    ffmpeg = json.loads(made)
    lock = work / "player.lock"
    lock.write_text(without("av", (LOCKS / "player.lock").read_text(encoding="utf-8")), "utf-8")
    run(*locked, lock, "--no-deps", "--report", work / "report-locked.json")
    made_here = ("--report", work / "report-made-here.json", ffmpeg["wheel"], wheel)
    run(*pip, "--no-deps", *made_here)
    sources = [Path(each) for each in ffmpeg["sources"]]
    return Environment(programs, Path(ffmpeg["libraries"]), sources)


def put_build_info(programs: Path, updates: dict[str, str]) -> None:
    """Write what `rejoin/runtime/updates/build_info.py` reads, beside the wheel's own resources."""
    python = programs / "python"
    find = "from rejoin import assets; print(assets.path('icons/rejoin.svg').parents[1])"
    found = subprocess.run([str(python), "-c", find], check=True, stdout=subprocess.PIPE, text=True)
    file = Path(found.stdout.strip()) / "build.json"
    file.write_text(json.dumps(updates) + "\n", encoding="utf-8")
    # Read as the program reads it: a build with a key that is none is not made.
    read = "import sys; from rejoin.runtime.updates.build_info import read_source as read"
    run(python, "-c", f"{read}; read(open(sys.argv[1], encoding='utf-8').read())", file)


def without_absolute(runpath: str) -> str:
    """The folders of a library's RUNPATH that are told from where the library is."""
    return ":".join(each for each in runpath.split(":") if each.startswith("$ORIGIN"))


def clean_runpaths(internal: Path) -> int:
    """Remove from the libraries the folders of this machine in which they would look for others:
    pyenv's Python puts its own there, and elsewhere anybody may own that folder. Returns how many
    libraries had one; only on Linux."""
    changed = 0
    for library in sorted(internal.rglob("*.so*")):
        if library.is_symlink():
            continue
        asked = ["patchelf", "--print-rpath", str(library)]
        before = subprocess.run(asked, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        after = without_absolute(before)
        if after != before:
            run("patchelf", "--set-rpath", after or "$ORIGIN", library)  # overwrites what was there
            if not after:
                run("patchelf", "--remove-rpath", library)
            changed += 1
    return changed


def build(wheel: Path, dist: Path, work: Path, updates: dict[str, str]) -> Path:
    """Freeze the program of this wheel; returns the folder `dist/rejoin`. Beside it, `sources`."""
    work.mkdir(parents=True, exist_ok=True)
    environment = make_environment(work / "environment", wheel, work)
    if updates:
        put_build_info(environment.programs, updates)
    icons = {"win32": ("rejoin.ico", ico), "darwin": ("rejoin.icns", icns)}
    if sys.platform in icons:
        name, made = icons[sys.platform]
        (work / name).write_bytes(made())
        os.environ["REJOIN_ICON"] = str((work / name).resolve())
    found = [str(environment.libraries), os.environ.get("LD_LIBRARY_PATH", "")]
    run(
        *(environment.programs / "pyinstaller", "--noconfirm", "--log-level", "ERROR"),
        *("--distpath", dist, "--workpath", work / "pyinstaller"),
        HERE / "rejoin.spec",
        env={
            "LD_LIBRARY_PATH": os.pathsep.join(filter(None, found)),
            # By these PyInstaller makes the same bytes of the same files.
            "PYTHONHASHSEED": "1",
            "SOURCE_DATE_EPOCH": str(date_of()),
        },
    )
    if sys.platform == "linux":
        print(
            f"{clean_runpaths(dist / 'rejoin' / '_internal')} libraries named folders of this one"
        )
    # The LGPL asks for them; they belong to the files of a release.
    (dist / "sources").mkdir(exist_ok=True)
    for each in environment.sources:
        shutil.copyfile(each, dist / "sources" / each.name)
    return dist / "rejoin"


def main() -> int:
    parser = argparse.ArgumentParser(description="Freeze the player's program.")
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    parser.add_argument("--work", type=Path, default=ROOT / "build")
    parser.add_argument("--updates-url")
    parser.add_argument("--updates-key")
    arguments = parser.parse_args()
    named = {"updates_url": arguments.updates_url, "updates_key": arguments.updates_key}
    updates = {name: value for name, value in named.items() if value is not None}
    try:
        print(build(arguments.wheel.resolve(), arguments.dist, arguments.work, updates))
    except subprocess.CalledProcessError as error:
        print(f"{Path(error.cmd[0]).name} ended with {error.returncode}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))
