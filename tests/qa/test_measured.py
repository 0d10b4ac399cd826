"""Statistics of a play, read back: whatever is in the file, numbers are finite and errors none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rejoin.core.model import ConnectionNumber
from rejoin.core.trace import Record
from rejoin.media.statistics import StreamStatistics
from rejoin.qa import measured, traces
from rejoin.runtime.statistics_file import StatisticsFile

STATISTICS = StreamStatistics(ConnectionNumber(1), connected=True, bitrate_bps=2e6, rtt_s=0.025)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    file = StatisticsFile(path)
    file.write(10.5, STATISTICS)
    file.write(11.5, replace(STATISTICS, rtt_s=None))
    file.close()
    first, second = measured.read(path)
    assert (first.at, second.at) == (10.5, 11.5)
    assert (first.number("rtt_s"), second.number("rtt_s")) == (0.025, None)
    assert first.number("bitrate_bps") == 2e6
    assert (first.text("connection_state"), first.text("none")) == ("new", "")
    assert first.number("connection_state") is None
    with path.open("ab") as cut:
        cut.write(b"12.5,1")
    assert len(measured.read(path)) == 2


def test_another_file_has_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for content in (b"", b"\xff\xfe", b"a,b\n1,2\n", b"at_s,other\n1,2\n", b'at_s,rtt_s\n"1,2\n'):
        path.write_bytes(content)
        assert measured.read(path) == ()
    path.write_text("at_s,rtt_s\nnan,1\n1,inf\n")
    [line] = measured.read(path)
    assert (line.at, line.number("rtt_s")) == (1.0, None)
    assert measured.read(tmp_path / "none") == ()
    assert measured.read(None) == ()


def test_when_the_game_became_live_is_in_the_trace(tmp_path: Path) -> None:
    records = (
        Record(1.0, "state", "Connecting", {"episode": 0}),
        Record(2.0, "state", "Live", {"episode": 0}),
        Record(3.0, "state", "Live", {"episode": 0}),
    )
    traces.write(tmp_path / "a.jsonl", records)
    assert measured.read_trace(tmp_path / "a.jsonl") == records
    assert measured.live_at(records) == 2.0
    assert measured.live_at(()) is None
    (tmp_path / "b.jsonl").write_text("no trace")
    assert measured.read_trace(tmp_path / "b.jsonl") == measured.read_trace(None) == ()
