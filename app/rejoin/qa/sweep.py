"""Ends sessions that test runs have left, by the ledger."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from rejoin.core.model import SessionId
from rejoin.core.retry import FailureKind
from rejoin.errors import RejoinError
from rejoin.qa.ledger import Entry, Ledger
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.client_factory import make_client
from rejoin.signaling.exchange import CallFailedError, HttpSettings

TRIES: Final = 3
BUDGET_S: Final = 10.0
PAUSE_S: Final = 1.0


class End(enum.StrEnum):
    """What became of a session."""

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


async def sweep(ledger: Ledger, entries: Iterable[Entry], profile: StudioProfile) -> list[Swept]:
    """End the sessions of these entries that are of the profile's backend, all at the same time.

    An entry whose session is over, or can never be ended from here, is removed.
    """
    mine = [
        entry
        for entry in entries
        if (entry.backend_url, entry.dialect) == (profile.backend_url, profile.dialect.name)
    ]
    swept = await asyncio.gather(*(_sweep(entry, profile) for entry in mine))
    for each in swept:
        if each.end is not End.STILL_OPEN:
            ledger.over(each.entry.key)
    return list(swept)


async def end_session(profile: StudioProfile, session_id: str) -> tuple[End, str]:
    """End one session; it is tried a few times. Returns what became of it, and why it was not
    ended."""
    if not profile.dialect.can_terminate:
        return End.BY_ITSELF, "this backend has no call that ends a game"
    why = ""
    for number in range(TRIES):
        if number:
            await asyncio.sleep(PAUSE_S)
        try:
            await _terminate(profile, session_id)
        except CallFailedError as error:
            if error.failure.kind is FailureKind.NOT_FOUND:
                return End.ENDED, ""
            why = str(error)
        except RejoinError as error:
            return End.STILL_OPEN, str(error)
        else:
            return End.ENDED, ""
    return End.STILL_OPEN, why


async def _sweep(entry: Entry, profile: StudioProfile) -> Swept:
    if entry.session_id is None:
        return Swept(entry, End.BY_ITSELF, "its id is not known; the service ends it by itself")
    end, why = await end_session(profile, entry.session_id)
    return Swept(entry, end, why)


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
