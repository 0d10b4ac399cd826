"""The certificates of the studio's backend on https: the right one, and one of an unknown CA.

The CA is made for this run; a client trusts it only if it is given its certificate. Private keys
stay in this process, except while OpenSSL reads one from a file that only this user may read.
"""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LOOPBACK: Final = ("127.0.0.1", "::1")
_VALID: Final = datetime.timedelta(days=30)
_CLOCK_SKEW: Final = datetime.timedelta(hours=1)


class CertificateAuthority:
    """A certificate authority that exists for one run of the studio."""

    def __init__(self, name: str = "Rejoin studio", address: str = _LOOPBACK[0]) -> None:
        """`address`: of this machine, for which its servers' certificates are, besides loopback."""
        self.address = address
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = (
            _builder(self._name, self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> str:
        """The CA certificate, for clients that should trust it. It contains no secret."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")

    def server_pem(self) -> bytes:
        """A private key and a certificate of this CA for a server on this machine."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(
                x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
                self._name,
                key.public_key(),
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.SubjectAlternativeName(_names(self.address)), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return private + certificate.public_bytes(serialization.Encoding.PEM)

    def server_context(self) -> ssl.SSLContext:
        """TLS for a server on this machine, with a certificate of this CA."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # Python's ssl reads keys only from files; the folder has mode 0700.
        with tempfile.TemporaryDirectory(prefix="rejoin-") as folder:
            path = Path(folder) / "server.pem"
            path.write_bytes(self.server_pem())
            context.load_cert_chain(path)
        return context


def context_with_untrusted_certificate(
    ca: CertificateAuthority, is_untrusted: Callable[[], bool]
) -> ssl.SSLContext:
    """TLS for a server whose certificate is untrusted in each handshake where `is_untrusted()`.

    That certificate has the same names and dates: only its issuer differs.
    """
    trusted = ca.server_context()
    untrusted = CertificateAuthority("Somebody else", ca.address).server_context()

    def choose(connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        if is_untrusted():
            connection.context = untrusted

    trusted.sni_callback = choose  # OpenSSL also calls it for clients that send no name
    return trusted


def _names(address: str) -> list[x509.GeneralName]:
    addresses = dict.fromkeys((*_LOOPBACK, address))
    return [
        x509.DNSName("localhost"),
        *(x509.IPAddress(ipaddress.ip_address(each)) for each in addresses),
    ]


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _VALID)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
