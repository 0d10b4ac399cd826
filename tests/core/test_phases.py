"""Which phases belong to an episode."""

from __future__ import annotations

from helpers.playbook import ONE, TWO, Playbook
from rejoin.core.phases import (
    Connecting,
    Episode,
    Goodbye,
    Idle,
    Live,
    Lost,
    Offering,
    Placing,
    episode_of,
)

EPISODE = Episode(dropped_at=1.0, lost_at=2.0, old=ONE)


def test_phases_of_an_episode_have_it() -> None:
    assert episode_of(Lost(EPISODE, 3.0)) == EPISODE
    assert episode_of(Goodbye(EPISODE, 3.0)) == EPISODE
    assert episode_of(Offering(EPISODE, 3.0, TWO)) == EPISODE
    assert episode_of(Connecting(TWO, EPISODE, 3.0, 4.0)) == EPISODE


def test_the_first_connection_and_the_phases_around_an_episode_have_none() -> None:
    assert episode_of(Connecting(ONE, None, 3.0, 4.0)) is None
    assert episode_of(Idle()) is None
    assert episode_of(Live(ONE, 3.0, 2.0)) is None
    assert episode_of(Playbook().placing().phase(Placing)) is None
