"""Finds the files of a result: only those in the folder of the results, or in the project.

A file of results may come from somebody else, so it must not make a report show other files of this
machine. The project is the current folder, as in `ci`: merged results have their files there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rejoin.qa.results import CaseRecord

MAX_BYTES: Final = 512 << 20
"""Limit of one file; a clip has some 5 to 50 MB."""


def file_of(folder: Path | None, record: CaseRecord, kind: str) -> Path | None:
    """The file of this kind; None if there is none, or if it is outside those folders."""
    path = record.attachments.get(kind)
    if folder is None or path is None:
        return None
    found = inside(folder, path)
    try:
        return found if found is not None and found.stat().st_size <= MAX_BYTES else None
    except OSError:
        return None


def inside(folder: Path, path: str) -> Path | None:
    """The file at `path`, relative to `folder`, if it is in that folder or in the project."""
    try:
        base = folder.resolve()
        file = (base / path).resolve()
        is_inside = any(file.is_relative_to(each) for each in (base, Path.cwd().resolve()))
        return file if is_inside and file.is_file() else None
    except (OSError, ValueError):
        return None


def read(file: Path | None) -> bytes | None:
    """The content of a file; None if it cannot be read."""
    if file is None:
        return None
    try:
        return file.read_bytes()
    except OSError:
        return None
