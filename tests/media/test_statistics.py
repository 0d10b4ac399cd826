from __future__ import annotations

from rejoin.core.model import ConnectionNumber
from rejoin.media.statistics import StreamStatistics, columns, row


def test_a_row_has_a_cell_for_each_column_and_unknown_values_are_empty() -> None:
    numbers = StreamStatistics(
        ConnectionNumber(3), connected=True, decoder="cuda", loss=0.0123456789
    )
    cells = dict(zip(columns(), row(numbers), strict=True))
    assert cells["connection"] == "3"
    assert cells["connected"] == "1"
    assert cells["decoder"] == "cuda"
    assert cells["loss"] == "0.0123457"
    assert cells["rtt_s"] == ""
