"""Checks the icon of a game, a small PNG: for our backend and for its clients."""

from __future__ import annotations

from typing import Final

MAX_BYTES: Final = 16 * 1024
"""Every client gets it with `GET /v1/about`."""
_PNG: Final = b"\x89PNG\r\n\x1a\n"


def is_icon(content: bytes) -> bool:
    """Whether it begins like a PNG and is small enough; nothing is decoded."""
    return len(content) <= MAX_BYTES and content.startswith(_PNG)
