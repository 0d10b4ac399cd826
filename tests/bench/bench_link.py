"""The network model: time per decision, and accuracy over a million packets"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

from bench.measure import Measurement, per_second
from helpers.link_figures import chance, figures
from rejoin import assets
from rejoin.netem.link import Direction, Link
from rejoin.netem.network_profile import parse_profile


def run(quick: bool) -> Iterator[Measurement]:
    for name in ("home_wifi", "bufferbloat", "leo"):
        profile = parse_profile(name, assets.text(f"profiles/{name}.toml"))
        link, times = Link(profile, 0.0, chance), itertools.count()
        decide = functools.partial(_decide, link, times)
        rate = per_second(decide, at_least_s=0.05 if quick else 0.5)
        yield Measurement(f"decision, {name}", 1e6 / rate, "µs each")
    packets = 20_000 if quick else 1_000_000
    for figure in figures(packets):
        yield Measurement(
            figure.name,
            figure.errors_off,
            "standard errors off",
            f"{packets:,} packets; expected {figure.expected:.6g}, measured {figure.measured:.6g}",
        )


def _decide(link: Link, times: Iterator[int]) -> None:
    link.decide(Direction.DOWN, 1200, next(times) * 0.001)
