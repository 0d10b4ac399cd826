"""One TLS handshake with a backend, to say exactly why its certificate is not accepted.

The client's own calls only learn that TLS failed. If a certificate is expired or not yet valid, a
second connection, without verification and without secrets, reads the server's clock and the
certificate's dates: that tells a wrong clock from an old certificate.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

DATE_WITHIN_S: Final = 2.0
_MAX_HEAD: Final = 16 * 1024


class CertificateFault(enum.Enum):
    """Why a certificate is not accepted (X509_V_ERR_* of OpenSSL)."""

    NOT_YET_VALID = 9
    EXPIRED = 10
    SELF_SIGNED = 18
    SELF_SIGNED_IN_CHAIN = 19
    UNKNOWN_ISSUER = 20
    UNVERIFIED_LEAF = 21
    OTHER_HOST = 62
    OTHER_ADDRESS = 64
    OTHER = 0

    @classmethod
    def of(cls, code: int) -> CertificateFault:
        return next((each for each in cls if each.value == code), cls.OTHER)


@dataclass(frozen=True, slots=True)
class Trusted:
    """The handshake succeeded. `version`: "TLSv1.3"."""

    version: str


@dataclass(frozen=True, slots=True)
class Untrusted:
    """`server_unix_s`: the server's clock; None: not known, or not asked."""

    fault: CertificateFault
    server_unix_s: float | None = None


@dataclass(frozen=True, slots=True)
class NotTls:
    """The server does not speak TLS, or only versions that are too old."""


@dataclass(frozen=True, slots=True)
class NoConnection:
    """`refused`: at once; else nothing answered, or it hung up."""

    refused: bool = False
    hung_up: bool = False


Handshake = Trusted | Untrusted | NotTls | NoConnection


async def handshake(
    host: str, address: str, port: int, context: ssl.SSLContext, within_s: float
) -> Handshake:
    """The result of one handshake. `host`: the name that the certificate must have. Does not
    raise."""
    try:
        async with asyncio.timeout(within_s):
            _, writer = await asyncio.open_connection(
                address, port, ssl=context, server_hostname=host
            )
    except ssl.SSLCertVerificationError as error:
        fault = CertificateFault.of(error.verify_code)
        server_unix_s = None
        if fault in (CertificateFault.NOT_YET_VALID, CertificateFault.EXPIRED):
            server_unix_s = await _server_clock(host, address, port)
        return Untrusted(fault, server_unix_s)
    except ssl.SSLError as error:
        hung_up = isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)
        return NoConnection(hung_up=True) if hung_up else NotTls()
    except ConnectionRefusedError:
        return NoConnection(refused=True)
    except ConnectionError:
        return NoConnection(hung_up=True)
    except (OSError, ValueError):  # TimeoutError is an OSError
        return NoConnection()
    secured: ssl.SSLObject = writer.get_extra_info("ssl_object")
    version = secured.version() or "TLS"
    await _closed(writer)
    return Trusted(version)


async def _server_clock(host: str, address: str, port: int) -> float | None:
    """The Date header of an unverified server: only a hint for a sentence."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(DATE_WITHIN_S):
            reader, writer = await asyncio.open_connection(
                address, port, ssl=context, server_hostname=host
            )
            try:
                writer.write(
                    f"HEAD / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
                )
                head = await reader.read(_MAX_HEAD)
            finally:
                await _closed(writer)
    except (OSError, ValueError):
        return None
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"date":
            return unix_s_of(value.decode("ascii", "replace").strip())
    return None


def unix_s_of(date: str) -> float | None:
    """An HTTP date (RFC 9110, 5.6.7) in seconds since 1970; None if it is none."""
    try:
        found: datetime = parsedate_to_datetime(date)
        return found.timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
        return None


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(Exception):
        async with asyncio.timeout(0.5):
            await writer.wait_closed()
