"""The operating system's own word about the network: does it want a sign-in?

Only what the system has found out by itself is read; it is not asked to look again, as it would
contact somebody for that. That it believes to be online is no evidence: NetworkManager, for one,
finds out every five minutes only.

On Linux NetworkManager says it, over D-Bus. On other systems nothing is asked yet.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from rejoin.daemon_thread import run_in_daemon_thread

WITHIN_S: Final = 1.0
_PORTAL: Final = 2
"""NM_CONNECTIVITY_PORTAL."""
_GDBUS: Final = (
    "call",
    "--system",
    "--timeout=1",
    "--dest=org.freedesktop.NetworkManager",
    "--object-path=/org/freedesktop/NetworkManager",
    "--method=org.freedesktop.DBus.Properties.Get",
    "org.freedesktop.NetworkManager",
    "Connectivity",
)


class SystemWord(Protocol):
    """What the operating system knows about the network."""

    async def is_behind_sign_in_page(self) -> bool:
        """Whether the system says that the network wants a sign-in. False where it does not know.
        Does not raise, and takes `WITHIN_S` at most."""
        ...


class NoWord:
    """A system that says nothing."""

    async def is_behind_sign_in_page(self) -> bool:
        return False


Run = Callable[[Sequence[str]], str]


class NetworkManagerWord:
    """NetworkManager's `Connectivity`, read by glib's `gdbus`."""

    def __init__(self, gdbus: str, run: Run | None = None) -> None:
        """`gdbus`: the program's path."""
        self._command = (gdbus, *_GDBUS)
        self._run = run or _output

    async def is_behind_sign_in_page(self) -> bool:
        try:
            text = await run_in_daemon_thread(
                lambda: self._run(self._command), name="network manager", within_s=WITHIN_S
            )
        except (OSError, subprocess.SubprocessError):  # TimeoutError is an OSError
            return False
        found = re.fullmatch(r"\(<uint32 (\d{1,4})>,\)", text.strip())
        return found is not None and int(found[1]) == _PORTAL


def system_word() -> SystemWord:
    """What can be asked on this system."""
    gdbus = shutil.which("gdbus") if sys.platform == "linux" else None
    return NoWord() if gdbus is None else NetworkManagerWord(gdbus)


def _output(command: Sequence[str]) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=WITHIN_S)
    return done.stdout
