"""`rejoin studio`: the printed command for players, and the CA certificate."""

from __future__ import annotations

import errno
from pathlib import Path

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
