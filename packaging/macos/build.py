"""Make the disk image for macOS: `dist/rejoin-VERSION-ARCHITECTURE.dmg`, with Rejoin.app in it.

    python packaging/macos/build.py --wheel FILE [--identity "Developer ID Application: ..."]

NOT BUILT YET: nobody has run this on a Mac. Needs macOS 14, Python 3.11 to 3.13 and what Xcode's
command line tools bring (codesign, hdiutil). Without an identity the bundle is signed ad hoc, which
other Macs refuse to open; with one it still has to be notarised (README.md). Standard library only.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from shared import version  # noqa: E402


def commands(app: Path, image: Path, folder: Path, identity: str) -> list[list[str]]:
    """What signs the bundle, shows that the signature is good, and makes the image."""
    hardened = [] if identity == "-" else ["--options", "runtime", "--timestamp"]
    sign = ["codesign", "--force", "--deep", *hardened, "--sign", identity]
    return [
        [*sign, "--entitlements", str(HERE / "entitlements.plist"), str(app)],
        ["codesign", "--verify", "--deep", "--strict", str(app)],
        [
            *("hdiutil", "create", "-volname", "Rejoin", "-fs", "APFS", "-format", "ULFO", "-ov"),
            *("-srcfolder", str(folder), str(image)),
        ],
    ]


def build(wheel: Path, dist: Path, work: Path, identity: str) -> Path:
    """Returns the image. Raises CalledProcessError."""
    freeze = [sys.executable, str(ROOT / "packaging" / "frozen" / "build.py")]
    freeze += ["--wheel", str(wheel), "--dist", str(dist), "--work", str(work)]
    subprocess.run(freeze, check=True)
    folder = work / "image"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    app = folder / "Rejoin.app"
    shutil.copytree(dist / "Rejoin.app", app, symlinks=True)
    (folder / "Applications").symlink_to("/Applications")
    image = dist / f"rejoin-{version()}-{platform.machine()}.dmg"
    for command in commands(app, image, folder, identity):
        subprocess.run(command, check=True)
    return image


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the disk image for macOS.")
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    parser.add_argument("--work", type=Path, default=ROOT / "build")
    parser.add_argument("--identity", default="-", help="of codesign; default: ad hoc")
    arguments = parser.parse_args()
    if sys.platform != "darwin":
        print("A disk image for macOS is made on macOS.", file=sys.stderr)
        return 1
    wheel, work = arguments.wheel.resolve(), arguments.work.resolve()
    try:
        print(build(wheel, arguments.dist.resolve(), work, arguments.identity))
    except subprocess.CalledProcessError as error:
        print(f"{error.cmd[0]} ended with {error.returncode}; see above.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
