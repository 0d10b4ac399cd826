"""Make the Debian package from the frozen program: `dist/rejoin_VERSION_ARCHITECTURE.deb`.

    python packaging/deb/build.py --frozen dist/rejoin [--dist FOLDER] [--work FOLDER]

The program lies in /usr/lib/rejoin. What Debian has is not in it: `dpkg-shlibdeps` finds the
packages of the libraries that are linked, and OPENED names those of the libraries that are opened
later. No script of ours runs at installation: the system's own triggers learn of the menu entry,
the scheme `rejoin://` and the icons. Standard library only; needs dpkg-dev, and no root.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RESOURCES = ROOT / "resources"
sys.path.insert(0, str(HERE.parent))

from shared import date_of, run_main, version  # noqa: E402

OPENED = ("libportaudio2", "libegl1", "libgl1", "xdg-utils", "ca-certificates")
"""Opened by ctypes or by Qt, or run: no linker knows of them."""

RECOMMENDED = ("libvulkan1", "gnome-keyring | org.freedesktop.secrets")
"""libva2, which FFmpeg links, recommends its drivers itself."""

MAINTAINER = "The Rejoin developers <rejoin@rejoin.invalid>"
"""No project address exists yet; whoever publishes the package gives `--maintainer`."""

SHELLS = {
    "bash": "usr/share/bash-completion/completions/rejoin",
    "zsh": "usr/share/zsh/vendor-completions/_rejoin",
    "fish": "usr/share/fish/vendor_completions.d/rejoin.fish",
}
METAINFO = "invalid.rejoin.Rejoin.metainfo.xml"
"""Its name is that of the component, whose domain is nobody's yet: see MAINTAINER."""

LARGEST = 80_000_000
"""Bytes of the package."""

ICON_SIZES = (16, 24, 32, 48, 128, 256, 512)


UNDER_THE_GPL = re.compile(r"\blib(readline|gdbm|x26[45])\w*")
"""Packages of libraries whose licence would be that of the whole program, if it linked them: Python
is offered modules for the first two."""


class Refused(Exception):
    """The package is not what it may be; the text is a sentence."""


def said(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """What the command printed. Raises CalledProcessError."""
    return subprocess.run(
        [str(each) for each in command],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env=env,
    ).stdout


def put(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def put_gz(path: Path, content: str) -> None:
    put(path, gzip.compress(content.encode(), 9, mtime=0))


def changelog(maintainer: str, date: int) -> str:
    """In Debian's form, which the name `changelog.gz` promises; NEWS.gz has what changed."""
    at = format_datetime(datetime.fromtimestamp(date, UTC))
    return (
        f"rejoin ({version()}) unstable; urgency=medium\n\n"
        f"  * See NEWS.gz.\n\n -- {maintainer}  {at}\n"
    )


def man_page(said_by_help: str) -> str:
    """`rejoin(1)`: what `rejoin --help` says, as it stands."""

    def roff(text: str) -> str:
        return re.sub(
            r"^([.'])", r"\\&\1", text.replace("\\", r"\e").replace("-", r"\-"), flags=re.M
        )

    what, _, more = (HERE / "description.txt").read_text(encoding="utf-8").partition("\n")
    return (
        f'.TH REJOIN 1 "" "Rejoin {version()}"\n.SH NAME\nrejoin \\- {roff(what)}\n'
        f".SH DESCRIPTION\n{roff(more.replace(chr(10) + '.' + chr(10), chr(10) * 2))}"
        f".SH USAGE\n.nf\n{roff(said_by_help)}.fi\n.PP\n"
        "\\fBrejoin\\fR \\fICOMMAND\\fR \\fB\\-\\-help\\fR describes a command.\n"
        ".SH EXIT STATUS\n0 if it is done. Otherwise a line on standard error says what happened.\n"
    )


def lay_out(frozen: Path, tree: Path, maintainer: str, date: int) -> None:
    """Everything that the package installs."""
    program = tree / "usr/lib/rejoin"
    shutil.copytree(frozen, program, symlinks=True)
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/bin/rejoin").symlink_to("../lib/rejoin/rejoin")
    put(tree / "usr/share/applications/rejoin.desktop", (HERE / "rejoin.desktop").read_bytes())
    put(tree / f"usr/share/metainfo/{METAINFO}", (HERE / METAINFO).read_bytes())
    icons = tree / "usr/share/icons/hicolor"
    for size in ICON_SIZES:
        picture = (RESOURCES / "icons" / f"rejoin-{size}.png").read_bytes()
        put(icons / f"{size}x{size}/apps/rejoin.png", picture)
    put(icons / "scalable/apps/rejoin.svg", (RESOURCES / "icons" / "rejoin.svg").read_bytes())
    for shell, place in SHELLS.items():
        asked = {**os.environ, "_REJOIN_COMPLETE": f"{shell}_source"}
        put(tree / place, said(frozen / "rejoin", env=asked))
    documents = tree / "usr/share/doc/rejoin"
    put(documents / "copyright", (HERE / "copyright").read_bytes())
    shipped = frozen / "_internal/rejoin/_resources/licences"
    for name in ("NOTICE.txt", "sbom.cdx.json"):
        put_gz(documents / f"{name}.gz", (shipped / name).read_text(encoding="utf-8"))
    put_gz(documents / "NEWS.gz", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    put_gz(documents / "changelog.gz", changelog(maintainer, date))
    put_gz(tree / "usr/share/man/man1/rejoin.1.gz", man_page(said(frozen / "rejoin", "--help")))
    put(tree / "usr/share/lintian/overrides/rejoin", (HERE / "lintian-overrides").read_bytes())


def set_modes(tree: Path, date: int) -> None:
    """Readable by everybody, writable by root alone, whatever the umask of the build was; and of
    this date, in seconds since 1970."""
    for path in [tree, *tree.rglob("*")]:
        if not path.is_symlink():
            runs = path.is_dir() or (path.name == "rejoin" and path.parent.name == "rejoin")
            path.chmod(0o755 if runs and (path.is_dir() or is_elf(path)) else 0o644)
        os.utime(path, (date, date), follow_symlinks=False)


def is_elf(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def depends(tree: Path, work: Path) -> str:
    """The packages of all libraries that the program links and does not bring."""
    put(work / "debian/control", "Source: rejoin\n\nPackage: rejoin\nArchitecture: any\n")
    (tree / "DEBIAN").mkdir()  # by this the tool knows where $ORIGIN of a library is
    inside = tree / "usr/lib/rejoin"
    folders = {path.parent for path in inside.rglob("*.so*")}
    found = said(
        *("dpkg-shlibdeps", "-O", "--warnings=0", "--ignore-missing-info"),
        *(f"-l{folder}" for folder in sorted(folders)),
        *sorted(path for path in inside.rglob("*") if is_elf(path)),
        cwd=work,
    )
    linked = found.partition("shlibs:Depends=")[2].strip()
    if copyleft := UNDER_THE_GPL.search(linked):
        raise Refused(f"The program links {copyleft[0]}, which is under the GPL.")
    named = {re.split(r"[ (|]", each.strip(), maxsplit=1)[0] for each in linked.split(",")}
    return ", ".join([linked, *(each for each in OPENED if each not in named)])


def md5sums(tree: Path) -> str:
    """For `dpkg --verify`, which compares what is installed."""
    files = sorted(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    return "".join(
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}"
        f"  {path.relative_to(tree)}\n"
        for path in files
        if "DEBIAN" not in path.relative_to(tree).parts[:1]
    )


def control(tree: Path, needed: str, architecture: str, maintainer: str) -> str:
    files = [path for path in tree.rglob("*") if path.is_file() and not path.is_symlink()]
    size = sum((path.stat().st_size + 1023) // 1024 for path in files)
    description = textwrap.indent((HERE / "description.txt").read_text(encoding="utf-8"), " ")
    return (
        "Package: rejoin\n"
        f"Version: {version()}\n"
        f"Architecture: {architecture}\n"
        f"Maintainer: {maintainer}\n"
        f"Installed-Size: {size}\n"
        f"Depends: {needed}\n"
        f"Recommends: {', '.join(RECOMMENDED)}\n"
        "Section: games\n"
        "Priority: optional\n"
        f"Description: {description.lstrip()}"
    )


def build(frozen: Path, dist: Path, work: Path, maintainer: str = MAINTAINER) -> Path:
    """Returns the package. Raises CalledProcessError and Refused."""
    shutil.rmtree(work, ignore_errors=True)
    tree = work / "tree"
    date = date_of()
    lay_out(frozen, tree, maintainer, date)
    architecture = said("dpkg", "--print-architecture").strip()
    text = control(tree, depends(tree, work), architecture, maintainer)
    put(tree / "DEBIAN/control", text)
    put(tree / "DEBIAN/md5sums", md5sums(tree))
    set_modes(tree, date)
    package = dist / f"rejoin_{version()}_{architecture}.deb"
    dist.mkdir(parents=True, exist_ok=True)
    dated = {**os.environ, "SOURCE_DATE_EPOCH": str(date)}
    said("dpkg-deb", "--root-owner-group", "-Zxz", "--build", tree, package, env=dated)
    check_size(package)
    return package


def check_size(package: Path) -> None:
    """Raises Refused: something came in that was not meant to."""
    size = package.stat().st_size
    if size > LARGEST:
        raise Refused(f"{package} has {size / 1e6:.1f} MB, more than {LARGEST / 1e6:.0f} MB.")


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the Debian package.")
    parser.add_argument("--frozen", type=Path, default=ROOT / "dist" / "rejoin")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "deb")
    parser.add_argument("--maintainer", default=MAINTAINER)
    arguments = parser.parse_args()
    try:
        work = arguments.work.resolve()  # dpkg-shlibdeps runs in another folder
        package = build(arguments.frozen, arguments.dist, work, arguments.maintainer)
    except Refused as error:
        print(str(error), file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"{error.cmd[0]} ended with {error.returncode}; see above.", file=sys.stderr)
        return 1
    print(package)
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))
