"""One instance of Rejoin for each stream session: a lock of the OS, and a door to knock at.

Rule 1: who holds the lock is the one; the OS lets go of it when a process ends, however it ends.
Rule 2: only who holds the lock makes or removes the door, so a stale one is replaced, never obeyed.
Rule 3: a second instance of the same user hands over what it was started with, and goes.
Rule 4: what knocks is bounded in size, number and time, and must be the same user.

The door is a Unix domain socket in a folder of mode 0700. On Windows it is TCP on loopback, with a
secret in a file that only the user can read; that door was run on Linux, the lock of Windows not.
Lock and door are per machine where the OS has a folder for such things (XDG_RUNTIME_DIR), so that
a home folder on the network does not make two devices one.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import logging
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from rejoin.runtime.ticket_folder import own_folder, tickets_folder
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.instance")

MAX_LINK: Final = 2048
"""Characters of what is handed over."""

_MAX_LINE: Final = 16 * 1024
_MAX_KNOCKS: Final = 8
_PATIENCE_S: Final = 2.0
_TAKEN: Final = b"taken\n"
_REFUSED: Final = b"refused\n"
_POSIX: Final = sys.platform != "win32"

OnActivate = Callable[[str | None], None]
"""Called on the loop with the link that a second instance brought, or None."""


def locks_folder() -> Path:
    """Where locks and doors of this user are."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if _POSIX and os.path.isabs(runtime) and os.path.isdir(runtime):
        return Path(runtime) / "rejoin"
    return tickets_folder()


class Instance:
    """The one of its stream session, for as long as it is open."""

    def __init__(self, lock: _Lock, door: Path, *, by_tcp: bool) -> None:
        self._lock = lock
        self._door = door
        self._by_tcp = by_tcp
        self._secret = ""
        self._on_knock: OnActivate = lambda link: None
        self._server: asyncio.Server | None = None
        self._knocks: set[asyncio.Task[None]] = set()

    @classmethod
    def claim(
        cls, key: str, folder: Path | None = None, *, by_tcp: bool = not _POSIX
    ) -> Instance | None:
        """Become the one of session `key`; None when there is one. Raises OSError."""
        folder = folder or locks_folder()
        own_folder(folder)
        lock = _Lock.take(folder / f"{key}.lock")
        return None if lock is None else cls(lock, _door(folder, key, by_tcp), by_tcp=by_tcp)

    async def serve(self, on_knock: OnActivate) -> None:
        """Open the door. Raises OSError: then a second instance finds nobody, and says so."""
        self._on_knock = on_knock
        with contextlib.suppress(FileNotFoundError):
            self._door.unlink()
        if self._by_tcp:
            self._secret = secrets.token_hex(32)
            self._server = await asyncio.start_server(
                self._knocked, "127.0.0.1", 0, limit=_MAX_LINE
            )
            port = self._server.sockets[0].getsockname()[1]
            text = json.dumps({"port": port, "secret": self._secret})
            descriptor = os.open(self._door, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.write(descriptor, text.encode())
            finally:
                os.close(descriptor)
        else:
            # Bound by hand: asyncio would remove the path of whoever is there by then.
            listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                listening.bind(str(self._door))
                self._door.chmod(0o600)
            except OSError:
                listening.close()
                raise
            self._server = await asyncio.start_unix_server(
                self._knocked, sock=listening, limit=_MAX_LINE
            )

    async def close(self) -> None:
        """Close the door and let go of the lock."""
        if self._server is not None:
            self._server.close()
            await cancel(*self._knocks)
            await self._server.wait_closed()
            self._server = None
        self.release()

    def release(self) -> None:
        """Let go, where no door was opened; a second time does nothing, for it may be another's."""
        if not self._lock.held:
            return
        with contextlib.suppress(OSError):
            self._door.unlink(missing_ok=True)
        self._lock.release()

    def _knocked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._knocks) >= _MAX_KNOCKS:
            writer.transport.abort()
            return
        task = spawn(self._answer(reader, writer), name="knock")
        self._knocks.add(task)
        task.add_done_callback(self._knocks.discard)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                line = await reader.readuntil(b"\n")
                taken, link = self._understood(line)
                if taken:
                    self._on_knock(link)
                writer.write(_TAKEN if taken else _REFUSED)
                await writer.drain()
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            pass  # too long, too slow (TimeoutError is an OSError), or gone
        except Exception:
            _log.exception("a second instance could not be answered")
        finally:
            writer.close()

    def _understood(self, line: bytes) -> tuple[bool, str | None]:
        """Whether it is a knock of a second instance, and the link it brings."""
        try:
            knock = json.loads(line)
        except (ValueError, RecursionError):
            return False, None
        if not isinstance(knock, dict) or knock.get("rejoin") != 1:
            return False, None
        secret, link = knock.get("secret"), knock.get("link")
        if not isinstance(secret, str) or not hmac.compare_digest(
            secret.encode(errors="replace"), self._secret.encode()
        ):
            return False, None
        if link is not None and (not isinstance(link, str) or len(link) > MAX_LINK):
            return False, None
        return True, link


def is_taken(key: str, folder: Path | None = None) -> bool:
    """Whether an instance has this session now. False where that cannot be told."""
    try:
        found = Instance.claim(key, folder)
    except OSError:
        return False
    if found is None:
        return True
    found.release()
    return False


def hand_over(
    key: str,
    link: str | None = None,
    folder: Path | None = None,
    *,
    within_s: float = 3.0,
    by_tcp: bool = not _POSIX,
) -> bool:
    """Tell the instance that has session `key` what this one was started for; whether it took it.

    One that is only just starting has no door yet, so it is tried again for a while.
    """
    door = _door(folder or locks_folder(), key, by_tcp)
    until = time.monotonic() + within_s
    while True:
        try:
            return _knock(door, link, by_tcp, max(0.1, until - time.monotonic()))
        except (OSError, ValueError, KeyError, TypeError):
            if time.monotonic() >= until:
                return False
            time.sleep(0.05)


def _knock(door: Path, link: str | None, by_tcp: bool, within_s: float) -> bool:
    secret = ""
    address: Any = str(door)
    if by_tcp:
        there = json.loads(door.read_bytes()[:4096])
        secret, address = str(there["secret"]), ("127.0.0.1", int(there["port"]))
    family = socket.AF_INET if by_tcp else socket.AF_UNIX
    with socket.socket(family, socket.SOCK_STREAM) as knocking:
        knocking.settimeout(within_s)
        knocking.connect(address)
        line = json.dumps({"rejoin": 1, "secret": secret, "link": link})
        knocking.sendall(line.encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n") and len(answer) < 64:
            part = knocking.recv(64)
            if not part:
                break
            answer += part
    return answer == _TAKEN


def _door(folder: Path, key: str, by_tcp: bool) -> Path:
    return folder / f"{key}{'.door' if by_tcp else '.sock'}"


class _Lock:
    """An exclusive lock of the OS on a file, which goes with it."""

    def __init__(self, file: Path, descriptor: int) -> None:
        self._file = file
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, file: Path) -> _Lock | None:
        """None when another process, or another part of this one, has it. Raises OSError."""
        flags = os.O_RDWR | os.O_CREAT
        flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        while True:
            descriptor = os.open(file, flags, 0o600)
            try:
                if not _locked(descriptor):
                    os.close(descriptor)
                    return None
                if _is_still(file, descriptor):
                    return cls(file, descriptor)
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # its holder removed it between our opening and our locking

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def release(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        if _POSIX:  # Windows does not remove what is open: there the file stays, and is empty
            with contextlib.suppress(OSError):
                self._file.unlink()
        os.close(descriptor)


def _is_still(file: Path, descriptor: int) -> bool:
    try:
        named = file.stat()
    except FileNotFoundError:
        return False
    held = os.fstat(descriptor)
    return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)


if sys.platform == "win32":
    import msvcrt

    def _locked(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _locked(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
