"""Reconnect reports on disk, until their backend has them.

Rule 1: a report goes to the backend of its game and to no other.
Rule 2: none is kept for more than seven days, and at most MOST of all backends together: the oldest
        go first.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from rejoin.core.model import SessionId
from rejoin.core.reconnect_report import ReconnectReport
from rejoin.runtime.private_files import (
    flush_folder,
    make_private_folder,
    read_private,
    temporary_file,
)
from rejoin.runtime.state_folder import state_folder
from rejoin.runtime.ticket_folder import key_of
from rejoin.signaling.wire import MAX_REPORT_BYTES, REPORT_KEPT_S, ReportBody
from rejoin.version import VERSION

MOST: Final = 100
_SUFFIX: Final = ".report"
_MAX_BYTES: Final = MAX_REPORT_BYTES + 256


def reports_folder() -> Path:
    """The folder of this user's reports. Raises BadInputError."""
    return state_folder() / "reports"


def body_of(record_id: str, report: ReconnectReport) -> dict[str, Any]:
    """The fields of `ReportBody`, except `ended_ago_s`, which is known only when it is sent."""
    return {
        "record_id": record_id,
        "cause": report.cause,
        "verdict": report.verdict,
        "outcome": report.outcome,
        "ending": report.ending,
        "lost_s": round(report.lost_s, 3),
        "noticed_after_s": round(report.noticed_after_s, 3),
        "requested_after_s": _rounded(report.requested_after_s),
        "answered_after_s": _rounded(report.answered_after_s),
        "attempts": report.attempts,
        "tries": report.tries,
        "failures": list(report.failures[:16]),
        "client_version": VERSION,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


class ReportQueue:
    """The reports of one backend. `unix_s`: seconds since 1970. Use it on one thread at a time."""

    def __init__(
        self,
        backend_url: str,
        folder: Path | None = None,
        unix_s: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder or reports_folder()
        self._key = key_of(backend_url, SessionId(""))
        self._unix_s = unix_s

    def add(self, report: ReconnectReport) -> None:
        """Keep a report of an episode that has just ended. Raises OSError."""
        record_id = secrets.token_hex(16)
        text = json.dumps({"ended_unix_s": self._unix_s(), "body": body_of(record_id, report)})
        make_private_folder(self._folder)
        self._sweep(MOST - 1)
        fresh = self._folder / f".{record_id}-{os.getpid()}.tmp"
        with temporary_file(fresh, text.encode()):
            fresh.replace(self._file(record_id))
        flush_folder(self._folder)

    def waiting(self) -> list[ReportBody]:
        """The reports to send, oldest first. Unreadable files are removed."""
        self._sweep(MOST)
        found = []
        for file in self._by_age(f"{self._key}-*{_SUFFIX}"):
            try:
                found.append(self._read(file))
            except (OSError, ValueError, TypeError, KeyError):  # pydantic's is a ValueError
                with contextlib.suppress(OSError):
                    file.unlink()
        return found

    def remove(self, record_id: str) -> None:
        """The backend has this report, or will never take it. Raises OSError."""
        self._file(record_id).unlink(missing_ok=True)

    def _file(self, record_id: str) -> Path:
        return self._folder / f"{self._key}-{record_id}{_SUFFIX}"

    def _read(self, file: Path) -> ReportBody:
        content = json.loads(read_private(file, _MAX_BYTES + 1))
        if not isinstance(content, dict) or not isinstance(content.get("body"), dict):
            raise ValueError("not a report")
        ended_ago_s = max(0.0, self._unix_s() - float(content["ended_unix_s"]))
        body = {**content["body"], "ended_ago_s": min(REPORT_KEPT_S, round(ended_ago_s, 1))}
        return ReportBody.model_validate(body)

    def _sweep(self, most: int) -> None:
        """Remove reports that are too old, the oldest beyond `most`, and leftovers of writes."""
        reports = self._by_age(f"*{_SUFFIX}")
        beyond = reports[: max(0, len(reports) - most)]
        too_old = self._unix_s() - REPORT_KEPT_S
        for file in [*self._by_age(".*.tmp"), *reports]:
            with contextlib.suppress(OSError):
                if file in beyond or file.lstat().st_mtime < too_old:
                    file.unlink()

    def _by_age(self, pattern: str) -> list[Path]:
        """Oldest first."""
        dated = []
        with contextlib.suppress(OSError):
            for file in self._folder.glob(pattern):
                with contextlib.suppress(OSError):
                    dated.append((file.lstat().st_mtime, file))
        return [file for _, file in sorted(dated)]
