"""Remembers which cases did not pass last time: what `rejoin qa run --last-failed` plays.

A scenario at a backend has a file for each shard, since shards may run at the same time on one
machine.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rejoin.runtime.state_folder import keep_file

WHOLE: Final = (1, 1)
_SUFFIX: Final = ".unpassed.json"


@dataclass(frozen=True, slots=True)
class LastFailed:
    """`folder`: of the ledger. `scenario`: its name."""

    folder: Path
    scenario: str
    backend_url: str

    def cases(self, shard: tuple[int, int]) -> frozenset[str] | None:
        """The cases that did not pass when they were last played: of this shard, or of all shards
        for `WHOLE`. None: nothing is remembered."""
        if shard != WHOLE:
            own = _read(self._file(shard))
            return None if own is None else frozenset(own)
        found = [cases for file in self._files() if (cases := _read(file)) is not None]
        return frozenset().union(*found) if found else None

    def keep(self, shard: tuple[int, int], played: Iterable[str], unpassed: Iterable[str]) -> None:
        """Remember the outcome of these cases; other cases stay unchanged. If the file cannot be
        written, nothing is remembered."""
        again = set(played)
        with contextlib.suppress(OSError):
            for file in self._files():
                if _is_of_another_division(file, shard):
                    _write(file, (_read(file) or set()) - again)
            own = self._file(shard)
            _write(own, ((_read(own) or set()) - again) | set(unpassed))

    def _files(self) -> list[Path]:
        return list(self.folder.glob(f"{self._stem}-*{_SUFFIX}"))

    def _file(self, shard: tuple[int, int]) -> Path:
        which, count = shard
        return self.folder / f"{self._stem}-{which}-{count}{_SUFFIX}"

    @property
    def _stem(self) -> str:
        text = f"{self.scenario}\n{self.backend_url}".encode()
        return hashlib.sha256(text).hexdigest()[:16]


def _is_of_another_division(file: Path, shard: tuple[int, int]) -> bool:
    """Whether this is the file of another division into shards: a case that was played since is
    not remembered there any more. The other shards of the same division have other plays of it."""
    return file.name.removesuffix(_SUFFIX).rpartition("-")[2] != str(shard[1])


def _write(file: Path, cases: set[str]) -> None:
    keep_file(file, json.dumps({"cases": sorted(cases)}) + "\n")


def _read(file: Path) -> set[str] | None:
    try:
        cases = json.loads(file.read_text(encoding="utf-8"))["cases"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not isinstance(cases, list) or not all(isinstance(case, str) for case in cases):
        return None
    return set(cases)
