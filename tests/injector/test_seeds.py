"""Random streams and shipped profiles."""

from __future__ import annotations

from rejoin.injector.seeds import chance_of, network_profiles
from rejoin.netem.network_profile import NETWORK_PROFILES


def test_each_name_has_a_random_stream_of_its_own_that_never_changes() -> None:
    one = [chance_of(1)("up")() for _ in range(3)]
    assert one == [one[0]] * 3
    assert len({chance_of(1)("up")(), chance_of(1)("down")(), chance_of(2)("up")()}) == 3


def test_every_shipped_profile_can_be_read() -> None:
    assert tuple(network_profiles()) == NETWORK_PROFILES
    assert all(profile.name == name for name, profile in network_profiles().items())
