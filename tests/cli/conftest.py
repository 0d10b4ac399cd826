"""Runs `rejoin` in this process, without the user's environment and without a real player."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from helpers.command_line import FakePlayer, Rejoin
from rejoin.cli import main
from rejoin.gui import application
from rejoin.runtime import logs, player
from rejoin.signaling import name_lookup


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No variables of the user, and the handlers of signals as they were before."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(logs, "configure", lambda **_: None)
    for name in [name for name in os.environ if name.startswith("REJOIN_")]:
        monkeypatch.delenv(name)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _no_name_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of the internet mean nothing; the resolver of this machine reads addresses."""
    resolved = name_lookup.resolved

    def of_this_machine(host: str, port: int) -> list[str]:
        if host.endswith(".example"):
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return resolved(host, port)

    monkeypatch.setattr(name_lookup, "resolved", of_this_machine)


@pytest.fixture
def rejoin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Rejoin:
    """Run it in this process: exit code, standard output, standard error."""

    def run(*arguments: str, token: str | None = None) -> tuple[int, str, str]:
        if token is not None:
            monkeypatch.setenv("REJOIN_TOKEN", token)
        monkeypatch.setattr(sys, "argv", ["rejoin", *arguments])
        with pytest.raises(SystemExit) as ended:
            main.main()
        assert isinstance(ended.value.code, int)
        return ended.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def fake_player(monkeypatch: pytest.MonkeyPatch) -> type[FakePlayer]:
    """In place of `Player`; the window closes at once with exit code 0."""

    class Player(FakePlayer):
        made: ClassVar[list[FakePlayer]] = []

    monkeypatch.setattr(player, "Player", Player)
    monkeypatch.setattr(application, "run", lambda *_, **__: 0)
    return Player
