"""A certified identity provider (npm's oidc-provider) as a process, and tokens from it."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

FOLDER = Path(__file__).parents[1] / "data" / "oidc"
AUDIENCE = "https://backend.example"
CLIENT_ID = "player-of-the-test"
CLIENT_SECRET = "a secret with spaces & signs: +%"


@dataclass
class IdentityProvider:
    """`issuer`: its address."""

    issuer: str
    process: subprocess.Popen[str]

    def command(self, line: str) -> None:
        """ "rotate", "down" or "up"."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        for said in self.process.stdout:  # its own warnings, then the answer
            if said == "ok\n":
                return
        raise AssertionError("the provider has ended")

    def access_token(self, kind: str = "") -> str:
        """Of the client itself. `kind`: "", "/ec", "/short" (1 s) or "/opaque"."""
        answer = httpx.post(
            f"{self.issuer}/token",
            data={
                "grant_type": "client_credentials",
                "scope": "play",
                "resource": AUDIENCE + kind,
            },
            auth=(quote(CLIENT_ID, ""), quote(CLIENT_SECRET, "")),
            trust_env=False,
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def revoke(self, token: str) -> None:
        answer = httpx.post(
            f"{self.issuer}/token/revocation",
            data={"token": token},
            auth=(quote(CLIENT_ID, ""), quote(CLIENT_SECRET, "")),
            trust_env=False,
            timeout=60,
        )
        assert answer.status_code == 200, answer.text


@contextlib.contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """Skips the test where there is no Node.js, or its packages are not installed."""
    node = shutil.which("node")
    if node is None or not (FOLDER / "node_modules").is_dir():
        pytest.skip("there is no Node.js with the packages of tests/data/oidc (dev.py test)")
    process = subprocess.Popen(
        [node, "provider.mjs"],
        cwd=FOLDER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        issuer = process.stdout.readline().strip()
        assert issuer.startswith("http://"), "the provider does not start"
        yield IdentityProvider(issuer, process)
    finally:
        process.communicate()  # the end of its input ends it
