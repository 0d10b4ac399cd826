"""The stream host of one session: made, asked for answers and stopped, each within a time limit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final

from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.emulator.service.stream_host import StreamHost
from rejoin.errors import ServiceError, SignalError
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.emulator.service.session_host")

_ANSWER_TIMEOUT_S: Final = 15.0
"""Real seconds after which a call fails with an internal error."""
_STOP_TIMEOUT_S: Final = 5.0


class SessionHost:
    """The host while the session has one. Failures of the host are logged and become values."""

    def __init__(self, session_id: str) -> None:
        self._session_id = session_id
        self._answering: asyncio.Task[str | Exception] | None = None
        self.host: StreamHost | None = None

    async def start(self, host: StreamHost) -> None:
        """Take this host and start it. Raises what the host raises."""
        self.host = host
        await host.start()

    async def answer(self, connection: int, signal_request: str) -> str | Exception:
        """The host's answer, or why there is none (`SignalError`: the offer is at fault)."""
        host = self.host
        if host is None:
            return ServiceError("The stream session has no host.")
        task = spawn(
            _result(host.answer(connection, signal_request)),
            name=f"answer:{self._session_id}:{connection}",
        )
        self._answering = task
        try:
            await asyncio.wait({task}, timeout=_ANSWER_TIMEOUT_S)
            if not task.done() or task.cancelled():
                return ServiceError("The stream host gave no answer.")
            return task.result()
        finally:
            await cancel(task)
            if self._answering is task:
                self._answering = None

    async def cancel_answer(self) -> None:
        """Wait no longer for an answer."""
        await cancel(self._answering)

    async def stop(self, disconnect_reason: str | None) -> None:
        """Stop the host and release it. With a reason, first send its client the disconnect."""
        host = self.host
        if host is None:
            return
        try:
            async with asyncio.timeout(_STOP_TIMEOUT_S):
                if disconnect_reason is not None:
                    await host.disconnect(disconnect_reason)
        except Exception:
            _log.exception("stream session %s: no disconnect message", self._session_id)
        try:
            async with asyncio.timeout(_STOP_TIMEOUT_S):
                await host.stop()
        except Exception:
            _log.exception("stream session %s: its host did not stop", self._session_id)
        self.host = None

    def settings_changed(self, settings: EmulatorSettings) -> None:
        """Pass changed settings on to the host."""
        if self.host is not None:
            self.host.settings_changed(settings)

    def game_state(self) -> dict[str, object] | None:
        """The game's state as JSON values; None without a host."""
        return None if self.host is None else self.host.game_state()


async def _result(answering: Coroutine[Any, Any, str]) -> str | Exception:
    """An exception as a value, so that a refused offer is not logged as a failed task."""
    try:
        return await answering
    except SignalError as error:
        return error
    except Exception as error:
        _log.exception("a stream host failed to answer")
        return error
