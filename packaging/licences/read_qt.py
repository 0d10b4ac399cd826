"""Read which small third-party parts Qt has inside: makes `qt.toml` and `texts/qt` for a newer Qt.

    .venv/bin/python packaging/licences/read_qt.py QTBASE QTSVG QTWAYLAND

These are unpacked sources of Qt's modules, such as Debian's: `apt-get source qt6-base`. Qt says in
`qt_attribution.json` whose code it contains, and a few protocols of Wayland say it themselves. What
no package of Rejoin has is left out, and what `bundled.toml` has already. A part that nothing here
places ends the reading with exit code 1: look where its code gets to, and add it to PLACED or
LEFT_OUT. Standard library only.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from shared import run_main  # noqa: E402

TEXTS: Final = HERE / "texts"
SOURCE: Final = "https://download.qt.io/official_releases/qt/"


def _module(name: str) -> tuple[str, ...]:
    return (
        f"PySide6/Qt/lib/libQt6{name}.so.6",
        f"PySide6/Qt/lib/Qt{name}.framework/Versions/A/Qt{name}",
        f"PySide6/Qt6{name}.dll",
    )


MODULES: Final = {
    "qtcore": _module("Core"),
    "qtgui": _module("Gui"),
    "qtnetwork": _module("Network"),
    "qtdbus": _module("DBus"),
    "qtsvg": _module("Svg"),
    "qtwaylandcompositor": ("PySide6/Qt/lib/libQt6WaylandClient.so.6",),
}
"""By QDocModule: the library with its code. The protocols of Wayland are documented as the
compositor's; the client's library has those that are not left out."""

PLACED: Final = {
    "xcb-xinput": ("PySide6/Qt/lib/libQt6XcbQpa.so.6",),
    "cocoa-platform-plugin": ("PySide6/Qt/plugins/platforms/libqcocoa.dylib",),
    "qeventdispatcher_cf": _module("Core")[1:2],
    "d3d12memoryallocator": _module("Gui")[2:],
    "rhi-miniengine-d3d12-mipmap": _module("Gui")[2:],
    "pixman": _module("Gui")[1:2],  # in Assembler of ARM
    "wayland-fullscreen-protocol": (
        "PySide6/Qt/plugins/wayland-shell-integration/libfullscreen-shell-v1.so",
    ),
    "wayland-ivi-extension-protocol": (
        "PySide6/Qt/plugins/wayland-shell-integration/libivi-shell.so",
    ),
    **dict.fromkeys(
        (
            "wayland-xdg-activation",
            "xdg-dialog-v1",
            "xdg-foreign-unstable-v2",
            "wayland-xdg-toplevel-icon-protocol",
        ),
        ("PySide6/Qt/plugins/wayland-shell-integration/libxdg-shell.so",),
    ),
}
"""By Id, where the module alone does not say it: looked up in the libraries, by the protocols'
names and by what Qt says of its use."""

LEFT_OUT: Final = {
    "bundled.toml": (
        *("doubleconversion", "harfbuzz-ng", "libjpeg", "libpng", "md4c", "pcre2", "pcre2-sljit"),
        *("freetype", "freetype-zlib", "freetype-bdf", "freetype-pcf", "zlib"),
    ),
    "builds Qt or tests it": (
        *("extra-cmake-modules", "kwin", "cmake-runcmake-test-modules"),
        *("catch2", "cycle", "linuxperf", "valgrind"),
    ),
    "Android and browsers": ("android-native-style", "android-gradle-wrapper", "dejayvu"),
    "the compositor's alone": (
        *("wayland-linux-dmabuf-unstable-v1", "presentation-time.xml", "wayland-scaler-protocol"),
    ),
}
"""Ids of parts that are not for `qt.toml`, by the reason."""

TAKEN: Final = {
    "AFL-2.1 OR GPL-2.0-or-later": "AFL-2.1",
    "Apache-2.0 OR MIT": "Apache-2.0",
    "CC0-1.0 OR Apache-2.0": "CC0-1.0",
    "FTL OR GPL-2.0-only": "FTL",
}
"""What is taken where Qt lets choose."""

SHARED: Final = ("AFL-2.1", "Apache-2.0", "CC0-1.0", "FTL", "LGPL-2.1", "MPL-2.0", "Unicode-3.0")
"""Licences whose text names nobody: one file for all parts, from Qt's folder LICENSES."""

GRANT: Final = "Permission is hereby granted, free of charge"
"""With these words the text of the MIT licence begins, below the lines of copyright."""


class Unplaced(Exception):
    """A part that nobody placed, or a choice that nobody made; the text is a sentence."""


@dataclass(frozen=True)
class Part:
    """A row of qt.toml; `text`: what `texts/NAME.txt` has to be."""

    name: str
    version: str
    offered: str
    taken: str
    copyright: tuple[str, ...]
    files: tuple[str, ...]
    texts: Mapping[str, str]


def plain(text: str) -> str:
    """A licence's words without the way in which they are set."""
    return re.sub(r"\s+", " ", text).strip()


def read(sources: list[Path]) -> Iterator[Part]:
    """All parts in these sources, qtbase first: qtwayland repeats some of its. Raises Unplaced."""
    seen = {each for ids in LEFT_OUT.values() for each in ids}
    licences = sources[0] / "LICENSES"
    for source in sources:
        for file in sorted(source.rglob("qt_attribution.json")):
            said = json.loads(file.read_text(encoding="utf-8"), strict=False)
            for entry in said if isinstance(said, list) else [said]:
                if entry["Id"] not in seen:
                    seen.add(entry["Id"])
                    yield part(entry, file.parent, licences)
    yield from protocols(sources[0] / "src" / "3rdparty" / "wayland" / "protocols")


def protocols(folder: Path) -> Iterator[Part]:
    """Protocols of Wayland without an attribution: their own files have it. Raises Unplaced."""
    text = (folder / "MIT_LICENSE.txt").read_text(encoding="utf-8").strip() + "\n"
    for file in sorted(folder.rglob("*.xml")):
        if (file.parent / "qt_attribution.json").exists():
            continue
        said = re.search(
            r"<copyright>(.*?)</copyright>", file.read_text(encoding="utf-8"), re.DOTALL
        )
        lines, _, grant = (said[1] if said else "").partition(GRANT)
        if plain(GRANT + grant) != plain(text[text.find(GRANT) :]):
            raise Unplaced(f"read_qt.py does not know the licence of {file.name}.")
        yield Part(
            f"Wayland protocol {file.stem}",
            "",
            "MIT",
            "MIT",
            tuple(plain(line) for line in lines.splitlines() if line.strip()),
            MODULES["qtwaylandcompositor"],
            {"qt/MIT_LICENSE": text},
        )


def version_of(source: Path) -> str:
    """The version that a module's source says for itself."""
    said = (source / ".cmake.conf").read_text(encoding="utf-8")
    [version] = re.findall(r'QT_REPO_MODULE_VERSION "([^"]+)"', said)
    return str(version)


def part(entry: Mapping[str, Any], folder: Path, licences: Path) -> Part:
    """One entry of a `qt_attribution.json`. Raises Unplaced."""
    name, offered = entry["Id"], entry["LicenseId"]
    files = PLACED.get(name) or MODULES.get(entry["QDocModule"])
    if files is None:
        raise Unplaced(f"read_qt.py does not know where {name} of {entry['QDocModule']} gets to.")
    taken = TAKEN.get(offered, offered)
    if " OR " in taken:
        raise Unplaced(f"read_qt.py does not say what is taken of {offered}, for {name}.")
    return Part(
        entry["Name"],
        str(entry.get("Version", "")),
        offered,
        taken,
        tuple(_copyright(entry)),
        files,
        _texts(entry, taken, folder, licences),
    )


def _copyright(entry: Mapping[str, Any]) -> list[str]:
    said = entry.get("Copyright", "")
    lines = said if isinstance(said, list) else said.splitlines()
    return [html.unescape(plain(line)) for line in lines if line.strip()]


def _texts(entry: Mapping[str, Any], taken: str, folder: Path, licences: Path) -> dict[str, str]:
    name = taken.removesuffix("-or-later")
    if name in SHARED:
        source = licences / f"{taken}.txt"
        kept = TEXTS / f"{name}.txt"
        # The text of another source stays: the words are the same.
        return {name: (kept if kept.exists() else source).read_text(encoding="utf-8")}
    said = entry.get("LicenseFiles") or entry.get("LicenseFile") or f"{licences}/{taken}.txt"
    files = [folder / each for each in (said if isinstance(said, list) else [said])]
    text = "\n".join(each.read_text(encoding="utf-8") for each in files)
    mit = (TEXTS / "MIT.txt").read_text(encoding="utf-8")
    if plain(text[text.find(GRANT) :]) == plain(mit):
        return {"MIT": mit}
    of_all = files[0].name in ("MIT_LICENSE.txt", "LICENSE.KHRONOS.txt")
    own = files[0].name.removesuffix(".txt") if of_all else entry["Id"]
    return {f"qt/{own}": text.strip() + "\n"}


def rows(parts: list[Part], versions: Mapping[str, str]) -> str:
    """The text of qt.toml. `versions`: of the sources, by module."""

    def value(it: object) -> str:
        return json.dumps(it, ensure_ascii=False)

    lines = [
        "# Small third-party parts of Qt, made by read_qt.py from the attributions in its sources.",
        "#",
        "#   sources   what was read; packaging wants PySide6 to have the same series as qtbase",
        "#   files     the libraries in `_internal` with the part's code, as globs",
        "#   version   that Qt says for it",
        "#   offered   the licence that Qt says; taken: what of it is used here",
        "#   copyright as Qt has it; texts: files in texts/",
        "",
        "[sources]",
        *(f"{name} = {value(version)}" for name, version in versions.items()),
    ]
    for each in sorted(parts, key=lambda one: one.name.lower()):
        lines += [
            "",
            "[[part]]",
            f"name = {value(each.name)}",
            *([f"version = {value(each.version)}"] if each.version else []),
            f"offered = {value(each.offered)}",
            f"taken = {value(each.taken)}",
            f"texts = {value(sorted(each.texts))}",
            *_several("files", each.files),
            *_several("copyright", each.copyright),
        ]
    return "\n".join(lines) + "\n"


def _several(name: str, values: tuple[str, ...]) -> list[str]:
    quoted = [json.dumps(each, ensure_ascii=False) for each in values]
    if not quoted:
        return [f"{name} = []"]
    return [f"{name} = [", *(f"  {each}," for each in quoted), "]"]


def main() -> int:
    parser = argparse.ArgumentParser(description="Read Qt's attributions.")
    parser.add_argument("qtbase", type=Path)
    parser.add_argument("qtsvg", type=Path)
    parser.add_argument("qtwayland", type=Path)
    sources = dict(vars(parser.parse_args()))
    try:
        parts = list(read(list(sources.values())))
    except Unplaced as error:
        print(str(error), file=sys.stderr)
        return 1
    versions = {name: version_of(source) for name, source in sources.items()}
    (HERE / "qt.toml").write_text(rows(parts, versions), encoding="utf-8")
    for each in parts:
        for name, text in each.texts.items():
            (TEXTS / f"{name}.txt").write_text(text, encoding="utf-8")
    print(f"{len(parts)} parts of {versions}")
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))
