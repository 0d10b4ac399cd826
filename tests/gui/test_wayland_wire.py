"""What a compositor says of itself, and when X11 is chosen in its place."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rejoin.gui.wayland_wire import (
    POINTER_CONSTRAINTS,
    RELATIVE_POINTER,
    globals_of,
    prefer_x11,
)

BOTH = ("wl_compositor", POINTER_CONSTRAINTS, RELATIVE_POINTER)


def message(sender: int, opcode: int, body: bytes) -> bytes:
    return struct.pack("=II", sender, (len(body) + 8) << 16 | opcode) + body


def announced(number: int, interface: str) -> bytes:
    name = interface.encode() + b"\0"
    padded = name + bytes(-len(name) % 4)
    return message(2, 0, struct.pack("=II", number, len(name)) + padded + struct.pack("=I", 1))


def saying(*interfaces: str) -> bytes:
    said = b"".join(announced(number, each) for number, each in enumerate(interfaces))
    return said + message(3, 0, struct.pack("=I", 7))


@contextlib.contextmanager
def compositor(folder: Path, answer: bytes, piece: int = 4096) -> Iterator[dict[str, str]]:
    """Answers one client, once it has asked for the registry and for a callback."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(folder / "wayland-9"))
    listening.listen()
    asked: list[bytes] = []

    def serve() -> None:
        line, _ = listening.accept()
        with line, contextlib.suppress(OSError):
            heard = b""
            while len(heard) < 24:
                heard += line.recv(64)
            asked.append(heard)
            for at in range(0, len(answer), piece):
                line.sendall(answer[at : at + piece])

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield {"XDG_RUNTIME_DIR": str(folder), "WAYLAND_DISPLAY": "wayland-9", "DISPLAY": ":9"}
    finally:
        thread.join()
        listening.close()
    assert asked == [message(1, 1, struct.pack("=I", 2)) + message(1, 0, struct.pack("=I", 3))]


@pytest.mark.parametrize("piece", [4096, 1])
def test_every_interface_is_named(tmp_path: Path, piece: int) -> None:
    with compositor(tmp_path, saying(*BOTH), piece) as environment:
        assert globals_of(environment) == frozenset(BOTH)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        announced(1, "wl_seat"),
        message(2, 0, b"\0" * 3),
        struct.pack("=II", 2, 4 << 16),
        message(2, 0, struct.pack("=II", 1, 2) + b"\xff\xff\0\0"),
    ],
)
def test_one_that_talks_nonsense_says_nothing(tmp_path: Path, answer: bytes) -> None:
    with compositor(tmp_path, answer) as environment:
        assert globals_of(environment) is None


def test_without_a_compositor_nothing_is_asked(tmp_path: Path) -> None:
    nowhere = {"WAYLAND_DISPLAY": "wayland-0", "XDG_RUNTIME_DIR": str(tmp_path)}
    for environment in ({}, {"WAYLAND_DISPLAY": ""}, nowhere):
        assert globals_of(environment) is None


def test_x11_is_chosen_where_the_pointer_cannot_be_locked(tmp_path: Path) -> None:
    with compositor(tmp_path, saying("wl_compositor", RELATIVE_POINTER)) as environment:
        assert prefer_x11(environment, "linux")
        assert environment["QT_QPA_PLATFORM"] == "xcb;wayland"


def test_wayland_stays_where_it_can_or_where_nothing_else_is_there(tmp_path: Path) -> None:
    with compositor(tmp_path, saying(*BOTH)) as environment:
        assert not prefer_x11(environment, "linux")
        assert "QT_QPA_PLATFORM" not in environment
    for other in ({"DISPLAY": ""}, {"QT_QPA_PLATFORM": "wayland"}, {"WAYLAND_DISPLAY": "gone"}):
        chosen = {**environment, **other}
        assert not prefer_x11(chosen, "linux")
        assert chosen == {**environment, **other}
    assert not prefer_x11(dict(environment), "win32")
