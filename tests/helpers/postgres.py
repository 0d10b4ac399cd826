"""A real PostgreSQL server for tests: Debian's, in a folder of its own, on a Unix socket alone."""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_USER = "postgres"
_STARTS_WITHIN_S = 60.0


@dataclass
class PostgresServer:
    """`folder` holds the data and the socket."""

    folder: Path
    bindir: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers."""
        self.process = subprocess.Popen(
            [
                *as_user(),
                str(self.bindir / "postgres"),
                *("-D", str(self.folder / "data"), "-k", str(self.folder)),
                *("-c", "listen_addresses=", "-c", "fsync=off"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )
        until = time.monotonic() + _STARTS_WITHIN_S
        while self._ask("postgres", "SELECT 1") != 0:
            assert time.monotonic() < until, "PostgreSQL does not start"
            assert self.process.poll() is None, "PostgreSQL has ended"
            time.sleep(0.1)

    def stop(self) -> None:
        """At once, as when a machine is switched off: connections break."""
        if self.process is None:
            return
        pid = int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 3)  # SIGQUIT: without waiting for clients
        self.process.wait(timeout=30)
        self.process = None

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"test_{secrets.token_hex(6)}"
        assert self._ask("postgres", f"CREATE DATABASE {name}") == 0
        return f"postgresql://{_owner()}@/{name}?host={self.folder}"

    def execute(self, url: str, statement: str) -> None:
        """Run one statement in a database that `new_database` made."""
        name = url.partition("@/")[2].partition("?")[0]
        assert self._ask(name, statement) == 0, statement

    def wait_for_socket(self, port: int, process: subprocess.Popen[bytes]) -> None:
        """Until a program listens there beside the server."""
        until = time.monotonic() + _STARTS_WITHIN_S
        while not (self.folder / f".s.PGSQL.{port}").exists():
            assert time.monotonic() < until, "it does not start"
            assert process.poll() is None, "it has ended"
            time.sleep(0.05)

    def _ask(self, database: str, statement: str) -> int:
        command = [*as_user(), str(self.bindir / "psql"), "-h", str(self.folder), "-q"]
        command += ["-d", database, "-c", statement]
        return subprocess.run(command, check=False, capture_output=True, cwd="/").returncode


def as_user() -> list[str]:
    """What is put in front of a command: initdb and postgres refuse to run as root."""
    return ["runuser", "-u", _USER, "--"] if os.geteuid() == 0 else []


def _owner() -> str:
    return _USER if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


@contextlib.contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A started server; skips the test where there is none to start."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not found or (os.geteuid() == 0 and shutil.which("runuser") is None):
        pytest.skip("there is no PostgreSQL server here (Debian's package postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    server = PostgresServer(folder, Path(found[-1]))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, _USER)
        subprocess.run(
            [
                *as_user(),
                str(server.bindir / "initdb"),
                *("-D", str(folder / "data"), "-A", "trust", "-E", "UTF8", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            cwd="/",
        )
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
