"""Where shipped files are: beside the package in a wheel, else in the checkout's `resources/`."""

from __future__ import annotations

from pathlib import Path

from rejoin.errors import AssetMissingError

_PACKAGE = Path(__file__).resolve().parent
_PLACES = (_PACKAGE / "_resources", _PACKAGE.parents[1] / "resources")


def path(name: str) -> Path:
    """The file called `name` ("icons/rejoin.svg"). Raises AssetMissingError if it is nowhere."""
    for place in _PLACES:
        file = place / name
        if file.is_file():
            return file
    raise AssetMissingError(
        f'The file "{name}" that belongs to Rejoin is missing: please install Rejoin again.'
    )


def text(name: str) -> str:
    """What stands in the file called `name`. Raises AssetMissingError if it is nowhere."""
    return path(name).read_text(encoding="utf-8")
