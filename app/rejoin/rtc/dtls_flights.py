"""Repeats a flight of the DTLS handshake early, each record with a fresh number (RFC 6347, 4.2.4).

OpenSSL repeats a flight after 1 s at the earliest, and pyOpenSSL has no way to change that
(`DTLS_set_timer_cb` is not bound). The flight itself can be repeated from outside:

- records of epoch 0 are plain, and nothing authenticates their numbers: each that leaves gets the
  next free number, whether it is OpenSSL's or a copy;
- the Finished at the end of a client's last flight is encrypted under its number. A copy is
  encrypted anew, as a DTLS stack does, with the keys that the master secret gives (RFC 5246, 6.3).
  The same bytes again would be dropped by the server's replay window, and a server that had
  finished would not repeat its own lost flight. Afterwards OpenSSL has to skip the numbers that the
  copies took (`numbers_taken`), so that no two contents have the same number.

Only a flight that the other side has to answer is repeated: not a server's last.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

HEADER_BYTES = 13
_APPLICATION_DATA = b"\x17"
CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
LARGEST_DATAGRAM = 1200
"""Handshake records are packed into datagrams of at most this size, if each fits."""


@dataclass(frozen=True, slots=True)
class Record:
    """One DTLS 1.2 record (RFC 6347, 4.1)."""

    kind: int
    version: bytes
    epoch: int
    number: int
    body: bytes

    def __bytes__(self) -> bytes:
        return (
            bytes((self.kind,))
            + self.version
            + number_bytes(self.epoch, self.number)
            + len(self.body).to_bytes(2)
            + self.body
        )


def number_bytes(epoch: int, number: int) -> bytes:
    """Epoch and sequence number as in a record's header."""
    return epoch.to_bytes(2) + number.to_bytes(6)


def parse_records(datagram: bytes) -> list[Record]:
    """The whole records of a datagram; an incomplete rest is left out."""
    records, at = [], 0
    while at + HEADER_BYTES <= len(datagram):
        end = at + HEADER_BYTES + int.from_bytes(datagram[at + 11 : at + 13])
        if end > len(datagram):
            break
        records.append(
            Record(
                datagram[at],
                datagram[at + 1 : at + 3],
                int.from_bytes(datagram[at + 3 : at + 5]),
                int.from_bytes(datagram[at + 5 : at + 11]),
                datagram[at + HEADER_BYTES : end],
            )
        )
        at = end
    return records


# --- the client's Finished under another number ---------------------------------------------------


def key_block(
    master: bytes, client_random: bytes, server_random: bytes, size: int, prf: str = "sha256"
) -> bytes:
    """The keys of a session, by its pseudorandom function (RFC 5246, 5 and 6.3)."""
    seed = b"key expansion" + server_random + client_random
    chained, block = seed, b""
    while len(block) < size:
        chained = hmac.digest(master, chained, prf)
        block += hmac.digest(master, chained + seed, prf)
    return block[:size]


class Cipher(Protocol):
    """A client's AEAD, keyed."""

    def seal(self, record: Record, plain: bytes) -> Record:
        """The record with this content, encrypted under its epoch and number."""
        ...

    def open(self, record: Record) -> bytes:
        """Its content. Raises InvalidTag."""
        ...


def _associated(record: Record, size: int) -> bytes:
    """What is authenticated besides the content (RFC 5246, 6.2.3.3)."""
    numbers = number_bytes(record.epoch, record.number)
    return numbers + bytes((record.kind,)) + record.version + size.to_bytes(2)


class ClientAesGcm:
    """AES-GCM with an explicit nonce of eight bytes (RFC 5288)."""

    EXPLICIT, TAG = 8, 16

    def __init__(
        self,
        master: bytes,
        client_random: bytes,
        server_random: bytes,
        *,
        key_bytes: int = 16,
        prf: str = "sha256",
    ) -> None:
        block = key_block(master, client_random, server_random, 2 * key_bytes + 8, prf)
        self._aead = AESGCM(block[:key_bytes])
        self._salt = block[2 * key_bytes : 2 * key_bytes + 4]

    def seal(self, record: Record, plain: bytes) -> Record:
        explicit = number_bytes(record.epoch, record.number)
        associated = _associated(record, len(plain))
        sealed = explicit + self._aead.encrypt(self._salt + explicit, plain, associated)
        return Record(record.kind, record.version, record.epoch, record.number, sealed)

    def open(self, record: Record) -> bytes:
        explicit, sealed = record.body[: self.EXPLICIT], record.body[self.EXPLICIT :]
        associated = _associated(record, len(sealed) - self.TAG)
        return self._aead.decrypt(self._salt + explicit, sealed, associated)


class ClientChaCha:
    """ChaCha20-Poly1305, whose nonce is made of the record's number (RFC 7905)."""

    TAG = 16

    def __init__(self, master: bytes, client_random: bytes, server_random: bytes) -> None:
        block = key_block(master, client_random, server_random, 88)
        self._aead, self._iv = ChaCha20Poly1305(block[:32]), block[64:76]

    def _nonce(self, record: Record) -> bytes:
        numbers = bytes(4) + number_bytes(record.epoch, record.number)
        return bytes(a ^ b for a, b in zip(self._iv, numbers, strict=True))

    def seal(self, record: Record, plain: bytes) -> Record:
        sealed = self._aead.encrypt(self._nonce(record), plain, _associated(record, len(plain)))
        return Record(record.kind, record.version, record.epoch, record.number, sealed)

    def open(self, record: Record) -> bytes:
        associated = _associated(record, len(record.body) - self.TAG)
        return self._aead.decrypt(self._nonce(record), record.body, associated)


def client_cipher(
    suite: str, master: bytes, client_random: bytes, server_random: bytes
) -> Cipher | None:
    """The client's side of this suite (OpenSSL's name); None for one that is not an AEAD."""
    if suite.endswith("AES128-GCM-SHA256"):
        return ClientAesGcm(master, client_random, server_random)
    if suite.endswith("AES256-GCM-SHA384"):
        return ClientAesGcm(master, client_random, server_random, key_bytes=32, prf="sha384")
    if suite.endswith("CHACHA20-POLY1305"):
        return ClientChaCha(master, client_random, server_random)
    return None


# --- flights --------------------------------------------------------------------------------------


class OutgoingFlights:
    """Numbers what OpenSSL writes and keeps the newest flight, so that it can be repeated.

    `cipher()`: that of the running handshake, if this side is the client; None: copies of encrypted
    records are the same bytes.
    """

    def __init__(self, cipher: Callable[[], Cipher | None]) -> None:
        self.flights = 0
        self.copies = 0
        """How often the newest flight was sent; 0 before the first."""
        self.numbers_taken = 0
        """How many numbers of epoch 1 copies took, which OpenSSL does not know of."""
        self._cipher = cipher
        self._next_plain = 0
        self._next_sealed = 0
        self._flight: list[Record] = []

    def written(self, data: bytes) -> list[bytes]:
        """What OpenSSL wrote, as datagrams."""
        size = HEADER_BYTES + int.from_bytes(data[11:13])
        if data[:1] == _APPLICATION_DATA and size == len(data):
            return [data]  # nearly always
        records = [self._numbered(record) for record in parse_records(data)]
        flight = [each for each in records if each.kind in (HANDSHAKE, CHANGE_CIPHER_SPEC)]
        if flight:
            self._flight, self.copies = flight, 1
            self.flights += 1
        return _datagrams(records)

    def repeated(self) -> list[bytes]:
        """The newest flight once more, as datagrams."""
        self.copies += 1
        return _datagrams([self._copied(record) for record in self._flight])

    def _numbered(self, record: Record) -> Record:
        if record.epoch > 0 and record.number < self._next_sealed:
            return self._sealed_anew(record)  # a copy took its number
        if record.epoch > 0:
            self._next_sealed = record.number + 1
            return record
        number, self._next_plain = self._next_plain, self._next_plain + 1
        return Record(record.kind, record.version, 0, number, record.body)

    def _copied(self, record: Record) -> Record:
        return self._numbered(record) if record.epoch == 0 else self._sealed_anew(record)

    def _sealed_anew(self, record: Record) -> Record:
        cipher = self._cipher()
        if cipher is None:
            return record
        try:
            plain = cipher.open(record)
        except InvalidTag:
            return record
        number, self._next_sealed = self._next_sealed, self._next_sealed + 1
        self.numbers_taken += 1
        return cipher.seal(Record(record.kind, record.version, record.epoch, number, b""), plain)


def _datagrams(records: list[Record]) -> list[bytes]:
    """Handshake records packed together; application data one by one, as the receiver reads
    them."""
    packed: list[bytes] = []
    open_for_more = False
    for record in records:
        data, handshake = bytes(record), record.kind != APPLICATION_DATA
        if open_for_more and handshake and len(packed[-1]) + len(data) <= LARGEST_DATAGRAM:
            packed[-1] += data
        else:
            packed.append(data)
        open_for_more = handshake
    return packed
