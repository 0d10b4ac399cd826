"""The deployment of packaging/backend as processes: nginx with TLS, two backends, PostgreSQL and
Prometheus, all on loopback, with the packaged files on other ports."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from helpers.ports import free_port
from helpers.postgres import PostgresServer
from helpers.programs import PATIENCE_S, TOKEN, Program, started
from rejoin.clock import boot_s
from rejoin.emulator.service.certificates import CertificateAuthority
from rejoin.emulator.service.settings import EmulatorSettings

FILES = Path(__file__).parents[2] / "packaging" / "backend"


@dataclass(frozen=True, slots=True)
class BackendProcess:
    """One `rejoin backend`, with the ports that it listens on."""

    program: Program
    port: int
    metrics_port: int


@dataclass(frozen=True, slots=True)
class Deployment:
    """`url`: where players reach it. `ca_file`: what they trust. `metrics_url`: Prometheus.
    `environment`: with what each backend was started."""

    url: str
    ca_file: Path
    backends: tuple[BackendProcess, ...]
    metrics_url: str
    environment: dict[str, str] = field(repr=False)
    token: str = field(default=TOKEN, repr=False)

    @contextlib.asynccontextmanager
    async def started_again(self, ended: BackendProcess) -> AsyncIterator[BackendProcess]:
        """A new process on the ports of one that has ended, until the block is left."""
        ports = {"PORT": ended.port, "METRICS_PORT": ended.metrics_port}
        given = {f"REJOIN_BACKEND_{name}": str(port) for name, port in ports.items()}
        with started("backend", environment=self.environment | given) as program:
            yield await _backend(program)

    async def query(self, expression: str) -> dict[str, float]:
        """What Prometheus answers: a value for each instance ("" where it has none)."""
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            answer = await http.get(
                f"{self.metrics_url}/api/v1/query", params={"query": expression}
            )
        found = answer.json()["data"]["result"]
        return {each["metric"].get("instance", ""): float(each["value"][1]) for each in found}

    async def until(self, expression: str, expected: dict[str, float]) -> None:
        """Wait until Prometheus has read this."""
        until = boot_s() + 3 * PATIENCE_S  # on a busy machine a reading a second misses some
        while (found := await self.query(expression)) != expected:
            assert boot_s() < until, f"{expression}: {found}"
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def deployment(
    folder: Path, postgres: PostgresServer, settings: EmulatorSettings, api_url: str
) -> AsyncIterator[Deployment]:
    """Run it in front of the emulated service at `api_url`, until the block is left; skips the test
    where a program is missing."""
    prometheus = _program("prometheus")
    environment = _environment(postgres.new_database(), settings, api_url)
    async with contextlib.AsyncExitStack() as stack:
        programs = [
            stack.enter_context(started("backend", environment=environment)) for _ in range(2)
        ]
        backends = tuple([await _backend(program) for program in programs])
        url = await stack.enter_async_context(front(folder, [each.port for each in backends]))
        port, collected = free_port(), _collected(folder, backends)
        stack.enter_context(
            _running(
                prometheus,
                f"--config.file={collected}",
                f"--storage.tsdb.path={folder / 'metrics'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=error",
            )
        )
        await _until_it_listens(port)
        metrics_url = f"http://127.0.0.1:{port}"
        yield Deployment(url, folder / "ca.pem", backends, metrics_url, environment)


@contextlib.asynccontextmanager
async def front(
    folder: Path, ports: Sequence[int], *, at_a_time: int | None = None
) -> AsyncIterator[str]:
    """nginx with the packaged configuration in front of backends on these ports; yields its URL.
    `folder / "ca.pem"` is what its clients trust. `at_a_time`: requests of one address."""
    nginx, port = _program("nginx"), free_port()
    ca = CertificateAuthority()
    (folder / "ca.pem").write_text(ca.pem)
    (folder / "server.pem").write_bytes(ca.server_pem())
    configured = _front(folder, port, ports)
    if at_a_time is not None:
        packaged = folder / "rejoin.conf"
        text, count = re.subn(
            r"(limit_conn rejoin_address) \d+;", rf"\1 {at_a_time};", packaged.read_text()
        )
        assert count == 1
        packaged.write_text(text)
    with _running(nginx, "-p", str(folder), "-e", "stderr", "-c", str(configured)):
        await _until_it_listens(port)
        yield f"https://localhost:{port}"


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed (Debian's package of this name)")
    return found


def _environment(database: str, settings: EmulatorSettings, api_url: str) -> dict[str, str]:
    """The packaged example, with the emulator for AWS and a token for a provider."""
    lines = (FILES / "backend.env.example").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    prefix = "REJOIN_BACKEND_"
    packaged = {name: value for name, _, value in pairs if "OPENID" not in name}
    packaged[f"{prefix}HOSTS"] = packaged[f"{prefix}HOSTS"].replace("play.example.org", "localhost")
    ours = {
        "region": settings.region,
        "stream_group": settings.stream_group_ids[0],
        "application": settings.application_id,
        "database": database,
        "tokens": TOKEN,
        "endpoint_url": api_url,
        "access_key_id": settings.access_key_id,
        "secret_access_key": settings.secret_access_key,
        "connection_timeout_s": str(settings.connection_timeout_s),
        "port": "0",
        "metrics_port": "0",
    }
    return packaged | {prefix + name.upper(): value for name, value in ours.items()}


async def _backend(program: Program) -> BackendProcess:
    ports = []
    for name in ("Backend", "Metrics"):
        line = await asyncio.wait_for(asyncio.to_thread(program.out.readline), PATIENCE_S)
        assert line.startswith(name), (line, program.process.stderr)
        ports.append(int(line.split(":")[-1].partition("/")[0]))
    return BackendProcess(program, *ports)


def _front(folder: Path, port: int, backends: Sequence[int]) -> Path:
    """nginx's configuration: the packaged file in the least that it needs around it."""
    text = (FILES / "nginx.conf").read_text(encoding="utf-8")
    for number, backend in enumerate(backends, 1):
        text = text.replace(f"127.0.0.1:808{number} ", f"127.0.0.1:{backend} ")
    text = text.replace("listen 443 ", f"listen 127.0.0.1:{port} ")
    text = text.replace("play.example.org", "localhost")
    text = re.sub(r"/etc/rejoin/tls/\w+\.pem", str(folder / "server.pem"), text)
    (folder / "rejoin.conf").write_text(text)
    temporary = "".join(
        f"{kind}_temp_path {folder / kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    whole = folder / "nginx.conf"
    whole.write_text(
        f"daemon off; pid {folder / 'nginx.pid'}; error_log stderr error; {user}\n"
        "worker_processes 1; events { worker_connections 512; }\n"
        f"http {{ access_log off; {temporary} include {folder / 'rejoin.conf'}; }}\n"
    )
    return whole


def _collected(folder: Path, backends: tuple[BackendProcess, ...]) -> Path:
    """Prometheus's configuration: the packaged files, once a second."""
    text = (FILES / "prometheus.yml").read_text(encoding="utf-8")
    for number, backend in enumerate(backends, 1):
        text = text.replace(f"127.0.0.1:908{number}", f"127.0.0.1:{backend.metrics_port}")
    (folder / "prometheus.yml").write_text(text.replace("15s", "1s"))
    shutil.copy(FILES / "alerts.yml", folder)
    return folder / "prometheus.yml"


@contextlib.contextmanager
def _running(*command: str) -> Iterator[None]:
    """A program until the block is left."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        yield
        assert process.poll() is None, process.stderr and process.stderr.read()
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stderr is not None
        process.stderr.close()


async def _until_it_listens(port: int) -> None:
    until = boot_s() + PATIENCE_S
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            assert boot_s() < until, f"nothing listens on {port}"
            await asyncio.sleep(0.05)
        else:
            writer.close()
            await writer.wait_closed()
            return
