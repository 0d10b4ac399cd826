"""Signatures of minisign: Ed25519 over BLAKE2b-512, and a comment that is signed as well.

The form is that of https://jedisct1.github.io/minisign/#signature-format. Signatures over the
content itself ("Ed", of minisign before 0.10) are refused: a release makes none.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from rejoin.errors import RejoinError

_KEY: Final = b"Ed"
_HASHED: Final = b"ED"
_UNTRUSTED: Final = "untrusted comment: "
_TRUSTED: Final = "trusted comment: "


class SignatureError(RejoinError):
    """The content is not signed with the expected key."""

    code = "signature"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """`number`: 8 bytes, by which signatures name it. `ed25519`: 32 bytes."""

    number: bytes
    ed25519: bytes

    @classmethod
    def from_text(cls, text: str) -> PublicKey:
        """Read a key from the text of `minisign.pub` or its last line. Raises SignatureError."""
        content = _decoded(text.strip().rpartition("\n")[2].strip(), 42)
        if content is None or not content.startswith(_KEY):
            raise SignatureError("This is not a public key of minisign.")
        return cls(content[2:10], content[10:])


def verify(key: PublicKey, content: bytes, signature: str) -> None:
    """Raises SignatureError unless `signature`, the text of a .minisig file, is a signature of
    `content` by this key."""
    lines = signature.splitlines()
    if len(lines) != 4 or not lines[0].startswith(_UNTRUSTED) or not lines[2].startswith(_TRUSTED):
        raise SignatureError("This is not a signature of minisign.")
    signed, both = _decoded(lines[1], 74), _decoded(lines[3], 64)
    if signed is None or both is None or not signed.startswith(_HASHED):
        raise SignatureError("This is not a signature of minisign.")
    if signed[2:10] != key.number:
        raise SignatureError("The signature is by another key.")
    digest = hashlib.blake2b(content, digest_size=64).digest()
    comment = lines[2].removeprefix(_TRUSTED).encode()
    public = Ed25519PublicKey.from_public_bytes(key.ed25519)
    try:
        public.verify(signed[10:], digest)
        public.verify(both, signed[10:] + comment)
    except InvalidSignature:
        raise SignatureError("The signature does not belong to this content.") from None


def _decoded(text: str, length: int) -> bytes | None:
    """The bytes behind base64, or None if they are not `length` bytes."""
    try:
        content = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    return content if len(content) == length else None
