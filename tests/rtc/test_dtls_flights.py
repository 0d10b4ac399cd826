"""Flights of real handshakes between two OpenSSL connections, for whose clock nothing waits here.

Each side's records pass `OutgoingFlights`; a datagram is lost when the test says so.
"""

from __future__ import annotations

import pytest
from aiortc.rtcdtlstransport import SRTP_PROFILES, RTCCertificate
from OpenSSL import SSL

from helpers.loopback_host import make_rsa_certificate
from rejoin.rtc.dtls_flights import (
    ALERT,
    APPLICATION_DATA,
    LARGEST_DATAGRAM,
    Cipher,
    OutgoingFlights,
    Record,
    client_cipher,
    parse_records,
)

GCM = b"ECDHE-ECDSA-AES128-GCM-SHA256"
RSA_GCM = b"ECDHE-RSA-AES128-GCM-SHA256"
CHACHA = b"ECDHE-ECDSA-CHACHA20-POLY1305"
GCM_256 = b"ECDHE-ECDSA-AES256-GCM-SHA384"
CBC = b"ECDHE-ECDSA-AES128-SHA"


class Side:
    def __init__(self, *, client: bool, suite: bytes, rsa: bool = False) -> None:
        made = make_rsa_certificate() if rsa else RTCCertificate.generateCertificate()
        context = made._create_ssl_context(srtp_profiles=SRTP_PROFILES)
        context.set_cipher_list(suite)
        self.ssl = SSL.Connection(context)
        self.client = client
        if client:
            self.ssl.set_connect_state()
        else:
            self.ssl.set_accept_state()
        self.flights = OutgoingFlights(self._cipher)
        self.done = False

    def _cipher(self) -> Cipher | None:
        suite, master = self.ssl.get_cipher_name(), self.ssl.master_key()
        randoms = self.ssl.client_random(), self.ssl.server_random()
        if not self.client or suite is None or master is None:
            return None
        return client_cipher(suite, master, randoms[0] or b"", randoms[1] or b"")

    def step(self) -> list[bytes]:
        """Do what the handshake can do now; returns the datagrams that it sends."""
        try:
            self.ssl.do_handshake()
            self.done = True
        except SSL.WantReadError:
            pass
        return self.flights.written(self.read())

    def read(self) -> bytes:
        data = b""
        while True:
            try:
                data += self.ssl.bio_read(65_536)
            except SSL.Error:
                return data

    def arrive(self, datagrams: list[bytes]) -> list[bytes]:
        """Returns what it sends then: also a server that is done may repeat its last flight."""
        for datagram in datagrams:
            self.ssl.bio_write(datagram)
        if self.done:
            with pytest.raises(SSL.WantReadError):
                self.ssl.recv(1500)
        return self.step()


def sides(suite: bytes = GCM, *, rsa: bool = False) -> tuple[Side, Side]:
    return Side(client=True, suite=suite), Side(client=False, suite=suite, rsa=rsa)


def numbers(datagrams: list[bytes]) -> list[tuple[int, int]]:
    return [(r.epoch, r.number) for datagram in datagrams for r in parse_records(datagram)]


def talk(client: Side, server: Side) -> None:
    """Data in both directions, after the numbers that copies took were skipped."""
    for _ in range(client.flights.numbers_taken):
        client.ssl.send(b"\0")
    client.read()
    for sender, receiver in ((client, server), (server, client)):
        for text in (b"one", b"two", b"three"):
            sender.ssl.send(text)
            (datagram,) = sender.flights.written(sender.read())
            receiver.ssl.bio_write(datagram)
            assert receiver.ssl.recv(1500) == text


def test_every_plain_record_leaves_under_a_number_of_its_own() -> None:
    client, server = sides()
    hello = client.step()
    assert numbers(hello) == [(0, 0)]
    assert numbers(client.flights.repeated()) == [(0, 1)]
    again = client.flights.repeated()
    assert numbers(again) == [(0, 2)]
    assert parse_records(again[0])[0].body == parse_records(hello[0])[0].body
    assert client.flights.copies == 3
    flight = server.arrive(again)
    assert client.flights.copies == 3, "the newest flight of the client is still its hello"
    last = client.arrive(flight)
    assert client.flights.copies == 1
    plain = [number for epoch, number in numbers(last) if epoch == 0]
    assert plain == list(range(3, 3 + len(plain)))


@pytest.mark.parametrize("suite", [GCM, CHACHA, GCM_256])
def test_a_server_whose_last_flight_was_lost_repeats_it_for_a_fresh_finished(suite: bytes) -> None:
    client, server = sides(suite)
    last = client.arrive(server.arrive(client.step()))
    lost = server.arrive(last)
    assert lost
    assert server.done
    assert server.arrive(last) == [], "the same bytes are dropped as a replay"
    answer = server.arrive(client.flights.repeated())
    assert numbers(answer)[-1] == (1, 1), "its Finished under a fresh number"
    assert server.arrive(client.flights.repeated()) != [], "and as often as it is asked"
    client.arrive(answer)
    assert client.done
    assert client.flights.numbers_taken == 2
    talk(client, server)


@pytest.mark.parametrize("suite", [GCM, CHACHA, GCM_256])
def test_a_copy_of_the_last_flight_completes_the_handshake_when_the_first_was_lost(
    suite: bytes,
) -> None:
    client, server = sides(suite)
    client.arrive(server.arrive(client.step()))
    client.flights.repeated()
    client.arrive(server.arrive(client.flights.repeated()))
    assert client.done
    assert server.done
    talk(client, server)


def test_a_suite_that_is_no_aead_is_repeated_as_it_was() -> None:
    client, server = sides(CBC)
    last = client.arrive(server.arrive(client.step()))
    copy = client.flights.repeated()
    assert parse_records(copy[-1])[-1] == parse_records(last[-1])[-1]
    client.arrive(server.arrive(copy))
    assert client.done
    assert client.flights.numbers_taken == 0
    talk(client, server)


def test_no_number_is_used_twice_under_the_same_key() -> None:
    client, server = sides()
    last = client.arrive(server.arrive(client.step()))
    sent = [n for n in numbers(last) if n[0] == 1]
    for _ in range(5):
        copies = client.flights.repeated()
        sent += [n for n in numbers(copies) if n[0] == 1]
    client.arrive(server.arrive(copies))
    for _ in range(client.flights.numbers_taken):
        client.ssl.send(b"\0")
    client.read()
    client.ssl.send(b"data")
    sent += numbers(client.flights.written(client.read()))
    assert sent == [(1, number) for number in range(7)]


def test_what_openssl_writes_under_a_number_that_a_copy_took_leaves_under_another() -> None:
    client, server = sides()
    last = client.arrive(server.arrive(client.step()))
    client.flights.repeated()
    (finished,) = (r for datagram in last for r in parse_records(datagram) if r.epoch == 1)
    cipher = client._cipher()
    assert cipher is not None
    alert = cipher.seal(Record(ALERT, finished.version, 1, 1, b""), b"\2\x28")
    (datagram,) = client.flights.written(bytes(alert))
    (record,) = parse_records(datagram)
    assert (record.number, cipher.open(record)) == (2, b"\2\x28")


def test_a_large_flight_is_packed_into_datagrams_that_fit() -> None:
    client, server = sides(RSA_GCM, rsa=True)
    flight = server.arrive(client.step())
    assert len(flight) > 1
    assert all(len(datagram) <= LARGEST_DATAGRAM for datagram in flight)
    assert sum(map(len, flight)) > LARGEST_DATAGRAM
    client.arrive(flight)
    assert client.flights.copies == 1, "it read the whole flight and answered"


def test_application_data_are_not_packed_together() -> None:
    client, server = sides()
    client.arrive(server.arrive(client.arrive(server.arrive(client.step()))))
    client.ssl.send(b"one")
    client.ssl.send(b"two")
    datagrams = client.flights.written(client.read())
    assert [parse_records(d)[0].kind for d in datagrams] == [APPLICATION_DATA] * 2


def test_what_is_not_a_whole_record_is_left_out() -> None:
    client, _ = sides()
    (hello,) = client.step()
    assert parse_records(hello[:-1]) == []
    assert parse_records(b"") == []
    assert len(parse_records(hello + b"\x16\xfe")) == 1
    assert bytes(parse_records(hello)[0]) == hello
