"""What the operating system says about the network, and what is no word of it."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from rejoin.runtime import system_word
from rejoin.runtime.system_word import (
    EitherWord,
    NoWord,
    ncsi_word,
    network_manager_word,
    portal_word,
)


@pytest.mark.parametrize(
    ("said", "portal"),
    [
        ("(<uint32 2>,)\n", True),
        ("(<uint32 4>,)\n", False),
        ("(<uint32 0>,)\n", False),
        ("", False),
        ("(<uint32 2>, 'more')", False),
        ("2", False),
    ],
)
async def test_only_connectivity_portal_means_a_sign_in_page(said: str, portal: bool) -> None:
    commands: list[Sequence[str]] = []

    def run(command: Sequence[str]) -> str:
        commands.append(command)
        return said

    assert await network_manager_word("/usr/bin/gdbus", run).is_behind_sign_in_page() is portal
    (command,) = commands
    assert "--method=org.freedesktop.DBus.Properties.Get" in command, "read, and not asked to check"


@pytest.mark.parametrize(
    ("said", "portal"),
    [
        ("(uint32 3,)\n", True),
        ("(uint32 4,)\n", False),
        ("(uint32 2,)\n", False),
        ("(<uint32 3>,)", False),
        ("", False),
    ],
)
async def test_a_portal_calls_it_a_captive_portal(said: str, portal: bool) -> None:
    assert await portal_word("gdbus", lambda _: said).is_behind_sign_in_page() is portal


@pytest.mark.parametrize(
    ("manager", "portal", "together"),
    [
        ("(<uint32 2>,)", "", True),
        ("", "(uint32 3,)", True),
        ("(<uint32 4>,)", "(uint32 4,)", False),
    ],
)
async def test_one_of_them_is_enough(manager: str, portal: str, together: bool) -> None:
    """In a sandbox there is no system bus, and outside perhaps no portal."""
    either = EitherWord(
        network_manager_word("gdbus", lambda _: manager), portal_word("gdbus", lambda _: portal)
    )
    assert await either.is_behind_sign_in_page() is together


def test_without_a_session_bus_no_portal_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/gdbus")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(system_word, "bus_address", lambda: None)
    manager = network_manager_word("/usr/bin/gdbus")
    assert system_word.system_word() == manager
    monkeypatch.setattr(system_word, "bus_address", lambda: "unix:path=/run/bus")
    found = system_word.system_word()
    assert isinstance(found, EitherWord)
    assert found.words == (manager, portal_word("/usr/bin/gdbus"))


@pytest.mark.parametrize(
    "error",
    [OSError(), subprocess.CalledProcessError(1, "gdbus"), subprocess.TimeoutExpired("", 1)],
)
async def test_no_answer_is_no_word(error: Exception) -> None:
    def run(command: Sequence[str]) -> str:
        raise error

    assert await network_manager_word("gdbus", run).is_behind_sign_in_page() is False


async def test_a_system_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_word, "WITHIN_S", 0.05)

    def run(command: Sequence[str]) -> str:
        time.sleep(0.5)
        return "(<uint32 2>,)"

    assert await network_manager_word("gdbus", run).is_behind_sign_in_page() is False


async def test_the_program_that_is_found_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "gdbus"
    program.write_text('#!/bin/sh\necho "(<uint32 2>,)"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(shutil, "which", lambda name: str(program) if name == "gdbus" else None)
    monkeypatch.setattr(sys, "platform", "linux")
    assert await system_word.system_word().is_behind_sign_in_page() is True


@pytest.mark.parametrize(
    ("said", "portal"),
    [("ConstrainedInternetAccess\r\n", True), ("InternetAccess\r\n", False), ("", False)],
)
async def test_windows_calls_it_constrained_access(said: str, portal: bool) -> None:
    """With a stand-in for PowerShell; nothing of it was run on Windows."""
    assert await ncsi_word("powershell", lambda _: said).is_behind_sign_in_page() is portal


def test_elsewhere_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert isinstance(system_word.system_word(), NoWord)
