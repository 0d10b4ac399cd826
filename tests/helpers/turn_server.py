"""coturn on loopback, and a TURN server that never answers."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from helpers.ports import free_port
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.ice_servers import TurnServer
from rejoin.rtc.relay import RelaySettings

USERNAME = "CANARY-turn-name"
CREDENTIAL = "CANARY-turn-credential"

needs_coturn = pytest.mark.skipif(
    shutil.which("turnserver") is None, reason="coturn (Debian package) is not installed"
)


def server(
    port: int, transport: str = "udp", *, credential: str = CREDENTIAL, tls: bool = False
) -> TurnServer:
    return TurnServer("127.0.0.1", port, transport, tls, USERNAME, credential)


def settings(*servers: TurnServer) -> RelaySettings:
    return RelaySettings(servers, NetworkRules(loopback_only=True))


def with_tls(folder: Path, address: str = "127.0.0.1") -> tuple[str, ...]:
    """coturn's arguments for TLS, with a certificate of its own for this address.

    The certificate, which clients may trust, is `folder / "turn.pem"`.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "turn")])
    now = datetime.datetime.now(datetime.UTC)
    addresses = [x509.IPAddress(ipaddress.ip_address(address))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "turn.pem").write_bytes(certificate.public_bytes(pem))
    traditional = serialization.PrivateFormat.TraditionalOpenSSL
    secret = key.private_bytes(pem, traditional, serialization.NoEncryption())
    (folder / "turn.key").write_bytes(secret)
    return "--cert", str(folder / "turn.pem"), "--pkey", str(folder / "turn.key")


class Coturn:
    """Its allocations end with it: `stop` and `start` are a server that was started anew."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port, self.tls_port = free_port(), free_port()

    def start(self, *more: str) -> None:
        """`more`: further arguments; without any it has no TLS (`with_tls`)."""
        arguments = (
            *("-n", "-L", "127.0.0.1", "-E", "127.0.0.1", "-p", str(self.port)),
            *("--lt-cred-mech", "-u", f"{USERNAME}:{CREDENTIAL}", "-r", "rejoin.test"),
            *("--allow-loopback-peers", "--no-cli", "--no-dtls"),
            *("--tls-listening-port", str(self.tls_port)),
            *("--pidfile", str(self._folder / "pid"), "--log-file", "stdout", "--simple-log"),
            *("--db", str(self._folder / "turndb"), *(more or ("--no-tls",))),
        )
        self._process = subprocess.Popen(
            ["turnserver", *arguments],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        request = bytes.fromhex("000100002112a442") + bytes(12)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.05)
            probe.connect(("127.0.0.1", self.port))
            for _ in range(600):
                try:
                    probe.send(request)
                    probe.recv(2048)
                    return
                except OSError:
                    time.sleep(0.05)  # it does not listen yet
        raise AssertionError("coturn does not answer")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def coturn(folder: Path, *more: str) -> Iterator[Coturn]:
    found = Coturn(folder)
    try:
        found.start(*more)
        yield found
    finally:
        found.stop()


@contextmanager
def silent_server() -> Iterator[int]:
    """The port of a server that takes everything and answers nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


async def until(true: object, within_s: float = 60.0) -> None:
    """Wait until `true()`; only a hang takes this long."""
    assert callable(true)
    for _ in range(int(within_s / 0.01)):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("not in time")
