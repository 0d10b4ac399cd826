"""What a client owes its player about the path: when it fails, and when time stops for it."""

from __future__ import annotations

from dataclasses import replace

from rejoin.core import goodbye
from rejoin.verify.environment import Picture
from rejoin.verify.interleavings import promises
from rejoin.verify.interleavings.system import (
    Budget,
    Client,
    Leaving,
    Message,
    MessageKind,
    System,
    live,
)

PLAYING = live(Budget())
NOW = PLAYING.now


def later(system: System, for_s: float, **client: object) -> System:
    """The system `for_s` later, with its client changed."""
    [own] = system.clients
    return replace(system, now=NOW + for_s, clients=(replace(own, **client),))  # type: ignore[arg-type]


def names(system: System) -> list[str]:
    return [violation.invariant.name for violation in promises.broken(system)]


def noted(system: System) -> Client:
    return promises.noted(system, system.clients[0])


def after(system: System) -> list[float]:
    """In how many seconds time stops."""
    return sorted(round(at - system.now, 2) for at in promises.times(system))


def test_a_whole_path_owes_nothing() -> None:
    assert names(later(PLAYING, 100.0)) == []
    assert promises.times(PLAYING) == []


def test_nobody_plays_for_long_while_nothing_that_is_sent_arrives() -> None:
    deaf = replace(PLAYING, up=False)
    assert names(later(deaf, 6.9)) == []
    assert names(later(deaf, 7.1)) == ["UPLINK"]
    assert after(deaf) == [3.0, 5.0, 7.0]
    refused = replace(deaf, refused=True)
    assert names(later(refused, 2.1)) == ["UPLINK"]
    assert after(refused) == [0.15, 0.9, 2.0]
    assert names(later(replace(deaf, down=False), 7.1)) == [], "that is another fault"


def test_a_lost_picture_stands_still_in_spite_of_single_frames() -> None:
    lost = replace(PLAYING, pictures=((1, Picture.LOST),))
    assert noted(later(lost, 1.9)).still_at is None
    still = later(lost, 2.0)
    assert noted(still).still_at == NOW
    one_frame = later(lost, 9.5, still_at=NOW, frame_at=NOW + 9.4)
    assert noted(one_frame).still_at == NOW
    assert names(later(lost, 10.9, still_at=NOW)) == []
    assert names(later(lost, 11.1, still_at=NOW)) == ["PICTURE"]
    assert names(later(lost, 11.1, still_at=NOW, frame_at=NOW + 9.4)) == []
    assert names(later(lost, 12.5, still_at=NOW, frame_at=NOW + 9.4)) == ["PICTURE"]
    assert noted(later(PLAYING, 2.0, still_at=NOW)).still_at is None


def test_a_picture_that_is_not_sent_may_stand_still() -> None:
    paused = replace(PLAYING, pictures=((1, Picture.NOT_SENT),))
    assert names(later(paused, 60.0, still_at=NOW)) == []


LEAVING = Leaving(1, goodbye.said(NOW, promises.RTT_S))


def test_a_lost_goodbye_is_heard_in_the_end() -> None:
    said = later(PLAYING, 0.0, leaving=LEAVING)
    assert noted(said).leaving == replace(LEAVING, lost_at=NOW)
    under_way = replace(said, messages=(Message(MessageKind.GOODBYE, 0, NOW, (1,)),))
    assert noted(under_way).leaving == LEAVING
    assert noted(replace(said, up=False)).leaving == LEAVING
    lost = replace(LEAVING, lost_at=NOW)
    assert names(later(PLAYING, 0.9, leaving=lost)) == []
    assert names(later(PLAYING, 1.1, leaving=lost)) == ["LEAVE"]
    assert after(later(PLAYING, 0.0, leaving=lost)) == [0.25, 0.3, 1.0]


def test_a_goodbye_is_repeated_once_media_still_comes() -> None:
    lost = replace(LEAVING, lost_at=NOW)
    early, late = later(PLAYING, 0.2, leaving=lost), later(PLAYING, 0.4, leaving=lost)
    assert promises.said_again(early, early.clients[0]) is None
    again = promises.said_again(late, late.clients[0])
    assert again is not None
    assert (again.said.again, again.said.sent_at) == (1, NOW + 0.4)
    heard = later(PLAYING, 0.4, leaving=LEAVING)
    assert promises.said_again(heard, heard.clients[0]) is None


def test_when_a_goodbye_was_said_long_ago_does_not_matter() -> None:
    """Or states that are alike would count as many."""
    long_ago = replace(LEAVING, said=replace(LEAVING.said, again=7))
    said = noted(later(PLAYING, 30.0, leaving=long_ago)).leaving
    assert said is not None
    assert (said.said.said_at, said.said.sent_at, said.said.again) == (NOW + 29.0, NOW + 29.0, 1)


def test_a_goodbye_that_was_noticed_is_forgotten() -> None:
    assert noted(later(PLAYING, 0.0, leaving=replace(LEAVING, connection=2))).leaving is None


def test_a_client_asks_again_before_its_place_lapses() -> None:
    assert names(later(PLAYING, 3.0, ask_by_at=NOW + 3.0)) == []
    assert names(later(PLAYING, 3.1, ask_by_at=NOW + 3.0)) == ["TURN"]
    assert after(later(PLAYING, 0.0, ask_by_at=NOW + 3.0)) == [3.0]
    playing = noted(later(PLAYING, 1.0, ask_by_at=NOW + 3.0))
    assert playing.ask_by_at is None, "who plays does not wait"
