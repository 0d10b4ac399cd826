"""Keeps everything that outlives a player's process: ticket, sign-in token, and the instance's
lock.

No failure here may end the game: if a disk, a keyring or a lock fails, the failure is reported in
`problem` or in the log and the game goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from rejoin.core.model import SessionId
from rejoin.core.ticket import RejoinState, Ticket
from rejoin.daemon_thread import run_in_daemon_thread
from rejoin.errors import RejoinError
from rejoin.language import Message
from rejoin.runtime.instance import Instance
from rejoin.runtime.instance_server import OnActivate
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.runtime.ticket_folder import TicketFolder, key_of, keyring_reference
from rejoin.runtime.tokens import SESSION, TokenStore, digest_of
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.local_store")

_DISK_TIMEOUT_S: Final = 5.0
_PICTURE_WITHIN_S: Final = 2.0

_REASONS: Final = {
    errno.ENOSPC: Message("no space is left on the disk"),
    errno.EDQUOT: Message("no space is left on the disk"),
    errno.EROFS: Message("the disk is read-only"),
    errno.EACCES: Message("its folder cannot be written to"),
    errno.EPERM: Message("its folder cannot be written to"),
    errno.ETIMEDOUT: Message("the disk does not respond"),
}


class LocalStore:
    """Saves one player's ticket and token and holds their instance. Use it on one event loop."""

    def __init__(
        self,
        profile: StudioProfile,
        *,
        tickets: TicketFolder | None = None,
        tokens: TokenStore | None = None,
        locks_folder: Path | None = None,
        instance: Instance | None = None,
        open_here: Instance | None = None,
        on_activate: OnActivate = lambda activation: None,
    ) -> None:
        """`instance`: already claimed, when the game is rejoined with a ticket. `open_here`: the
        claim on the game, whichever session it is (`launch.claim_game`).

        `on_activate` is called on the loop when a second instance of this session was started.
        """
        self._address = profile.backend_address()
        self._token = profile.token
        self._token_digest: str | None = None
        self._session_is_secret = profile.dialect.session_is_secret
        self._tickets = tickets or TicketFolder()
        self._tokens = tokens or TokenStore()
        self._locks_folder = locks_folder
        self._instance = instance
        self._open_here = open_here
        self._saves_token = not profile.token_is_saved
        self._on_activate = on_activate
        self._session_known = False
        self._keyring_missing = False
        self._saving_token: asyncio.Task[None] | None = None
        self._problem: str | None = None
        self._key: str | None = None
        """Key of the session whose ticket may be on the disk."""
        self._keeping: threading.Thread | None = None

    @property
    def problem(self) -> str | None:
        """One sentence while the game could not be rejoined after a crash, else None."""
        return self._problem

    async def open(self) -> None:
        """Answer second instances of the game, and of the session if it is known already."""
        for instance in (self._open_here, self._instance):
            if instance is not None:
                await self._serve(instance)

    async def save(self, rejoin_state: RejoinState) -> None:
        """Write the ticket. The first time also save the token and claim the instance."""
        session_id, first = rejoin_state.session_id, not self._session_known
        self._session_known = True
        self._key = key_of(self._address.backend_url, session_id)
        if self._session_is_secret:
            if first and not await self._tokens.save(
                self._address.backend_url, session_id, SESSION, within_s=_DISK_TIMEOUT_S
            ):
                self._keyring_missing = True
            rejoin_state = replace(
                rejoin_state,
                session_id=keyring_reference(self._address.backend_url, session_id),
            )
        if self._keyring_missing:
            self._problem = Message(
                "No way back after a crash: this computer has no usable keyring."
            )
        else:
            await self._write(rejoin_state)
        if first:
            await self._begin(session_id)

    async def _write(self, rejoin_state: RejoinState) -> None:
        sequence = self._tickets.next_sequence()
        now = self._tickets.now()

        def write() -> None:
            if self._token_digest is None:  # slow, so here and once
                self._token_digest = digest_of(self._token) if self._token else ""
            ticket = Ticket(
                rejoin_state, self._address, now.boot_id, now.at, now.unix_s, self._token_digest
            )
            self._tickets.write(ticket, sequence)

        try:
            await run_in_daemon_thread(
                write,
                name="ticket",
                within_s=_DISK_TIMEOUT_S,
            )
            self._problem = None
        except OSError as error:  # TimeoutError is one
            number = errno.ETIMEDOUT if isinstance(error, TimeoutError) else error.errno
            reason = _REASONS.get(number or 0, Message("the disk reports an error"))
            self._problem = Message("No way back after a crash: {reason}.", reason=reason)
            _log.info("the ticket was not written: %s", type(error).__name__)

    async def delete(self, session_id: SessionId) -> None:
        """Delete the ticket of a game that is over."""
        sequence = self._tickets.next_sequence()
        key = key_of(self._address.backend_url, session_id)
        self._key = None
        try:
            await run_in_daemon_thread(
                lambda: self._tickets.remove(key, sequence),
                name="ticket",
                within_s=_DISK_TIMEOUT_S,
            )
        except OSError as error:
            _log.info("the ticket was not removed: %s", type(error).__name__)

    def keep_picture(self, content: Callable[[], bytes]) -> None:
        """Keep the last picture, a PNG, beside the ticket if the profile allows it; from any
        thread, returns at once. `content` is called on a thread of its own; `close` waits for it.

        Without it the game can be continued just as well, so a failure is only logged.
        """
        key, tickets = self._key, self._tickets
        if key is None or not self._address.keeps_last_picture or self._keeping is not None:
            return

        def write() -> None:
            try:
                tickets.write_picture(key, content())
            except (OSError, RejoinError) as error:
                _log.info("the last picture was not kept: %s", type(error).__name__)

        self._keeping = threading.Thread(target=write, name="last picture", daemon=True)
        self._keeping.start()

    async def close(self) -> None:
        """Release everything; files stay on the disk."""
        keeping = self._keeping
        if keeping is not None:
            with contextlib.suppress(TimeoutError):
                await run_in_daemon_thread(
                    keeping.join, name="last picture", within_s=_PICTURE_WITHIN_S
                )
        await cancel(self._saving_token)
        for instance in (self._open_here, self._instance):
            if instance is not None:
                await instance.close()
        self._open_here = self._instance = None

    async def _begin(self, session_id: SessionId) -> None:
        token = self._token
        if token and self._saves_token:

            async def save_token() -> None:
                await self._tokens.save(self._address.backend_url, token)

            self._saving_token = spawn(save_token(), name="save token")
        if self._instance is None:
            key = key_of(self._address.backend_url, session_id)
            try:
                self._instance = await run_in_daemon_thread(
                    lambda: Instance.claim(key, self._locks_folder),
                    name="claim",
                    within_s=_DISK_TIMEOUT_S,
                )
            except OSError as error:
                _log.info("the instance lock could not be acquired: %s", type(error).__name__)
            if self._instance is not None:
                await self._serve(self._instance)

    async def _serve(self, instance: Instance) -> None:
        try:
            await instance.serve(self._on_activate)
        except OSError as error:
            _log.info("second instances cannot be answered: %s", type(error).__name__)
