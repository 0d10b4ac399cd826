from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator

import pytest

from rejoin.rtc.arrival_time import ASK_EVERY_S, LATE_S, NOT_LATER_THAN_S, Lateness


@pytest.fixture
def sock() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        yield made


def stamps_are_on(sock: socket.socket, lateness: Lateness) -> None:
    """Returns once the kernel stamps datagrams as they arrive.

    The first question switches that on for the machine, and Linux does so in a worker of its own
    (net/core/dev.c, netstamp_clear): a datagram that came before it is stamped as it is read.
    """
    for asked in range(200):
        sock.sendto(b"x", sock.getsockname())
        time.sleep(0.01)
        sock.recv(16)
        if lateness.seconds(float(asked)) >= 0.01:
            return
    pytest.fail("after 200 datagrams the kernel still does not stamp what arrives")


@pytest.mark.skipif(sys.platform != "linux", reason="SIOCGSTAMPNS is Linux's")
def test_a_datagram_that_lay_in_the_socket_is_that_late(sock: socket.socket) -> None:
    lateness = Lateness(sock)
    stamps_are_on(sock, lateness)
    before = time.time()
    sock.sendto(b"x", sock.getsockname())
    sent = time.time()
    while time.time() < sent + 0.005:
        pass  # the loop is busy
    read_at = time.time()
    sock.recv(16)
    late_s = lateness.seconds(1000.0)
    assert 0.005 <= read_at - sent <= late_s <= time.time() - before


def test_where_nothing_is_known_nothing_is_late(sock: socket.socket) -> None:
    assert Lateness(None).seconds(1.0) == 0.0
    sock.close()
    assert Lateness(sock).seconds(1.0) == 0.0


class Asked(Lateness):
    """Answers of the kernel, made up."""

    def __init__(self, *answers_s: float) -> None:
        self.answers_s = [*answers_s]
        super().__init__(None)

    def _ask(self) -> float:
        return self.answers_s.pop(0)


def test_the_kernel_is_asked_after_a_pause_and_while_the_loop_is_late() -> None:
    lateness = Asked(0.0, LATE_S / 2, 5 * LATE_S, LATE_S / 4, 0.0)
    assert lateness.seconds(1.0) == LATE_S / 2
    assert lateness.seconds(1.0 + ASK_EVERY_S / 2) == LATE_S / 2, "not asked again so soon"
    later = 1.0 + 1.5 * ASK_EVERY_S
    assert lateness.seconds(later) == 5 * LATE_S
    assert lateness.seconds(later) == LATE_S / 4, "asked about each while late"
    assert lateness.seconds(later) == LATE_S / 4
    assert lateness.seconds(2.0) == 0.0


@pytest.mark.skipif(sys.platform != "linux", reason="SIOCGSTAMPNS is Linux's")
@pytest.mark.parametrize("clock_set_by_s", [-3600.0, NOT_LATER_THAN_S + 0.1, 3600.0])
def test_a_wall_clock_that_was_set_is_not_believed(
    sock: socket.socket, monkeypatch: pytest.MonkeyPatch, clock_set_by_s: float
) -> None:
    lateness = Lateness(sock)
    sock.sendto(b"x", sock.getsockname())
    sock.recv(16)
    wall = time.time
    monkeypatch.setattr(time, "time", lambda: wall() + clock_set_by_s)
    assert lateness.seconds(1.0) == 0.0
