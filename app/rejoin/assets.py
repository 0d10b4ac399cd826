"""Finds the files that ship with Rejoin, in a wheel or in the checkout's `resources/`."""

from __future__ import annotations

from pathlib import Path

from rejoin.errors import AssetMissingError

_PACKAGE = Path(__file__).resolve().parent
_PLACES = (_PACKAGE / "_resources", _PACKAGE.parents[1] / "resources")


def path(name: str) -> Path:
    """The path of the file `name` ("icons/rejoin.svg"). Raises AssetMissingError if missing."""
    for place in _PLACES:
        file = place / name
        if file.is_file():
            return file
    raise AssetMissingError(f'The file "{name}" of Rejoin is missing: please install Rejoin again.')


def text(name: str) -> str:
    """The content of the file `name`. Raises AssetMissingError if there is none."""
    return path(name).read_text(encoding="utf-8")
