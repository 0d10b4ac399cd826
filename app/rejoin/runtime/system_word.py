"""The operating system's own word about the network: does it want a sign-in?

Only what the system has found out by itself is read; it is not asked to look again, as it would
contact somebody for that. That it believes to be online is no evidence: NetworkManager, for one,
finds out every five minutes only.

On Linux NetworkManager says it, over D-Bus, or the desktop's portal, which is all that a sandbox
sees; on Windows its Network Connectivity Status Indicator (NCSI). Of macOS nothing is asked. What
is here for Windows was written from its documentation and was not run there.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from rejoin.daemon_thread import run_in_daemon_thread
from rejoin.runtime.session_bus import bus_address

WITHIN_S: Final = 3.0
"""PowerShell takes more than a second to start."""
_PORTAL: Final = 2
"""NM_CONNECTIVITY_PORTAL."""
_CAPTIVE: Final = 3
"""What GetConnectivity of org.freedesktop.portal.NetworkMonitor (version 3) calls it: "captive
portal". 1 is local only, 2 limited, 4 full."""
_WINRT: Final = (
    "[Windows.Networking.Connectivity.NetworkInformation,Windows.Networking.Connectivity,"
    "ContentType=WindowsRuntime]::GetConnectionProfiles().GetNetworkConnectivityLevel()"
    " | Sort-Object -Descending | Select-Object -First 1 | ForEach-Object { $_.ToString() }"
)
_CONSTRAINED: Final = "ConstrainedInternetAccess"
"""NetworkConnectivityLevel: what a captive portal leaves; only InternetAccess is more."""
_ASK_PORTAL: Final = (
    "call",
    "--session",
    "--timeout=1",
    "--dest=org.freedesktop.portal.Desktop",
    "--object-path=/org/freedesktop/portal/desktop",
    "--method=org.freedesktop.portal.NetworkMonitor.GetConnectivity",
)
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


Run = Callable[[Sequence[str]], str]
"""Runs a command and returns what it prints. Raises OSError or SubprocessError."""


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


class NcsiWord:
    """Windows' connectivity level, read by PowerShell from WinRT. Not run on Windows."""

    def __init__(self, powershell: str, run: Run | None = None) -> None:
        """`powershell`: the path of Windows PowerShell 5, which knows WinRT."""
        self._command = (powershell, "-NoProfile", "-NonInteractive", "-Command", _WINRT)
        self._run = run or _output

    async def is_behind_sign_in_page(self) -> bool:
        return await _said(self._run, self._command) == _CONSTRAINED


class NetworkManagerWord:
    """NetworkManager's `Connectivity`, read by glib's `gdbus`."""

    def __init__(self, gdbus: str, run: Run | None = None) -> None:
        """`gdbus`: the program's path."""
        self._command = (gdbus, *_GDBUS)
        self._run = run or _output

    async def is_behind_sign_in_page(self) -> bool:
        found = re.fullmatch(r"\(<uint32 (\d{1,4})>,\)", await _said(self._run, self._command))
        return found is not None and int(found[1]) == _PORTAL


class PortalWord:
    """The connectivity of the desktop's portal, read by glib's `gdbus`; a portal has it from
    NetworkManager, or from what GLib sees."""

    def __init__(self, gdbus: str, run: Run | None = None) -> None:
        """`gdbus`: the program's path."""
        self._command = (gdbus, *_ASK_PORTAL)
        self._run = run or _output

    async def is_behind_sign_in_page(self) -> bool:
        found = re.fullmatch(r"\(uint32 (\d{1,4}),\)", await _said(self._run, self._command))
        return found is not None and int(found[1]) == _CAPTIVE


class EitherWord:
    """What one of them knows, asked side by side."""

    def __init__(self, *words: SystemWord) -> None:
        self.words = words

    async def is_behind_sign_in_page(self) -> bool:
        return any(await asyncio.gather(*(each.is_behind_sign_in_page() for each in self.words)))


def system_word() -> SystemWord:
    """What can be asked on this system."""
    if sys.platform == "linux" and (gdbus := shutil.which("gdbus")) is not None:
        manager = NetworkManagerWord(gdbus)
        # Without an address `gdbus` would start a bus of its own.
        return manager if bus_address() is None else EitherWord(manager, PortalWord(gdbus))
    if sys.platform == "win32" and (powershell := shutil.which("powershell")) is not None:
        return NcsiWord(powershell)
    return NoWord()


async def _said(run: Run, command: Sequence[str]) -> str:
    """What the command printed; empty if it failed or took too long."""
    try:
        text = await run_in_daemon_thread(
            lambda: run(command), name="system's word", within_s=WITHIN_S
        )
    except (OSError, subprocess.SubprocessError):  # TimeoutError is an OSError
        return ""
    return text.strip()


def _output(command: Sequence[str]) -> str:
    done = subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    return done.stdout
