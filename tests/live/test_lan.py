"""A studio on one machine and a player on another: two network namespaces with a cable between."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from helpers.namespaces import STUDIO, namespaces, why_not

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(why_not() is not None, reason=why_not() or ""),
]

REJOIN = (sys.executable, "-P", "-m", "rejoin")
HANGS_S = 300.0


def test_a_game_is_played_from_another_machine_that_reaches_nothing_else(tmp_path: Path) -> None:
    ca_file, token_file = tmp_path / "ca.pem", tmp_path / "control-token"
    serve = (
        *("studio", "--announce", "--lan", STUDIO, "--https", str(ca_file)),
        *("--control-token-file", str(token_file)),
        *("--backend-port", "0", "--api-port", "0", "--control-port", "0"),
    )
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    with (
        namespaces() as net,
        subprocess.Popen(
            net.in_studio(*REJOIN, *serve),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        ) as studio,
    ):
        assert studio.stdout is not None
        there = json.loads(studio.stdout.readline())
        assert there["backend_url"].startswith(f"https://{STUDIO}:")
        assert token_file.read_text(encoding="ascii").strip() == there["control_token"]
        assert stat.S_IMODE(token_file.stat().st_mode) == 0o600

        play = ("qa", "input", "--backend", there["backend_url"], "--seconds", "1")
        played = subprocess.run(
            net.in_player(*REJOIN, *play, "--network", "lan", "--ca-file", str(ca_file)),
            env={**environment, "REJOIN_TOKEN": there["player_token"]},
            capture_output=True,
            text=True,
            check=False,
            timeout=HANGS_S,
        )
        assert (played.returncode, played.stderr) == (0, "")
        assert "0 errors" in played.stdout

        for name in ("api_url", "control_url"):
            port = urlsplit(there[name]).port
            code = f"import socket; socket.create_connection(('{STUDIO}', {port}), 60)"
            reached = subprocess.run(
                net.in_player(sys.executable, "-c", code), capture_output=True, check=False
            )
            assert b"ConnectionRefusedError" in reached.stderr, name

        assert studio.stdin is not None
        studio.stdin.close()
        assert studio.wait(HANGS_S) == 0
