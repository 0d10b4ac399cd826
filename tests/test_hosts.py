"""What a name or an address says by itself, in whatever form it is written."""

from __future__ import annotations

from rejoin.hosts import is_loopback, is_public, is_this_machine

PUBLIC = ("1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1")
NOT_PUBLIC = (
    "0.0.0.0",
    "127.0.0.1",
    "127.9.9.9",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "198.18.0.1",
    "192.0.2.1",
    "224.0.0.251",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1%lo",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::1",
    "2001:db8::1",
    "fec0::1",
    "::127.0.0.1",
    "::10.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b:1::7f00:1",
    "2001:0:7f00:1::1",
    "4000::1",
    "fe80::1",
    "no address",
)


def test_what_is_on_the_internet() -> None:
    assert [address for address in (*PUBLIC, *NOT_PUBLIC) if is_public(address)] == list(PUBLIC)


def test_what_is_this_machine() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1")))
    assert not any(map(is_loopback, (*PUBLIC, "10.0.0.1", "0.0.0.0", "localhost")))


def test_this_machine_has_names_of_its_own() -> None:
    assert all(map(is_this_machine, ("localhost", "a.localhost", "127.0.0.1", "::1")))
    assert not any(map(is_this_machine, ("localhost.example", "10.0.0.1", "notlocalhost")))
