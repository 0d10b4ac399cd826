"""Make FFmpeg with what the player needs alone, under the LGPL, and PyAV against it.

    python packaging/ffmpeg/build.py [--sources FOLDER] [--work FOLDER]
    python packaging/ffmpeg/build.py --replacement FOLDER

The sources are fetched once, into the folder `--sources`, and kept; what is there already is not
fetched. Each is refused unless its SHA-256 is the one below. Run it with a Python that has what
packaging/locks/package.lock names: PyAV is made for it. A finished build with the same recipe is
not made again. `--replacement` makes a libavutil that is told by its version, for the test that
a player may put a library of their own in place of ours (LGPL-2.1, 6).

Standard library only. Run on Linux x86-64; the lines for Windows and macOS were not run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from platform import machine
from typing import Final

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from shared import run_main  # noqa: E402

LOCKS = ROOT / "packaging" / "locks"


class Refused(Exception):
    """A source cannot be had, or is not the one that was chosen; the text is a sentence."""


@dataclass(frozen=True)
class Source:
    """A tarball. `urls` are tried in this order, and have the same bytes."""

    name: str
    version: str
    file: str
    sha256: str
    urls: tuple[str, ...]


FFMPEG: Final = Source(
    "FFmpeg",
    "8.1.2",
    "ffmpeg-8.1.2.tar.xz",
    "464beb5e7bf0c311e68b45ae2f04e9cc2af88851abb4082231742a74d97b524c",
    (
        "https://ffmpeg.org/releases/ffmpeg-8.1.2.tar.xz",
        "https://deb.debian.org/debian/pool/main/f/ffmpeg/ffmpeg_8.1.2.orig.tar.xz",
        "http://archive.ubuntu.com/ubuntu/pool/universe/f/ffmpeg/ffmpeg_8.1.2.orig.tar.xz",
    ),
)
"""Debian and Ubuntu have the same bytes, and FFmpeg's own signature of them, which Debian has
beside them, is good (key FCF986EA15E6E293A5644F10B4322F04D67658D8; looked at on 2026-11-30)."""

NV_CODEC_HEADERS: Final = Source(
    "nv-codec-headers",
    "12.1.14.0",
    "nv-codec-headers_12.1.14.0.orig.tar.xz",
    "0ca1a0c85b149646fa6ce4d600584507fdccf5a23d58e668d8701e89cee0c3fb",
    (
        "https://deb.debian.org/debian/pool/main/n/nv-codec-headers/"
        "nv-codec-headers_12.1.14.0.orig.tar.xz",
    ),
)
"""By which FFmpeg opens NVIDIA's driver. Headers under the MIT licence; those of Debian 12 are too
old for FFmpeg 8."""

PYAV: Final = Source(
    "PyAV",
    "18.1.0",
    "av-18.1.0.tar.gz",
    "47bfc286e1bc9de7ab4681fc2b575cd2460a66919d31ffe1bd5aa54fae531a28",
    (
        "https://files.pythonhosted.org/packages/8d/f4/"
        "f22114d30d3435e38c6af2b4870f37b864403dca6ae7af747a289ce0a18e/av-18.1.0.tar.gz",
    ),
)
"""The version of the player's lock, which has this hash too."""

SOURCES: Final = {
    "linux": (FFMPEG, NV_CODEC_HEADERS, PYAV),
    "win32": (FFMPEG, PYAV),
    "darwin": (FFMPEG, PYAV),
}

HARDWARE: Final = {
    "linux": (
        *("--enable-vaapi", "--enable-ffnvcodec", "--enable-cuda", "--enable-nvdec"),
        "--enable-hwaccel=h264_vaapi,h264_nvdec",
    ),
    "win32": (
        *("--enable-d3d11va", "--enable-dxva2"),
        "--enable-hwaccel=h264_d3d11va,h264_d3d11va2,h264_dxva2",
    ),
    "darwin": ("--enable-videotoolbox", "--enable-hwaccel=h264_videotoolbox"),
}
"""What `rejoin.media.video.hardware` tries on each system. NVIDIA's and VAAPI's drivers are opened
when they are asked for; only libva itself is linked."""

PREFIX: Final = "/ffmpeg"
"""Is compiled in; no folder of the machine that builds is."""

OPTIONS: Final = (
    f"--prefix={PREFIX}",
    *("--enable-shared", "--disable-static"),
    *("--disable-everything", "--disable-autodetect", "--disable-network"),
    *("--disable-programs", "--disable-doc", "--disable-debug"),
    *("--enable-decoder=h264,libopus", "--enable-libopus"),
    *("--enable-encoder=png", "--enable-zlib"),  # screenshots
    "--enable-filter=aformat,anull,aresample",  # PyAV's AudioResampler, which aiortc imports
)
"""No --enable-gpl, --enable-version3 or --enable-nonfree: what comes out is under LGPL-2.1 or
later."""


RECIPE: Final = 1


def sha256_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fetch(source: Source, folder: Path) -> Path:
    """The tarball, from this folder or fetched into it. Raises Refused."""
    file = folder / source.file
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = file.with_name(file.name + ".part")
        problems = []
        for url in source.urls:
            try:
                with urllib.request.urlopen(url, timeout=60) as answer, part.open("wb") as to:
                    shutil.copyfileobj(answer, to)
            except OSError as error:  # URLError too
                problems.append(f"{url}: {error}")
                continue
            break
        else:
            raise Refused("\n".join([f"{source.file} cannot be fetched:", *problems]))
        part.rename(file)
    found = sha256_of(file)
    if found != source.sha256:
        raise Refused(
            f"{file} is not {source.name} {source.version}: its SHA-256 is {found} in place of "
            f"{source.sha256}. Remove it to fetch it again."
        )
    return file


def unpack(tarball: Path, folder: Path) -> Path:
    """Its only folder, as `folder`."""
    beside = folder.with_name(folder.name + ".unpacked")
    with tarfile.open(tarball) as archive:
        if hasattr(tarfile, "data_filter"):  # from Python 3.11.4 on
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(beside)
    [inside] = beside.iterdir()
    inside.rename(folder)
    beside.rmdir()
    return folder


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> None:
    """Raises CalledProcessError, after it has shown the end of what the command said."""
    done = subprocess.run(
        [str(each) for each in command],
        check=False,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode:
        print(done.stdout[-4000:], file=sys.stderr)
        done.check_returncode()


@dataclass(frozen=True)
class Built:
    """`libraries`: the folder of FFmpeg's shared libraries. `wheel`: PyAV, which does not bring
    them. `options`: what FFmpeg was configured with. `sources`: the tarballs."""

    libraries: Path
    wheel: Path
    options: tuple[str, ...]
    sources: tuple[Path, ...]


def key_of(platform: str) -> str:
    """Of everything that decides what is made. Count RECIPE up when the functions below make
    something else."""
    parts = (
        RECIPE,
        [each.sha256 for each in SOURCES[platform]],
        (*OPTIONS, *HARDWARE[platform]),
        (LOCKS / "package.lock").read_text(encoding="utf-8"),
        (platform, machine(), sys.version),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def make_ffmpeg(sources: dict[str, Path], work: Path, options: Sequence[str]) -> Path:
    """Compile and install FFmpeg below `work`; returns the folder that stands for the root."""
    root = work / "root"
    found = [str(root / PREFIX.strip("/") / "lib" / "pkgconfig")]
    if NV_CODEC_HEADERS.name in sources:
        headers = unpack(sources[NV_CODEC_HEADERS.name], work / "nv-codec-headers")
        place = work / "headers"
        run("make", f"PREFIX={place}", "install", cwd=headers)
        found.append(str(place / "lib" / "pkgconfig"))
    unpack(sources[FFMPEG.name], work / "ffmpeg")
    compiled = work / "compiled"
    compiled.mkdir()
    env = {"PKG_CONFIG_PATH": os.pathsep.join(found)}
    run(work / "ffmpeg" / "configure", *options, cwd=compiled, env=env)
    run("make", f"-j{os.cpu_count() or 1}", cwd=compiled)
    run("make", f"DESTDIR={root}", "install", cwd=compiled)
    return root


def make_pyav(sdist: Path, work: Path, root: Path) -> Path:
    """Compile PyAV for this Python; returns its wheel."""
    source = unpack(sdist, work / "pyav")
    settings = work / "distutils.cfg"
    settings.write_text(f"[build_ext]\nparallel = {os.cpu_count() or 1}\n", encoding="ascii")
    env = {
        "PKG_CONFIG_PATH": str(root / PREFIX.strip("/") / "lib" / "pkgconfig"),
        "PKG_CONFIG_SYSROOT_DIR": str(root),
        "DIST_EXTRA_CONFIG": str(settings),
        "CFLAGS": "-O2 -g0",
        "LDFLAGS": "-s",
    }
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet")
    wheels = work / "wheels"
    run(*pip, "--no-deps", "--no-build-isolation", "-w", wheels, source, cwd=work, env=env)
    [wheel] = wheels.glob("av-*.whl")
    return wheel


def build(sources: Path, work: Path, platform: str = sys.platform) -> Built:
    """Raises Refused and CalledProcessError."""
    here = work / key_of(platform)
    record = here / "built.json"
    files = {each.name: fetch(each, sources) for each in SOURCES[platform]}
    if not record.exists():
        shutil.rmtree(here, ignore_errors=True)
        here.mkdir(parents=True)
        options = (*OPTIONS, *HARDWARE[platform])
        root = make_ffmpeg(files, here, options)
        wheel = make_pyav(files[PYAV.name], here, root)
        made = {"wheel": wheel.name, "options": options}
        record.write_text(json.dumps(made), encoding="utf-8")
    made = json.loads(record.read_text(encoding="utf-8"))
    return Built(
        here / "root" / PREFIX.strip("/") / "lib",
        here / "wheels" / made["wheel"],
        tuple(made["options"]),
        tuple(files.values()),
    )


def make_replacement(built: Built, to: Path, mark: str = "replaced") -> Path:
    """A libavutil from the same sources that calls its version 8.1.2-MARK; returns its file.

    By FFmpeg's own Makefile, in the folder where it was compiled, as a player would do it.
    """
    compiled = built.wheel.parents[1] / "compiled"
    copy = to / "compiled"
    to.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(compiled, copy, symlinks=True)
    for made_by_version in (".version", "libavutil/ffversion.h"):
        (copy / made_by_version).unlink()
    [library] = (each for each in built.libraries.glob("libavutil.so.*") if each.is_symlink())
    run("make", f"EXTRA_VERSION={mark}", f"libavutil/{library.name}", cwd=copy)
    made = to / library.name
    shutil.copyfile(copy / "libavutil" / library.name, made)
    shutil.rmtree(copy)
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description="Make FFmpeg for the player, and PyAV with it.")
    parser.add_argument("--sources", type=Path, default=ROOT / "build" / "sources")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "ffmpeg")
    parser.add_argument("--replacement", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    try:
        built = build(arguments.sources.resolve(), arguments.work.resolve())
        if arguments.replacement is not None:
            print(make_replacement(built, arguments.replacement.resolve()))
            return 0
    except Refused as error:
        print(str(error), file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(
            f"{Path(error.cmd[0]).name} ended with {error.returncode}; see above.", file=sys.stderr
        )
        return 1
    print(json.dumps(asdict(built), default=str))
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))
