"""Reads the tables of this folder. Each explains its own fields."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
TEXTS: Final = HERE / "texts"
QT: Final = "pyside6-essentials"
"""The distribution that brings Qt."""


OWN: Final = ("python", "ffmpeg", "rejoin")
"""What bundled.toml says of libraries that no distribution brings."""
TAKEN: Final = {
    "LGPL-3.0-only OR GPL-2.0-only OR GPL-3.0-only": "LGPL-3.0-only",
    "Apache-2.0 OR BSD-2-Clause": "Apache-2.0",
    "Apache-2.0 OR BSD-3-Clause": "Apache-2.0",
    "MIT OR Apache-2.0": "MIT",
}
"""What is taken where a distribution lets choose. Crates and parts of Qt have it in their rows."""


class Unnamed(Exception):
    """The program has something that no table names; the text is a sentence."""


@dataclass(frozen=True)
class Library:
    """A row of bundled.toml, or a part of Qt. `licence`: what is taken; `offered`: what it is taken
    of, empty where there is no choice; `stated`: the version of the table itself."""

    name: str
    brought_by: str
    files: tuple[str, ...]
    version: str | None
    licence: str
    texts: tuple[str, ...]
    source: str
    offered: str = ""
    copyright: tuple[str, ...] = ()
    stated: str | None = None


@dataclass(frozen=True)
class Crate:
    """A row of crates.toml; without `series` one of Rust's standard library."""

    name: str
    series: tuple[str, ...]
    offered: str
    taken: str
    copyright: tuple[str, ...]
    texts: tuple[str, ...]
    read: str


def read(name: str) -> Mapping[str, Any]:
    """The table's content."""
    return tomllib.loads((HERE / name).read_text(encoding="utf-8"))


def source_files(distribution: str, version: str) -> list[str]:
    """The addresses of the exact files with the source of what this distribution brings."""
    found = read("bundled.toml")["files"].get(distribution, ())
    return [each.format(version=version, series=series(version)) for each in found]


def libraries() -> list[Library]:
    """The C libraries of bundled.toml."""
    return [
        Library(
            row["name"],
            row["in"],
            tuple(row["files"]),
            row.get("version"),
            row["licence"],
            tuple(row["texts"]),
            row["source"],
            row.get("offered", ""),
        )
        for row in read("bundled.toml")["library"]
    ]


def qt_parts() -> list[Library]:
    """The parts of qt.toml, as libraries that PySide6 brings."""
    return [
        Library(
            row["name"],
            QT,
            tuple(row["files"]),
            None,
            row["taken"],
            tuple(row["texts"]),
            "https://download.qt.io/official_releases/qt/",
            row["offered"] if row["offered"] != row["taken"] else "",
            tuple(row["copyright"]),
            row.get("version", ""),
        )
        for row in read("qt.toml")["part"]
    ]


def taken(name: str, offered: str) -> str:
    """What is taken of a distribution's licence. Raises Unnamed for a choice that nobody made."""
    if " OR " in offered and offered not in TAKEN:
        raise Unnamed(
            f"packaging/licences/licence_tables.py does not say what is taken of {name}'s licence: "
            f"{offered}."
        )
    return TAKEN.get(offered, offered)


def check_qt(version: str) -> None:
    """Raises Unnamed where qt.toml was read for another series of Qt than this PySide6 has."""
    seen = read("qt.toml")["sources"]["qtbase"]
    if series(version) != series(seen):
        raise Unnamed(
            f"packaging/licences/qt.toml was read for Qt {seen}, and PySide6 is {version}: read it "
            "again with read_qt.py."
        )


def series(version: str) -> str:
    """The first two numbers of a version."""
    return ".".join(version.split(".")[:2])


def crates() -> list[Crate]:
    """The crates that wheels' bills name."""
    return [_crate(row) for row in read("crates.toml")["crate"]]


def standard() -> list[Crate]:
    """What Rust's standard library is made of, itself first, as `std`."""
    return [_crate(row) for row in read("crates.toml")["standard"]]


def _crate(row: Mapping[str, Any]) -> Crate:
    return Crate(
        row["name"],
        tuple(row.get("series", ())),
        row["offered"],
        row["taken"],
        tuple(row["copyright"]),
        tuple(row["texts"]),
        row["read"],
    )


def texts_of(names: Sequence[str]) -> dict[str, str]:
    """The texts of these names."""
    return {name: (TEXTS / f"{name}.txt").read_text(encoding="utf-8") for name in names}
