"""Make the installer for Windows from a frozen program: `dist/rejoin-VERSION-setup.exe`.

    python packaging/windows/build.py --frozen dist/rejoin [--dist FOLDER] [--work FOLDER]

Needs makensis of NSIS 3.08 or later (Debian: nsis), on any system. Standard library only. It was
compiled around a stand-in for the frozen program, and that was installed and removed under Wine
(`try_with_wine.py`); no frozen program was made on Windows yet.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path, PureWindowsPath

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from shared import ico, run_main, version  # noqa: E402


def quoted(path: object) -> str:
    """As a string of NSIS. Raises ValueError for what no name of ours has."""
    text = str(path)
    if re.search(r'[$"`\r\n]', text.removeprefix("$INSTDIR")):
        raise ValueError(f"{text!r} cannot be the name of a file")
    return f'"{text}"'


def on_windows(path: Path) -> str:
    return quoted(PureWindowsPath("$INSTDIR", *path.parts))


def lists(frozen: Path) -> tuple[str, str]:
    """What puts every file, and what removes exactly these."""
    files = sorted(path for path in frozen.rglob("*") if path.is_file())
    folders = sorted({parent for path in files for parent in path.relative_to(frozen).parents})
    put, remove = list[str](), list[str]()
    for folder in folders:
        put.append(f"SetOutPath {on_windows(folder)}")
        inside = [path for path in files if path.relative_to(frozen).parent == folder]
        put.extend(f"File {quoted(path)}" for path in inside)
        remove.extend(f"Delete {on_windows(path.relative_to(frozen))}" for path in inside)
    below = [folder for folder in reversed(folders) if folder != Path()]
    remove.extend(f"RMDir {on_windows(folder)}" for folder in below)
    return "\n".join(put) + "\n", "\n".join(remove) + "\n"


def build(frozen: Path, dist: Path, work: Path) -> Path:
    """Returns the installer. Raises CalledProcessError."""
    work.mkdir(parents=True, exist_ok=True)
    dist.mkdir(parents=True, exist_ok=True)
    put, remove = lists(frozen.resolve())
    # With a byte order mark: without one makensis takes it for the code page of the machine.
    (work / "install.nsh").write_text(put, encoding="utf-8-sig")
    (work / "remove.nsh").write_text(remove, encoding="utf-8-sig")
    (work / "rejoin.ico").write_bytes(ico())
    size = sum(path.stat().st_size for path in frozen.rglob("*") if path.is_file())
    made = dist.resolve() / f"rejoin-{version()}-setup.exe"
    given = {
        "VERSION": version(),
        "FOUR": version() + ".0",
        "OUTPUT": made,
        "ICON": (work / "rejoin.ico").resolve(),
        "SIZE_KB": size // 1024,
        "FILES": work.resolve(),
    }
    subprocess.run(
        [
            *("makensis", "-V2", "-WX", "-INPUTCHARSET", "UTF8"),
            *(f"-D{name}={value}" for name, value in given.items()),
            str(HERE / "rejoin.nsi"),
        ],
        check=True,
    )
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the installer for Windows.")
    parser.add_argument("--frozen", type=Path, default=ROOT / "dist" / "rejoin")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "windows")
    arguments = parser.parse_args()
    try:
        print(build(arguments.frozen, arguments.dist, arguments.work))
    except FileNotFoundError:
        print("makensis is not installed (Debian: apt-get install nsis).", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"makensis ended with {error.returncode}; see above.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))
