"""Finds the Rust crates inside of a wheel: those that its bill names, and those in its libraries.

A Rust library says in its messages of errors where each crate was when it was compiled. So a wheel
with Rust and without a bill is noticed, and so is the standard library, which no bill names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from licence_tables import Crate, Unnamed

_VERSION: Final = rb"(\d+\.\d+\.\d+[0-9A-Za-z.+-]*)"
LINKED: Final = re.compile(rb"registry[\\/]src[\\/][\w.-]+[\\/]([\w-]+?)-" + _VERSION + rb"[\\/]")
STANDARD: Final = re.compile(rb"rust[\\/]deps[\\/]([\w-]+?)-" + _VERSION + rb"[\\/]")
COMPILED: Final = re.compile(rb"rustc[\\/][0-9a-f]{40}[\\/]")
COMPILER: Final = re.compile(rb"rustc version (\d+\.\d+\.\d+)")
STANDARD_LIBRARY: Final = "Rust's standard library"
"""What lists call the row `std`."""


@dataclass(frozen=True)
class Rust:
    """What libraries made by Rust say. `linked`, `standard`: name and version; `compiler`: its
    version, empty where they do not say it."""

    linked: frozenset[tuple[str, str]]
    standard: frozenset[tuple[str, str]]
    compiler: str


@dataclass(frozen=True)
class Inside:
    """Something inside of a wheel that is no C library of bundled.toml. `offered`: the licence by
    the bill; `where`: a package URL, or empty; `crate`: its row of crates.toml."""

    name: str
    version: str
    offered: str
    where: str
    crate: Crate | None = None


def read_rust(libraries: Iterable[Path]) -> Rust | None:
    """What these libraries say together; None where none was made by Rust."""
    linked: set[tuple[str, str]] = set()
    of_std: set[tuple[str, str]] = set()
    compiler, seen = "", False
    for library in libraries:
        content = library.read_bytes()
        if not COMPILED.search(content):
            continue
        seen = True
        linked |= {_text(found) for found in LINKED.findall(content)}
        of_std |= {_text(found) for found in STANDARD.findall(content)}
        named = COMPILER.search(content)
        compiler = named[1].decode("ascii") if named else compiler
    return Rust(frozenset(linked), frozenset(of_std), compiler) if seen else None


def _text(found: tuple[bytes, bytes]) -> tuple[str, str]:
    return found[0].decode("ascii"), found[1].decode("ascii")


def series(version: str) -> str:
    """The part of a crate's version that Cargo holds compatible: 1 of 1.2.3, 0.4 of 0.4.6."""
    first, second = version.split(".")[:2]
    return first if first != "0" else f"0.{second}"


def named(brought_by: str, components: Sequence[Inside], table: Sequence[Crate]) -> list[Inside]:
    """The same, each crate with its row. Raises Unnamed for crates without one."""
    found, missing = [], []
    for each in components:
        if not each.where.startswith("pkg:cargo/"):
            found.append(each)
            continue
        rows = [
            row
            for row in table
            if row.name == each.name
            and series(each.version) in row.series
            and row.offered == each.offered
        ]
        if rows:
            found.append(Inside(each.name, each.version, each.offered, each.where, rows[0]))
        else:
            missing.append(f"{each.name} {each.version} ({each.offered or 'no licence said'})")
    if missing:
        raise Unnamed(
            f"packaging/licences/crates.toml has no row for these crates in {brought_by}: "
            + ", ".join(missing)
        )
    return found


def of_library(
    brought_by: str, rust: Rust, components: Sequence[Inside], table: Sequence[Crate]
) -> list[Inside]:
    """What libraries have beyond the components of the bill: the standard library. `table`: what
    that is made of. Raises Unnamed for a crate that is in neither."""
    listed = {(each.name, each.version) for each in components}
    rows = {row.name: row for row in table}
    strange = rust.linked - listed
    strange |= {(name, version) for name, version in rust.standard if name not in rows}
    if strange:
        raise Unnamed(
            f"{brought_by} was made from Rust crates that neither its bill nor "
            "packaging/licences/crates.toml names: "
            + ", ".join(" ".join(each) for each in sorted(strange))
        )
    versions = {"std": rust.compiler, **dict(sorted(rust.standard))}
    names = {each.name for each in components}
    found = []
    for row in table:
        version = versions.get(row.name, "")
        if (row.name, version) in listed or (not version and row.name in names):
            continue
        std = row.name == "std"
        kind = "generic/rust-std" if std else f"cargo/{row.name}"
        where = f"pkg:{kind}@{version}" if version else ""
        name = STANDARD_LIBRARY if std else row.name
        found.append(Inside(name, version, row.offered, where, row))
    return found
