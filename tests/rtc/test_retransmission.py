from __future__ import annotations

import pytest

from rejoin.rtc.retransmission import (
    CHECK_EVERY_S,
    DTLS_FLIGHTS,
    ICE_CHECKS,
    SCTP_CHUNKS,
    CheckPacer,
    Retransmission,
    RoundTrip,
)


@pytest.mark.parametrize(
    ("rule", "rtt_s", "delays_ms"),
    [
        (ICE_CHECKS, 0.0, [50, 100, 200, 200]),
        (ICE_CHECKS, 0.040, [60, 120, 200, 200]),
        (ICE_CHECKS, 0.300, [450, 600, 600, 600]),
        (DTLS_FLIGHTS, 0.0, [60, 120, 200, 200]),
        (DTLS_FLIGHTS, 0.100, [150, 200, 200, 200]),
        (SCTP_CHUNKS, 0.0, [100, 200, 200, 200]),
        (SCTP_CHUNKS, 0.040, [100, 200, 200, 200]),
        (SCTP_CHUNKS, 0.600, [1200, 1200, 1200, 1200]),
    ],
)
def test_pauses_double_up_to_the_longest(
    rule: Retransmission, rtt_s: float, delays_ms: list[float]
) -> None:
    assert [1000 * rule.delay_s(copies, rtt_s) for copies in (1, 2, 3, 4)] == pytest.approx(
        delays_ms
    )
    assert 1000 * rule.delay_s(10_000, rtt_s) == pytest.approx(delays_ms[-1])


def test_a_measured_round_trip_replaces_what_was_expected() -> None:
    rtt = RoundTrip()
    assert rtt.s == 0.0
    rtt.expect(0.3)
    assert rtt.s == 0.3
    rtt.measure(0.5)
    rtt.expect(0.1)
    assert rtt.s == 0.5
    rtt.measure(0.2)
    rtt.measure(0.4)
    assert rtt.s == 0.2


def test_no_two_checks_are_closer_than_ta() -> None:
    pacer = CheckPacer()
    assert pacer.wait_s(10.0) == 0.0
    assert [pacer.wait_s(10.0) for _ in range(3)] == pytest.approx(
        [CHECK_EVERY_S, 2 * CHECK_EVERY_S, 3 * CHECK_EVERY_S]
    )
    assert pacer.wait_s(20.0) == 0.0


def test_many_checks_in_flight_do_not_send_more_than_the_pacer_lets_through() -> None:
    pacer = CheckPacer()
    pacer.in_flight = 1
    assert pacer.delay_s(1, 0.0) == 0.050
    pacer.in_flight = 64
    assert pacer.delay_s(1, 0.0) >= 64 * CHECK_EVERY_S
