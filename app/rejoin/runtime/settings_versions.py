"""The versions of the settings file: former keys, and how a file is migrated. Pure.

Version 1 has no number. A file is migrated in memory when it is read, and on the disk when a
setting is changed.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, Final

from rejoin.language import Message

VERSION: Final = 3
"""The newest."""
VERSION_KEY: Final = "version"
"""A key of the file, outside of its tables."""

RENAMED: Final[Mapping[int, Mapping[str, str]]] = {
    1: {"reports.send": "privacy.send_reports"},
    2: {"appearance.reduced_motion": "appearance.motion"},
}
"""By version: its keys' names in the next version."""

WORD_OF: Final[Mapping[str, Mapping[bool, str]]] = {
    "appearance.motion": {True: "reduced", False: "full"},
}
"""By new key: the words that replaced true and false."""


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
    """The present name of a key of an older version; None: it never was a key."""
    found: str | None = None
    for renamed in RENAMED.values():
        if (found or key) in renamed:
            found = renamed[found or key]
    return found


def migrate(document: MutableMapping[str, Any]) -> None:
    """Migrate the content of a file to the newest version, in place. If a key has both names, the
    value under the new one stays. Content of a newer version is left unchanged."""
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
    if new in WORD_OF and isinstance(value, bool):
        value = WORD_OF[new][value]
    target.setdefault(to_name, value)
    if not table:
        del document[group]
