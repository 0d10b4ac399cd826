"""Finds pages that no navigation leads to, before Sphinx does: here it is said what to do."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from docs_site.sources import ORPHAN

INDEX: Final = "tests/docs_site/sphinx/index.md"
_TOCTREE: Final = re.compile(r"^```\{toctree\}\n(.*?)^```", re.MULTILINE | re.DOTALL)
_ENTRY: Final = re.compile(r"(?:.*<)?([^<>:\s]+)>?")


class UnlistedPageError(Exception):
    """A page is in no navigation."""


def check(root: Path) -> None:
    """`root`: everything that Sphinx reads. Raises UnlistedPageError."""
    pages = {
        PurePosixPath(path.relative_to(root).as_posix()): path.read_text(encoding="utf-8")
        for path in root.rglob("*.md")
    }
    listed = {PurePosixPath("index.md")}
    for page, markdown in pages.items():
        listed.update(_listed(page, markdown))
    lacking = sorted(
        str(page.with_suffix(""))
        for page, markdown in pages.items()
        if page not in listed and not markdown.startswith(ORPHAN.partition("\n---")[0])
    )
    if lacking:
        raise UnlistedPageError(
            f"The navigation lacks a page. Add this to one of the lists in {INDEX}:\n"
            + "\n".join(lacking)
        )


def _listed(page: PurePosixPath, markdown: str) -> Iterator[PurePosixPath]:
    """The pages that the navigation of this page names."""
    for block in _TOCTREE.findall(markdown):
        for line in block.splitlines():
            if entry := _ENTRY.fullmatch(line.strip()):
                name = os.path.normpath(page.parent / f"{entry[1]}.md")
                yield PurePosixPath(name.replace(os.sep, "/"))
