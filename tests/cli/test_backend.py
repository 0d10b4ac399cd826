"""`rejoin backend`: what it does without a command, and with one."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from helpers.command_line import Rejoin
from rejoin.cli import backend, backend_settings


def test_without_a_command_it_serves_and_with_one_it_does_that_alone(
    rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[Path | None] = []

    def serve(chosen: backend.BackendOptions) -> int:
        served.append(chosen.settings_file)
        return 7

    @click.command
    @backend_settings.settings_file
    def ask(settings_file: Path | None) -> int:
        click.echo(settings_file)
        return 4

    monkeypatch.setattr(backend, "_serve", serve)
    monkeypatch.setitem(backend.backend.commands, "ask", ask)
    assert rejoin("backend", "--settings", "a.toml") == (7, "", "")
    assert served == [Path("a.toml")]
    assert rejoin("backend", "ask", "--settings", "b.toml") == (4, "b.toml\n", "")
    assert rejoin("backend", "--settings", "c.toml", "ask") == (4, "c.toml\n", "")
    assert served == [Path("a.toml")]
