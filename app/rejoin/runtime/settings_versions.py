"""The versions of the settings file: former keys, and how a file is migrated. Pure.

Version 1 has no number. A file is migrated in memory when it is read, and on the disk when a
setting is changed.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, Final

from rejoin.language import Message

VERSION: Final = 2
"""The newest."""
VERSION_KEY: Final = "version"
"""A key of the file, outside of its tables."""

RENAMED: Final[Mapping[int, Mapping[str, str]]] = {1: {"reports.send": "privacy.send_reports"}}
"""By version: what its keys are called from the next one on."""


def version_of(document: Mapping[str, Any]) -> int | None:
    """The version of a file's content; None if its number cannot be one."""
    found = document.get(VERSION_KEY, 1)
    usable = isinstance(found, int) and not isinstance(found, bool) and found >= 1
    return int(found) if usable else None


def version_problem(document: Mapping[str, Any]) -> tuple[str, ...]:
    """A sentence, if the version of a file is none that this Rejoin knows."""
    version = version_of(document)
    if version is None:
        return (
            Message(
                "The settings file has no usable version; it is read as version {version}.",
                version=VERSION,
            ),
        )
    if version > VERSION:
        return (
            Message(
                "The settings file is of version {version}, which a newer Rejoin wrote; this one "
                "knows version {known} and uses what it knows.",
                version=version,
                known=VERSION,
            ),
        )
    return ()


def new_name_of(key: str) -> str | None:
    """What a key of an older version is called now; None: it never was a key."""
    found: str | None = None
    for renamed in RENAMED.values():
        if (found or key) in renamed:
            found = renamed[found or key]
    return found


def migrate(document: MutableMapping[str, Any]) -> None:
    """Make the content of a file that of the newest version, in place. A key that has both names
    keeps the value under its new one. What is of a newer version stays as it is."""
    version = version_of(document)
    for number in range(version or VERSION, VERSION):
        for old, new in RENAMED[number].items():
            _rename(document, old, new)
    if version is None or version < VERSION:
        document[VERSION_KEY] = VERSION


def _rename(document: MutableMapping[str, Any], old: str, new: str) -> None:
    (group, _, name), (to_group, _, to_name) = old.partition("."), new.partition(".")
    table = document.get(group)
    if not isinstance(table, MutableMapping) or name not in table:
        return
    target = document.setdefault(to_group, {})
    if not isinstance(target, MutableMapping):
        return
    value = table.pop(name)
    target.setdefault(to_name, value)
    if not table:
        del document[group]
