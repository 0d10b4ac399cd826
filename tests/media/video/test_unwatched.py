"""When frames are decoded that nobody sees, step by step."""

from __future__ import annotations

from rejoin.media.video.unwatched import (
    ANSWER_S,
    PAUSE_AFTER_S,
    Asked,
    Paused,
    Seen,
    State,
    Unanswered,
    Unseen,
    Verdict,
    step,
)


class Frames:
    """One after the other, sixty a second."""

    def __init__(self) -> None:
        self.state: State = Seen()
        self.now = 100.0

    def come(self, for_s: float, *, visible: bool, key_at_end: bool = False) -> list[Verdict]:
        found = []
        count = max(1, round(for_s * 60))
        for number in range(count):
            self.now += 1 / 60
            key = key_at_end and number == count - 1
            self.state, verdict = step(self.state, self.now, visible=visible, key=key)
            found.append(verdict)
        return found

    def is_in(self, state: State) -> bool:
        return self.state == state

    @property
    def asked_at(self) -> float:
        return self.state.since_at if isinstance(self.state, Asked) else -1.0


def test_what_is_seen_is_decoded() -> None:
    frames = Frames()
    assert set(frames.come(10.0, visible=True)) == {Verdict.DECODE}


def test_a_short_time_out_of_sight_costs_nothing_at_the_return() -> None:
    frames = Frames()
    found = frames.come(PAUSE_AFTER_S - 0.2, visible=False) + frames.come(0.1, visible=True)
    assert set(found) == {Verdict.DECODE}
    assert frames.is_in(Seen())


def test_later_a_key_frame_is_asked_for_once_and_after_it_nothing_is_decoded() -> None:
    frames = Frames()
    found = frames.come(PAUSE_AFTER_S + 0.5, visible=False)
    assert found.count(Verdict.REQUEST) == 1
    assert Verdict.SKIP not in found
    assert frames.is_in(Asked(frames.asked_at))
    assert frames.come(1 / 60, visible=False, key_at_end=True) == [Verdict.DECODE]
    assert frames.is_in(Paused())
    assert set(frames.come(60.0, visible=False)) == {Verdict.SKIP}


def test_a_host_that_sends_no_key_frame_is_decoded_on_until_it_was_seen_again() -> None:
    frames = Frames()
    found = frames.come(PAUSE_AFTER_S + ANSWER_S + 60.0, visible=False)
    assert found.count(Verdict.REQUEST) == 1
    assert Verdict.SKIP not in found
    assert frames.is_in(Unanswered())
    assert frames.come(1 / 60, visible=False, key_at_end=True) == [Verdict.DECODE]
    assert frames.is_in(Unanswered()), "that one came by itself"
    assert frames.come(0.1, visible=True)[0] is Verdict.DECODE
    assert frames.is_in(Seen())


def test_the_return_needs_a_key_frame() -> None:
    frames = Frames()
    frames.state = Paused()
    assert frames.come(3 / 60, visible=True) == [Verdict.RETURN, Verdict.DECODE, Verdict.DECODE]
    assert frames.is_in(Seen())


def test_a_key_frame_that_comes_by_itself_is_decoded_and_changes_nothing() -> None:
    frames = Frames()
    frames.state = Paused()
    assert frames.come(1 / 60, visible=False, key_at_end=True) == [Verdict.DECODE]
    assert frames.is_in(Paused())


def test_time_out_of_sight_counts_from_the_first_frame_that_was_not_seen() -> None:
    frames = Frames()
    frames.come(1 / 60, visible=False)
    assert frames.is_in(Unseen(frames.now))
