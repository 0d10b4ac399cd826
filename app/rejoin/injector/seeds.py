"""Random streams from a seed, and the network profiles that ship with Rejoin."""

from __future__ import annotations

import functools
import random
from collections.abc import Mapping

from rejoin import assets
from rejoin.netem.link import Chance, NetworkProfile
from rejoin.netem.network_profile import NETWORK_PROFILES, parse_profile


def chance_of(seed: int) -> Chance:
    """A random stream for each name, the same for the same seed on every machine."""
    return lambda name: random.Random(f"{seed} {name}").random


@functools.cache
def network_profiles() -> Mapping[str, NetworkProfile]:
    """Every shipped network profile, by name."""
    return {
        name: parse_profile(name, assets.text(f"profiles/{name}.toml")) for name in NETWORK_PROFILES
    }
