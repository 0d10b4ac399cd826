"""The scripts of the input module of one game, in memory alone: the one in use, and a newer one.

A signed URL differs in each answer. If origin and path are the same as before, the known script is
used at once; the new one is fetched meanwhile, and is used for the next connection if it differs.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from rejoin.signaling.module_script import ScriptUnavailableError, identity_of

_log = logging.getLogger("rejoin.module_scripts")

FETCH_WITHIN_S: Final = 5.0
"""For one try. A connection is live without its script: the player sees and hears the game."""
AGAIN_AFTER_S: Final = (0.5, 2.0)
"""Pauses before the second and the third try, if the one before may have failed by chance."""
REFRESH_AFTER_S: Final = 2.0
"""How long to wait while a new connection comes up: an HTTPS call takes milliseconds of its
thread."""


class ScriptFetcher(Protocol):
    """Fetches scripts; `signaling.module_script.ScriptSource` implements it. `prepare`: do the work
    that needs no answer yet; raises nothing."""

    async def prepare(self) -> None: ...
    async def fetch(self, url: str, *, within_s: float) -> str: ...


@dataclass(frozen=True, slots=True)
class Script:
    """`identity`: origin and path of its URL."""

    identity: str = field(repr=False)
    text: str = field(repr=False)


class ModuleScripts:
    """Use it on the engine's loop."""

    def __init__(self, fetcher: ScriptFetcher) -> None:
        self._fetcher = fetcher
        self._newest: Script | None = None

    async def prepare(self) -> None:
        """Get ready for the first answer."""
        await self._fetcher.prepare()

    def known(self, url: str) -> Script | None:
        """The newest script of this origin and path. Raises ScriptUnavailableError: a bad URL."""
        identity, newest = identity_of(url), self._newest
        return newest if newest is not None and newest.identity == identity else None

    async def fetch(self, url: str) -> Script:
        """The script behind a URL, after up to three tries. Raises ScriptUnavailableError."""
        for pause_s in AGAIN_AFTER_S:
            try:
                return await self._once(url)
            except ScriptUnavailableError as error:
                if error.final:
                    raise
                _log.info("%s It is tried again.", error)
            await asyncio.sleep(pause_s)
        return await self._once(url)

    async def refresh(self, url: str, on_newer: Callable[[Script], None]) -> None:
        """Fetch a script that is known already, once the new connection has had time to connect;
        `on_newer` gets it if it has changed."""
        before = self.known(url)
        await asyncio.sleep(REFRESH_AFTER_S)
        try:
            script = await self.fetch(url)
        except ScriptUnavailableError as error:
            _log.info("%s The one of the last connection is used.", error)
            return
        if before is None or script.text != before.text:
            on_newer(script)

    async def _once(self, url: str) -> Script:
        text = await self._fetcher.fetch(url, within_s=FETCH_WITHIN_S)
        self._newest = Script(identity_of(url), text)
        return self._newest


def script_url(signal_response: str) -> str | None:
    """`webSdkProtocolUrl` of an answer that was checked already; None if it names none."""
    try:
        url = json.loads(signal_response)["webSdkProtocolUrl"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return url if isinstance(url, str) and url else None
