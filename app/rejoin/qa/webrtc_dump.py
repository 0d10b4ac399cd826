"""Writes a play as a dump like Chromium's at chrome://webrtc-internals, for tools that read those.

It is made of the play's statistics and trace. Addresses, user fragments, certificates and session
descriptions are not in it; what Rejoin does not measure is left out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from rejoin.core import commands, events
from rejoin.core.trace import Record
from rejoin.core.trace_names import COMMANDS, EVENTS
from rejoin.qa import attached
from rejoin.qa.files import write_file
from rejoin.qa.measured import Measured, live_at, read, read_trace
from rejoin.qa.report_text import redacted
from rejoin.qa.results import CaseRecord
from rejoin.qa.traces import file_name
from rejoin.version import VERSION

_Value = str | float | int | bool


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of W3C's statistics, and the value of ours that fills it."""

    name: str
    ours: str


@dataclass(frozen=True, slots=True)
class _Statistics:
    """One statistics object. `fixed`: members that stay the same."""

    name: str
    kind: str
    members: tuple[_Member, ...]
    fixed: tuple[tuple[str, _Value], ...] = ()


_VIDEO: Final = _Statistics(
    "IT01V",
    "inbound-rtp",
    (
        _Member("bytesReceived", "bytes_received"),
        _Member("packetsReceived", "packets_received"),
        _Member("packetsLost", "packets_lost"),
        _Member("jitter", "jitter_s"),
        _Member("framesReceived", "frames_received"),
        _Member("framesDecoded", "frames_decoded"),
        _Member("keyFramesDecoded", "key_frames_decoded"),
        _Member("framesDropped", "frames_dropped"),
        _Member("framesPerSecond", "decoded_fps"),
        _Member("frameWidth", "width"),
        _Member("frameHeight", "height"),
        _Member("freezeCount", "freeze_count"),
        _Member("totalFreezesDuration", "total_freezes_duration_s"),
        _Member("totalDecodeTime", "total_decode_time_s"),
        _Member("nackCount", "nack_count"),
        _Member("firCount", "fir_count"),
        _Member("pliCount", "pli_count"),
        _Member("retransmittedPacketsReceived", "retransmitted_packets_received"),
        _Member("[bytesReceived_in_bits/s]", "bitrate_bps"),
        _Member("[framesReceived/s]", "received_fps"),
        _Member("[framesDecoded/s]", "decoded_fps"),
        _Member("[totalDecodeTime/framesDecoded_in_ms]", "decode_ms"),
        _Member("[jitterBufferDelay/jitterBufferEmittedCount_in_ms]", "jitter_buffer_ms"),
    ),
    (("kind", "video"), ("codecId", "CIT01"), ("transportId", "T01"), ("[codec]", "H264")),
)
_SOUND: Final = _Statistics(
    "IT01A",
    "inbound-rtp",
    (
        _Member("bytesReceived", "audio_bytes_received"),
        _Member("packetsReceived", "audio_packets_received"),
        _Member("packetsLost", "audio_packets_lost"),
        _Member("totalSamplesReceived", "audio_total_samples"),
        _Member("concealedSamples", "audio_concealed_samples"),
    ),
    (("kind", "audio"), ("transportId", "T01")),
)
_PAIR: Final = _Statistics(
    "CP1",
    "candidate-pair",
    (
        _Member("currentRoundTripTime", "rtt_s"),
        _Member("requestsSent", "checks_sent"),
        _Member("responsesReceived", "checks_answered"),
    ),
    (
        ("nominated", True),
        ("state", "succeeded"),
        ("localCandidateId", "I1"),
        ("remoteCandidateId", "I2"),
        ("transportId", "T01"),
    ),
)
_CODEC: Final = _Statistics(
    "CIT01",
    "codec",
    (),
    (("mimeType", "video/H264"), ("clockRate", 90000), ("transportId", "T01")),
)
_TRANSPORT: Final = _Statistics("T01", "transport", (), (("selectedCandidatePairId", "CP1"),))

_UPDATES: Final = {
    ("event", EVENTS[events.OfferMade]): ("setLocalDescriptionOnSuccess", '{"type":"offer"}'),
    ("command", COMMANDS[commands.ApplyAnswer]): ("setRemoteDescription", '{"type":"answer"}'),
    ("event", EVENTS[events.ConnectionOpened]): ("onconnectionstatechange", '"connected"'),
    ("event", EVENTS[events.ConnectionFailed]): ("onconnectionstatechange", '"failed"'),
    ("command", COMMANDS[commands.CloseConnection]): ("close", ""),
}
"""By kind and name of a record of the trace: type and value of the entry in the log of a
connection. Session descriptions are left out of the values."""


def document(
    record: CaseRecord, measured: Sequence[Measured], trace: Sequence[Record]
) -> str | None:
    """The dump of this play; None where nothing was measured."""
    utc = _utc_of(record, trace)
    if utc is None or not measured:
        return None
    client = record.surroundings
    brands = [{"brand": "Rejoin", "version": client.client}]
    connections = {
        f"1-{number}": _connection(lines, updates, utc)
        for number, (lines, updates) in enumerate(_connections(measured, trace), start=1)
    }
    dump = {
        "timestamp": round(utc(measured[-1].at).timestamp() * 1000),
        "getUserMedia": [],
        "PeerConnections": connections,
        "UserAgent": f"Rejoin/{client.client} ({client.system})",
        "UserAgentData": {
            "brands": brands,
            "fullVersionList": brands,
            "mobile": False,
            "platform": client.system,
        },
    }
    return json.dumps(dump, indent=1, allow_nan=False) + "\n"


def write_all(folder: Path, records: Sequence[CaseRecord], results: Path | None) -> int:
    """Write a dump of each play that has statistics. Returns how many. Raises BadInputError.

    `results`: the folder of the results, where the files of plays are.
    """
    written = 0
    for record in records:
        shown = redacted(record, for_support=False)
        lines = read(attached.file_of(results, record, "statistics"))
        text = document(shown, lines, read_trace(attached.file_of(results, record, "trace")))
        if text is not None:
            name = f"{file_name(shown.run)}-{record.index:04}-{file_name(shown.name)}"
            write_file(folder / f"{name}.webrtc-internals.json", text)
            written += 1
    return written


def _utc_of(record: CaseRecord, trace: Sequence[Record]) -> Callable[[float], datetime] | None:
    """Boot time to UTC, within some tenths of a second; None where it is not known."""
    live = live_at(tuple(trace))
    if record.played is None or live is None:
        return None
    try:
        began = datetime.fromisoformat(record.started_at)
        began = began if began.tzinfo else began.replace(tzinfo=UTC)
        live_utc = began + timedelta(seconds=record.played.live_after_s)
        live_utc.timestamp()
    except (ValueError, OverflowError):
        return None

    def utc(at: float) -> datetime:
        try:
            return live_utc + timedelta(seconds=at - live)
        except OverflowError:
            return live_utc

    return utc


def _connections(
    measured: Sequence[Measured], trace: Sequence[Record]
) -> Iterator[tuple[list[Measured], list[Record]]]:
    """The lines and records of each connection that was shown, in order. Another client counts its
    connections anew."""
    lines: list[list[Measured]] = []
    for line in measured:
        before = lines[-1][-1] if lines else None
        if before is None or before.text("connection") != line.text("connection"):
            lines.append([])
        lines[-1].append(line)
    for number, each in enumerate(lines):
        # The next connection is made while the one before is still shown.
        from_at = lines[number - 1][0].at if number else -math.inf
        to_at = lines[number + 1][-1].at if number + 1 < len(lines) else math.inf
        name = each[0].number("connection")
        updates = [
            record
            for record in trace
            if record.data.get("connection") == name
            and from_at <= record.at <= to_at
            and (record.kind, record.name) in _UPDATES
        ]
        yield each, updates


def _connection(
    lines: Sequence[Measured], updates: Sequence[Record], utc: Callable[[float], datetime]
) -> dict[str, Any]:
    log = []
    for record in updates:
        kind, value = _UPDATES[record.kind, record.name]
        at = utc(record.at).timestamp() * 1000
        log.append({"type": kind, "value": value, "timestamp": round(at, 3)})
    stats: dict[str, Any] = {}
    for each in (_VIDEO, _SOUND, _PAIR, _CODEC, _TRANSPORT, *_candidates(lines)):
        stats |= _statistics(each, lines, utc)
    return {
        "pid": 0,
        "rtcConfiguration": "{}",
        "stats": stats,
        "updateLog": log,
        "url": f"Rejoin {VERSION}",
    }


def _candidates(lines: Sequence[Measured]) -> Iterator[_Statistics]:
    """Both ends of the pair, without their addresses: "host-srflx udp"."""
    pairs = (line.text("candidate_pair") for line in reversed(lines))
    kinds, _, protocol = next(filter(None, pairs), "").partition(" ")
    ours, _, theirs = kinds.partition("-")
    for name, kind, candidate in (("I1", "local", ours), ("I2", "remote", theirs)):
        if candidate:
            fixed: tuple[tuple[str, _Value], ...] = (
                ("candidateType", candidate),
                ("protocol", protocol),
                ("isRemote", kind == "remote"),
                ("transportId", "T01"),
            )
            yield _Statistics(name, f"{kind}-candidate", (), fixed)


def _statistics(
    statistics: _Statistics, lines: Sequence[Measured], utc: Callable[[float], datetime]
) -> dict[str, Any]:
    times = [utc(line.at) for line in lines]
    stamps: list[_Value] = [round(at.timestamp() * 1000, 3) for at in times]
    rows: dict[str, Sequence[_Value | None]] = {
        name: [value] * len(lines) for name, value in statistics.fixed
    }
    rows |= {
        member.name: [_number(line.number(member.ours)) for line in lines]
        for member in statistics.members
    }
    rows |= {"type": [statistics.kind] * len(lines), "timestamp": stamps}
    found = {}
    for name, values in rows.items():
        known = [(at, value) for at, value in zip(times, values, strict=True) if value is not None]
        if known:
            found[f"{statistics.name}-{name}"] = {
                "startTime": _iso(known[0][0]),
                "endTime": _iso(known[-1][0]),
                "values": json.dumps([value for _, value in known], separators=(",", ":")),
                "statsType": statistics.kind,
            }
    return found


def _number(value: float | None) -> float | int | None:
    return int(value) if value is not None and value.is_integer() else value


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
