"""The size of a new window."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSize

from rejoin.gui.window_size import first_size


@pytest.mark.parametrize(
    ("screen", "size"),
    [
        ((1920, 1040), (1280, 720)),
        ((1392, 783), (1280, 720)),
        ((1366, 728), (1191, 670)),
        ((1024, 728), (942, 529)),
        ((800, 1280), (736, 414)),
        ((600, 400), (552, 310)),
    ],
)
def test_the_first_size_fits_the_screen(screen: tuple[int, int], size: tuple[int, int]) -> None:
    assert first_size(QSize(*screen)).toTuple() == size
