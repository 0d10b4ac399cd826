from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin.errors import SignalError
from rejoin.rtc.candidates import MAX_CANDIDATES, NetworkRules, usable_candidates

PUBLIC = NetworkRules()
LOOPBACK = NetworkRules(loopback_only=True)
LAN = NetworkRules(allow_private=True)
GOOD = "1 1 udp 2130706431 203.0.114.9 33440 typ host"


def refusal(*values: str, rules: NetworkRules = PUBLIC) -> str:
    with pytest.raises(SignalError) as caught:
        usable_candidates(values, rules)
    return str(caught.value)


@pytest.mark.parametrize(
    ("host", "rules", "allowed"),
    [
        ("203.0.114.9", PUBLIC, True),
        ("2a00:1450:4001::1", PUBLIC, True),
        ("127.0.0.1", PUBLIC, False),
        ("127.0.0.1", LAN, False),
        ("127.0.0.1", LOOPBACK, True),
        ("203.0.114.9", LOOPBACK, False),
        ("192.168.0.4", PUBLIC, False),
        ("192.168.0.4", LAN, True),
        ("10.0.0.4", PUBLIC, False),
        ("172.16.9.9", PUBLIC, False),
        ("100.64.0.1", PUBLIC, False),
        ("100.64.0.1", LAN, True),
        ("169.254.1.1", PUBLIC, False),
        ("224.0.0.1", PUBLIC, False),
        ("224.0.0.1", LAN, False),
        ("0.0.0.0", PUBLIC, False),
        ("0.0.0.0", LAN, False),
        ("255.255.255.255", PUBLIC, False),
        ("240.0.0.1", LAN, False),
        ("::1", PUBLIC, False),
        ("::", PUBLIC, False),
        ("fe80::1", PUBLIC, False),
        ("fe80::1%eth0", LAN, False),
        ("fd00::1", PUBLIC, False),
        ("fd00::1", LAN, True),
        ("fec0::1", PUBLIC, False),
        ("fec0::1", LAN, True),
        ("ff02::1", PUBLIC, False),
        ("::ffff:10.0.0.1", PUBLIC, False),
        ("64:ff9b::a00:1", PUBLIC, False),
        ("2002:a00:1::1", PUBLIC, False),
        ("game.example.com", LAN, False),
        ("abc.local", LOOPBACK, False),
        ("010.0.0.1", LAN, False),
        ("0x7f000001", LOOPBACK, False),
    ],
)
def test_which_addresses_may_be_used(host: str, rules: NetworkRules, allowed: bool) -> None:
    assert rules.allow(host, 33440) is allowed
    value = f"1 1 udp 1 {host} 33440 typ host"
    if allowed:
        assert usable_candidates([value], rules) == [value]
    else:
        assert host not in refusal(value, rules=rules)


def test_a_lan_address_may_be_used_on_a_lan_alone() -> None:
    assert not PUBLIC.allow("203.0.114.9", 443)
    assert PUBLIC.allow("203.0.114.9", 1024)
    assert not LAN.allow("192.168.0.4", 80)


PASSED_OVER = [
    ("1 1 udp 1 172.31.1.72 33440 typ host", "a private or reserved address"),
    ("1 1 udp 1 192.168.0.4 33440 typ host", "a private or reserved address"),
    ("1 1 udp 1 240.0.0.1 33440 typ host", "a private or reserved address"),
    ("1 1 udp 1 fe80::42:acff:fe11:2 33440 typ host", "a link-local address"),
    ("1 1 udp 1 169.254.1.1 33440 typ host", "a link-local address"),
    ("1 1 udp 1 100.64.0.1 33440 typ host", "a carrier-grade NAT address"),
    ("1 1 udp 1 127.0.0.1 33440 typ host", "a loopback address"),
    ("1 1 udp 1 0.0.0.0 33440 typ host", "an unspecified address"),
    ("1 1 udp 1 224.0.0.1 33440 typ host", "a multicast address"),
    ("1 1 udp 1 fe80::1%eth0 33440 typ host", "an IPv6 address with a zone"),
    ("1 1 udp 1 83c0adfa-97f2-49c0.local 52743 typ host", "a host name in place of an IP address"),
    ("1 1 udp 1 game.example.com 33440 typ host", "a host name in place of an IP address"),
    ("2 1 udp 1 203.0.114.10 443 typ relay raddr 0.0.0.0 rport 0", "a port outside 1024 to 65535"),
    ("1 1 udp 1 203.0.114.10 70000 typ host", "a port outside 1024 to 65535"),
    ("1 1 udp 1 203.0.114.10 0 typ host", "a port outside 1024 to 65535"),
    ("1 1 udp 1 203.0.114.10 port typ host", "a malformed candidate"),
    ("1 1 udp -1 203.0.114.10 33440 typ host", "a malformed candidate"),
    ("1 1 udp 4294967296 203.0.114.10 33440 typ host", "a malformed candidate"),
    ("1 1 udp 1 203.0.114.10 33440 typ odd", "a malformed candidate"),
    ("1 1 udp 1 203.0.114.10 33440 host", "a malformed candidate"),
    ("fo_und 1 udp 1 203.0.114.10 33440 typ host", "a malformed candidate"),
    (f"{'a' * 33} 1 udp 1 203.0.114.10 33440 typ host", "a malformed candidate"),
    ("1 1 udp 1 203.0.114.10", "a malformed candidate"),
    ("", "a malformed candidate"),
    ("1 1 tcp 1518280447 203.0.114.10 9 typ host tcptype active", "no UDP candidate"),
    ("1 1 tcp 1518280447 10.0.0.1 9 typ host tcptype active", "no UDP candidate"),
    ("1 2 udp 1 203.0.114.10 33441 typ host", "no UDP candidate"),
]


@pytest.mark.parametrize(("value", "says"), PASSED_OVER)
def test_a_candidate_that_cannot_be_used_is_passed_over_beside_one_that_can(
    value: str, says: str
) -> None:
    assert usable_candidates([value, GOOD], PUBLIC) == [GOOD]
    assert usable_candidates([GOOD, value], PUBLIC) == [GOOD]
    assert says in refusal(value)


def test_a_refusal_names_each_kind_that_was_found() -> None:
    values = [value for value, _ in PASSED_OVER]
    said = refusal(*values, *values)
    for _, says in PASSED_OVER:
        if says != "no UDP candidate":
            assert said.count(says) == 1
    assert refusal() == "The answer has no UDP candidate."


@pytest.mark.parametrize(
    ("value", "used"),
    [
        ("1 1 UDP 7 203.0.114.9 33440 TYP HOST", "1 1 udp 7 203.0.114.9 33440 typ host"),
        (f"{GOOD} generation 0 ufrag Ab1+ network-id 1 network-cost 50", GOOD),
        (f"{GOOD} raddr 172.31.1.72 rport port", GOOD),
        ("1 1 udp 7 203.0.114.9 33440 typ prflx", "1 1 udp 7 203.0.114.9 33440 typ host"),
        ("1 1 udp 7 2A00:1450::0:1 033440 typ srflx", "1 1 udp 7 2a00:1450::1 33440 typ srflx"),
    ],
)
def test_a_candidate_is_written_well_formed(value: str, used: str) -> None:
    assert usable_candidates([value], PUBLIC) == [used]


def test_doubles_and_what_is_passed_over_do_not_count() -> None:
    doubles = [GOOD.replace("1 1 udp", f"{n} 1 udp") for n in range(100)]
    private = [f"1 1 udp 1 10.0.0.{n} 33440 typ host" for n in range(100)]
    other = GOOD.replace("33440", "33441")
    assert usable_candidates([*doubles, *private, other], PUBLIC) == [doubles[0], other]


def test_only_so_many_are_kept() -> None:
    many = [f"1 1 udp 1 203.0.114.9 {2000 + n} typ host" for n in range(200)]
    assert usable_candidates(many, PUBLIC) == many[:MAX_CANDIDATES]


@given(st.lists(st.text(st.sampled_from("1 udptyhosf.:9%-\u0661"), max_size=60), max_size=5))
def test_any_text_beside_a_usable_candidate_is_passed_over(values: list[str]) -> None:
    assert usable_candidates([*values, GOOD], LAN)[-1] == GOOD
