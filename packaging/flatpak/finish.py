"""The last step of the Flatpak's build: remove what the player does not use, and name the rest.

    python3 packaging/flatpak/finish.py --prefix /app --ffmpeg ffmpeg.json --reports .

`ffmpeg.json`: what packaging/ffmpeg has printed; `--reports`: where `pip install --report` wrote.
It ends with 1 where a shared library stays that packaging/licences does not know, so a Flatpak with
PyAV's own wheel, whose libraries are under the GPL, is not made. Needs what package.lock names.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from shared import LEFT_OUT, date_of, recipe, run_main  # noqa: E402

OF_WHEELS = re.compile(
    r"""
      PySide6/Qt/(libexec|metatypes|modules|qml)/
    | PySide6/(include|typesystems|glue|doc|scripts|jsons)/
    | PySide6/[a-z-]+$                      # Designer, Linguist and others are programs
    | PySide6/Qt/plugins/(designer|qmllint|vectorimageformats)/
    | PySide6/Qt/lib/libQt6(Designer|Help|Labs|Lottie|UiTools)
    """,
    re.VERBOSE,
)
"""What PyInstaller would not collect."""


def remove(site: Path) -> int:
    """Returns how many bytes."""
    size = 0
    for path in sorted(site.rglob("*")):
        name = path.relative_to(site).as_posix()
        if path.is_file() and (LEFT_OUT.search(name) or OF_WHEELS.search(name)):
            size += path.lstat().st_size
            path.unlink()
    return size


def name_contents(
    licences: ModuleType, prefix: Path, site: Path, ffmpeg: Path, reports: Path
) -> list[Path]:
    """Write notice and bill; returns their files. Raises `licences.Unnamed`."""
    options = json.loads(ffmpeg.read_text(encoding="utf-8"))["options"]
    hashes = licences.hashes_in(sorted(reports.glob("report-*.json")))
    with tempfile.TemporaryDirectory(dir=prefix) as folder:
        # As in a frozen program: FFmpeg's libraries beside the packages.
        view = Path(folder) / "view"
        shutil.copytree(site, view, copy_function=os.link)
        for library in prefix.glob("lib/lib*.so.*"):
            if not library.is_symlink() and re.match(r"lib(av|sw)", library.name):
                os.link(library, view / library.name)
        what = licences.contents(view, site, hashes, options, "linux")
    what = dataclasses.replace(what, system="flatpak")
    made: list[Path] = licences.write(
        what, site / "rejoin" / "_resources", datetime.fromtimestamp(date_of(), UTC)
    )
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description="Finish the Flatpak.")
    parser.add_argument("--prefix", type=Path, default=Path("/app"))
    parser.add_argument("--ffmpeg", type=Path, required=True)
    parser.add_argument("--reports", type=Path, required=True)
    arguments = parser.parse_args()
    [site] = arguments.prefix.glob("lib/python3.*/site-packages")
    print(f"removed {remove(site) / 1e6:.0f} MB that the player does not use")
    prefix, ffmpeg, reports = arguments.prefix, arguments.ffmpeg, arguments.reports
    licences = recipe("licences")
    try:
        for file in name_contents(licences, prefix, site, ffmpeg, reports):
            print(file)
    except licences.Unnamed as error:
        print(str(error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))
