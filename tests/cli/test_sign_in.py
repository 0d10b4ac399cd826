"""The sign-in token: from a file, from standard input, or out of the environment."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from helpers.command_line import FakePlayer, Rejoin
from rejoin.runtime import logs

URL = "http://127.0.0.1:9"


def given(rejoin: Rejoin, fake_player: type[FakePlayer], *arguments: str) -> str | None:
    assert rejoin("play", *arguments, URL) == (0, "", "")
    token: str | None = fake_player.made[-1].profile.token
    return token


@pytest.mark.parametrize(
    "content",
    [
        b"CANARY-token",
        b"CANARY-token\n",
        b"CANARY-token\r\nmore\n",
        "\ufeffCANARY-token\r\n".encode(),
        "\ufeffCANARY-token\r\n".encode("utf-16-le"),
        "\ufeffCANARY-token".encode("utf-16-be"),
    ],
)
def test_a_token_file_holds_it_on_its_first_line(
    rejoin: Rejoin, fake_player: type[FakePlayer], tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    assert given(rejoin, fake_player, "--token-file", str(file)) == "CANARY-token"


def test_a_token_file_comes_before_the_environment(
    rejoin: Rejoin, fake_player: type[FakePlayer], tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("CANARY-file")
    assert rejoin("play", "--token-file", str(file), URL, token="CANARY-other")[0] == 0
    assert fake_player.made[0].profile.token == "CANARY-file"


def test_a_line_end_in_the_environment_is_no_part_of_it(
    rejoin: Rejoin, fake_player: type[FakePlayer]
) -> None:
    assert rejoin("play", URL, token="CANARY-token\r")[0] == 0
    assert fake_player.made[0].profile.token == "CANARY-token"


def test_standard_input_may_hold_it(
    rejoin: Rejoin, fake_player: type[FakePlayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b"CANARY-token\n"))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert given(rejoin, fake_player, "--token-file", "-") == "CANARY-token"


def test_at_a_terminal_it_is_typed_unseen(
    rejoin: Rejoin, fake_player: type[FakePlayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def prompt(text: str, *, hide_input: bool, err: bool) -> str:
        assert (hide_input, err) == (True, True)
        return "CANARY-token"

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(click, "prompt", prompt)
    assert given(rejoin, fake_player, "--token-file", "-") == "CANARY-token"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "The token file token cannot be read."),
        (b"", "The token file token has no sign-in token on its first line."),
        (b"\nCANARY", "The token file token has no sign-in token on its first line."),
        (
            "\ufeffCANARY\u00fc".encode("utf-16-le"),
            "The token file token has no sign-in token on its first line.",
        ),
        (b"CANARY\xff", "The token file token has no sign-in token on its first line."),
        (b"CANARY" * 9999, "The token file token has no sign-in token on its first line."),
    ],
)
def test_a_token_file_without_a_token_is_one_sentence(
    rejoin: Rejoin, tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    code, out, err = rejoin("play", "--token-file", str(file), URL)
    assert (code, out, err) == (2, "", f"rejoin: {sentence}\n")


@pytest.mark.parametrize("verb", ["play", "back", "studio", "demo", "backend", "qa"])
def test_no_verb_runs_with_the_token_in_the_environment(
    rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """What any program that is started would inherit."""
    seen: list[str | None] = []

    def configure(**_: object) -> None:
        seen.append(os.environ.get("REJOIN_TOKEN"))
        raise click.exceptions.Abort

    monkeypatch.setattr(logs, "configure", configure)
    assert rejoin(verb, token="CANARY-token")[0] == 130
    assert seen == [None]


FIND_LIBRARY = """
import os, sys
from pathlib import Path
tools = Path(sys.argv[1])
os.environ["PATH"] = str(tools)
os.environ["REJOIN_TOKEN"] = "CANARY-token"
sys.argv = ["rejoin", "play", "http://127.0.0.1:9"]
from rejoin.cli import main, window
def play(*_, **__):
    import ctypes.util
    import rejoin.media.audio.default_output
    ctypes.util.find_library("a-library-that-nobody-has")
    return 0
window.play_in_window = play
window.check_display = lambda: None
main.main()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="find_library runs gcc on Linux")
def test_a_compiler_that_a_look_up_of_a_library_runs_does_not_get_the_token(
    tmp_path: Path,
) -> None:
    """`ctypes.util.find_library` runs gcc, cc or ld, whichever is found first on PATH."""
    log = tmp_path / "log"
    for name in ("gcc", "cc", "ld", "objdump"):
        tool = tmp_path / name
        tool.write_text(f"#!/bin/sh\n/usr/bin/env >> {log}\nexit 1\n")
        tool.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", FIND_LIBRARY, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "PATH=" in log.read_text(), "a tool was run"
    assert "CANARY" not in log.read_text()
