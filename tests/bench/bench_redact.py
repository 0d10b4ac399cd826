"""Redacting secrets in log lines"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from bench.measure import Measurement, per_second
from rejoin.redact import redact

ORDINARY = "2026-01-01T12:00:00.000 INFO rejoin.runtime: connection 3 lost 0.912 s after silence"
SDP = "v=0\r\n" + "a=ice-ufrag:abcd\r\na=candidate:1 1 udp 1 198.51.100.7 33440 typ host\r\n" * 100


def run(quick: bool) -> Iterator[Measurement]:
    at_least_s = 0.05 if quick else 0.5
    for name, text in (("ordinary line", ORDINARY), ("session description", SDP)):
        rate = per_second(functools.partial(redact, text), at_least_s=at_least_s)
        yield Measurement(name, 1e6 / rate, "µs each", f"{len(text)} characters")
