"""Finds Python modules that PyInstaller has put into a program and that no list names."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import Final

MODULES: Final = ("PYMODULE", "PYSOURCE")


def strangers(tocs: Iterable[Path], site: Path, recorded: Set[str]) -> list[str]:
    """Paths below `site` of modules in PyInstaller's tables of contents that are not `recorded`."""
    found = set()
    for toc in tocs:
        for _, source, kind in _rows(ast.literal_eval(toc.read_text(encoding="utf-8"))):
            path = Path(source)
            if kind in MODULES and path.is_relative_to(site):
                found.add(path.relative_to(site).as_posix())
    return sorted(found - recorded)


def _rows(content: object) -> Iterator[tuple[str, str, str]]:
    """The entries, however deep they are: name, file, kind."""
    match content:
        case (str(name), str(source), str(kind)):
            yield name, source, kind
        case list() | tuple():
            for each in content:
                yield from _rows(each)
