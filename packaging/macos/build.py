"""Make the disk image for macOS: `dist/rejoin-VERSION-ARCHITECTURE.dmg`, with Rejoin.app in it.

    .venv/bin/python packaging/macos/build.py --wheel FILE
        [--identity "Developer ID Application: ..."] [--updates-url URL --updates-key KEY]

The frozen program's notice and bill of materials (packaging/licences) are put into the bundle,
which then has to print them and to pass its self-test, before it is signed.

NOT BUILT YET: nobody has run this on a Mac. Needs macOS 14, Python 3.11 to 3.13 and what Xcode's
command line tools bring (codesign, hdiutil). Without an identity the bundle is signed ad hoc, which
other Macs refuse to open; with one it still has to be notarised (README.md).
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

from shared import run_main, version  # noqa: E402

RESOURCES = Path("Contents/Resources/rejoin/_resources")
"""Where PyInstaller puts the program's own files in a bundle; Frameworks has a link to them."""


def recipes(wheel: Path, dist: Path, work: Path, updates: list[str]) -> list[list[str]]:
    """What freezes the program, and says what it is made of."""
    packaging = ROOT / "packaging"
    freeze = [sys.executable, str(packaging / "frozen" / "build.py"), "--wheel", str(wheel)]
    freeze += ["--dist", str(dist), "--work", str(work), *updates]
    name = [sys.executable, str(packaging / "licences" / "build.py")]
    return [freeze, [*name, "--frozen", str(dist / "rejoin"), "--work", str(work)]]


def put_notice(frozen: Path, app: Path) -> None:
    """Copy notice and bill from the frozen folder into the bundle, which was made before they were.

    Raises OSError where either is not as PyInstaller makes it.
    """
    made = frozen / "_internal" / "rejoin" / "_resources" / "licences"
    if not (app / RESOURCES).is_dir():
        raise FileNotFoundError(f"{app / RESOURCES} is not there")
    shutil.copytree(made, app / RESOURCES / "licences", dirs_exist_ok=True)


def commands(app: Path, image: Path, folder: Path, identity: str) -> list[list[str]]:
    """What proves the bundle, signs it, shows that the signature is good, and makes the image."""
    hardened = [] if identity == "-" else ["--options", "runtime", "--timestamp"]
    sign = ["codesign", "--force", "--deep", *hardened, "--sign", identity]
    program = str(app / "Contents" / "MacOS" / "rejoin")
    return [
        [program, "licences", "--sbom"],
        [program, "doctor", "--selftest"],
        [*sign, "--entitlements", str(HERE / "entitlements.plist"), str(app)],
        ["codesign", "--verify", "--deep", "--strict", str(app)],
        [
            *("hdiutil", "create", "-volname", "Rejoin", "-fs", "APFS", "-format", "ULFO", "-ov"),
            *("-srcfolder", str(folder), str(image)),
        ],
    ]


def build(wheel: Path, dist: Path, work: Path, identity: str, updates: list[str]) -> Path:
    """Returns the image. Raises CalledProcessError and OSError."""
    for command in recipes(wheel, dist, work, updates):
        subprocess.run(command, check=True)
    folder = work / "image"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    app = folder / "Rejoin.app"
    shutil.copytree(dist / "Rejoin.app", app, symlinks=True)
    put_notice(dist / "rejoin", app)
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
    parser.add_argument("--updates-url")
    parser.add_argument("--updates-key")
    arguments = parser.parse_args()
    named = {"--updates-url": arguments.updates_url, "--updates-key": arguments.updates_key}
    updates = [word for option in named.items() if option[1] is not None for word in option]
    if sys.platform != "darwin":
        print("A disk image for macOS is made on macOS.", file=sys.stderr)
        return 1
    wheel, dist, work = (
        each.resolve() for each in (arguments.wheel, arguments.dist, arguments.work)
    )
    try:
        print(build(wheel, dist, work, arguments.identity, updates))
    except OSError as error:
        print(f"The bundle is not as it was expected: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"{error.cmd[0]} ended with {error.returncode}; see above.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))
