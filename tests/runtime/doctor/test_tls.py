"""A handshake with servers of every kind, on loopback: why a certificate is not accepted."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
import time
from email.utils import formatdate

import pytest
from cryptography import x509

from helpers.misbehaving_server import Behaviour, answering, closes_at_once, server_that
from rejoin.emulator.service import certificates
from rejoin.emulator.service.certificates import CertificateAuthority
from rejoin.runtime.doctor.tls import (
    CertificateFault,
    Handshake,
    NoConnection,
    NotTls,
    Trusted,
    Untrusted,
    handshake,
    unix_s_of,
)

PATIENCE_S = 30.0
DAYS = datetime.timedelta(days=1)


async def sends_a_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.0 302 Found\r\nLocation: http://portal.example/\r\n\r\n")
    await writer.drain()


async def shake(
    ca: CertificateAuthority, server: ssl.SSLContext | None, behaviour: Behaviour
) -> Handshake:
    client = ssl.create_default_context(cadata=ca.pem)
    async with server_that(behaviour, ssl=server) as port:
        return await handshake("localhost", "127.0.0.1", port, client, PATIENCE_S)


async def test_a_certificate_that_is_accepted() -> None:
    ca = CertificateAuthority()
    found = await shake(ca, ca.server_context(), closes_at_once)
    assert isinstance(found, Trusted)
    assert found.version.startswith("TLSv1.")


async def test_one_of_somebody_else() -> None:
    found = await shake(CertificateAuthority(), CertificateAuthority("x").server_context(), hangs)
    assert isinstance(found, Untrusted)
    assert found.fault in (
        CertificateFault.UNKNOWN_ISSUER,
        CertificateFault.SELF_SIGNED_IN_CHAIN,
        CertificateFault.UNVERIFIED_LEAF,
        CertificateFault.OTHER,
    )
    assert found.server_unix_s is None


async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def test_one_of_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    ca = CertificateAuthority()
    names = [x509.DNSName("other.example"), x509.IPAddress(ipaddress.ip_address("192.0.2.1"))]
    monkeypatch.setattr(certificates, "_names", lambda address: names)
    found = await shake(ca, ca.server_context(), hangs)
    assert found == Untrusted(CertificateFault.OTHER_HOST)


@pytest.mark.parametrize(
    ("began_before", "ends_after", "fault"),
    [
        (10 * DAYS, -1 * DAYS, CertificateFault.EXPIRED),
        (-5 * DAYS, 10 * DAYS, CertificateFault.NOT_YET_VALID),
    ],
)
async def test_one_that_is_out_of_its_time_comes_with_the_servers_clock(
    began_before: datetime.timedelta,
    ends_after: datetime.timedelta,
    fault: CertificateFault,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ca = CertificateAuthority()
    monkeypatch.setattr(certificates, "_CLOCK_SKEW", began_before)
    monkeypatch.setattr(certificates, "_VALID", ends_after)
    then = float(round(time.time() - 40 * 86400))
    date = formatdate(then, usegmt=True)
    found = await shake(ca, ca.server_context(), answering(f"404 Not Found\r\nDate: {date}"))
    assert found == Untrusted(fault, then)


async def test_a_clock_that_the_server_does_not_say_is_not_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ca = CertificateAuthority()
    monkeypatch.setattr(certificates, "_VALID", -1 * DAYS)
    monkeypatch.setattr(certificates, "_CLOCK_SKEW", 10 * DAYS)
    for behaviour in (closes_at_once, answering("200 OK\r\nDate: yesterday")):
        found = await shake(ca, ca.server_context(), behaviour)
        assert found == Untrusted(CertificateFault.EXPIRED, None)


async def test_a_server_without_tls() -> None:
    assert await shake(CertificateAuthority(), None, sends_a_page) == NotTls()


async def test_one_that_hangs_up() -> None:
    assert await shake(CertificateAuthority(), None, closes_at_once) == NoConnection(hung_up=True)


async def test_one_that_says_nothing() -> None:
    client = ssl.create_default_context()
    async with server_that(hangs) as port:
        assert await handshake("localhost", "127.0.0.1", port, client, 0.2) == NoConnection()


async def test_a_port_where_nobody_listens() -> None:
    async with server_that(hangs) as port:
        pass
    client = ssl.create_default_context()
    found = await handshake("localhost", "127.0.0.1", port, client, PATIENCE_S)
    assert found == NoConnection(refused=True)


@pytest.mark.parametrize("date", ["", "nonsense", "Thu, 99 Foo 99999 00:00:00 GMT"])
def test_a_date_that_is_none(date: str) -> None:
    assert unix_s_of(date) is None


def test_a_date() -> None:
    assert unix_s_of("Thu, 01 Jan 1970 00:01:00 GMT") == 60.0


def test_every_fault_of_openssl_is_one_of_ours() -> None:
    assert CertificateFault.of(10) is CertificateFault.EXPIRED
    assert CertificateFault.of(12345) is CertificateFault.OTHER
