"""The players' log, for programs whose standard error nobody sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rejoin.runtime.log_file import LogFile


def player_log() -> LogFile:
    """The log on the disk. Raises ImportError without the part of players."""
    from rejoin.runtime.log_file import LogFile

    return LogFile()
