"""Say what a frozen program is made of: NOTICE.txt and a bill of materials, put into it.

    .venv/bin/python packaging/licences/build.py [--frozen FOLDER] [--work FOLDER]

What is looked at: the metadata of the environment that was frozen, the bills that wheels bring
themselves (PEP 770), what Rust libraries say they were made from, and the tables beside this file.
A shared library or a crate that none of them knows stops the packaging with exit code 1.

`rejoin licences` prints the notice. The bill is CycloneDX 1.6, by cyclonedx-python-lib.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from rejoin.runtime import licences
from rejoin.version import DISTRIBUTION, VERSION

HERE: Final = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import collected  # noqa: E402
import licence_tables as tables  # noqa: E402
import rust_crates  # noqa: E402
from licence_tables import TEXTS as TEXTS  # noqa: E402
from licence_tables import Library, Unnamed, libraries  # noqa: E402
from rust_crates import Inside  # noqa: E402
from shared import date_of, recipe, run_main  # noqa: E402

ROOT: Final = HERE.parents[1]
EXTENSION: Final = re.compile(r"\.(abi3|cpython-[\w-]+)(\.[\d.]+)?\.(so|pyd|dylib|dll)")
SHARED: Final = re.compile(r"(\.(so(\.\d+)*|dylib|dll)|\.framework/Versions/[^/]+/[^/.]+)$")
"""By a path; a framework of macOS has its library without a suffix."""
PLACES: Final = {
    "linux": {
        "FFmpeg": "_internal/libav*.so.*, _internal/libsw*.so.*",
        "Qt": "_internal/PySide6/Qt/lib, _internal/PySide6/Qt/plugins",
        "PySide6, Shiboken": "_internal/PySide6, _internal/shiboken6",
        "libquadmath": "_internal/numpy.libs",
    },
    "darwin": {
        "FFmpeg": "Contents/Frameworks/libav*.dylib, Contents/Frameworks/libsw*.dylib",
        "Qt": "Contents/Frameworks/PySide6/Qt/lib, Contents/Frameworks/PySide6/Qt/plugins",
        "PySide6, Shiboken": "Contents/Frameworks/PySide6, Contents/Frameworks/shiboken6",
    },
    "win32": {
        "FFmpeg": "_internal\\av*.dll, _internal\\sw*.dll",
        "Qt": "_internal\\PySide6\\Qt6*.dll, _internal\\PySide6\\plugins",
        "PySide6, Shiboken": "_internal\\PySide6, _internal\\shiboken6",
        "libquadmath": "in _internal\\numpy.libs\\libscipy_openblas*.dll",
    },
    "flatpak": {
        "FFmpeg": "/app/lib/libav*.so.*, /app/lib/libsw*.so.*",
        "Qt": "/app/lib/python3.*/site-packages/PySide6/Qt/lib and plugins",
        "PySide6, Shiboken": "the same folder, PySide6 and shiboken6",
        "libquadmath": "the same folder, numpy.libs",
    },
}
"""Where the libraries under the LGPL are, by system and kind of package."""
COMMIT: Final = re.compile(r"[0-9a-f]{40}")
OF_LEFT_OUT: Final = re.compile(r"libs/SDL2_(gfx|image|mixer|ttf)/")
"""Texts of libraries that LEFT_OUT in packaging/shared.py leaves out."""
COPYRIGHT: Final = """\
COPYRIGHT OF THE RUST CRATES AND OF THE PARTS OF QT

The texts of their licences are below, once for all that share one. These lines were read in their
licence files and sources, some of them in another version than the one that is contained."""
NOBODY: Final = "(no line of copyright in the licence file)"
BOOTLOADER: Final = "GPL-2.0-or-later WITH Bootloader-exception"


@dataclass(frozen=True)
class Found:
    """A library in this program: its version, if its file says it, and the SHA-256 of its first
    file."""

    library: Library
    version: str | None
    sha256: str | None


@dataclass(frozen=True)
class Part:
    """A distribution in the program, with what its wheel brings: C libraries, and what its own bill
    or its Rust libraries name. `licence`: what it offers."""

    name: str
    version: str
    licence: str
    texts: Mapping[str, str]
    sha256: str | None = None
    brings: Sequence[Found] = ()
    of_wheel: Sequence[Inside] = ()


@dataclass(frozen=True)
class Contents:
    """Everything in a frozen program of this `system`. `options`: FFmpeg's; `sources`: name,
    version, file, URL and SHA-256 of the tarballs that it was made from."""

    parts: Sequence[Part]
    own: Sequence[Found]
    options: Sequence[str] = ()
    sources: Sequence[tuple[str, str, str, str, str]] = field(default=())
    system: str = sys.platform


# --- what is in the program -----------------------------------------------------------------------


def shared_libraries(internal: Path) -> list[str]:
    """Paths in the program of all that a linker can load."""
    return sorted(
        path.relative_to(internal).as_posix()
        for path in internal.rglob("*")
        if SHARED.search(path.relative_to(internal).as_posix())
        and path.is_file()
        and not path.is_symlink()
    )


def matching(library: Library, files: Iterable[str]) -> list[str]:
    return [
        file for file in files if any(Path("/" + file).match("/" + one) for one in library.files)
    ]


def check_named(files: Sequence[str], known: Sequence[Library], recorded: set[str]) -> None:
    """Raises Unnamed for a shared library that is neither a Python module of a distribution that is
    listed nor in the table."""
    named = {file for library in known for file in matching(library, files)}
    rest = [
        file
        for file in files
        if file not in named and not (EXTENSION.search(file) and file in recorded)
    ]
    if rest:
        raise Unnamed("packaging/licences/bundled.toml does not name: " + ", ".join(rest))


def check_modules(tocs: Sequence[Path], site: Path) -> None:
    """Raises Unnamed for a Python module in the program of a distribution that is not listed."""
    listed = [*licences.installed(DISTRIBUTION, [str(site)]).values()]
    for name in ("pyinstaller", "pyinstaller-hooks-contrib"):  # of which the bootloader is listed
        listed += metadata.distributions(name=name, path=[str(site)])
    recorded = {str(file) for each in listed for file in each.files or ()}
    strange = collected.strangers(tocs, site, recorded)
    if strange:
        raise Unnamed(
            "These modules are of no distribution that Rejoin needs: " + ", ".join(strange)
        )


def found_in(library: Library, internal: Path, given: Mapping[str, str | None]) -> Found | None:
    """The library as it is in this program; None where it is not. `given`: versions by what stands
    in `version` in place of an expression."""
    files = [
        path.relative_to(internal).as_posix()
        for each in library.files
        for path in internal.glob(each)
    ]
    if not files:
        return None
    content = (internal / files[0]).read_bytes()
    version = library.stated or given.get(library.version or "")
    if version is None and library.version is not None:
        read = re.search(library.version.encode(), content)
        version = read[1].decode("ascii") if read else None
    digest = hashlib.sha256(content).hexdigest()
    return Found(library, version, digest if SHARED.search(files[0]) else None)


def of_wheel(distribution: metadata.Distribution, known: set[str]) -> list[Inside]:
    """What the wheel's own bills name, but for itself and for the C libraries `known`, lower case;
    and what is compiled into its Rust libraries. Raises Unnamed."""
    own = licences.canonical(distribution.metadata["Name"])
    rows = set()
    for file in distribution.files or ():
        if not re.search(r"\.dist-info/sboms/[^/]+\.json$", str(file)):
            continue
        bill = json.loads(file.read_text(encoding="utf-8"))
        for each in bill.get("components", ()):
            name, where = str(each.get("name", "")), str(each.get("purl", ""))
            listed = name.lower() in known and where.startswith("pkg:generic/")
            if name and not listed and licences.canonical(name) != own:
                rows.add((name, str(each.get("version", "")), _licence_in(each), where))
    components = [Inside(*row) for row in sorted(rows)]
    inside = rust_crates.named(own, components, tables.crates())
    files = [file for file in distribution.files or () if file.suffix in (".so", ".pyd")]
    rust = rust_crates.read_rust(Path(str(file.locate())) for file in files)
    if rust is not None:
        inside += rust_crates.of_library(own, rust, inside, tables.standard())
    return inside


def _licence_in(component: Mapping[str, Any]) -> str:
    said = []
    for each in component.get("licenses") or ():
        one = each.get("license", {})
        said.append(each.get("expression") or one.get("id") or one.get("name") or "")
    return " AND ".join(filter(None, said))


def contents(
    internal: Path,
    site: Path,
    hashes: Mapping[str, str],
    options: Sequence[str],
    system: str = sys.platform,
) -> Contents:
    """Look at a frozen program's folder `_internal` and at the environment that it was made from.

    `hashes`: SHA-256 of the installed files by canonical name. Raises Unnamed.
    """
    table, made = libraries() + tables.qt_parts(), recipe("ffmpeg")
    installed = licences.installed(DISTRIBUTION, [str(site)])
    if tables.QT in installed:
        tables.check_qt(installed[tables.QT].version)
    recorded = {str(file) for each in installed.values() for file in each.files or ()}
    check_named(shared_libraries(internal), table, recorded)
    parts = []
    for name, distribution in installed.items():
        given = {"distribution": distribution.version}
        brings = [
            found
            for each in table
            if each.brought_by == name and (found := found_in(each, internal, given))
        ]
        parts.append(part_of(distribution, hashes.get(name), brings))
    own = []
    fetched = {each.name: each.version for each in made.SOURCES[system]}
    for each in table:
        given = {
            "python": ".".join(map(str, sys.version_info[:3])),
            "recipe": fetched.get(each.name),
        }
        if each.brought_by in tables.OWN and (found := found_in(each, internal, given)):
            own.append(found)
    pyinstaller = next(iter(metadata.distributions(name="pyinstaller", path=[str(site)])), None)
    if pyinstaller is not None:
        parts.append(
            Part(
                "PyInstaller's bootloader",
                pyinstaller.version,
                BOOTLOADER,
                licences.texts_of(pyinstaller),
            )
        )
    tarballs = [
        (each.name, each.version, each.file, each.urls[0], each.sha256)
        for each in made.SOURCES[system]
    ]
    parts.sort(key=lambda part: part.name.lower())
    return Contents(parts, own, options, tarballs, system)


def part_of(
    distribution: metadata.Distribution, sha256: str | None, brings: Sequence[Found]
) -> Part:
    """A distribution with its C libraries and what its wheel's own bill has."""
    said = licences.component_of(distribution)
    known = {each.library.name.lower() for each in brings}
    texts = {name: text for name, text in said.texts.items() if not OF_LEFT_OUT.search(name)}
    return Part(
        said.name,
        said.version,
        said.licence,
        texts,
        sha256,
        brings,
        of_wheel(distribution, known),
    )


# --- the bill of materials ------------------------------------------------------------------------


def bill(what: Contents, at: datetime) -> str:
    """CycloneDX 1.6 as JSON; the same for the same contents and time."""
    bom = Bom()
    bom.metadata.timestamp = at
    bom.metadata.component = Component(
        name="rejoin",
        type=ComponentType.APPLICATION,
        version=VERSION,
        bom_ref="rejoin",
        licenses=licence("Apache-2.0"),
        purl=PackageURL("pypi", name=DISTRIBUTION, version=VERSION),
    )
    for part in what.parts:
        if licences.canonical(part.name) != DISTRIBUTION:
            bom.components.add(_of_part(part))
    for each in what.own:
        bom.components.add(_of_library(each, "", what))
    digest = repr(sorted(str(each) for each in (what.parts, what.own))).encode()
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, hashlib.sha256(digest).hexdigest())
    bom.register_dependency(bom.metadata.component, bom.components)
    return str(JsonV1Dot6(bom).output_as_string(indent=2)) + "\n"


def licence(text: str) -> list[Any]:
    """For a component; the library knows which are SPDX's."""
    return [LicenseFactory().make_from_string(text)] if text else []


def _hashes(sha256: str | None) -> list[HashType]:
    return [HashType(alg=HashAlgorithm.SHA_256, content=sha256)] if sha256 else []


def _taken(taken: str, offered: str) -> list[Property]:
    """What of a choice of licences is used."""
    if not offered or taken == offered:
        return []
    return [Property(name="rejoin:licence-taken", value=taken)]


def _of_part(part: Part) -> Component:
    name = licences.canonical(part.name)
    inside = [_of_library(each, name) for each in part.brings]
    inside += [
        Component(
            name=each.name,
            version=each.version or None,
            type=ComponentType.LIBRARY,
            bom_ref=f"{name}/{each.where or each.name}@{each.version}",
            licenses=licence(each.offered),
            purl=PackageURL.from_string(each.where) if each.where else None,
            copyright="\n".join(each.crate.copyright) or None if each.crate else None,
            properties=_taken(each.crate.taken, each.offered) if each.crate else [],
        )
        for each in part.of_wheel
    ]
    return Component(
        name=part.name,
        version=part.version,
        type=ComponentType.LIBRARY,
        bom_ref=f"{name}@{part.version}",
        licenses=licence(part.licence),
        purl=PackageURL("pypi", name=name, version=part.version),
        hashes=_hashes(part.sha256),
        external_references=[
            ExternalReference(type=ExternalReferenceType.SOURCE_DISTRIBUTION, url=XsUri(each))
            for each in tables.source_files(name, part.version)
        ],
        properties=_taken(tables.taken(part.name, part.licence), part.licence),
        components=inside,
    )


def _of_library(found: Found, within: str, what: Contents | None = None) -> Component:
    library = found.library
    references = [
        ExternalReference(type=ExternalReferenceType.SOURCE_DISTRIBUTION, url=XsUri(library.source))
    ]
    properties = []
    for name, _, file, url, sha256 in what.sources if what else ():
        if name == library.name:
            references = [
                ExternalReference(
                    type=ExternalReferenceType.SOURCE_DISTRIBUTION,
                    url=XsUri(url),
                    hashes=_hashes(sha256),
                    comment=f"kept as sources/{file} of the release",
                )
            ]
    if library.name == "FFmpeg" and what is not None:
        properties = [Property(name="rejoin:configure", value=" ".join(what.options))]
    name = library.name.lower()
    properties += _taken(library.licence, library.offered)
    return Component(
        name=library.name,
        version=found.version or None,
        type=ComponentType.LIBRARY,
        bom_ref=f"{within}/{name}" if within else name,
        licenses=licence(library.offered or library.licence),
        purl=PackageURL("generic", name=name, version=found.version),
        copyright="\n".join(library.copyright) or None,
        hashes=_hashes(found.sha256),
        external_references=references,
        properties=properties,
    )


# --- the notice -----------------------------------------------------------------------------------


def notice(what: Contents) -> str:
    """The notice: what Rejoin is, what it is made of, and the text of every licence."""
    text = (HERE / "notice.txt").read_text(encoding="utf-8")
    sources = "\n".join(
        f"  {file}\n    {url}\n    SHA-256 {sha256}" for _, _, file, url, sha256 in what.sources
    )
    rows: list[tuple[str, str, str]] = []
    owners: dict[str, Mapping[str, str]] = {}
    for each in what.own:
        rows.append((each.library.name, each.version or "", each.library.licence))
        owners[each.library.name] = tables.texts_of(each.library.texts)
    for part in what.parts:
        taken = tables.taken(part.name, part.licence)
        rows.append((part.name, part.version, chosen(taken, part.licence)))
        owners[part.name] = part.texts
        for each in part.brings:
            library = each.library
            said = chosen(library.licence, library.offered)
            rows.append((f"  {library.name}", short(each.version or ""), said))
            owners[f"{library.name} in {part.name}"] = tables.texts_of(library.texts)
        for inside in part.of_wheel:
            crate = inside.crate
            said = chosen(crate.taken, crate.offered) if crate else inside.offered
            rows.append((f"  {inside.name}", inside.version, said))
            if crate is not None:
                name = f"crate {crate.name}"
                owners[name] = {**owners.get(name, {}), **tables.texts_of(crate.texts)}
    return "\n".join(
        [
            text.format(
                version=VERSION,
                sources=sources,
                files=source_list(what.parts),
                places="\n".join(
                    f"    {name:17} {place}" for name, place in PLACES[what.system].items()
                ),
                options="\n".join(f"    {each}" for each in what.options),
            ),
            licences.table(rows),
            "",
            "",
            licences.TEXTS_FOLLOW,
            "",
            copyright_lines(what),
            licences.texts(owners),
        ]
    )


def source_list(parts: Sequence[Part]) -> str:
    """The addresses of the exact source files, each once."""
    found = [
        address
        for part in parts
        for address in tables.source_files(licences.canonical(part.name), part.version)
    ]
    return "\n".join(f"  {address}" for address in dict.fromkeys(found))


def short(version: str) -> str:
    """For the table: of a commit its beginning."""
    return version[:12] if COMMIT.fullmatch(version) else version


def chosen(taken: str, offered: str) -> str:
    """The licence that is taken, with the choice that it was taken from."""
    return f"{taken}, of: {offered}" if offered and taken != offered else taken


def copyright_lines(what: Contents) -> str:
    """The lines of copyright of crates and parts of Qt, which share texts: each set once."""
    owners: dict[tuple[str, ...], list[str]] = {}
    for part in what.parts:
        for each in part.brings:
            library = each.library
            if library.copyright:
                name = f"{library.name} in Qt: {library.licence}"
                owners.setdefault(library.copyright, []).append(name)
        for inside in part.of_wheel:
            crate = inside.crate
            if crate is not None and crate.texts:
                name = f"{inside.name} {inside.version}".strip() + f" in {part.name}: {crate.taken}"
                owners.setdefault(crate.copyright, []).append(name)
    rows = []
    for lines, names in sorted(owners.items(), key=lambda row: (not row[0], row[1])):
        rows += [*names, *(f"    {line}" for line in lines or (NOBODY,)), ""]
    return COPYRIGHT + "\n\n" + "\n".join(rows)


# --- the program ----------------------------------------------------------------------------------


def hashes_in(reports: Iterable[Path]) -> dict[str, str]:
    """SHA-256 by canonical name, from the reports of `pip install --report`."""
    found = {}
    for report in reports:
        for each in json.loads(report.read_text(encoding="utf-8"))["install"]:
            digests = each["download_info"].get("archive_info", {}).get("hashes", {})
            if "sha256" in digests:
                found[licences.canonical(each["metadata"]["name"])] = digests["sha256"]
    return found


def build(frozen: Path, work: Path, at: datetime) -> list[Path]:
    """Write both into the frozen program; returns their files. Raises Unnamed."""
    internal = frozen / "_internal"
    environment = work / "environment"
    windows = environment / "Lib" / "site-packages"
    [site] = [windows] if os.name == "nt" else [*environment.glob("lib/python*/site-packages")]
    check_modules(sorted((work / "pyinstaller").glob("*/*.toc")), site)
    ffmpeg = json.loads((work / "ffmpeg.json").read_text(encoding="utf-8"))
    what = contents(
        internal, site, hashes_in(sorted(work.glob("report-*.json"))), ffmpeg["options"]
    )
    return write(what, internal / "rejoin" / "_resources", at)


def write(what: Contents, place: Path, at: datetime) -> list[Path]:
    """Write both below the program's own resources; returns their files."""
    files = {licences.NOTICE: notice(what), licences.BILL: bill(what, at)}
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    return [place / name for name in files]


def main() -> int:
    parser = argparse.ArgumentParser(description="Put notice and bill of materials into a program.")
    parser.add_argument("--frozen", type=Path, default=ROOT / "dist" / "rejoin")
    parser.add_argument("--work", type=Path, default=ROOT / "build")
    arguments = parser.parse_args()
    try:
        made = build(arguments.frozen, arguments.work, datetime.fromtimestamp(date_of(), UTC))
    except Unnamed as error:
        print(str(error), file=sys.stderr)
        return 1
    for file in made:
        print(file)
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))
