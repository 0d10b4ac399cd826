"""An import-linter contract of ours: what a pure package *may* import, and nothing else.

A list of what is forbidden lets through whatever nobody thought of. This one lets through what is
named: the part of the standard library that is about values, the package's own modules, and the
packages in `may_import`. `pyproject.toml` registers it as the contract type `pure`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

VALUES = frozenset(
    {
        "__future__",
        "abc",
        "bisect",
        "collections",
        "dataclasses",
        "enum",
        "functools",
        "hashlib",
        "heapq",
        "itertools",
        "json",
        "math",
        "operator",
        "re",
        "statistics",
        "struct",
        "tomllib",
        "typing",
    }
)
"""Standard library that is about values alone: no clock, thread, socket, file, log or chance."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """An import that a pure package must not have."""

    importer: str
    imported: str
    lines: tuple[int, ...]


class PureContract(Contract):
    """Options: `packages`, and `may_import`: packages of ours that they may know as well."""

    type_name = "pure"

    packages = fields.ListField(subfield=fields.StringField())
    may_import = fields.SetField(subfield=fields.StringField(), required=False, default=set())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Every direct import of every module of the packages, type-checking imports included."""
        packages = cast(list[str], self.packages)
        allowed = cast(set[str], self.may_import)
        strangers = [
            Stranger(importer, imported, lines_of(graph, importer, imported))
            for package in packages
            for importer in sorted(members(graph, package))
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if imported not in VALUES and not within(imported, {package, *allowed})
        ]
        return ContractCheck(kept=not strangers, metadata={"strangers": strangers})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for stranger in check.metadata["strangers"]:
            lines = ", ".join(f"l.{line}" for line in stranger.lines)
            output.print_error(
                f"{stranger.importer} is pure and must not import {stranger.imported} ({lines})"
            )


def members(graph: ImportGraph, package: str) -> set[str]:
    """A package and all modules in it. Raises ValueError where there is no such package."""
    if package not in graph.modules:
        raise ValueError(f"There is no package {package}.")
    return {package, *graph.find_descendants(package)}


def within(module: str, packages: set[str]) -> bool:
    """Whether a module is one of the packages or stands in one."""
    return any(module == package or module.startswith(package + ".") for package in packages)


def lines_of(graph: ImportGraph, importer: str, imported: str) -> tuple[int, ...]:
    details = graph.get_import_details(importer=importer, imported=imported)
    return tuple(detail["line_number"] for detail in details)
