"""Lists the components of this Rejoin and their licences, for a package or an installation by pip.

A frozen program brings a notice and a bill of materials, made when it was packaged
(`packaging/licences`). An installation by pip has neither: there the same functions read the
metadata of the installed distributions.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Final

from rejoin import assets
from rejoin.errors import AssetMissingError
from rejoin.version import DISTRIBUTION

NOTICE: Final = "licences/NOTICE.txt"
BILL: Final = "licences/sbom.cdx.json"
"""CycloneDX."""

CLASSIFIERS: Final = {
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""Names in older metadata, and their SPDX names. BSD may be another BSD licence; only its text
tells."""

TEXTS_FOLLOW: Final = "THE TEXTS OF THE LICENCES"
"""The heading in a notice after which only licence texts follow."""

COPYLEFT: Final = {"x264": "GPL-2.0-or-later", "x265": "GPL-2.0-or-later"}
"""Libraries that a wheel may bring and Rejoin does not call, by a part of their file's name."""

_TEXT: Final = re.compile(r"(licen[cs]e|copying|notice|authors)", re.IGNORECASE)
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]*")
_MIT: Final = "Permission is hereby granted, free of charge, to any person obtaining a copy"
_SHORT: Final = 100
"""A longer licence field is a whole text; some metadata has that in place of a name."""


@dataclass(frozen=True, slots=True)
class Component:
    """One distribution. `licence`: an SPDX expression, or its own words; empty: it says nothing.
    `texts`: by file name. `copyleft`: names of COPYLEFT that it brings."""

    name: str
    version: str
    licence: str
    texts: Mapping[str, str]
    copyleft: tuple[str, ...] = ()


def canonical(name: str) -> str:
    """The name as the package index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def notice() -> str | None:
    """The notice that this program brings; None if it was packaged without one."""
    return _shipped(NOTICE)


def bill_of_materials() -> str | None:
    """The bill of materials that this program brings; None if it was packaged without one."""
    return _shipped(BILL)


def _shipped(name: str) -> str | None:
    try:
        return assets.text(name)
    except AssetMissingError:
        return None


def components(root: str = DISTRIBUTION, path: Sequence[str] | None = None) -> list[Component]:
    """All installed distributions that Rejoin may need, by name; `path`: where to look for them."""
    return [component_of(each) for _, each in sorted(installed(root, path).items())]


def installed(
    root: str = DISTRIBUTION, path: Sequence[str] | None = None
) -> dict[str, metadata.Distribution]:
    """The distribution `root` and its dependencies, by canonical name, with every extra of `root`
    and no extras of others."""
    there = {
        canonical(each.metadata["Name"]): each
        for each in (metadata.distributions(path=list(path)) if path else metadata.distributions())
    }
    found: dict[str, metadata.Distribution] = {}
    waiting = [canonical(root)]
    while waiting:
        name = waiting.pop()
        if name in found or name not in there:
            continue
        found[name] = there[name]
        waiting += _needed(there[name], extras=name == canonical(root))
    return found


def _needed(distribution: metadata.Distribution, *, extras: bool) -> Iterator[str]:
    for line in distribution.requires or ():
        requirement, _, condition = line.partition(";")
        named = _NAME.match(requirement.strip())
        if named is not None and (extras or not re.search(r"\bextra\s*==", condition)):
            yield canonical(named[0])


def component_of(distribution: metadata.Distribution) -> Component:
    """The component that a distribution's metadata and files describe."""
    names = [file.name for file in distribution.files or ()]
    return Component(
        distribution.metadata["Name"],
        distribution.version,
        licence_of(distribution),
        texts_of(distribution),
        tuple(each for each in COPYLEFT if any(f"lib{each}" in name for name in names)),
    )


def licence_of(distribution: metadata.Distribution) -> str:
    """The licence expression of the metadata, or its counterpart in older metadata."""
    fields = distribution.metadata
    expression = fields["License-Expression"].strip() if "License-Expression" in fields else ""
    if expression:
        return expression
    rows = [row for row in fields.get_all("Classifier") or () if row.startswith("License :: ")]
    said = fields["License"].strip() if "License" in fields else ""
    if said and len(said) <= _SHORT and "\n" not in said:
        return CLASSIFIERS.get(said, said)
    names = [row.rpartition(" :: ")[2] for row in rows]
    if names:
        return " OR ".join(CLASSIFIERS.get(name, name) for name in names)
    return "MIT" if any(_MIT in text for text in texts_of(distribution).values()) else ""


def texts_of(distribution: metadata.Distribution) -> dict[str, str]:
    """Its licence files, by name."""
    found = {}
    for file in distribution.files or ():
        folder = str(file.parent)
        if not folder.split("/")[0].endswith(".dist-info") or not _TEXT.search(str(file)):
            continue
        if file.suffix in (".json", ".py"):
            continue
        try:
            found[_short(str(file))] = (
                file.read_text(encoding="utf-8").replace("\f", "\n").strip() + "\n"
            )
        except (OSError, UnicodeDecodeError):
            continue
    return found


def _short(name: str) -> str:
    """A licence file's path without the folders that every distribution has."""
    inside = name.partition("/")[2]
    return inside.removeprefix("licenses/")


def table(rows: Sequence[tuple[str, str, str]]) -> str:
    """Names, versions and licences in columns."""
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    return "\n".join(
        f"{name:{widths[0]}}  {version:{widths[1]}}  {licence or 'not said'}"
        for name, version, licence in rows
    )


def texts(of: Mapping[str, Mapping[str, str]]) -> str:
    """Every text once, after the names of its components. Texts with the same words count as the
    same: many files differ only in their line breaks."""
    owners: dict[str, list[str]] = {}
    shown: dict[str, str] = {}
    for name, files in of.items():
        for file, text in files.items():
            words = " ".join(text.split())
            shown.setdefault(words, text)
            owners.setdefault(words, []).append(f"{name} ({file})")
    line = "-" * 80
    return "\n".join(
        f"{line}\n{_wrapped(', '.join(names))}\n{line}\n\n{shown[words]}"
        for words, names in owners.items()
    )


def _wrapped(names: str) -> str:
    return textwrap.fill(names, 100, break_long_words=False, break_on_hyphens=False)
