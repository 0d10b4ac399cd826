"""The icons of games, as their studios' backends named them when they were added: small PNG files.

Backends are not trusted: only a PNG of a few KiB counts as an icon, and nothing is decoded here.
Without an icon a card shows initials.
"""

from __future__ import annotations

import base64
import contextlib
import re
from pathlib import Path
from typing import Final

from rejoin.runtime.private_files import make_private_folder, read_private
from rejoin.runtime.state_folder import keep_bytes, state_folder
from rejoin.signaling.game_icon import MAX_BYTES, is_icon

_KEY: Final = re.compile(r"[0-9a-f]{16}")


def icon_from(text: str | None) -> bytes:
    """The PNG of a backend's answer, in base64; empty where it names none that can be used."""
    if text is None or len(text) > MAX_BYTES * 2:
        return b""
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        return b""
    return content if is_icon(content) else b""


def keep_icon(key: str, content: bytes) -> None:
    """Keep the icon of the game of this key. Raises OSError; BadInputError where there is no home
    folder."""
    file = _file(key)
    make_private_folder(file.parent)
    keep_bytes(file, content)


def read_icon(key: str) -> bytes:
    """Empty where there is none. Raises BadInputError where there is no home folder."""
    try:
        content = read_private(_file(key), MAX_BYTES + 1)
    except OSError:
        return b""
    return content if is_icon(content) else b""


def remove_icon(key: str) -> None:
    """The game is no longer in the list. Raises BadInputError where there is no home folder."""
    with contextlib.suppress(OSError):
        _file(key).unlink(missing_ok=True)


def _file(key: str) -> Path:
    assert _KEY.fullmatch(key), "a key of `games.game_key`"
    return state_folder() / "icons" / f"{key}.png"
