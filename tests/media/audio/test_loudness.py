from __future__ import annotations

from array import array

import pytest

from rejoin.media.audio.loudness import SILENT_DBFS, meter, peak_dbfs


@pytest.mark.parametrize(
    ("samples", "dbfs"),
    [
        ([], SILENT_DBFS),
        ([0, 0], SILENT_DBFS),
        ([0, 32767, 1], 0.0),
        ([0, -32768, 1], 0.0),
        ([3277, -100], -20.0),
        ([1], SILENT_DBFS),
    ],
)
def test_the_peak_is_what_counts(samples: list[int], dbfs: float) -> None:
    assert peak_dbfs(array("h", samples).tobytes()) == pytest.approx(dbfs, abs=0.5)


@pytest.mark.parametrize(
    ("dbfs", "share"), [(0.0, 1.0), (-30.0, 0.5), (-60.0, 0.0), (-90.0, 0.0), (3.0, 1.0)]
)
def test_a_meter_goes_from_a_quiet_room_to_the_loudest(dbfs: float, share: float) -> None:
    assert meter(dbfs) == pytest.approx(share)
