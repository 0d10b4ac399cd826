"""An icon is a PNG of at most 16 KiB, for backend and client."""

from __future__ import annotations

import pytest

from rejoin.signaling.game_icon import MAX_BYTES, is_icon

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (PNG + b"rest", True),
        (PNG.ljust(MAX_BYTES), True),
        (PNG.ljust(MAX_BYTES + 1), False),
        (PNG[:-1], False),
        (b"GIF89a", False),
        (b"", False),
    ],
)
def test_an_icon_is_a_small_png(content: bytes, expected: bool) -> None:
    assert is_icon(content) is expected
