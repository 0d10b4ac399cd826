"""A port for a program that has to be told one, and cannot take whichever is free."""

from __future__ import annotations

import contextlib
import random
import socket

_PORTS = range(20_000, 32_000)
"""Below those that Linux gives to whoever asks for any port (ip_local_port_range, ip(7)), so that
nobody gets one of these between here and the program."""

_given: set[int] = set()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has, for TCP or for UDP; never the same one again."""
    for port in random.sample(_PORTS, len(_PORTS)):
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise AssertionError("no port is free")


def _is_free(port: int) -> bool:
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        tcp.bind(("127.0.0.1", port))
        udp.bind(("127.0.0.1", port))
        return True
    return False
