"""Make the wheel and the source distribution: the same bytes from the same commit, anywhere.

    python packaging/wheel/build.py [--dist FOLDER]

Run it with a Python that has hatchling, such as the one of `.venv`. The date in both archives is
SOURCE_DATE_EPOCH (reproducible-builds.org), that of the commit, or of `--date`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "packaging"))

from shared import date_of, run_main  # noqa: E402


def build(root: Path, dist: Path, date: str | None = None) -> list[Path]:
    """The sdist and the wheel, in this order. Raises CalledProcessError."""
    dist.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=dist) as folder:  # there may be another version in `dist`
        done = subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-d", str(Path(folder).resolve())],
            check=False,
            cwd=str(root),
            env={**os.environ, "SOURCE_DATE_EPOCH": date or str(date_of(root))},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            print(done.stdout, file=sys.stderr)
            done.check_returncode()
        [sdist] = Path(folder).glob("rejoin_client-*.tar.gz")
        [wheel] = Path(folder).glob("rejoin_client-*.whl")
        return [made.replace(dist / made.name) for made in (sdist, wheel)]


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the wheel and the source distribution.")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    parser.add_argument("--date", help="seconds since 1970; default: that of the commit")
    arguments = parser.parse_args()
    try:
        made = build(ROOT, arguments.dist, arguments.date)
    except subprocess.CalledProcessError as error:
        print(f"hatchling ended with {error.returncode}; see above.", file=sys.stderr)
        return 1
    for path in made:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))
