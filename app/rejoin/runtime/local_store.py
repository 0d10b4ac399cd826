"""What of a player outlives the process: the ticket, the sign-in token, and being the only one.

Nothing here may cost the game: a disk, a keyring or a lock that refuses is told and left alone.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from rejoin.clock import boot_id
from rejoin.core.model import SessionId
from rejoin.core.ticket import RejoinState, Ticket
from rejoin.runtime.daemon_thread import run_in_daemon_thread
from rejoin.runtime.instance import Instance, OnActivate
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.runtime.ticket_folder import TicketFolder, in_keyring, key_of
from rejoin.runtime.tokens import SESSION, TokenStore
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.desk")

_DISK_PATIENCE_S: Final = 5.0

_WHY: Final = {
    errno.ENOSPC: "no space is left on the disk",
    errno.EDQUOT: "no space is left on the disk",
    errno.EROFS: "the disk cannot be written to",
    errno.EACCES: "its folder cannot be written to",
    errno.EPERM: "its folder cannot be written to",
    errno.ETIMEDOUT: "the disk does not answer",
}


class LocalStore:
    """Keeps one player's ticket, token and instance. Use it on one event loop."""

    def __init__(
        self,
        profile: StudioProfile,
        *,
        tickets: TicketFolder | None = None,
        tokens: TokenStore | None = None,
        doors: Path | None = None,
        instance: Instance | None = None,
        on_knock: OnActivate = lambda link: None,
    ) -> None:
        """`instance`: the one that was claimed before, for who comes back.

        `on_knock` is called on the loop when a second instance of this session was started.
        """
        self._door = profile.door()
        self._token = profile.token
        self._session_is_secret = profile.dialect.session_is_secret
        self._tickets = tickets or TicketFolder()
        self._tokens = tokens or TokenStore()
        self._doors = doors
        self._instance = instance
        self._on_knock = on_knock
        self._begun = False
        self._no_keyring = False
        self._keeping_token: asyncio.Task[None] | None = None
        self._problem: str | None = None

    @property
    def problem(self) -> str | None:
        """One sentence while there is no way back after a crash, else None."""
        return self._problem

    async def open(self) -> None:
        """Answer the door, where the session is known from the start."""
        if self._instance is not None:
            await self._serve(self._instance)

    async def keep(self, seat: RejoinState) -> None:
        """Write the ticket; at the first one keep the token too, and become the only one."""
        session_id, first = seat.session_id, not self._begun
        self._begun = True
        if self._session_is_secret:
            if first and not await self._tokens.keep(
                self._door.backend_url, session_id, SESSION, within_s=_DISK_PATIENCE_S
            ):
                self._no_keyring = True
            seat = replace(seat, session_id=in_keyring(self._door.backend_url, session_id))
        if self._no_keyring:
            self._problem = "No way back after a crash: this computer has no keyring to use."
        else:
            await self._write(seat)
        if first:
            await self._begin(session_id)

    async def _write(self, seat: RejoinState) -> None:
        turn = self._tickets.turn()
        ticket = Ticket(seat, self._door, boot_id(), time.time())
        try:
            await run_in_daemon_thread(
                lambda: self._tickets.write(ticket, turn), name="ticket", within_s=_DISK_PATIENCE_S
            )
            self._problem = None
        except OSError as error:  # TimeoutError is one
            number = errno.ETIMEDOUT if isinstance(error, TimeoutError) else error.errno
            why = _WHY.get(number or 0, "the disk refused it")
            self._problem = f"No way back after a crash: {why}."
            _log.info("the ticket was not written: %s", type(error).__name__)

    async def drop(self, session_id: SessionId) -> None:
        """Forget the ticket of a game that is over."""
        turn, key = self._tickets.turn(), key_of(self._door.backend_url, session_id)
        try:
            await run_in_daemon_thread(
                lambda: self._tickets.remove(key, turn), name="ticket", within_s=_DISK_PATIENCE_S
            )
        except OSError as error:
            _log.info("the ticket was not removed: %s", type(error).__name__)

    async def close(self) -> None:
        """Let go of everything but what is on the disk."""
        await cancel(self._keeping_token)
        if self._instance is not None:
            await self._instance.close()
            self._instance = None

    async def _begin(self, session_id: SessionId) -> None:
        token = self._token
        if token:

            async def keep_token() -> None:
                await self._tokens.keep(self._door.backend_url, token)

            self._keeping_token = spawn(keep_token(), name="keep token")
        if self._instance is None:
            key = key_of(self._door.backend_url, session_id)
            try:
                self._instance = await run_in_daemon_thread(
                    lambda: Instance.claim(key, self._doors),
                    name="claim",
                    within_s=_DISK_PATIENCE_S,
                )
            except OSError as error:
                _log.info("no lock could be taken: %s", type(error).__name__)
            if self._instance is not None:
                await self._serve(self._instance)

    async def _serve(self, instance: Instance) -> None:
        try:
            await instance.serve(self._on_knock)
        except OSError as error:
            _log.info("nobody can knock: %s", type(error).__name__)
