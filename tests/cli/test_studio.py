"""`rejoin studio`: the printed command for players, and the CA certificate."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpers.command_line import Rejoin
from rejoin.cli import studio as verb
from rejoin.cli.play import PlayOptions, play
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.errors import BadInputError
from rejoin.signaling.dialects import DIALECTS, OURS
from rejoin.studio import serve
from rejoin.studio.address import Studio

SETTINGS = EmulatorSettings()
THERE = Studio("http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3", "p-token", "c")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_printed_command_is_one_that_play_accepts(dialect: str, tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    text = verb.play_options(DIALECTS[dialect], SETTINGS, ca_file)
    context = play.make_context("play", [*text.split(), THERE.backend_url])
    chosen = PlayOptions(**context.params)
    assert (chosen.dialect, chosen.ca_file) == (dialect, ca_file)
    if DIALECTS[dialect].needs_stream_group:
        assert chosen.stream_group == SETTINGS.stream_group_ids[0]
        assert chosen.application == SETTINGS.application_id


def test_a_path_with_spaces_is_quoted() -> None:
    text = verb.play_options(OURS, SETTINGS, Path("my files/ca.pem"))
    assert text == " --ca-file 'my files/ca.pem'"
    assert verb.play_options(OURS, SETTINGS, None) == ""


def test_the_description_names_every_address_and_how_to_play() -> None:
    lines = verb.description(THERE, " --dialect aws-react")
    text = "\n".join(lines)
    for part in (THERE.backend_url, THERE.api_url, THERE.control_url, THERE.player_token):
        assert part in text
    assert "rejoin play --network loopback --dialect aws-react http://127.0.0.1:1" in text
    assert lines[-1] == "Ctrl+C or `quit` stops it."


def test_the_ca_certificate_is_written_or_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verb.write_ca_file(tmp_path / "ca.pem", "PEM")
    assert (tmp_path / "ca.pem").read_text() == "PEM"
    with pytest.raises(BadInputError, match=r"cannot be written to ca\.pem\.$"):
        verb.write_ca_file(tmp_path / "missing" / "ca.pem", "PEM")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        verb.write_ca_file(tmp_path / "ca.pem", "PEM")


def test_an_unusable_token_is_one_line(rejoin: Rejoin) -> None:
    code, out, err = rejoin("studio", "--api-port", "0", token="CANARY")
    assert (code, out) == (2, "")
    assert "tokens must be one or more tokens of 16 to 1024" in err
    assert err.count("\n") == 1
    assert "CANARY" not in err


@pytest.mark.parametrize("given", [(), ("--no-host",)])
def test_without_hosts_only_if_the_option_says_so(
    given: tuple[str, ...], rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[bool] = []

    def served(*_: object, no_host: bool, **__: object) -> None:
        chosen.append(no_host)
        raise BadInputError("That is enough.")

    monkeypatch.setattr(serve, "studio", served)
    code, _, err = rejoin("studio", *given)
    assert (code, err.count("That is enough.")) == (2, 1)
    assert chosen == [bool(given)]


@pytest.fixture
def started(rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """What `serve.studio` gets for a command line; {} where the command ends before."""

    def run(*arguments: str, token: str | None = None) -> dict[str, Any]:
        found: dict[str, Any] = {}

        def served(settings: EmulatorSettings, ports: object, **others: Any) -> None:
            found.update(others, settings=settings, ports=ports)
            raise BadInputError("That is enough.")

        monkeypatch.setattr(serve, "studio", served)
        code, _, err = rejoin("studio", *arguments, token=token)
        assert (code, err.count("\n")) == (2, 1)
        found.setdefault("refusal", err)
        return found

    return run


def test_a_file_of_settings_is_changed_by_the_options_that_are_given(
    started: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    file = tmp_path / "learned.toml"
    file.write_text("notice_silent_client_s = 8\nidle_timeout_s = 60\nwrong_status_error = ")
    assert "is not TOML: " in started("--settings", str(file))["refusal"]
    file.write_text("notice_silent_client_s = 8\nidle_timeout_s = 60\nhosts = 2\n")
    found = started("--settings", str(file), "--idle-timeout", "90")["settings"]
    assert (found.notice_silent_client_s, found.idle_timeout_s, found.hosts) == (8.0, 90.0, 2)
    assert found.connection_timeout_s == 120
    assert started()["settings"] == serve.STUDIO_SETTINGS


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_the_control_token_is_kept_in_a_file_of_this_user(
    started: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    first = started("--control-token-file", str(file))["tokens"].control
    assert len(first) >= 16
    assert (file.read_text().strip(), file.stat().st_mode & 0o777) == (first, 0o600)
    assert started("--control-token-file", str(file))["tokens"].control == first
    file.chmod(0o644)
    assert "chmod 600" in started("--control-token-file", str(file))["refusal"]
    file.chmod(0o600)
    file.write_text("short")
    refusal = started("--control-token-file", str(file))["refusal"]
    assert "16 to 1024 printable" in refusal
    assert "short" not in refusal
    assert "cannot be written" in started("--control-token-file", "/proc/x/token")["refusal"]
    assert started()["tokens"].control is None
    monkeypatch.setenv("REJOIN_CONTROL_TOKEN", "from-the-environment")
    assert started()["tokens"].control == "from-the-environment"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--lan", "here", "--https", "ca"), "needs a private IPv4 address"),
        (("--lan", "127.0.0.1", "--https", "ca"), "needs a private IPv4 address"),
        (("--lan", "0.0.0.0", "--https", "ca"), "needs a private IPv4 address"),
        (("--lan", "8.8.8.8", "--https", "ca"), "needs a private IPv4 address"),
        (("--lan", "10.0.0.1"), "needs --https FILE"),
        (("--lan", "10.0.0.1", "--https", "c", "--dialect", "aws-bundle"), "asks for no token"),
    ],
)
def test_a_network_is_served_only_where_that_is_safe(
    arguments: tuple[str, ...], sentence: str, started: Callable[..., dict[str, Any]]
) -> None:
    found = started(*arguments)
    assert sentence in found["refusal"]
    assert "ports" not in found


def test_a_network_is_served_at_its_address_with_a_warning(
    started: Callable[..., dict[str, Any]],
) -> None:
    assert started("--lan", "10.0.0.1", "--https", "ca")["ports"].address == "10.0.0.1"
    text = "\n".join(verb.description(THERE, " --ca-file ca", "lan"))
    assert "rejoin play --network lan --ca-file ca " in text
    assert "Everybody in this network reaches" in text
    assert "token c\n" in text
