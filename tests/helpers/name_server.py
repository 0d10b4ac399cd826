"""A DNS server with one answer: every name has this IPv4 address, and no other record."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

PORT = 53
_A = b"\x00\x01"


def answer_to(query: bytes, address: str) -> bytes:
    """The answer to a query with one question (RFC 1035, 4.1); empty if it is none."""
    end = query.find(b"\0", 12)
    if end < 0 or len(query) < end + 5:
        return b""
    question = query[12 : end + 5]
    found = question[-4:-2] == _A
    record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x01\x00\x04" + socket.inet_aton(address)
    counts = b"\x00\x01" + (b"\x00\x01" if found else b"\0\0") + b"\0\0\0\0"
    return query[:2] + b"\x85\x80" + counts + question + (record if found else b"")


class NameServer(asyncio.DatagramProtocol):
    """Answers what arrives at its socket."""

    def __init__(self, address: str) -> None:
        self._address = address

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if answer := answer_to(data, self._address):
            self._transport.sendto(answer, addr)
