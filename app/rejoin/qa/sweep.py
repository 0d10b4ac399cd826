"""Ends sessions that test runs have left, by the ledger."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from rejoin.core.model import SessionId
from rejoin.core.retry import UNREACHED, FailureKind
from rejoin.errors import RejoinError
from rejoin.qa.ledger import Entry, Ledger
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.client_factory import make_client
from rejoin.signaling.exchange import CallFailedError, HttpSettings

TRIES: Final = 3
BUDGET_S: Final = 10.0
PAUSE_S: Final = 1.0
MOST_PAUSE_S: Final = 10.0
"""However long the backend asks to wait."""
THROTTLED_FOR_S: Final = 60.0
"""A session whose calls are throttled for longer is given up like any other."""
AT_ONCE: Final = 8
"""How many sessions are ended at the same time: the service takes 20 calls a second of everybody
who uses the account."""


class End(enum.StrEnum):
    """The result of ending a session."""

    ENDED = "ended"
    BY_ITSELF = "ends by itself"
    """There is no call that ends it, or its id is not known here."""
    STILL_OPEN = "could not be ended"


@dataclass(frozen=True, slots=True)
class Swept:
    """`why`: a sentence where it was not ended."""

    entry: Entry
    end: End
    why: str = ""


async def sweep(
    ledger: Ledger,
    entries: Iterable[Entry],
    profile: StudioProfile,
    on_end: Callable[[int, int], None] = lambda over, of: None,
) -> list[Swept]:
    """End the sessions of these entries that are of the profile's backend.

    An entry whose session is over, or can never be ended from here, is removed. `on_end` gets how
    many are done, and of how many.
    """
    mine = {
        entry.key: entry
        for entry in entries
        if (entry.backend_url, entry.dialect) == (profile.backend_url, profile.dialect.name)
    }
    swept: dict[str, Swept] = {}

    def keep(key: str, end: End, why: str) -> None:
        swept[key] = Swept(mine[key], end, why)
        if end is not End.STILL_OPEN:
            ledger.over(key)
        on_end(len(swept), len(mine))

    sessions: dict[str, str] = {}
    for key, entry in mine.items():
        if entry.session_id is None:
            keep(key, End.BY_ITSELF, "its id is not known; the service ends it by itself")
        else:
            sessions[key] = entry.session_id
    await end_each(profile, sessions, keep)
    return [swept[key] for key in mine]


async def end_each(
    profile: StudioProfile, sessions: Mapping[str, str], on_end: Callable[[str, End, str], None]
) -> None:
    """End these sessions, their ids by any keys, a few at a time; `on_end` gets each key.

    Once the backend has answered nothing for as many as are ended at a time, the others are not
    tried.
    """
    gate = asyncio.Semaphore(AT_ONCE)
    unanswered = 0

    async def end(key: str, session_id: str) -> None:
        nonlocal unanswered
        async with gate:
            if unanswered >= AT_ONCE:
                on_end(key, End.STILL_OPEN, "the backend did not answer, so it was not tried")
                return
            found, why, answered = await _end_session(profile, session_id)
            unanswered = 0 if answered else unanswered + 1
            on_end(key, found, why)

    await asyncio.gather(*(end(key, session_id) for key, session_id in sessions.items()))


async def end_session(profile: StudioProfile, session_id: str) -> tuple[End, str]:
    """End one session; it is tried a few times. Returns what became of it, and why it was not
    ended."""
    end, why, _ = await _end_session(profile, session_id)
    return end, why


async def _end_session(profile: StudioProfile, session_id: str) -> tuple[End, str, bool]:
    """The same, and whether the backend answered. A call that is throttled is no try."""
    if not profile.dialect.can_terminate:
        return End.BY_ITSELF, "this backend has no call that ends a game", True
    now = asyncio.get_running_loop().time
    throttled_until = now() + THROTTLED_FOR_S
    tries, pause_s, why, answered = 0, 0.0, "", True
    while tries < TRIES:
        await asyncio.sleep(pause_s)
        try:
            await _terminate(profile, session_id)
        except CallFailedError as error:
            failure, why = error.failure, str(error)
            if failure.kind is FailureKind.NOT_FOUND:
                return End.ENDED, "", True
            pause_s = min(max(PAUSE_S, failure.retry_after_s or 0.0), MOST_PAUSE_S)
            answered = failure.kind not in UNREACHED
            if failure.kind is not FailureKind.THROTTLED or now() > throttled_until:
                tries += 1
        except RejoinError as error:
            return End.STILL_OPEN, str(error), True
        else:
            return End.ENDED, "", True
    return End.STILL_OPEN, why, answered


async def _terminate(profile: StudioProfile, session_id: str) -> None:
    http = HttpSettings(
        connect_timeout_s=BUDGET_S,
        first_connect_timeout_s=BUDGET_S,
        allow_insecure=profile.allow_insecure,
        verify=profile.ssl_context(),
    )
    client = make_client(
        profile.dialect, profile.backend_url, profile.token, profile.choice, http=http
    )
    try:
        await client.terminate(SessionId(session_id), budget_s=BUDGET_S)
    finally:
        await client.aclose()
