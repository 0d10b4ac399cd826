"""The factors from YCbCr to RGB, against the definition and its inverse."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.float_picture import WEIGHTS, rgb_from
from rejoin.gui.yuv_colours import rgb_rows
from rejoin.media.video.planes import Matrix


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("name", list(WEIGHTS))
def test_they_are_the_inverse_of_the_definition(name: str, full: bool) -> None:
    rows = np.array(rgb_rows(Matrix[name], full_range=full))
    levels = np.random.default_rng(3).uniform(0, 255, (50, 3))
    ours = 255.0 * (np.hstack([levels / 255.0, np.ones((50, 1))]) @ rows.T)
    assert np.allclose(ours, rgb_from(levels, name, full_range=full), atol=1e-6)


@pytest.mark.parametrize("matrix", list(Matrix))
def test_grey_is_grey_in_every_matrix(matrix: Matrix) -> None:
    for full, black, white in ((False, 16, 235), (True, 0, 255)):
        rows = np.array(rgb_rows(matrix, full_range=full))
        for level, expected in ((black, 0.0), (white, 1.0)):
            sample = np.array([level, 128, 128, 255]) / 255.0
            assert rows @ sample == pytest.approx([expected] * 3)
