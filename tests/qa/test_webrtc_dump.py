"""The dump of webrtc-internals: its values, its log, and what is not in it.

Its shape is compared with a dump that Chromium makes in `tests/live/test_qa_reports.py`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from helpers.qa_results import PLAYED, RECORD
from rejoin.core.model import ConnectionNumber
from rejoin.core.trace import Record
from rejoin.media.statistics import StreamStatistics
from rejoin.qa import measured, traces
from rejoin.qa.measured import Measured
from rejoin.qa.webrtc_dump import document, write_all
from rejoin.runtime.statistics_file import StatisticsFile

TRACE = (
    Record(97.0, "event", "OfferMade", {"connection": 1, "sha256": "x"}),
    Record(97.5, "command", "ApplyAnswer", {"connection": 1}),
    Record(98.0, "event", "ConnectionOpened", {"connection": 1}),
    Record(100.0, "state", "Live", {"episode": 0}),
    Record(101.5, "event", "OfferMade", {"connection": 2, "sha256": "x"}),
    Record(102.0, "event", "ConnectionOpened", {"connection": 2}),
    Record(102.5, "command", "CloseConnection", {"connection": 1}),
)


def statistics(number: int, **changes: Any) -> StreamStatistics:
    values: dict[str, Any] = {"candidate_pair": "host-srflx udp", "rtt_s": 0.025} | changes
    return StreamStatistics(ConnectionNumber(number), **values)


def lines(folder: Path) -> tuple[Measured, ...]:
    file = StatisticsFile(folder / "a.csv")
    file.write(100.5, statistics(1, bytes_received=1000, frames_decoded=30))
    file.write(101.5, statistics(1, bytes_received=2000, frames_decoded=60, candidate_pair=None))
    file.write(102.5, statistics(2, bytes_received=500, frames_decoded=5, rtt_s=None))
    file.close()
    return measured.read(folder / "a.csv")


def dump(folder: Path) -> dict[str, Any]:
    text = document(RECORD, lines(folder), TRACE)
    assert text is not None
    found: dict[str, Any] = json.loads(text)
    return found


def test_each_connection_has_its_values_over_time(tmp_path: Path) -> None:
    first, second = dump(tmp_path)["PeerConnections"].values()
    decoded = first["stats"]["IT01V-framesDecoded"]
    assert decoded["statsType"] == "inbound-rtp"
    assert json.loads(decoded["values"]) == [30, 60]
    assert decoded["startTime"] == "2026-11-30T10:00:02.500Z", "it became live two seconds late"
    assert decoded["endTime"] == "2026-11-30T10:00:03.500Z"
    assert json.loads(first["stats"]["I2-candidateType"]["values"]) == ["srflx", "srflx"]
    assert json.loads(first["stats"]["CP1-currentRoundTripTime"]["values"]) == [0.025, 0.025]
    assert json.loads(second["stats"]["IT01V-framesDecoded"]["values"]) == [5]
    assert "CP1-currentRoundTripTime" not in second["stats"], "it is not known"


def test_each_connection_has_its_log(tmp_path: Path) -> None:
    first, second = dump(tmp_path)["PeerConnections"].values()
    assert [entry["type"] for entry in first["updateLog"]] == [
        "setLocalDescriptionOnSuccess",
        "setRemoteDescription",
        "onconnectionstatechange",
        "close",
    ]
    assert [entry["type"] for entry in second["updateLog"]] == [
        "setLocalDescriptionOnSuccess",
        "onconnectionstatechange",
    ]
    assert second["updateLog"][0]["timestamp"] == 1796032803500.0


def test_what_was_not_measured_has_no_dump(tmp_path: Path) -> None:
    assert document(RECORD, (), TRACE) is None
    assert document(RECORD, lines(tmp_path), ()) is None
    assert document(replace(RECORD, played=None), lines(tmp_path), TRACE) is None
    for started_at in ("", "yesterday", "0001-01-01T00:00:00"):
        record = replace(RECORD, started_at=started_at, played=replace(PLAYED, live_after_s=-1e9))
        assert document(record, lines(tmp_path), TRACE) is None
    far = (Measured(1e300, {"connection": "1", "bytes_received": "1"}),)
    assert document(RECORD, far, TRACE) is not None


def test_all_plays_are_written_without_secrets(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    lines(folder)
    traces.write(folder / "a.jsonl", TRACE)
    record = replace(
        RECORD,
        case="a: cut",
        surroundings=replace(RECORD.surroundings, system="token=s3cr3t"),
        attachments={"statistics": "a.csv", "trace": "a.jsonl"},
    )
    assert write_all(tmp_path / "dumps", [record, RECORD], folder) == 1
    [file] = (tmp_path / "dumps").iterdir()
    assert file.name == "run-0000-a--cut.webrtc-internals.json"
    text = file.read_text(encoding="utf-8")
    assert "s3cr3t" not in text
    assert "sha256" not in text
