"""`rejoin backend`: what it does without a command, and with one."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from helpers.command_line import Rejoin
from rejoin.cli import backend, backend_settings
from rejoin.errors import ServiceError


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


def test_a_database_that_cannot_be_opened_is_a_sentence(rejoin: Rejoin, tmp_path: Path) -> None:
    settings = tmp_path / "backend.toml"
    settings.write_text(
        f"""
region = "us-west-2"
stream_group = "sg-1AB2C3De4"
application = "a-9ZY8X7Wv6"
tokens = ["canary-token-number-0123456789"]
endpoint_url = "http://127.0.0.1:9"
access_key_id = "AKIDOFTHEEMULATOR"
secret_access_key = "canary-secret"
database = "{(tmp_path / "missing" / "x.sqlite3").as_posix()}"
"""
    )
    settings.chmod(0o600)
    code, out, err = rejoin("backend", "--settings", str(settings))
    assert (code, out) == (ServiceError.exit_code, "")
    assert err == "rejoin: The backend's database file cannot be opened.\n"
