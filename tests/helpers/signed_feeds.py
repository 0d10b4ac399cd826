"""Feeds of newer versions, signed as minisign does, with a key of the test's own."""

from __future__ import annotations

import base64
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rejoin.runtime.updates.minisign import PublicKey

NOW = 1_800_000_000.0
"""2027-01-15, 08:00 UTC."""
NOTES = "https://rejoin.example/notes/0.2.0"


class Signer:
    """A secret key; `public_text` is the file minisign.pub."""

    def __init__(self, number: bytes = b"\x01" * 8) -> None:
        self._secret = Ed25519PrivateKey.generate()
        self._number = number
        raw = self._secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        encoded = base64.b64encode(b"Ed" + number + raw).decode()
        self.line = encoded
        self.public_text = f"untrusted comment: minisign public key\n{encoded}\n"
        self.key = PublicKey.from_text(self.public_text)

    def sign(self, content: bytes, comment: str = "a comment", *, kind: bytes = b"ED") -> str:
        signed = hashlib.blake2b(content, digest_size=64).digest() if kind == b"ED" else content
        one = self._secret.sign(signed)
        both = self._secret.sign(one + comment.encode())
        return (
            "untrusted comment: signature\n"
            f"{base64.b64encode(kind + self._number + one).decode()}\n"
            f"trusted comment: {comment}\n"
            f"{base64.b64encode(both).decode()}\n"
        )


def feed(**changes: object) -> bytes:
    """One that counts at NOW for version 0.1.0; None takes a field out."""
    content: dict[str, object] = {
        "product": "rejoin",
        "version": "0.2.0",
        "notes": NOTES,
        "expires": "2027-04-15T08:00:00Z",
        "artefacts": {"rejoin_0.2.0_amd64.deb": "ab" * 32},
    }
    content.update(changes)
    return json.dumps({k: v for k, v in content.items() if v is not None}).encode()
