"""Copies the Markdown pages for Sphinx, and makes their links lead to what the site has.

The copies lie as in the repository, so that a link from page to page stays as it is; one whose text
is the name of the file gets the title of the page or of the heading instead. A link to a file of
code leads to a page that shows the file, one to a folder to a page that lists it.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
CODE: Final = PurePosixPath("source")
"""The folder of the pages that show code."""

FOLDER_PAGES: Final[Mapping[str, str]] = {
    "docs/adr": "docs/adr/index.md",
    "docs/openapi": "reference/contract.md",
    "packaging": "packaging/index.md",
}
"""Folders that a page of the site stands for, which is made at build time."""

DECISIONS: Final = PurePosixPath("docs/adr")
"""Its pages are listed on one page, and not in the navigation of each page: they are many."""

_LINK: Final = re.compile(r"(?<=\]\()([^)\s#]+)(?=(?:#[^)\s]*)?\))")
_FILE_NAME: Final = re.compile(r"\[[\w./-]+\.md\](?=\([^)\s]+\.md(?:#[^)\s]*)?\))")
_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]*:")
_LANGUAGES: Final = {
    ".py": "python",
    ".js": "javascript",
    ".json": "json",
    ".toml": "toml",
    ".yaml": "yaml",
    ".yml": "yaml",
}


class BrokenLinkError(Exception):
    """A page links to what does not exist."""


def pages(root: Path = ROOT) -> list[PurePosixPath]:
    """Every Markdown page of the site that is a file of the repository."""
    found = [
        *root.glob("*.md"),
        *(root / "docs").rglob("*.md"),
        *(root / "packaging").rglob("*.md"),
    ]
    return sorted(PurePosixPath(path.relative_to(root).as_posix()) for path in found)


def copy_all(into: Path, root: Path = ROOT) -> None:
    """Copy pages, pictures and data, and write the pages of code that they link to.

    Raises BrokenLinkError.
    """
    shutil.copytree(root / "docs" / "images", into / "docs" / "images", dirs_exist_ok=True)
    linked: set[PurePosixPath] = set()
    for page in pages(root):
        copied, targets = relinked(page, (root / page).read_text(encoding="utf-8"), root)
        linked |= targets
        write(into / page, (ORPHAN if page.parent == DECISIONS else "") + copied)
    for target in sorted(linked):
        if (root / target).is_dir():
            linked |= set(modules(root, target))
            write(into / code_page(target, root), folder_text(root, target))
    for target in sorted(linked):
        if is_data(target):
            destination = into / target
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / target, destination)
        elif (root / target).is_file():
            write(into / code_page(target, root), code_text(root, target))


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def relinked(
    page: PurePosixPath, markdown: str, root: Path = ROOT
) -> tuple[str, set[PurePosixPath]]:
    """The page with links for the site, and the files and folders without a page of their own that
    it links to. Raises BrokenLinkError."""
    targets: set[PurePosixPath] = set()

    def replaced(match: re.Match[str]) -> str:
        link = match[1]
        if _ADDRESS.match(link):
            return link
        target = _normal(page.parent / link)
        if not (root / target).exists():
            raise BrokenLinkError(f"{page} links to {link}, which does not exist.")
        if target.suffix in (".md", ".png", ".svg"):
            return link
        leads_to = _page_of_folder(target, root) if (root / target).is_dir() else None
        if leads_to is None:
            targets.add(target)
            leads_to = target if is_data(target) else code_page(target, root)
        return os.path.relpath(leads_to, page.parent).replace(os.sep, "/")

    lines = []
    for line, is_code in _lines(markdown):
        lines.append(line if is_code else _FILE_NAME.sub("[]", _LINK.sub(replaced, line)))
    return "".join(lines), targets


def _lines(markdown: str) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it belongs to a block of code."""
    fence = ""
    for line in markdown.splitlines(keepends=True):
        opened = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if fence:
            yield line, True
            if opened and opened[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        else:
            fence = opened[1] if opened else ""
            yield line, bool(fence)


def _normal(path: PurePosixPath) -> PurePosixPath:
    return PurePosixPath(os.path.normpath(path).replace(os.sep, "/"))


def _page_of_folder(folder: PurePosixPath, root: Path) -> PurePosixPath | None:
    """The page that stands for this folder; None: one is written that lists it."""
    if str(folder) in FOLDER_PAGES:
        return PurePosixPath(FOLDER_PAGES[str(folder)])
    return folder / "README.md" if (root / folder / "README.md").exists() else None


def is_data(target: PurePosixPath) -> bool:
    """Whether it is downloaded, and not shown."""
    return target.suffix == ".json" and target.parts[0] == "docs"


def code_page(target: PurePosixPath, root: Path) -> PurePosixPath:
    """The page that shows this file or lists this folder."""
    if (root / target).is_dir():
        return CODE / target / "index.md"
    return CODE / f"{target}.md"


def code_text(root: Path, target: PurePosixPath) -> str:
    language = _LANGUAGES.get(target.suffix, "text")
    content = (root / target).read_text(encoding="utf-8").rstrip("\n")
    return f"{_HIDDEN}# `{target}`\n\n~~~~~~{language}\n{content}\n~~~~~~\n"


def folder_text(root: Path, folder: PurePosixPath) -> str:
    """The files of a folder; modules with the first line of what they say about themselves."""
    lines = [f"{_HIDDEN}# `{folder}`\n"]
    known = set(modules(root, folder))
    for path in sorted((root / folder).iterdir()):
        target = folder / path.name
        if target in known:
            opening = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            says = opening.partition("\n\n")[0].replace("\n", " ")
            lines.append(f"- [`{path.name}`]({path.name}.md): {says}")
        elif path.is_file():
            lines.append(f"- `{path.name}`")
    return "\n".join(lines) + "\n"


def modules(root: Path, folder: PurePosixPath) -> list[PurePosixPath]:
    return [folder / path.name for path in sorted((root / folder).glob("*.py"))]


ORPHAN: Final = "---\norphan: true\n---\n\n"
"""In no navigation."""
_HIDDEN: Final = ORPHAN.replace("\n---\n\n", "\nnosearch: true\n---\n\n")
"""In no navigation, and not searched."""
