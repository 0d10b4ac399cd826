"""One line per second, readable during the game; a disk that fails never costs the game."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from conftest import LogRecords
from rejoin.core.model import ConnectionNumber
from rejoin.errors import BadInputError
from rejoin.media.statistics import StreamStatistics
from rejoin.runtime.statistics_file import StatisticsFile


def test_each_line_can_be_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    file = StatisticsFile(path)
    for second in range(3):
        numbers = StreamStatistics(ConnectionNumber(1), frames_decoded=60 * second)
        file.write(100.0 + second, numbers)
        with path.open(newline="") as so_far:
            assert len(list(csv.reader(so_far))) == second + 2
    file.close()
    file.write(200.0, StreamStatistics(ConnectionNumber(1)))
    with path.open(newline="") as written:
        lines = list(csv.DictReader(written))
    assert [line["at_s"] for line in lines] == ["100.000", "101.000", "102.000"]
    assert [line["frames_decoded"] for line in lines] == ["0", "60", "120"]


def test_another_game_goes_on_in_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    for game, at in enumerate((100.0, 200.0)):
        file = StatisticsFile(path, append=game > 0)
        file.write(at, StreamStatistics(ConnectionNumber(1)))
        file.close()
    with path.open(newline="") as written:
        assert [line["at_s"] for line in csv.DictReader(written)] == ["100.000", "200.000"]


def test_a_path_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be written"):
        StatisticsFile(tmp_path / "no" / "numbers.csv")


def test_a_full_disk_is_refused_at_once() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(BadInputError):
        StatisticsFile(full)


def test_a_disk_that_fills_up_is_logged_once(
    tmp_path: Path, expected_logs: LogRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = StatisticsFile(tmp_path / "numbers.csv")

    def full(cells: tuple[str, ...]) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file, "_write", full)
    for _ in range(3):
        file.write(1.0, StreamStatistics(ConnectionNumber(1)))
    file.close()
    assert len(expected_logs.records) == 1


@pytest.mark.parametrize("spare", [0, 1, 40])
def test_on_a_full_disk_the_file_ends_with_a_whole_line(
    tmp_path: Path, expected_logs: LogRecords, spare: int
) -> None:
    """The kernel takes the part of a line that still fits, and then refuses."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "numbers.csv"
    file = StatisticsFile(path)
    numbers = StreamStatistics(ConnectionNumber(1))
    file.write(1.0, numbers)
    whole = path.read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + spare, before[1]))
    try:
        file.write(2.0, numbers)
        file.write(3.0, numbers)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    file.write(4.0, numbers)
    file.close()
    assert path.read_bytes() == whole
    assert len(expected_logs.records) == 1
