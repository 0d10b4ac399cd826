"""A CA that only clients with its certificate trust, and an untrusted CA with the same names."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from rejoin.emulator.service.certificates import (
    CertificateAuthority,
    context_with_untrusted_certificate,
)

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


async def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    """One TLS connection on loopback; raises what the client raises."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        writer.close()

    listening = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=server)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client, server_hostname=name
        )
        writer.close()
        await writer.wait_closed()


def trusting(ca: CertificateAuthority) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=ca.pem)
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
    return context


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "::1"])
async def test_a_client_that_trusts_the_ca_trusts_the_server(name: str) -> None:
    ca = CertificateAuthority()
    await handshake(ca.server_context(), trusting(ca), name)


async def test_no_other_client_trusts_the_server() -> None:
    ca = CertificateAuthority()
    for client in (ssl.create_default_context(), trusting(CertificateAuthority())):
        with pytest.raises(ssl.SSLCertVerificationError):
            await handshake(ca.server_context(), client, "localhost")


async def test_the_certificate_is_valid_only_for_this_machine() -> None:
    ca = CertificateAuthority()
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
        await handshake(ca.server_context(), trusting(ca), "games.example.com")


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
async def test_the_wrong_certificate_is_shown_only_when_requested(name: str) -> None:
    ca = CertificateAuthority()
    wrong = [False, True, False]
    server = context_with_untrusted_certificate(ca, lambda: wrong.pop(0))
    client = trusting(ca)
    await handshake(server, client, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        await handshake(server, client, name)
    await handshake(server, client, name)
    assert wrong == []


def test_no_key_stays_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    CertificateAuthority().server_context()
    assert list(tmp_path.iterdir()) == []


async def test_a_certificate_is_also_for_an_address_of_the_network() -> None:
    ca = CertificateAuthority(address="10.1.2.3")
    for name in ("10.1.2.3", "127.0.0.1"):
        await handshake(ca.server_context(), trusting(ca), name)
    with pytest.raises(ssl.SSLCertVerificationError):
        await handshake(ca.server_context(), trusting(ca), "10.1.2.4")
