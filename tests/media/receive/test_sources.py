from __future__ import annotations

from rejoin.media.receive.sources import MAX_SOURCES, PLAYS_S, PlayingSource, ReceivedSources

SOUND, VIDEO, NEW_VIDEO, UNSEEN = 1, 2, 3, 4


class Scene:
    def __init__(self, *ssrcs: int) -> None:
        self.ended = 0
        self.sources = ReceivedSources(self._end)
        for ssrc in ssrcs:
            self.sources.on_rtp(ssrc)

    def _end(self) -> None:
        self.ended += 1

    def ends_after(self, *ssrcs: int) -> bool:
        """Whether this BYE was the end of all."""
        before = self.ended
        self.sources.on_bye(ssrcs)
        return self.ended > before


def test_the_end_of_one_source_is_not_the_end_of_all() -> None:
    scene = Scene(SOUND, VIDEO)
    assert not scene.ends_after(SOUND)
    assert scene.ends_after(VIDEO)


def test_one_bye_may_end_all_sources() -> None:
    assert Scene(SOUND, VIDEO).ends_after(VIDEO, SOUND)


def test_a_source_for_each_packet_takes_a_bounded_memory() -> None:
    scene = Scene(*range(10_000))
    assert len(scene.sources._playing) <= MAX_SOURCES
    scene.sources.on_rtp(SOUND)
    assert scene.ends_after(*range(10_000))


def test_the_end_of_all_is_reported_once() -> None:
    scene = Scene(SOUND)
    assert scene.ends_after(SOUND)
    assert not scene.ends_after(SOUND)


def test_later_rtp_revokes_a_bye() -> None:
    scene = Scene(SOUND, VIDEO)
    assert not scene.ends_after(SOUND)
    scene.sources.on_rtp(SOUND)
    assert not scene.ends_after(VIDEO)
    assert scene.ends_after(SOUND)
    scene.sources.on_rtp(VIDEO)
    assert scene.ends_after(VIDEO), "the end can come again"


def test_the_bye_of_a_source_that_was_replaced_ends_nothing() -> None:
    scene = Scene(VIDEO, NEW_VIDEO)
    assert not scene.ends_after(VIDEO)
    assert scene.ends_after(NEW_VIDEO)


def test_a_bye_of_nobody_or_of_a_source_never_received_ends_nothing() -> None:
    assert not Scene(VIDEO).ends_after()
    assert not Scene(VIDEO).ends_after(UNSEEN)
    assert not Scene().ends_after(UNSEEN)
    assert Scene(VIDEO).ends_after(UNSEEN, VIDEO)


A, B, C = 11, 12, 13


def taken(steps: list[tuple[int, float]]) -> list[bool]:
    """Whether each packet (source, time) is played."""
    source, heard_at, found = PlayingSource(), 0.0, []
    for ssrc, at in steps:
        found.append(source.takes(ssrc, at, heard_at))
        heard_at = at if found[-1] else heard_at
    return found


def test_another_source_plays_from_its_second_packet_on() -> None:
    assert taken([(A, 0.0), (A, 0.01), (B, 0.02), (B, 0.03), (B, 0.04)]) == [
        *(True, True, False, True, True)
    ]


def test_packets_of_both_may_be_mixed_where_one_replaces_the_other() -> None:
    mixed = [(A, 0.0), (B, 0.01), (A, 0.02), (B, 0.03), (A, 0.04), (A, 0.05), (B, 0.06)]
    assert taken(mixed) == [True, False, True, True, False, False, True]


def test_a_stray_packet_ends_nothing() -> None:
    stray = [(A, 0.0), (B, 0.01), (A, 0.02), (A, 0.3), (B, 0.31), (C, 0.32), (A, 0.33)]
    assert taken(stray) == [True, False, True, True, False, False, True]


def test_after_a_silence_any_source_plays_at_once() -> None:
    assert taken([(A, 0.0), (B, 0.0 + PLAYS_S), (A, 0.1 + PLAYS_S), (A, 0.1 + 2 * PLAYS_S)]) == [
        *(True, True, False, True)
    ]
