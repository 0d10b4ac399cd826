"""Whether the network wants a sign-in, by the operating system's own check.

Only the system's last result is read; a new check is not requested, as the system would contact a
server for it. Its "online" is no evidence: NetworkManager, for one, checks only every five minutes.

On Linux the result comes from NetworkManager over D-Bus, or from the desktop's portal (all that a
sandbox sees); on Windows from its Network Connectivity Status Indicator (NCSI); macOS is not asked.
The code for Windows was written from its documentation and was not run there.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from rejoin.daemon_thread import run_in_daemon_thread
from rejoin.runtime.session_bus import bus_address

WITHIN_S: Final = 3.0
"""PowerShell takes more than a second to start."""
_WINRT: Final = (
    "[Windows.Networking.Connectivity.NetworkInformation,Windows.Networking.Connectivity,"
    "ContentType=WindowsRuntime]::GetConnectionProfiles().GetNetworkConnectivityLevel()"
    " | Sort-Object -Descending | Select-Object -First 1 | ForEach-Object { $_.ToString() }"
)
_ASK_PORTAL: Final = (
    "call",
    "--session",
    "--timeout=1",
    "--dest=org.freedesktop.portal.Desktop",
    "--object-path=/org/freedesktop/portal/desktop",
    "--method=org.freedesktop.portal.NetworkMonitor.GetConnectivity",
)
_ASK_NETWORK_MANAGER: Final = (
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
    """The operating system's knowledge about the network."""

    async def is_behind_sign_in_page(self) -> bool:
        """Whether the system says that the network wants a sign-in. False where it does not know.
        Does not raise, and takes `WITHIN_S` at most."""
        ...


class NoWord:
    """For a system without such a check."""

    async def is_behind_sign_in_page(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class CommandWord:
    """Reads a command's output. `sign_in`: its output, stripped, if the network wants a sign-in."""

    command: Sequence[str]
    sign_in: str
    run: Run

    async def is_behind_sign_in_page(self) -> bool:
        return await _said(self.run, self.command) == self.sign_in


def ncsi_word(powershell: str, run: Run | None = None) -> CommandWord:
    """Windows' connectivity level, read by PowerShell from WinRT. Not run on Windows.

    `powershell`: the path of Windows PowerShell 5, which knows WinRT.
    """
    command = (powershell, "-NoProfile", "-NonInteractive", "-Command", _WINRT)
    # NetworkConnectivityLevel behind a captive portal; only InternetAccess is more.
    return CommandWord(command, "ConstrainedInternetAccess", run or _output)


def network_manager_word(gdbus: str, run: Run | None = None) -> CommandWord:
    """NetworkManager's `Connectivity`, read by glib's `gdbus`, of which this is the path."""
    # NM_CONNECTIVITY_PORTAL
    return CommandWord((gdbus, *_ASK_NETWORK_MANAGER), "(<uint32 2>,)", run or _output)


def portal_word(gdbus: str, run: Run | None = None) -> CommandWord:
    """The connectivity of the desktop's portal, read by glib's `gdbus`; a portal has it from
    NetworkManager, or from what GLib sees."""
    # "captive portal" in version 3 of the interface; 1 is local only, 2 limited, 4 full.
    return CommandWord((gdbus, *_ASK_PORTAL), "(uint32 3,)", run or _output)


class EitherWord:
    """Asks two at the same time; the answer of one is enough."""

    def __init__(self, *words: SystemWord) -> None:
        self.words = words

    async def is_behind_sign_in_page(self) -> bool:
        return any(await asyncio.gather(*(each.is_behind_sign_in_page() for each in self.words)))


def system_word() -> SystemWord:
    """The check of this system."""
    if sys.platform == "linux" and (gdbus := shutil.which("gdbus")) is not None:
        manager = network_manager_word(gdbus)
        # Without an address `gdbus` would start a bus of its own.
        return manager if bus_address() is None else EitherWord(manager, portal_word(gdbus))
    if sys.platform == "win32" and (powershell := shutil.which("powershell")) is not None:
        return ncsi_word(powershell)
    return NoWord()


async def _said(run: Run, command: Sequence[str]) -> str:
    """The command's output; empty if it failed or took too long."""
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
