"""One running Rejoin per stream session: a lock of the OS, and an address for second instances.

Rule 1: the instance is the process that holds the lock; the OS releases it when the process ends,
        in whatever way.
Rule 2: only the lock's holder creates or removes the address, so a stale one is replaced.
Rule 3: a second instance of the same user activates the first, passes it its link and Wayland's
        activation token (which lets a window come to the front), and ends.
Rule 4: activations are limited in size, number and time, and accepted from the same user only
        (`instance_server`, which is loaded when an instance begins to answer).

The address is a Unix domain socket in a folder of mode 0700. On Windows it is TCP on loopback, with
a secret in a file that only the user can read; TCP was tested on Linux, the Windows lock was not
tested. Lock and address belong to one machine where the OS has a folder for that
(XDG_RUNTIME_DIR): with a home folder on the network, two devices remain two instances.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rejoin.errors import BadInputError
from rejoin.runtime.file_lock import FileLock
from rejoin.runtime.private_files import make_private_folder
from rejoin.runtime.ticket_folder import tickets_folder

if TYPE_CHECKING:
    from rejoin.runtime.instance_server import InstanceServer, OnActivate

VERSION: Final = 2
"""Of the line that a second instance sends; unknown keys in it are passed over."""
ACCEPTED: Final = b"accepted\n"
MAX_TOKEN: Final = 256
"""Characters of an activation token; compositors use some 40."""
TOKEN_VARIABLE: Final = "XDG_ACTIVATION_TOKEN"
"""The environment variable with it (xdg-activation-v1)."""
_POSIX: Final = sys.platform != "win32"
_OF_A_GAME: Final = re.compile("[0-9a-f]{16}")
"""The keys of sessions and games (`ticket_folder.key_of`); the home and others have words."""
_ASKING: Final = threading.Lock()
"""A query holds a session's lock for a moment; within this process claims do not collide with
it."""


def locks_folder() -> Path:
    """Where this user's locks and addresses are."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if _POSIX and os.path.isabs(runtime) and os.path.isdir(runtime):
        return Path(runtime) / "rejoin"
    return tickets_folder()


class Instance:
    """Holds the lock of one stream session until it is closed or released."""

    def __init__(self, lock: FileLock, address: Path, *, by_tcp: bool) -> None:
        self._lock = lock
        self._address = address
        self._by_tcp = by_tcp
        self._server: InstanceServer | None = None

    @classmethod
    def claim(
        cls, key: str, folder: Path | None = None, *, by_tcp: bool = not _POSIX
    ) -> Instance | None:
        """Acquire the lock of session `key`; None if another holds it. Raises OSError."""
        with _ASKING:
            return cls._claim(key, folder, by_tcp=by_tcp)

    @classmethod
    def _claim(cls, key: str, folder: Path | None, *, by_tcp: bool) -> Instance | None:
        folder = folder or locks_folder()
        make_private_folder(folder)
        lock = FileLock.acquire(folder / f"{key}.lock")
        return None if lock is None else cls(lock, _address(folder, key, by_tcp), by_tcp=by_tcp)

    @classmethod
    def is_held(cls, key: str, folder: Path | None = None) -> bool:
        """Whether a Rejoin holds the lock of session `key` now. Raises OSError."""
        with _ASKING:
            found = cls._claim(key, folder, by_tcp=not _POSIX)
            if found is None:
                return True
            found.release()
            return False

    async def serve(self, on_activate: OnActivate) -> None:
        """Answer second instances. Raises OSError if it cannot; then they get no answer."""
        from rejoin.runtime.instance_server import InstanceServer

        with contextlib.suppress(FileNotFoundError):
            self._address.unlink()
        server = InstanceServer(self._address, on_activate, by_tcp=self._by_tcp)
        await server.open()
        self._server = server

    async def close(self) -> None:
        """Stop serving and release the lock."""
        if self._server is not None:
            await self._server.close()
            self._server = None
        self.release()

    def release(self) -> None:
        """Release the lock, when nothing was served. May be called again: the next holder keeps
        its lock and address."""
        if not self._lock.held:
            return
        with contextlib.suppress(OSError):
            self._address.unlink(missing_ok=True)
        self._lock.release()


def is_taken(key: str, folder: Path | None = None) -> bool:
    """Whether an instance holds this session's lock now. False if that cannot be found out."""
    try:
        return Instance.is_held(key, folder)
    except OSError:
        return False


def any_game_open(folder: Path | None = None) -> bool:
    """Whether a game is open in any Rejoin of this user; False if that cannot be found out."""
    try:
        folder = folder or locks_folder()
        keys = [file.stem for file in folder.glob("*.lock")]
    except (OSError, BadInputError):  # there may be no home folder
        return False
    return any(_OF_A_GAME.fullmatch(key) and is_taken(key, folder) for key in keys)


def activate(
    key: str,
    link: str | None = None,
    folder: Path | None = None,
    *,
    within_s: float = 3.0,
    by_tcp: bool = not _POSIX,
) -> bool:
    """Activate the instance that holds session `key` and pass it our link, and the activation
    token of the environment.

    Returns whether it accepted. An instance that is still starting has no address yet, so this is
    tried again for `within_s`.
    """
    address = _address(folder or locks_folder(), key, by_tcp)
    until = time.monotonic() + within_s
    while True:
        try:
            return _activate_once(address, link, by_tcp, max(0.1, until - time.monotonic()))
        except (OSError, ValueError, KeyError, TypeError):
            if time.monotonic() >= until:
                return False
            time.sleep(0.05)


def _activate_once(file: Path, link: str | None, by_tcp: bool, within_s: float) -> bool:
    secret = ""
    address: Any = str(file)
    if by_tcp:
        content = json.loads(file.read_bytes()[:4096])
        secret, address = str(content["secret"]), ("127.0.0.1", int(content["port"]))
    import socket

    family = socket.AF_INET if by_tcp else socket.AF_UNIX
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(within_s)
        client.connect(address)
        message = {"rejoin": VERSION, "secret": secret, "link": link}
        token = os.environ.get(TOKEN_VARIABLE, "")
        if token and len(token) <= MAX_TOKEN:
            message["activation_token"] = token
        line = json.dumps(message)
        client.sendall(line.encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n") and len(answer) < 64:
            part = client.recv(64)
            if not part:
                break
            answer += part
    return answer == ACCEPTED


def _address(folder: Path, key: str, by_tcp: bool) -> Path:
    return folder / f"{key}{'.address' if by_tcp else '.sock'}"
