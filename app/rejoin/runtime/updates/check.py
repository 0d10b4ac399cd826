"""Asks for the feed, once a day at most, and says whether there is a newer version."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from rejoin.errors import RejoinError
from rejoin.runtime.updates.build_info import UpdateSource, update_source
from rejoin.runtime.updates.feed import Newer, judge, read_version
from rejoin.runtime.updates.memory import UpdateMemory, memory_path
from rejoin.version import VERSION

if TYPE_CHECKING:
    from rejoin.signaling.transport import HttpSettings

_log = logging.getLogger("rejoin.updates")

EVERY_S: Final = 24 * 3600.0
WITHIN_S: Final = 10.0
"""For each of the two files."""


class UpdateCheck:
    """The check of one build. `own`: its version. `now`: returns Unix time."""

    def __init__(
        self,
        source: UpdateSource,
        memory: UpdateMemory,
        *,
        own: str = VERSION,
        now: Callable[[], float] = time.time,
        http: HttpSettings | None = None,
    ) -> None:
        self._source = source
        self._memory = memory
        self._own = own
        self._now = now
        self._http = http

    def is_due(self) -> bool:
        """Whether the last check is a day old, or in the future because the clock was set back."""
        asked_at = self._memory.read().asked_at
        return asked_at is None or not 0 <= self._now() - asked_at < EVERY_S

    def known(self) -> Newer | None:
        """The newer version that an earlier check found, if any; makes no request."""
        return self._news(self._memory.read().newer)

    async def ask(self) -> None:
        """Fetch the feed now; `known` then has the result.

        Raises nothing: a failure is logged, and the next try is a day later. If the time cannot be
        stored, no request is made. If it is cancelled before the request was sent, the check stays
        due.
        """
        remembered = self._memory.read()
        before = replace(remembered, asked_at=self._now())
        if not self._memory.keep(before):
            return
        from rejoin.signaling.signed_file import fetch_signed

        left = False

        def leaves() -> None:
            nonlocal left
            left = True

        try:
            content, signature = await fetch_signed(
                self._source.url, within_s=WITHIN_S, http=self._http, on_written=leaves
            )
        except asyncio.CancelledError:
            if not left:
                self._memory.keep(remembered)
            raise
        except RejoinError as error:
            _log.info("newer versions cannot be asked for: %s", error)
            return
        baseline = max((self._own, before.highest or self._own), key=read_version)
        try:
            feed = judge(content, signature, self._source.key, baseline=baseline, now=self._now())
        except RejoinError as error:
            _log.warning("%s It is ignored.", error)
            return
        newest = feed.newest
        self._memory.keep(replace(before, highest=newest.version, newer=newest))

    def _news(self, newer: Newer | None) -> Newer | None:
        if newer is None or newer.expires_at <= self._now():
            return None
        return newer if read_version(newer.version) > read_version(self._own) else None


def update_check() -> UpdateCheck | None:
    """This build's check; None if it has no feed. Raises BadInputError without a home folder."""
    source = update_source()
    return None if source is None else UpdateCheck(source, UpdateMemory(memory_path()))
